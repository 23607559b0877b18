// The reading half of SqliteHistory: any thread, own read-only connections.
#include <limits>

#include <fmt/format.h>

#include "base/text.h"
#include "io/history/downsample.h"
#include "io/history/sqlite_history.h"

namespace paramedic::history {

using sqlite::Database;
using sqlite::Step;

namespace {

constexpr std::size_t kMaxScanned = 1'000'000;  // rows of one worker in one read: 11 days at 1 s
constexpr std::size_t kMaxIdleReaders = 8;

std::int64_t millis(WallTime t) { return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count(); }

// The wanted columns of one schema.
struct Selection {
  SchemaRef entry;
  std::shared_ptr<const MetricNames> names;
  std::vector<std::size_t> columns;
};

Selection select(SchemaRef entry, const std::vector<std::string>& wanted) {
  Selection out{std::move(entry), nullptr, {}};
  if (wanted.empty()) {
    out.names = out.entry->schema.names;
    return out;
  }
  auto names = std::make_shared<MetricNames>();
  const MetricNames& all = *out.entry->schema.names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (std::find(wanted.begin(), wanted.end(), all[i]) == wanted.end()) continue;
    names->push_back(all[i]);
    out.columns.push_back(i);
  }
  out.names = std::move(names);
  return out;
}

// False when the bytes are damaged.
bool decode(std::string_view bytes, const Selection& selection, MetricSet& out) {
  std::vector<double> values;
  if (!unpack_values(bytes, selection.entry->schema, values)) return false;
  out.names = selection.names;
  if (selection.columns.empty() && selection.names == selection.entry->schema.names) {
    out.values = std::move(values);
    return true;
  }
  out.values.clear();
  for (const std::size_t i : selection.columns) out.values.push_back(values[i]);
  return true;
}

Error too_many(const HistoryQuery& query, std::size_t rows) {
  const double fit = to_seconds(query.to - query.from) / double(std::max<std::size_t>(1, query.max_rows));
  return make_error(Errc::too_large,
                    fmt::format("{} rows or more; at most {}: ask for a shorter time or a step of at least {} s", rows,
                                query.max_rows, std::int64_t(fit) + 1));
}

}  // namespace

std::unique_ptr<Reader> SqliteHistory::take_reader() {
  const std::lock_guard lock(mutex_);
  if (idle_readers_.empty()) return nullptr;
  auto reader = std::move(idle_readers_.back());
  idle_readers_.pop_back();
  return reader;
}

void SqliteHistory::give_back(std::unique_ptr<Reader> reader) {
  const std::lock_guard lock(mutex_);
  if (idle_readers_.size() < kMaxIdleReaders) idle_readers_.push_back(std::move(reader));
}

Result<std::unique_ptr<Reader>> SqliteHistory::open_reader() {
  auto db = Database::open(file_, {.read_only = true});
  if (!db) return db.error();
  auto get = db->prepare("SELECT at, prev, anchor, lead, oldest, state, score, schema, vals FROM log WHERE id=?1");
  if (!get) return get.error();
  auto reader = std::make_unique<Reader>();
  reader->db = std::move(*db);
  reader->get = std::move(*get);
  return reader;
}

SchemaRef SqliteHistory::find_schema(std::int64_t no) const {
  const std::lock_guard lock(mutex_);
  const auto found = schemas_by_no_.find(no);
  return found == schemas_by_no_.end() ? nullptr : found->second;
}

Result<std::vector<HistoryRow>> SqliteHistory::read(const HistoryQuery& query) {
  if (query.to < query.from) return make_error(Errc::invalid_argument, "end: must not be before start");
  if (query.step.count() < 0) return make_error(Errc::invalid_argument, "step: must not be negative");
  if (query.step.count() > 0 && std::size_t((query.to - query.from) / query.step) > query.max_rows)
    return too_many(query, std::size_t((query.to - query.from) / query.step));
  ++reads_;
  std::int64_t head = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = heads_.find(query.worker_id); found != heads_.end()) head = found->second.last;
  }
  if (head == 0) return std::vector<HistoryRow>();
  auto reader = take_reader();
  if (!reader) {
    auto opened = open_reader();
    if (!opened) return opened.error();
    reader = std::move(*opened);
  }
  auto rows = collect(*reader, head, query);
  if (!rows) return rows.error();  // the connection is dropped with whatever it met
  give_back(std::move(reader));
  rows_read_ += rows->size();
  sort_and_merge(*rows);
  return query.step.count() > 0 ? downsample(*rows, query.step) : std::move(*rows);
}

// Follows the chain of one worker backwards inside one read transaction; everything is copied out before it ends.
Result<std::vector<HistoryRow>> SqliteHistory::collect(Reader& reader, std::int64_t head, const HistoryQuery& query) {
  const std::int64_t from = millis(query.from), to = millis(query.to);
  const std::size_t most = query.step.count() > 0 ? kMaxScanned : std::min(query.max_rows, kMaxScanned);
  std::unordered_map<std::int64_t, Selection> selections;
  std::vector<HistoryRow> rows;
  auto& s = reader.get;
  if (auto begun = reader.db.run("BEGIN"); !begun) return begun.error();
  const auto corrupt = [&](std::int64_t id) {
    return make_error(Errc::corrupt,
                      fmt::format("{}: row {} is damaged; restore a backup or wait until it expires", file_, id));
  };
  for (std::int64_t id = head; id > 0;) {
    const Step step = s.bind(1, id).step();
    if (step == Step::failed) return reader.db.error();
    if (step == Step::done) break;  // retention has taken it, and all before it
    Link link{s.integer(1), s.integer(2), s.integer(3), std::nullopt};
    if (!s.is_null(4)) link.oldest = s.integer(4);
    const std::int64_t at = s.integer(0);
    const ChainStep next = walk(id, at, link, from, to);
    if (next.wanted) {
      HistoryRow& row = rows.emplace_back();
      row.worker_id = query.worker_id;
      row.at = WallTime{std::chrono::milliseconds(at)};
      row.status = static_cast<Status>(s.integer(5) & 3);
      row.transition = s.integer(5) & 4;
      row.backlog = s.integer(5) & 8;
      if (!s.is_null(6)) row.score = double(s.integer(6)) / 10'000;
      if (const std::int64_t no = s.integer(7)) {
        auto& selection = selections[no];
        if (!selection.entry) {
          auto entry = find_schema(no);
          if (!entry) return corrupt(id);
          selection = select(std::move(entry), query.metrics);
        }
        if (!decode(s.blob(8), selection, row.metrics)) return corrupt(id);
      }
      if (rows.size() > most) return too_many(query, rows.size());
    }
    s.reset();
    if (next.next >= id) return corrupt(id);
    id = next.next;
  }
  if (auto ended = reader.db.run("COMMIT"); !ended) return ended.error();
  return rows;
}

}  // namespace paramedic::history
