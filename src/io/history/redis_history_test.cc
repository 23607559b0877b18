// The history on a real redis-server beyond conformance: loss and return of Redis, fencing, Redis that forgets.
#include "io/history/redis_history.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "io/history/history_conformance.h"
#include "io/history/redis_chunk_store.h"
#include "io/net/redis/redis_test_support.h"

namespace paramedic {
namespace {

Logger& quiet() {
  static const auto log = make_null_logger();
  return *log;
}

RedisHistoryOptions redis_options(const RedisServer& server, HistoryOptions history) {
  RedisHistoryOptions out;
  out.name = hash_hex(stable_hash(history.data_dir));
  out.history = std::move(history);
  out.redis.address = server.unix_socket();
  out.redis.backoff_first = out.redis.backoff_cap = 10ms;
  return out;
}

class RedisHistoryTest : public ::testing::Test {
 protected:
  RedisHistoryTest() {
    char path[] = "/tmp/paramedic_history_XXXXXX";
    dir_ = ::mkdtemp(path);
    options_ = redis_options(server_, {.data_dir = dir_});
  }
  ~RedisHistoryTest() override {
    history_.reset();
    fs::remove_all(dir_);
  }
  void open() {
    history_.reset();
    auto opened = open_redis_history(options_, quiet());
    ASSERT_TRUE(opened) << opened.error().message;
    history_ = std::move(*opened);
  }
  Result<void> write(Duration at, double cpu, std::string worker = "w") {
    history_->append({HistoryRow{std::move(worker), t0_ + at, Status::healthy, 1.0, {cpu_, {cpu}}}});
    return history_->flush();
  }
  Result<std::vector<HistoryRow>> read_all(const std::string& worker) {
    return history_->read({.worker_id = worker, .from = t0_, .to = t0_ + 1000h});
  }
  std::string cpus(const std::string& worker = "w") {
    // Reads have a connection of their own, which may still wait out its backoff after Redis came back.
    auto rows = read_all(worker);
    for (int i = 0; i < 1000 && !rows; ++i) {
      std::this_thread::sleep_for(10ms);
      rows = read_all(worker);
    }
    if (!rows) return rows.error().message;
    std::string out;
    for (const auto& r : *rows) out += std::to_string(int(r.metrics.find("cpu_percent").value_or(-1))) + " ";
    return out;
  }
  RedisReply command(RedisCommand c) {
    auto client = RedisClient::open({.address = server_.unix_socket()}, quiet());
    auto reply = (*client)->call(std::move(c));
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : RedisReply{};
  }
  // Until Redis takes it: attempts to connect have a backoff of 10 ms.
  Result<void> flush_until_done() {
    Result<void> done = make_error(Errc::unavailable, "");
    for (int i = 0; i < 1000 && !done; ++i) {
      done = history_->flush();
      if (!done) std::this_thread::sleep_for(10ms);
    }
    return done;
  }
  std::string key(const std::string& name) const { return "{paramedic:" + options_.name + ":history}:" + name; }

  RedisServer server_;
  std::string dir_;
  RedisHistoryOptions options_;
  ManualClock clock_;
  WallTime t0_ = clock_.now().wall;
  std::shared_ptr<const MetricNames> cpu_ = names({"cpu_percent"});
  std::unique_ptr<History> history_;
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
  const auto done = flush_until_done();
  ASSERT_TRUE(done) << done.error().message;
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
  ASSERT_TRUE(flush_until_done());
  EXPECT_EQ(cpus(), "15 16 17 18 19 20 21 22 23 24 ");
}

// The hours that end with a commit are folded in it too: repeated after a lost reply, nothing stands twice.
TEST_F(RedisHistoryTest, a_commit_whose_reply_was_lost_is_repeated_without_twins) {
  options_.redis.timeout = 300ms;
  open();
  ASSERT_TRUE(write(1s, 1));
  server_.signal(SIGSTOP);
  EXPECT_FALSE(write(2h, 2)) << "sent, but not answered in time";
  server_.signal(SIGCONT);
  ASSERT_TRUE(flush_until_done());
  EXPECT_EQ(cpus(), "1 2 ");
  EXPECT_EQ(command({"HLEN", key("log")}).integer, 2);
  EXPECT_EQ(command({"HLEN", key("chunks:1")}).integer, 1);
  open();
  EXPECT_EQ(cpus(), "1 2 ");
}

TEST_F(RedisHistoryTest, another_monitor_fences_the_first_off) {
  options_.lease_ttl = 1ms;
  open();
  ASSERT_TRUE(write(1s, 1));
  auto first = std::move(history_);
  options_.history.data_dir = dir_ + "/other";
  std::this_thread::sleep_for(5ms);  // the lease of the first ends
  open();
  EXPECT_EQ(cpus(), "1 ");
  ASSERT_TRUE(write(2s, 2));
  std::swap(first, history_);
  const auto refused = write(3s, 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_NE(refused.error().message.find("history.redis.name"), std::string::npos) << refused.error().message;
  history_.reset();
  history_ = std::move(first);
  EXPECT_EQ(cpus(), "1 2 ");
  open();
  EXPECT_EQ(cpus(), "1 2 ");
}

TEST_F(RedisHistoryTest, a_second_monitor_does_not_start_while_the_first_writes) {
  open();
  auto other = options_;
  other.history.data_dir = dir_ + "/other";
  const auto refused = open_redis_history(other, quiet());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
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
                          "7 -1 -5 9 3 1", "7 3 9 -5 3 100", "7 3 -5 9 0 100", "7 3 -5 9 999999999 100",
                          "7 3 -5 9 3 -1", "7 3 -5 9 3 99999999999999999999", " 7 3 -5 9 3 100", "7  3 -5 9 3 100"})
    EXPECT_FALSE(history::parse_chunk_field(bad)) << bad;
}

}  // namespace

}  // namespace paramedic
