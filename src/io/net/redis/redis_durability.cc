#include "io/net/redis/redis_durability.h"

#include <fmt/format.h>

namespace paramedic {

namespace {

constexpr std::size_t kMaxField = 200;

// Joins what is missing.
class Missing {
 public:
  void add(std::string_view one) {
    if (!text_.empty()) text_ += "; ";
    text_ += one;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void judge_fsync(const Result<std::string>& appendfsync, Missing& missing) {
  if (!appendfsync)
    missing.add(
        fmt::format("appendfsync cannot be checked: {} (allow this user +config|get)", appendfsync.error().message));
  else if (*appendfsync != "always")
    missing.add(
        fmt::format("appendfsync is {}: a crash of its machine may lose the latest writes (set appendfsync "
                    "always)",
                    *appendfsync));
}

void judge_file(std::string_view info, const Result<std::string>& appendfsync, Missing& missing) {
  const std::string_view aof = redis_info_field(info, "aof_enabled");
  if (aof == "0")
    missing.add(
        "appendonly is off: a crash of Redis loses what it had acknowledged (set appendonly yes and "
        "appendfsync always)");
  else if (aof.empty())
    missing.add("whether appendonly is on cannot be checked: INFO does not tell");
  else
    judge_fsync(appendfsync, missing);
  if (redis_info_field(info, "aof_last_write_status") == "err")
    missing.add("Redis fails to write its append-only file (see its log and its disk)");
}

// Ours never expire, so the volatile policies leave them alone.
void judge_eviction(std::string_view info, Missing& missing) {
  const std::string_view policy = redis_info_field(info, "maxmemory_policy");
  if (policy.empty())
    missing.add("maxmemory-policy cannot be checked: INFO does not tell");
  else if (policy.starts_with("volatile-"))
    missing.add(fmt::format("maxmemory-policy is {}: Redis is set up as a cache (set noeviction)", policy));
  else if (policy != "noeviction")
    missing.add(
        fmt::format("maxmemory-policy is {}: Redis drops what it holds when memory is full (set noeviction)", policy));
}

void judge_replicas(std::string_view info, const RedisDurability& known, Missing& missing) {
  const std::string_view replicas = redis_info_field(info, "connected_slaves");
  if (!known.replica_of.empty())
    missing.add(
        fmt::format("it is a replica of {}: what is written here goes when it synchronises again (give the "
                    "address of its master)",
                    known.replica_of));
  else if (replicas.empty())
    missing.add("replicas cannot be checked: INFO does not tell");
  else if (replicas == "0")
    missing.add(
        "no replica: with its disk everything is lost (add one and set min-replicas-to-write 1, or copy its "
        "append-only file)");
  // Only there when min-replicas-to-write is set.
  else if (redis_info_field(info, "min_slaves_good_slaves").empty())
    missing.add(
        fmt::format("{} replica{} behind the replies: a failover may lose the latest writes (set "
                    "min-replicas-to-write 1, which bounds it)",
                    replicas, replicas == "1" ? " is" : "s are"));
}

Result<std::string> text_of(const RedisReply& reply) {
  if (reply.is_error()) return redis_error(reply);
  return reply.text;
}

// CONFIG GET answers with name and value.
Result<std::string> second_of(const RedisReply& reply) {
  if (reply.is_error()) return redis_error(reply);
  if (reply.items.size() != 2) return make_error(Errc::unavailable, "Redis does not tell");
  return reply.items[1].text.substr(0, kMaxField);
}

}  // namespace

// "key:value\r\n" lines of INFO.
std::string_view redis_info_field(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const auto end = std::min(info.find('\n', at), info.size());
    std::string_view line = info.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1, kMaxField);
    at = end + 1;
  }
  return {};
}

RedisDurability judge_durability(const Result<std::string>& info, const Result<std::string>& appendfsync) {
  RedisDurability out;
  Missing missing;
  if (!info) {
    missing.add(
        fmt::format("what Redis keeps in a crash cannot be checked: {} (allow this user +info)", info.error().message));
    judge_fsync(appendfsync, missing);
    out.weaker = missing.take();
    return out;
  }
  out.version = redis_info_field(*info, "redis_version");
  if (redis_info_field(*info, "role") == "slave") {
    out.replica_of =
        fmt::format("{}:{}", redis_info_field(*info, "master_host"), redis_info_field(*info, "master_port"));
    out.read_only = redis_info_field(*info, "slave_read_only") == "1";
  }
  judge_file(*info, appendfsync, missing);
  judge_eviction(*info, missing);
  judge_replicas(*info, out, missing);
  out.weaker = missing.take();
  return out;
}

Result<RedisDurability> redis_durability(RedisClient& client) {
  const auto replies =
      client.call(std::vector<RedisCommand>{RedisCommand{"INFO"}, RedisCommand{"CONFIG", "GET", "appendfsync"}});
  if (!replies) return replies.error();
  return judge_durability(text_of((*replies)[0]), second_of((*replies)[1]));
}

// ---- kept up to date ----

RedisPromises::RedisPromises(RedisClient& client, Logger& log, std::string what, std::string setting, Duration every)
    : client_(client), log_(log), what_(std::move(what)), setting_(std::move(setting)), every_(every) {}

Result<void> RedisPromises::check_at_start() {
  const auto found = check();
  if (!found) return found.error();
  // Not told: the scripts say #!lua, which an older Redis refuses.
  const std::string major = found->version.substr(0, found->version.find('.'));
  if (!found->version.empty() && redis_number(major).value_or(0) < 7)
    return make_error(Errc::invalid_argument,
                      fmt::format("Redis '{}' is too old for the {}; 7.0 or later", found->version, what_));
  if (found->read_only)
    return make_error(Errc::unavailable, fmt::format("the {} cannot be written: this Redis is a replica of {}; set {} "
                                                     "to the address of its master",
                                                     what_, found->replica_of, setting_));
  return {};
}

void RedisPromises::check_when_due() {
  if (std::chrono::steady_clock::now() >= next_ || client_.stats().connects != connection_) (void)check();
}

Result<RedisDurability> RedisPromises::check() {
  next_ = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(every_);
  connection_ = client_.stats().connects;
  auto found = redis_durability(client_);
  if (!found) return found;
  const std::lock_guard lock(mutex_);
  if (found->weaker != weaker_ && !found->weaker.empty())
    log_.warning(what_ + "_durability_weaker", {{"reason", found->weaker}});
  weaker_ = found->weaker;
  return found;
}

void RedisPromises::note_lost() {
  const std::lock_guard lock(mutex_);
  lost_ = "Redis lost what it had acknowledged, since this monitor started";
}

std::string RedisPromises::weaker() const {
  const std::lock_guard lock(mutex_);
  if (lost_.empty() || weaker_.empty()) return lost_ + weaker_;
  return lost_ + "; " + weaker_;
}

}  // namespace paramedic
