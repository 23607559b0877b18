#include "io/net/redis/redis_durability.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/net/redis/redis_test_support.h"

namespace paramedic {
namespace {

const std::string kGoodInfo =
    "# Server\r\nredis_version:7.0.15\r\naof_enabled:1\r\naof_last_write_status:ok\r\nmaxmemory_policy:noeviction\r\n"
    "role:master\r\nconnected_slaves:1\r\nmin_slaves_good_slaves:1\r\n";

std::string info_with(const std::string& name, const std::string& value) {
  std::string out = kGoodInfo;
  const auto at = out.find(name + ":");
  if (at == out.npos) return out + name + ":" + value + "\r\n";
  return out.replace(at, out.find('\r', at) - at, name + ":" + value);
}
std::string without(const std::string& name) {
  std::string out = kGoodInfo;
  const auto at = out.find(name + ":");
  return out.erase(at, out.find('\n', at) + 1 - at);
}
std::string weaker(const std::string& info, const Result<std::string>& fsync = std::string("always")) {
  return judge_durability(info, fsync).weaker;
}

TEST(RedisDurability, is_judged_from_what_redis_tells) {
  EXPECT_EQ(weaker(kGoodInfo), "");
  EXPECT_EQ(judge_durability(kGoodInfo, std::string("always")).version, "7.0.15");
  EXPECT_EQ(weaker(info_with("aof_enabled", "0")),
            "appendonly is off: a crash of Redis loses what it had acknowledged (set appendonly yes and appendfsync "
            "always)");
  EXPECT_EQ(weaker(kGoodInfo, std::string("everysec")),
            "appendfsync is everysec: a crash of its machine may lose the latest writes (set appendfsync always)");
  EXPECT_EQ(weaker(info_with("aof_last_write_status", "err")),
            "Redis fails to write its append-only file (see its log and its disk)");
  EXPECT_EQ(weaker(info_with("maxmemory_policy", "allkeys-lru")),
            "maxmemory-policy is allkeys-lru: Redis drops what it holds when memory is full (set noeviction)");
  EXPECT_EQ(weaker(info_with("maxmemory_policy", "volatile-ttl")),
            "maxmemory-policy is volatile-ttl: Redis is set up as a cache (set noeviction)");
  EXPECT_EQ(weaker(info_with("connected_slaves", "0")),
            "no replica: with its disk everything is lost (add one and set min-replicas-to-write 1, or copy its "
            "append-only file)");
  EXPECT_EQ(weaker(without("min_slaves_good_slaves")),
            "1 replica is behind the replies: a failover may lose the latest writes (set min-replicas-to-write 1, "
            "which bounds it)");
  const auto replica = judge_durability(
      "redis_version:7.0.15\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\nrole:slave\r\nmaster_host:10.0.0.9\r\n"
      "master_port:6379\r\nslave_read_only:0\r\nconnected_slaves:0\r\n",
      std::string("always"));
  EXPECT_EQ(replica.weaker,
            "it is a replica of 10.0.0.9:6379: what is written here goes when it synchronises again (give the address "
            "of its master)");
  EXPECT_FALSE(replica.read_only);
  EXPECT_EQ(weaker(info_with("aof_enabled", "0") + "role:slave\r\n", make_error(Errc::forbidden, "no"))
                .find("appendfsync cannot"),
            std::string::npos)
      << "without a file it does not matter";
}

TEST(RedisDurability, what_is_not_told_is_said_to_be_unknown) {
  EXPECT_EQ(weaker(kGoodInfo, make_error(Errc::forbidden, "Redis says: NOPERM")),
            "appendfsync cannot be checked: Redis says: NOPERM (allow this user +config|get)");
  const auto nothing =
      judge_durability(make_error(Errc::forbidden, "NOPERM a"), make_error(Errc::forbidden, "NOPERM b"));
  EXPECT_EQ(nothing.weaker,
            "what Redis keeps in a crash cannot be checked: NOPERM a (allow this user +info); appendfsync cannot be "
            "checked: NOPERM b (allow this user +config|get)");
  EXPECT_EQ(nothing.version, "");
  for (const char* field : {"aof_enabled", "maxmemory_policy", "connected_slaves"})
    EXPECT_NE(weaker(without(field)).find("cannot be checked: INFO does not tell"), std::string::npos) << field;
  EXPECT_EQ(redis_info_field("a:" + std::string(5000, 'x') + "\r\n", "a").size(), 200u);
}

class RedisPromisesTest : public ::testing::Test {
 protected:
  std::unique_ptr<RedisClient> client(const RedisServer& server) {
    return std::move(*RedisClient::open(
        {.address = server.unix_socket(), .timeout = kPatience, .backoff_first = 1ms, .backoff_cap = 5ms}, *log_));
  }
  std::string told(RedisServer& server) {
    const auto own = client(server);
    RedisPromises promises(*own, *log_, "ledger", "ledger.redis.address", 1h);
    const auto usable = promises.check_at_start();
    return usable ? promises.weaker() : "refused: " + usable.error().message;
  }
  std::unique_ptr<Logger> log_ = make_null_logger();
};

TEST_F(RedisPromisesTest, a_real_server_with_each_setting) {
  RedisServer good, cache({"--maxmemory-policy", "allkeys-lfu", "--appendfsync", "no"}), none({"--appendonly", "no"});
  EXPECT_EQ(told(good).find("no replica"), 0u) << told(good);
  EXPECT_EQ(told(cache).find("appendfsync is no:"), 0u) << told(cache);
  EXPECT_NE(told(cache).find("maxmemory-policy is allkeys-lfu:"), std::string::npos);
  EXPECT_EQ(told(none).find("appendonly is off:"), 0u) << told(none);
}

TEST_F(RedisPromisesTest, masters_and_replicas) {
  RedisServer master;
  const std::string port = master.tcp().substr(10);
  RedisServer replica({"--replicaof", "127.0.0.1 " + port});
  EXPECT_EQ(told(replica), "refused: the ledger cannot be written: this Redis is a replica of " + master.tcp() +
                               "; set ledger.redis.address to the address of its master");
  ASSERT_TRUE(replica.call({"CONFIG", "SET", "replica-read-only", "no"}));
  EXPECT_EQ(told(replica).find("it is a replica of " + master.tcp() + ":"), 0u) << told(replica);
  ASSERT_TRUE(eventually([&] { return told(master).find("1 replica is behind") == 0; })) << told(master);
  ASSERT_TRUE(master.call({"CONFIG", "SET", "min-replicas-to-write", "1"}));
  EXPECT_TRUE(eventually([&] { return told(master).empty(); })) << told(master);
}

TEST_F(RedisPromisesTest, what_may_not_be_asked_is_no_error) {
  RedisServer server;
  ASSERT_TRUE(server.call({"ACL", "SETUSER", "default", "-config"}));
  EXPECT_EQ(told(server).find("appendfsync cannot be checked: Redis says: NOPERM"), 0u) << told(server);
  ASSERT_TRUE(server.call({"ACL", "SETUSER", "default", "-info"}));
  EXPECT_EQ(told(server).find("what Redis keeps in a crash cannot be checked: Redis says: NOPERM"), 0u) << told(server);
}

TEST_F(RedisPromisesTest, asks_again_when_due_and_after_each_new_connection) {
  RedisServer server;
  const auto own = client(server);
  RedisPromises often(*own, *log_, "ledger", "a", 0s), seldom(*own, *log_, "ledger", "a", 1h);
  ASSERT_TRUE(often.check_at_start());
  ASSERT_TRUE(seldom.check_at_start());
  ASSERT_TRUE(own->call(RedisCommand{"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"}));
  often.check_when_due();
  seldom.check_when_due();
  EXPECT_NE(often.weaker().find("allkeys-lru"), std::string::npos);
  EXPECT_EQ(seldom.weaker().find("allkeys-lru"), std::string::npos);
  ASSERT_TRUE(server.call({"CLIENT", "KILL", "TYPE", "normal"}));
  EXPECT_TRUE(eventually([&] {
    seldom.check_when_due();
    return seldom.weaker().find("allkeys-lru") != std::string::npos;
  }));
  server.kill();
  (void)own->call(RedisCommand{"PING"});
  often.check_when_due();
  EXPECT_NE(often.weaker().find("allkeys-lru"), std::string::npos) << "what was known is kept while it is away";
  often.note_lost();
  EXPECT_EQ(often.weaker().find("Redis lost what it had acknowledged"), 0u);
}

}  // namespace
}  // namespace paramedic
