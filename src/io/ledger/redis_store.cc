#include "io/ledger/redis_store.h"

#include <charconv>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "io/ledger/redis_scripts.h"

namespace paramedic {

namespace {

// Between the prefix of a member and the key of its record.
constexpr std::size_t kInstantAndId = 20 + 16;
constexpr std::size_t kRowsPerSecond = 5000;  // a slow Redis gets longer for a large batch

bool number(std::string_view text, std::int64_t& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size();
}

// "key:value\r\n" lines of INFO.
std::string_view field(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const auto end = std::min(info.find('\n', at), info.size());
    std::string_view line = info.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
    at = end + 1;
  }
  return {};
}

std::string field_of(LedgerKind kind, std::string_view key) { return fmt::format("{:02}{}", int(kind), key); }

}  // namespace

std::string sortable(std::int64_t n) { return fmt::format("{:020}", std::uint64_t(n) ^ (std::uint64_t{1} << 63)); }

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
    std::string_view one = head.substr(0, blank);
    // Instants are stored with the sign turned round, so that they sort as text.
    std::uint64_t turned = 0;
    if (i == 1 || i == 2) {
      const auto [end, failed] = std::from_chars(one.data(), one.data() + one.size(), turned);
      if (failed != std::errc{} || end != one.data() + one.size()) return bad();
      numbers[i] = std::int64_t(turned ^ (std::uint64_t{1} << 63));
    } else if (!number(one, numbers[i]) || numbers[i] < 0) {
      return bad();
    }
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

RedisDurability judge_durability(std::string_view info, std::string_view appendfsync) {
  RedisDurability out{.version = std::string(field(info, "redis_version"))};
  const auto add = [&](std::string_view text) {
    if (!out.weaker.empty()) out.weaker += "; ";
    out.weaker += text;
  };
  if (field(info, "aof_enabled") == "0")
    add("appendonly is off: a crash of Redis loses decisions");
  else if (appendfsync.empty())
    add("appendfsync cannot be read: whether Redis writes at once is not known");
  else if (appendfsync != "always")
    add(fmt::format("appendfsync is {}: a crash of its machine may lose the last second", appendfsync));
  if (field(info, "aof_last_write_status") == "err") add("Redis fails to write its append-only file");
  const std::string_view policy = field(info, "maxmemory_policy");
  if (!policy.empty() && policy != "noeviction")
    add(fmt::format("maxmemory-policy is {}: set noeviction, or Redis may drop the ledger", policy));
  const std::string_view replicas = field(info, "connected_slaves");
  if (!replicas.empty() && replicas != "0")
    add(fmt::format("{} replicas copy later: a failover may lose the latest decisions", replicas));
  return out;
}

RedisStore::Script::Script(const char* body) : text(std::string(redis_scripts::kHelpers) + body) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  for (const unsigned char byte : digest) sha += fmt::format("{:02x}", byte);
}

RedisStore::RedisStore(RedisClient& client, std::string_view name)
    : client_(client),
      prefix_(fmt::format("{{paramedic:{}}}:", name)),
      acquire_(redis_scripts::kAcquire),
      renew_(redis_scripts::kRenew),
      commit_(redis_scripts::kCommit),
      remove_(redis_scripts::kRemove) {}

Result<RedisReply> RedisStore::run(const Script& script, std::vector<std::string> arguments, Duration deadline) {
  RedisCommand command{"EVALSHA", script.sha, "5"};
  for (const auto* key : {"lease", "meta", "applied", "record", "index"}) command.push_back(prefix_ + key);
  command.insert(command.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  auto reply = client_.call(command, deadline);
  if (reply || reply.error().code != Errc::not_found) return reply;
  command[0] = "EVAL";  // NOSCRIPT: a restarted Redis, or another node
  command[1] = script.text;
  return client_.call(std::move(command), deadline);
}

// The first word of a script's answer.
Result<RedisStore::Applied> RedisStore::judge(const RedisReply& reply) const {
  const auto item = [&](std::size_t i) { return reply.items.size() > i ? reply.items[i].text : std::string(); };
  if (item(0) == "OK" || item(0) == "DONE") return Applied::done;
  if (item(0) == "LOST") return Applied::lost;
  if (item(0) == "STALE")
    return make_error(Errc::conflict,
                      fmt::format("another monitor ({}) took over the ledger {} with epoch {}; stop one "
                                  "of the two, or give this one another ledger.redis.name",
                                  item(2), prefix_, item(1)));
  return make_error(Errc::corrupt, "Redis answers the ledger's script with something else");
}

Result<void> RedisStore::acquire(RedisLease& lease) {
  const auto reply = run(acquire_, {lease.owner, lease.holder, std::to_string(lease.ttl / 1ms),
                                    std::to_string(lease.epoch), std::to_string(kRedisLedgerFormat)});
  if (!reply) return reply.error();
  const auto item = [&](std::size_t i) { return reply->items.size() > i ? reply->items[i].text : std::string(); };
  std::int64_t epoch = 0;
  if (item(0) == "HELD")
    return make_error(Errc::conflict,
                      fmt::format("the ledger {} is held by another monitor ({}) for {} ms more; stop it, or give this "
                                  "one another ledger.redis.name",
                                  prefix_, item(1), item(2)));
  if (item(0) == "NEWER")
    return make_error(Errc::invalid_argument,
                      fmt::format("the ledger {} was written by a newer Paramedic (format {}, this one knows {}); run "
                                  "that version or take another ledger.redis.name",
                                  prefix_, item(1), kRedisLedgerFormat));
  if (item(0) != "OK" || !number(item(1), epoch) || epoch < 1)
    return make_error(Errc::corrupt, "Redis answers the ledger's script with something else");
  lease.epoch = std::uint64_t(epoch);
  return {};
}

Result<RedisStore::Applied> RedisStore::renew(const RedisLease& lease) {
  const auto reply = run(renew_, {std::to_string(lease.epoch), lease.owner, std::to_string(lease.ttl / 1ms)});
  return reply ? judge(*reply) : Result<Applied>(reply.error());
}

Result<void> RedisStore::release(const RedisLease& lease) {
  const auto reply = run(renew_, {std::to_string(lease.epoch), lease.owner, "0"});
  return reply ? Result<void>() : Result<void>(reply.error());
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
  const auto reply =
      run(commit_, std::move(arguments), large > 0 ? Duration(std::chrono::seconds(2 + large)) : Duration{0});
  return reply ? judge(*reply) : Result<Applied>(reply.error());
}

Result<std::uint64_t> RedisStore::remove(const RedisLease& lease, const std::vector<std::string>& members) {
  std::vector<std::string> arguments{std::to_string(lease.epoch), lease.owner};
  arguments.insert(arguments.end(), members.begin(), members.end());
  const auto reply = run(remove_, std::move(arguments));
  if (!reply) return reply.error();
  const auto judged = judge(*reply);
  if (!judged) return judged.error();
  std::int64_t removed = 0;
  if (*judged == Applied::lost || reply->items.size() < 2 || !number(reply->items[1].text, removed)) return 0;
  return std::uint64_t(removed);
}

Result<std::vector<std::string>> RedisStore::members(const IndexRange& range, bool newest_first, int count) {
  RedisCommand command{newest_first ? "ZREVRANGEBYLEX" : "ZRANGEBYLEX",
                       prefix_ + "index",
                       newest_first ? range.high : range.low,
                       newest_first ? range.low : range.high,
                       "LIMIT",
                       "0",
                       std::to_string(count)};
  auto reply = client_.call(std::move(command));
  if (!reply) return reply.error();
  std::vector<std::string> out;
  for (RedisReply& item : reply->items) out.push_back(std::move(item.text));
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
  auto reply = client_.call(std::move(command));
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

Result<RedisDurability> RedisStore::durability() {
  auto replies =
      client_.call(std::vector<RedisCommand>{RedisCommand{"INFO"}, RedisCommand{"CONFIG", "GET", "appendfsync"}});
  if (!replies) return replies.error();
  const RedisReply& info = (*replies)[0];
  if (info.is_error()) return redis_error(info);
  // A managed Redis often forbids CONFIG: then it is not known.
  const RedisReply& fsync = (*replies)[1];
  return judge_durability(info.text, fsync.items.size() == 2 ? fsync.items[1].text : "");
}

}  // namespace paramedic
