#include "io/history/history_check.h"

#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "base/checksum.h"
#include "io/history/codec/bits.h"
#include "io/history/codec/chunk.h"
#include "io/history/row_codec.h"
#include "io/history/series.h"
#include "io/sqlite/check.h"

namespace paramedic::history {

namespace {

using sqlite::Database;
using sqlite::Step;

constexpr std::int64_t kFormat = 3;  // docs/formats/history.md
constexpr char kLogVersion = 1;
constexpr std::int64_t kLastKind = 3;

class Checker {
 public:
  Checker(Database& db, AsideFolder* aside) : db_(db), aside_(aside) {}

  Result<void> run(std::vector<DataCheck>& parts) {
    if (auto done = load_names(parts[0]); !done) return done;
    DataCheck chunks{.name = "history.db chunks"}, log{.name = "history.db log"}, states{.name = "history.db states"};
    auto done = walk("SELECT id, data, worker, kind, t0, t1, rows FROM chunk ORDER BY id", "chunk", chunks,
                     [&](sqlite::Statement& s) { return chunk_problem(s); });
    if (done)
      done = walk("SELECT id, rows FROM log ORDER BY id", "log", log,
                  [&](sqlite::Statement& s) { return log_problem(s.integer(0), s.blob(1)); });
    if (done)
      done = walk("SELECT id, data FROM state ORDER BY id", "state", states, [](sqlite::Statement& s) {
        std::string_view bytes = s.blob(1);
        return std::string(take_checksum(bytes) ? "" : "the checksum is wrong");
      });
    parts.push_back(std::move(chunks));
    parts.push_back(std::move(log));
    parts.push_back(std::move(states));
    return done;
  }

 private:
  Result<void> load_names(DataCheck& file);
  template <class Problem>
  Result<void> walk(const char* sql, const char* table, DataCheck& out, const Problem& problem);
  std::string chunk_problem(sqlite::Statement& s) const;
  std::string log_problem(std::int64_t id, std::string_view bytes) const;
  std::string row_problem(std::int64_t id, std::uint64_t worker, std::string_view row) const;

  Database& db_;
  AsideFolder* aside_;
  std::unordered_map<std::int64_t, std::int64_t> folded_;  // of each worker
  std::unordered_map<std::int64_t, SchemaRef> schemas_;
};

Result<void> Checker::load_names(DataCheck& file) {
  auto workers = db_.prepare("SELECT no, folded FROM worker");
  if (!workers) return workers.error();
  Step step;
  while ((step = workers->step()) == Step::row) folded_[workers->integer(0)] = workers->integer(1);
  if (step == Step::failed) return db_.error();
  auto schemas = db_.prepare("SELECT no, names FROM schema");
  if (!schemas) return schemas.error();
  while ((step = schemas->step()) == Step::row) {
    const std::int64_t no = schemas->integer(0);
    auto parsed = parse_schema(schemas->text(1));
    if (!parsed) {
      file.damage(fmt::format("schema {} does not decode; restore a backup", no));
      continue;
    }
    // Which numbers its metrics have is of no matter here: rows are only unpacked.
    std::vector<std::uint32_t> metrics(parsed->names->size());
    for (std::size_t i = 0; i < metrics.size(); ++i) metrics[i] = kFirstMetric + std::uint32_t(i);
    schemas_[no] = std::make_shared<SchemaEntry>(SchemaEntry{no, std::move(*parsed), std::move(metrics)});
  }
  if (step == Step::failed) return db_.error();
  return {};
}

// Column 0 is the id, column 1 the bytes.
template <class Problem>
Result<void> Checker::walk(const char* sql, const char* table, DataCheck& out, const Problem& problem) {
  auto s = db_.prepare(sql);
  if (!s) return s.error();
  std::vector<std::int64_t> taken_out;
  Step step;
  while ((step = s->step()) == Step::row) {
    const std::int64_t id = s->integer(0);
    ++out.records;
    out.bytes += s->blob(1).size();
    const std::string wrong = problem(*s);
    if (wrong.empty()) continue;
    out.damage(fmt::format("{} {}: {}", table, id, wrong));
    if (!aside_) continue;
    if (auto kept = aside_->keep(fmt::format("history-{}-{}", table, id), s->blob(1)); !kept) return kept;
    taken_out.push_back(id);
  }
  if (step == Step::failed) return db_.error();
  for (const std::int64_t id : taken_out)
    if (auto done = db_.run(fmt::format("DELETE FROM {} WHERE id={}", table, id).c_str()); !done) return done;
  out.set_aside = taken_out.size();
  return {};
}

std::string Checker::chunk_problem(sqlite::Statement& s) const {
  const std::int64_t worker = s.integer(2), kind = s.integer(3);
  if (!folded_.contains(worker)) return fmt::format("of worker {}, which is not in the file", worker);
  if (kind < 0 || kind > kLastKind) return fmt::format("of kind {}, which does not exist", kind);
  const auto frame = decode_chunk(s.blob(1));
  if (!frame) return frame.error().message;
  if (std::int64_t(frame->rows()) != s.integer(6))
    return fmt::format("has {} rows instead of {}", frame->rows(), s.integer(6));
  if (frame->at.front() != s.integer(4) || frame->at.back() != s.integer(5))
    return fmt::format("covers {}…{} instead of {}…{}", frame->at.front(), frame->at.back(), s.integer(4),
                       s.integer(5));
  return {};
}

std::string Checker::log_problem(std::int64_t id, std::string_view bytes) const {
  if (!take_checksum(bytes)) return "the checksum is wrong";
  if (bytes.empty() || bytes.front() != kLogVersion) return "of an unknown version";
  bytes.remove_prefix(1);
  std::uint64_t worker = 0, size = 0;
  while (!bytes.empty()) {
    if (!get_varint(bytes, worker) || !get_varint(bytes, size) || size > bytes.size()) return "ends within a row";
    if (std::string wrong = row_problem(id, worker, bytes.substr(0, size)); !wrong.empty()) return wrong;
    bytes.remove_prefix(size);
  }
  return {};
}

std::string Checker::row_problem(std::int64_t id, std::uint64_t worker, std::string_view row) const {
  std::int64_t at = 0;
  if (!row_time(row, at)) return "a row has no time";
  // Rows that are in chunks already may name workers and schemas that are gone: nobody reads them again.
  const auto folded = folded_.find(std::int64_t(worker));
  if (folded == folded_.end() || id <= folded->second) return {};
  RowUnpacker unpacker([this](std::int64_t no) {
    const auto found = schemas_.find(no);
    return found == schemas_.end() ? nullptr : found->second;
  });
  if (!unpacker.add(row)) return fmt::format("a row of worker {} does not decode", worker);
  return {};
}

}  // namespace

}  // namespace paramedic::history

namespace paramedic {

Result<std::vector<DataCheck>> check_history(const std::string& file, AsideFolder* aside) {
  return sqlite::check_database(
      file, "history.db", history::kFormat, aside,
      [&](sqlite::Database& db, std::vector<DataCheck>& parts) { return history::Checker(db, aside).run(parts); });
}

}  // namespace paramedic
