#include "io/net/redis/redis_lease.h"

#include <cstdint>
#include <fstream>
#include <random>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <unistd.h>

#include "base/ids.h"

namespace paramedic {

const char* const kRedisLeaseLua = R"lua(#!lua
local lease, meta, applied = KEYS[1], KEYS[2], KEYS[3]
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
-- Nil when this writer may write; else the reply that says why not.
local function refused(epoch, owner)
  local held = redis.call('HMGET', lease, 'epoch', 'owner', 'holder')
  if not held[1] or tonumber(held[1]) < tonumber(epoch) then return {'LOST'} end
  if held[1] ~= epoch or held[2] ~= owner then return {'STALE', held[1], held[3] or ''} end
end
)lua";

namespace {

// ARGV: owner, holder, ttl in ms, epoch that must be exceeded, format. → OK epoch | HELD holder ms | NEWER format
constexpr const char* kAcquire = R"lua(
local format = redis.call('HGET', meta, 'format')
if format and tonumber(format) > tonumber(ARGV[5]) then return {'NEWER', format} end
local held = redis.call('HMGET', lease, 'epoch', 'owner', 'holder', 'until')
local now = now_ms()
if held[2] and held[2] ~= ARGV[1] and tonumber(held[4]) > now then
  return {'HELD', held[3], string.format('%d', tonumber(held[4]) - now)}
end
local epoch = math.max(tonumber(held[1] or '0'), tonumber(ARGV[4])) + 1
redis.call('HSET', lease, 'epoch', string.format('%d', epoch), 'owner', ARGV[1], 'holder', ARGV[2],
  'until', string.format('%d', now + ARGV[3]))
redis.call('HSET', meta, 'format', ARGV[5])
if redis.call('HLEN', applied) > 1000 then
  for _, old in ipairs(redis.call('HKEYS', applied)) do
    if tonumber(old) < epoch - 500 then redis.call('HDEL', applied, old) end
  end
end
return {'OK', string.format('%d', epoch)}
)lua";

// ARGV: epoch, owner, ttl in ms. Renews; ttl 0 gives the lease up. → OK | LOST | STALE epoch holder
constexpr const char* kRenew = R"lua(
local no = refused(ARGV[1], ARGV[2])
if no then return no end
redis.call('HSET', lease, 'until', string.format('%d', now_ms() + ARGV[3]))
return {'OK'}
)lua";

// A field of an answer, for messages and numbers.
std::string item(const RedisReply& reply, std::size_t i) {
  return reply.items.size() > i ? reply.items[i].text.substr(0, 300) : std::string();
}

}  // namespace

// ---- scripts ----

RedisScript::RedisScript(std::string text) : text_(std::move(text)) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text_.data()), text_.size(), digest);
  for (const unsigned char byte : digest) sha_ += fmt::format("{:02x}", byte);
}

Result<RedisReply> RedisScript::run(RedisClient& client, const std::vector<std::string>& keys,
                                    std::vector<std::string> arguments, Duration deadline) const {
  RedisCommand command{"EVALSHA", sha_, std::to_string(keys.size())};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  auto reply = client.call(command, deadline);
  if (reply || reply.error().code != Errc::not_found) return reply;
  command[0] = "EVAL";  // NOSCRIPT: a restarted Redis, or another node
  command[1] = text_;
  return client.call(std::move(command), deadline);
}

// ---- leases ----

RedisLeases::RedisLeases(RedisClient& client, std::string prefix, std::string what, std::string setting, int format)
    : client_(client),
      prefix_(std::move(prefix)),
      what_(std::move(what)),
      setting_(std::move(setting)),
      format_(format),
      keys_{prefix_ + "lease", prefix_ + "meta", prefix_ + "applied"},
      acquire_(std::string(kRedisLeaseLua) + kAcquire),
      renew_(std::string(kRedisLeaseLua) + kRenew) {}

Error RedisLeases::strange() const {
  return make_error(Errc::corrupt, fmt::format("Redis answers the script of the {} with something else", what_));
}

Result<RedisLeases::Applied> RedisLeases::judge(const RedisReply& reply) const {
  const std::string word = item(reply, 0);
  if (word == "OK" || word == "DONE") return Applied::done;
  if (word == "LOST") return Applied::lost;
  if (word == "STALE")
    return make_error(Errc::conflict, fmt::format("another monitor ({}) took over the {} {} with epoch {}; stop one "
                                                  "of the two, or give this one another {}",
                                                  item(reply, 2), what_, prefix_, item(reply, 1), setting_));
  return strange();
}

Result<void> RedisLeases::acquire(RedisLease& lease) const {
  const auto reply = acquire_.run(client_, keys_,
                                  {lease.owner, lease.holder, std::to_string(lease.ttl / 1ms),
                                   std::to_string(lease.epoch), std::to_string(format_)});
  if (!reply) return reply.error();
  const std::string word = item(*reply, 0);
  if (word == "HELD")
    return make_error(Errc::conflict, fmt::format("the {} {} is held by another monitor ({}) for {} ms more; stop it, "
                                                  "or give this one another {}",
                                                  what_, prefix_, item(*reply, 1), item(*reply, 2), setting_));
  if (word == "NEWER")
    return make_error(Errc::invalid_argument,
                      fmt::format("the {} {} was written by a newer Paramedic (format {}, this one knows {}); run "
                                  "that version or take another {}",
                                  what_, prefix_, item(*reply, 1), format_, setting_));
  const auto epoch = redis_number(item(*reply, 1));
  if (word != "OK" || !epoch || *epoch < 1) return strange();
  lease.epoch = std::uint64_t(*epoch);
  return {};
}

Result<RedisLeases::Applied> RedisLeases::renew(const RedisLease& lease) const {
  const auto reply =
      renew_.run(client_, keys_, {std::to_string(lease.epoch), lease.owner, std::to_string(lease.ttl / 1ms)});
  return reply ? judge(*reply) : Result<Applied>(reply.error());
}

Result<void> RedisLeases::release(const RedisLease& lease) const {
  const auto reply = renew_.run(client_, keys_, {std::to_string(lease.epoch), lease.owner, "0"});
  return reply ? Result<void>() : Result<void>(reply.error());
}

// ---- who this is ----

Result<std::string> lease_owner_id(const std::string& file) {
  std::string id;
  if (std::ifstream in(file); in >> id && valid_id(id)) return id;
  std::random_device random;
  id = hash_hex(hash_mix(std::uint64_t(random()) << 32 | random(), std::uint64_t(::getpid())));
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error("cannot write " + file, errno);
  const bool done = ::write(fd, id.data(), id.size()) == ssize_t(id.size()) && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (!done) return errno_error("cannot write " + file, why);
  return id;
}

std::string lease_holder_text() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return fmt::format("host {}, process {}", host, ::getpid());
}

}  // namespace paramedic
