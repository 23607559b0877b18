// The history on a real redis-server beyond conformance: loss and return of Redis, fencing, Redis that forgets.
#include "io/history/redis_history.h"

#include <gtest/gtest.h>

#include "io/history/history_conformance.h"
#include "io/history/redis_fields.h"
#include "io/net/redis/redis_test_support.h"

namespace paramedic {
namespace {

Logger& quiet() {
  static const auto log = make_null_logger();
  return *log;
}

class RedisHistoryTest : public HistoryFixture {
 protected:
  RedisHistoryTest() {
    options_.name = "t";
    options_.history.data_dir = dir_;
    options_.redis = {
        .address = server_.unix_socket(), .timeout = kPatience, .backoff_first = 5ms, .backoff_cap = 10ms};
    options_.start_wait = kPatience;
  }
  ~RedisHistoryTest() override { history_.reset(); }  // before the server
  Result<std::unique_ptr<History>> open_store(const HistoryOptions& history) override {
    auto options = options_;
    options.history = history;
    return open_redis_history(options, quiet());
  }
  void open() { HistoryFixture::open(options_.history); }
  // Another monitor with the same name.
  RedisHistoryOptions other() const {
    auto options = options_;
    options.history.data_dir += "/other";
    return options;
  }
  Result<void> write(Duration at, double cpu, std::string worker = "w") {
    history_->append({row(t0_ + at, cpu, std::move(worker))});
    return history_->flush();
  }
  // Reads have a connection of their own, which may still wait out its backoff after Redis came back.
  std::string cpus(const std::string& worker = "w") {
    Result<std::vector<HistoryRow>> rows = std::vector<HistoryRow>();
    const bool read = eventually([&] {
      rows = history_->read({.worker_id = worker, .from = t0_, .to = t0_ + 1000h});
      return rows.has_value();
    });
    return read ? HistoryFixture::cpus(*rows) : rows.error().message;
  }
  RedisReply command(RedisCommand c) {
    auto reply = server_.call(std::move(c));
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
    return reply ? *reply : RedisReply{};
  }
  bool flushed() {
    return eventually([&] { return history_->flush().has_value(); });
  }
  std::string weaker_after_flush() {
    (void)history_->flush();
    return history_->stats().weaker_durability;
  }
  std::string key(const std::string& name) const { return "{paramedic:t:history}:" + name; }

  RedisServer server_;
  RedisHistoryOptions options_;
};

TEST_F(RedisHistoryTest, rows_wait_while_redis_is_away_and_come_once) {
  open();
  ASSERT_TRUE(write(1s, 1));
  server_.kill();
  EXPECT_FALSE(write(2s, 2));
  EXPECT_FALSE(write(3s, 3));
  auto stats = history_->stats();
  EXPECT_TRUE(stats.degraded);
  EXPECT_EQ(stats.buffered, 2u);
  EXPECT_FALSE(history_->retain(clock_.now()).has_value() && history_->flush().has_value());
  server_.start();
  ASSERT_TRUE(flushed());
  stats = history_->stats();
  EXPECT_FALSE(stats.degraded);
  EXPECT_EQ(stats.buffered, 0u);
  EXPECT_EQ(stats.rows, 3u);
  EXPECT_EQ(cpus(), "1 2 3 ");
  open();
  EXPECT_EQ(cpus(), "1 2 3 ");
}

TEST_F(RedisHistoryTest, the_buffer_is_bounded_while_redis_is_away) {
  options_.history.max_buffered = 10;
  open();
  server_.kill();
  for (int i = 0; i < 25; ++i) EXPECT_FALSE(write(std::chrono::seconds(i), i));
  EXPECT_EQ(history_->stats().buffered, 10u);
  EXPECT_EQ(history_->stats().dropped, 15u);
  server_.start();
  ASSERT_TRUE(flushed());
  EXPECT_EQ(cpus(), "15 16 17 18 19 20 21 22 23 24 ");
}

// The hours that end with a commit are folded in it too: repeated after a lost reply, nothing stands twice.
TEST_F(RedisHistoryTest, a_commit_whose_reply_was_lost_is_repeated_without_twins) {
  RedisProxy proxy(server_);
  options_.redis.address = proxy.tcp();
  open();
  ASSERT_TRUE(write(1s, 1));
  proxy.swallow_next_reply();
  EXPECT_FALSE(write(2h, 2)) << "performed, but not answered";
  EXPECT_TRUE(proxy.swallowed());
  EXPECT_EQ(command({"HLEN", key("log")}).integer, 2);
  ASSERT_TRUE(flushed());
  EXPECT_EQ(cpus(), "1 2 ");
  EXPECT_EQ(command({"HLEN", key("log")}).integer, 2);
  EXPECT_EQ(command({"HLEN", key("chunks:1")}).integer, 1);
  open();
  EXPECT_EQ(cpus(), "1 2 ");
  history_.reset();  // before the proxy that it speaks through
}

TEST_F(RedisHistoryTest, another_monitor_fences_the_first_off) {
  options_.lease_ttl = 1ms;
  open();
  ASSERT_TRUE(write(1s, 1));
  const auto first = std::move(history_);
  EXPECT_FALSE(first->stats().fenced);
  ASSERT_TRUE(eventually([&] {
    auto taken = open_redis_history(other(), quiet());
    if (taken) history_ = std::move(*taken);
    return taken.has_value();
  })) << "the lease of the first ends";
  EXPECT_EQ(cpus(), "1 ");
  ASSERT_TRUE(write(2s, 2));
  first->append({row(t0_ + 3s, 3)});
  const auto refused = first->flush();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_NE(refused.error().message.find("history.redis.name"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(first->stats().fenced);
  EXPECT_EQ(first->flush().error().code, Errc::conflict) << "for good";
  EXPECT_FALSE(history_->stats().fenced);
  EXPECT_EQ(cpus(), "1 2 ");
}

TEST_F(RedisHistoryTest, a_second_monitor_does_not_start_while_the_first_writes) {
  open();
  const auto refused = open_redis_history(other(), quiet());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_NE(refused.error().message.find("is held by another monitor"), std::string::npos) << refused.error().message;
}

TEST_F(RedisHistoryTest, what_redis_does_not_promise_is_told_and_looked_at_again) {
  options_.check_every = 1ms;
  open();
  EXPECT_EQ(history_->stats().weaker_durability.find("no replica"), 0u) << "AOF always and noeviction";
  command({"CONFIG", "SET", "appendfsync", "everysec"});
  EXPECT_TRUE(eventually([&] { return weaker_after_flush().find("appendfsync is everysec") != std::string::npos; }));
  command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  Duration at = 0s;
  EXPECT_TRUE(eventually([&] {
    return write(at += 1s, 1).has_value() &&
           history_->stats().weaker_durability.find("maxmemory-policy is allkeys-lru") != std::string::npos;
  })) << "also while there is always something to write";
  command({"CONFIG", "SET", "appendfsync", "always"});
  EXPECT_TRUE(eventually([&] { return weaker_after_flush().find("appendfsync") == std::string::npos; }));
}

TEST_F(RedisHistoryTest, does_not_start_on_a_replica_that_takes_no_writes) {
  RedisServer replica({"--replicaof", "127.0.0.1 " + server_.tcp().substr(10)});
  options_.redis.address = replica.unix_socket();
  const auto refused = open_redis_history(options_, quiet());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_NE(refused.error().message.find("a replica of " + server_.tcp() + "; set history.redis.address"),
            std::string::npos)
      << refused.error().message;
}

// Redis restarted empty: what memory has is written anew, names first, and nothing else is made up.
TEST_F(RedisHistoryTest, a_redis_that_forgot_gets_the_open_hours_again) {
  open();
  ASSERT_TRUE(write(1s, 1));
  ASSERT_TRUE(write(2h, 2));
  ASSERT_TRUE(write(2h, 7, "other"));
  EXPECT_EQ(cpus(), "1 2 ");
  command({"FLUSHALL"});
  EXPECT_FALSE(write(2h + 1s, 3));
  ASSERT_TRUE(history_->flush());
  EXPECT_EQ(cpus(), "2 3 ") << "the chunk is gone with Redis";
  EXPECT_EQ(cpus("other"), "7 ");
  EXPECT_EQ(history_->stats().weaker_durability.find("Redis lost what it had acknowledged"), 0u);
  open();
  EXPECT_EQ(cpus(), "2 3 ");
  EXPECT_EQ(cpus("other"), "7 ");
}

TEST_F(RedisHistoryTest, a_byte_cap_drops_the_oldest) {
  options_.history.max_bytes = 1;
  options_.history.keep_ten_minutes = options_.history.keep_hours = Duration{0};
  open();
  for (int hour = 0; hour < 24 * 6; ++hour) {
    ASSERT_TRUE(write(hour * 1h, hour));
    clock_.advance(1h);
  }
  const auto before = history_->stats();
  EXPECT_GT(before.file_bytes, 0u);
  const auto pass = history_->retain(clock_.now());
  ASSERT_TRUE(pass) << pass.error().message;
  EXPECT_GT(pass->deleted, 0u);
  EXPECT_LT(history_->stats().file_bytes, before.file_bytes);
  const auto kept = history_->stats().file_bytes;
  open();
  EXPECT_EQ(history_->stats().file_bytes, kept) << "counted again at the start";
}

TEST_F(RedisHistoryTest, what_redis_answers_is_not_trusted) {
  open();
  ASSERT_TRUE(write(1s, 1));
  ASSERT_TRUE(write(2h, 2));
  history_.reset();
  command({"HSET", key("chunks:1"), "x y", "z", "1 9 5 4 1 1", "z"});
  command({"HSET", key("log"), "9", "torn"});
  command({"HSET", key("worker"), "no number", "w9"});
  open();
  EXPECT_EQ(cpus(), "1 2 ");
  EXPECT_EQ(history_->stats().damaged, 1u);
  history_.reset();
  command({"HSET", key("schema"), "77", "?"});
  const auto damaged = open_redis_history(options_, quiet());
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::corrupt);
  command({"HDEL", key("schema"), "77"});
  command({"HSET", key("worker"), "9", "w"});
  const auto twice = open_redis_history(options_, quiet());
  ASSERT_FALSE(twice) << "one name under two numbers";
  EXPECT_EQ(twice.error().code, Errc::corrupt);
}

TEST_F(RedisHistoryTest, does_not_start_without_redis) {
  server_.kill();
  options_.start_wait = 50ms;
  const auto opened = open_redis_history(options_, quiet());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unavailable);
  EXPECT_NE(opened.error().message.find("history.store: sqlite"), std::string::npos);
}

TEST(ChunkField, reads_what_it_writes_and_refuses_the_rest) {
  const history::ChunkHead head{.id = 7, .kind = history::Kind::hours, .t0 = -5, .t1 = 9, .rows = 3, .bytes = 100};
  EXPECT_EQ(history::chunk_field(head), "7 3 -5 9 3 100");
  const auto back = history::parse_chunk_field("7 3 -5 9 3 100");
  ASSERT_TRUE(back);
  EXPECT_EQ(history::chunk_field(*back), "7 3 -5 9 3 100");
  for (const char* bad : {"", "7", "7 3 -5 9 3", "7 3 -5 9 3 100 1", "0 3 -5 9 3 100", "7 4 -5 9 3 100",
                          "7 -1 -5 9 3 1", "7 3 9 -5 3 100", "7 3 -5 9200000000001 3 100", "7 3 -9200000000001 9 3 100",
                          "7 3 -5 9 3 999999999", "7 3 -5 9 0 100", "7 3 -5 9 999999999 100", "7 3 -5 9 3 -1",
                          "7 3 -5 9 3 99999999999999999999", " 7 3 -5 9 3 100", "7  3 -5 9 3 100"})
    EXPECT_FALSE(history::parse_chunk_field(bad)) << bad;
}

TEST(RedisFields, what_this_monitor_could_not_have_written_is_passed_over) {
  const auto list = [](std::initializer_list<const char*> texts) {
    RedisReply out{.kind = RedisReply::Kind::array};
    for (const char* text : texts) out.items.push_back({.kind = RedisReply::Kind::text, .text = text});
    return out;
  };
  EXPECT_EQ(history::parse_numbered(list({"2", "b", "x", "y", "-1", "c", "1", "a", "9007199254740993", "z", "3"})),
            (std::vector<std::pair<std::int64_t, std::string>>{{1, "a"}, {2, "b"}}));
  EXPECT_EQ(history::parse_ids(list({"7", "0", "", "5", "9223372036854775807"})), (std::set<std::int64_t>{5, 7}));
  const auto heads = history::parse_heads(list({"9 0 5 6 1 1", "no", "8 0 5 6 1 1", "7 0 9 9 1 1"}));
  ASSERT_EQ(heads.size(), 3u);
  EXPECT_EQ(heads[0].id, 8);
  EXPECT_EQ(heads[2].id, 7);
}

}  // namespace

}  // namespace paramedic
