#include "io/ledger/ledger_rows.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "io/ledger/ledger.h"

namespace paramedic {

namespace {

constexpr Duration kMaxGap = 24h;

void put(std::string& out, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(char(number >> (8 * i)));
}
void put(std::string& out, std::string_view text) {
  put(out, text.size(), 4);
  out += text;
}

// Reads from the front; after the first shortage everything is zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number(int bytes) {
    std::uint64_t out = 0;
    const std::string_view piece = take(std::size_t(bytes));
    for (std::size_t i = 0; i < piece.size(); ++i)
      out |= std::uint64_t(static_cast<unsigned char>(piece[i])) << (8 * i);
    return out;
  }
  std::string text() { return std::string(take(std::size_t(number(4)))); }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto piece = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return piece;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

LedgerRow make_row(const LedgerEntry& entry) {
  LedgerColumns c = ledger_columns(entry.body);
  return {.kind = wire::ledger_kind(entry.body),
          .key = std::move(c.key),
          .at = nanos(c.at),
          .touched = nanos(entry.at),
          .worker = std::move(c.worker),
          .pool = std::move(c.pool),
          .open = c.open,
          .body = wire::ledger_json(entry.body)};
}

std::string encode_batch(const LedgerBatch& batch) {
  std::string out;
  put(out, batch.epoch, 8);
  put(out, batch.sequence, 8);
  for (const LedgerRow& row : batch.rows) {
    put(out, std::uint64_t(row.kind), 1);
    put(out, row.open, 1);
    put(out, std::uint64_t(row.at), 8);
    put(out, std::uint64_t(row.touched), 8);
    for (const std::string* text : {&row.key, &row.worker, &row.pool, &row.body}) put(out, *text);
  }
  return out;
}

Result<LedgerBatch> decode_batch(std::string_view bytes) {
  LedgerBatch out;
  Reader in(bytes);
  out.epoch = in.number(8);
  out.sequence = in.number(8);
  while (in.ok() && !in.at_end()) {
    LedgerRow& row = out.rows.emplace_back();
    const auto kind = in.number(1);
    const auto open = in.number(1);
    if (kind >= kEnumCount<LedgerKind> || open > 1)
      return make_error(Errc::corrupt, fmt::format("ledger batch: kind {} is not known", kind));
    row.kind = LedgerKind(kind);
    row.open = open == 1;
    row.at = std::int64_t(in.number(8));
    row.touched = std::int64_t(in.number(8));
    for (std::string* text : {&row.key, &row.worker, &row.pool, &row.body}) *text = in.text();
  }
  if (!in.ok()) return make_error(Errc::corrupt, "ledger batch: ends too early");
  return out;
}

std::string LedgerCursor::text() const { return fmt::format("{}-{}", at, id); }

Result<LedgerCursor> LedgerCursor::parse(std::string_view text) {
  LedgerCursor c;
  if (text.empty()) return c;
  const auto* end = text.data() + text.size();
  const auto read_at = std::from_chars(text.data(), end, c.at);
  const bool dash = read_at.ec == std::errc{} && read_at.ptr != end && *read_at.ptr == '-';
  const auto read_id = dash ? std::from_chars(read_at.ptr + 1, end, c.id) : read_at;
  if (!dash || read_id.ec != std::errc{} || read_id.ptr != end || c.id < 0)
    return make_error(Errc::invalid_argument, "cursor: not one that this server gave");
  return c;
}

Result<LedgerCursor> check_query(const LedgerQuery& query) {
  if (query.limit < 1 || query.limit > kMaxLedgerPage)
    return make_error(Errc::invalid_argument, fmt::format("limit: must be from 1 to {}", kMaxLedgerPage));
  return LedgerCursor::parse(query.cursor);
}

WallTime RetentionFront::cutoff(std::optional<WallTime> oldest, const Now& now, Duration keep) {
  const Duration passed = last_pass_ ? now.steady - *last_pass_ : Duration{0};
  last_pass_ = now.steady;
  if (!oldest) return WallTime{};
  const WallTime from = pruned_to_ ? std::clamp(*pruned_to_, *oldest - kMaxGap, *oldest) : *oldest;
  const WallTime cutoff = retention_cutoff(from, now.wall, keep, passed);
  pruned_to_ = std::max(from, cutoff);
  return cutoff;
}

}  // namespace paramedic
