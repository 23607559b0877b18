#include "io/ledger/redis_reader.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace paramedic {

namespace {

constexpr int kChunk = 500;                          // records per round trip
constexpr std::size_t kMaxLoaded = 2'000'000;        // records of one kind at the start
constexpr std::size_t kMaxLoadedBytes = 512u << 20;  // theirs
constexpr std::size_t kMaxLookedAt = 1'000'000;      // for one page

}  // namespace

// All records that the index leads to below `prefix`, from `from` on.
Result<void> RedisReader::collect(const std::string& prefix, const std::string& from, std::vector<StoredRow>& out,
                                  std::size_t& bytes) {
  IndexRange range{"[" + prefix + from, "(" + prefix + ":"};  // ':' follows the digits
  while (true) {
    const auto members = store_.members(range, false, kChunk);
    if (!members) return members.error();
    if (members->empty()) return {};
    std::uint64_t unreadable = 0;
    auto rows = store_.rows(*members, prefix, unreadable);
    if (!rows) return rows.error();
    unreadable_ += unreadable;
    for (auto& row : *rows) {
      if (!row) continue;
      bytes += row->body.size();
      out.push_back(std::move(*row));
    }
    if (out.size() > kMaxLoaded || bytes > kMaxLoadedBytes)
      return make_error(Errc::too_large, fmt::format("Redis gives {} records ({} bytes) that are still open, below {}: "
                                                     "more than any ledger has",
                                                     out.size(), bytes, prefix));
    range.low = "(" + members->back();
  }
}

Result<void> RedisReader::each_body(LedgerKind kind, bool open_only, WallTime since,
                                    const std::function<void(std::string_view)>& each) {
  std::vector<StoredRow> rows;
  std::size_t bytes = 0;
  auto done = collect(index_prefix(IndexFamily::open, kind), "", rows, bytes);
  if (done && !open_only) done = collect(index_prefix(IndexFamily::closed, kind), sortable(nanos(since)), rows, bytes);
  if (!done) return done;
  std::sort(rows.begin(), rows.end(),
            [](const StoredRow& a, const StoredRow& b) { return std::tie(a.at, a.id) < std::tie(b.at, b.id); });
  for (const StoredRow& row : rows) each(row.body);
  return {};
}

Result<LedgerPage<std::string>> RedisReader::page(LedgerKind kind, const LedgerQuery& q, const LedgerCursor& from) {
  const auto family = !q.worker_id.empty() ? IndexFamily::worker : q.open_only ? IndexFamily::open : IndexFamily::all;
  const std::string prefix = index_prefix(family, kind, q.worker_id);
  IndexRange range{"[" + prefix + (q.from ? sortable(nanos(*q.from)) : ""), "(" + prefix + ":"};
  if (!q.cursor.empty()) range.high = fmt::format("({}{}{:016}", prefix, sortable(from.at), from.id);
  if (q.to) range.high = std::min(range.high, "(" + prefix + sortable(nanos(*q.to)));
  LedgerPage<std::string> out;
  LedgerCursor last;
  int found = 0;
  for (std::size_t looked_at = 0; looked_at < kMaxLookedAt;) {
    const auto members = store_.members(range, true, std::clamp(q.limit + 1, 50, kChunk));
    if (!members) return members.error();
    if (members->empty()) return out;
    looked_at += members->size();
    std::uint64_t unreadable = 0;
    auto rows = store_.rows(*members, prefix, unreadable);
    if (!rows) return rows.error();
    unreadable_ += unreadable;
    for (auto& row : *rows) {
      if (!row || (!q.worker_id.empty() && row->worker != q.worker_id)) continue;
      if ((!q.pool.empty() && row->pool != q.pool) || (q.open_only && !row->open)) continue;
      if (found++ == q.limit) {
        out.next = last.text();
        return out;
      }
      last = {row->at, row->id};
      out.items.push_back(std::move(row->body));
    }
    range.high = "(" + members->back();
  }
  return make_error(Errc::too_large, fmt::format("{} records looked at, {} of them match: ask for a shorter time or "
                                                 "fewer items",
                                                 kMaxLookedAt, found));
}

Result<std::optional<WallTime>> RedisReader::oldest_closed(bool inputs) {
  std::optional<WallTime> oldest;
  for (std::size_t kind = 0; kind < kEnumCount<LedgerKind>; ++kind) {
    if (is_input_class(LedgerKind(kind)) != inputs) continue;
    const std::string prefix = index_prefix(IndexFamily::closed, LedgerKind(kind));
    const auto members = store_.members({"[" + prefix, "(" + prefix + ":"}, false, 1);
    if (!members) return members.error();
    const auto touched = members->empty() ? std::nullopt : touched_in(members->front());
    if (touched && (!oldest || *touched < *oldest)) oldest = touched;
  }
  return oldest;
}

}  // namespace paramedic
