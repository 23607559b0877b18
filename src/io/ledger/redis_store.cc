#include "io/ledger/redis_store.h"

#include <charconv>

#include <fmt/format.h>

#include "io/ledger/redis_scripts.h"

namespace paramedic {

namespace {

// Between the prefix of a member and the key of its record.
constexpr std::size_t kInstant = 20, kInstantAndId = kInstant + 16;
constexpr std::size_t kRowsPerSecond = 5000;  // a slow Redis gets longer for a large batch

std::string field_of(LedgerKind kind, std::string_view key) { return fmt::format("{:02}{}", int(kind), key); }

bool within(const IndexRange& range, std::string_view member) {
  const std::string_view low = std::string_view(range.low).substr(1), high = std::string_view(range.high).substr(1);
  return (range.low[0] == '[' ? member >= low : member > low) &&
         (range.high[0] == '[' ? member <= high : member < high);
}

}  // namespace

std::string sortable(std::int64_t n) { return fmt::format("{:020}", std::uint64_t(n) ^ (std::uint64_t{1} << 63)); }

std::optional<std::int64_t> parse_sortable(std::string_view digits) {
  std::uint64_t turned = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), turned);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return std::int64_t(turned ^ (std::uint64_t{1} << 63));
}

// Instants of other centuries are damage, with which nobody may reckon.
std::optional<WallTime> touched_in(std::string_view member) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  const std::size_t prefix = index_prefix(IndexFamily::closed, LedgerKind{}).size();
  if (member.size() < prefix + kInstantAndId) return std::nullopt;
  const auto at = parse_sortable(member.substr(prefix, kInstant));
  if (!at || *at < -kMost || *at > kMost) return std::nullopt;
  return WallTime{Duration{*at}};
}

std::string index_prefix(IndexFamily family, LedgerKind kind, std::string_view worker) {
  std::string out = fmt::format("{}{:02}{}", char(family), int(kind), worker);
  if (family == IndexFamily::worker) out.push_back('\0');
  return out;
}

Result<StoredRow> parse_stored_row(std::string_view value) {
  const auto bad = [] { return make_error(Errc::corrupt, "a ledger record on Redis has no readable head"); };
  const auto head_end = value.find('\n');
  if (head_end == value.npos || head_end > 120) return bad();
  std::int64_t numbers[6];
  std::string_view head = value.substr(0, head_end);
  for (int i = 0; i < 6; ++i) {
    const auto blank = std::min(head.find(' '), head.size());
    const std::string_view one = head.substr(0, blank);
    const auto parsed = i == 1 || i == 2 ? parse_sortable(one) : redis_number(one);
    if (!parsed || (*parsed < 0 && i != 1 && i != 2)) return bad();
    numbers[i] = *parsed;
    head.remove_prefix(std::min(blank + 1, head.size()));
  }
  const std::string_view rest = value.substr(head_end + 1);
  const auto worker = std::uint64_t(numbers[4]), pool = std::uint64_t(numbers[5]);
  if (!head.empty() || worker > rest.size() || pool > rest.size() - worker) return bad();
  return StoredRow{.id = numbers[0],
                   .at = numbers[1],
                   .touched = numbers[2],
                   .open = numbers[3] == 1,
                   .worker = std::string(rest.substr(0, worker)),
                   .pool = std::string(rest.substr(worker, pool)),
                   .body = std::string(rest.substr(worker + pool))};
}

RedisStore::RedisStore(RedisClient& client, std::string_view name)
    : client_(client),
      prefix_(fmt::format("{{paramedic:{}}}:", name)),
      leases_(client, prefix_, "ledger", "ledger.redis.name", kRedisLedgerFormat),
      commit_(std::string(kRedisLeaseLua) + redis_scripts::kHelpers + redis_scripts::kCommit),
      remove_(std::string(kRedisLeaseLua) + redis_scripts::kHelpers + redis_scripts::kRemove) {
  for (const auto* key : {"lease", "meta", "applied", "record", "index"}) keys_.push_back(prefix_ + key);
}

Result<RedisStore::Applied> RedisStore::commit(const RedisLease& lease, const LedgerBatch& batch, bool older_loses) {
  std::vector<std::string> arguments{std::to_string(lease.epoch),     lease.owner,
                                     std::to_string(lease.ttl / 1ms), std::to_string(batch.epoch),
                                     std::to_string(batch.sequence),  older_loses ? "1" : "0"};
  for (const LedgerRow& row : batch.rows) {
    arguments.push_back(fmt::format("{:02}", int(row.kind)));
    arguments.push_back(row.key);
    arguments.push_back(sortable(row.at));
    arguments.push_back(sortable(row.touched));
    arguments.push_back(row.open ? "1" : "0");
    for (const std::string* text : {&row.worker, &row.pool, &row.body}) arguments.push_back(*text);
  }
  const std::size_t large = batch.rows.size() / kRowsPerSecond;
  const auto reply = commit_.run(client_, keys_, std::move(arguments), client_.timeout() + std::chrono::seconds(large));
  return reply ? leases_.judge(*reply) : Result<Applied>(reply.error());
}

Result<std::uint64_t> RedisStore::remove(const RedisLease& lease, const std::vector<std::string>& members) {
  std::vector<std::string> arguments{std::to_string(lease.epoch), lease.owner};
  arguments.insert(arguments.end(), members.begin(), members.end());
  const auto reply = remove_.run(client_, keys_, std::move(arguments));
  if (!reply) return reply.error();
  const auto judged = leases_.judge(*reply);
  if (!judged) return judged.error();
  if (*judged == Applied::lost || reply->items.size() < 2) return 0;
  return std::uint64_t(
      std::clamp<std::int64_t>(redis_number(reply->items[1].text).value_or(0), 0, std::int64_t(members.size())));
}

Result<std::vector<std::string>> RedisStore::members(const IndexRange& range, bool newest_first, int count) {
  RedisCommand command{newest_first ? "ZREVRANGEBYLEX" : "ZRANGEBYLEX",
                       prefix_ + "index",
                       newest_first ? range.high : range.low,
                       newest_first ? range.low : range.high,
                       "LIMIT",
                       "0",
                       std::to_string(count)};
  auto reply = redis_list(client_.call(std::move(command)));
  if (!reply) return reply.error();
  const auto strange = [] { return make_error(Errc::corrupt, "Redis answers with something else than a range"); };
  if (reply->items.size() > std::size_t(count)) return strange();
  std::vector<std::string> out;
  for (RedisReply& item : reply->items) {
    // In order and within: whoever asks for the next ones comes to an end.
    const bool follows = out.empty() || (newest_first ? item.text < out.back() : item.text > out.back());
    if (!follows || !within(range, item.text)) return strange();
    out.push_back(std::move(item.text));
  }
  return out;
}

Result<std::vector<std::optional<StoredRow>>> RedisStore::rows(const std::vector<std::string>& members,
                                                               std::string_view prefix, std::uint64_t& unreadable) {
  std::vector<std::optional<StoredRow>> out(members.size());
  if (members.empty()) return out;
  RedisCommand command{"HMGET", prefix_ + "record"};
  const std::size_t key_at = prefix.size() + kInstantAndId;
  for (const std::string& member : members)
    command.push_back(member.size() >= key_at ? member.substr(1, 2) + member.substr(key_at) : "");
  auto reply = redis_list(client_.call(std::move(command)));
  if (!reply) return reply.error();
  if (reply->items.size() != members.size())
    return make_error(Errc::corrupt, "Redis answers HMGET with another number of values");
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (reply->items[i].is_nil()) continue;
    auto row = parse_stored_row(reply->items[i].text);
    if (row)
      out[i] = std::move(*row);
    else
      ++unreadable;
  }
  return out;
}

Result<std::optional<StoredRow>> RedisStore::row(LedgerKind kind, std::string_view key) {
  const auto reply = client_.call(RedisCommand{"HGET", prefix_ + "record", field_of(kind, key)});
  if (!reply) return reply.error();
  if (reply->is_nil()) return std::optional<StoredRow>();
  auto row = parse_stored_row(reply->text);
  if (!row) return row.error();
  return std::optional<StoredRow>(std::move(*row));
}

}  // namespace paramedic
