// What only the store on Redis has: lease, spool, catch-up, lost replies, lost data, weaker promises. The rest stands
// in ledger_conformance_test.cc.
#include "io/ledger/redis_ledger.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <fmt/format.h>
#include <poll.h>
#include <sys/un.h>

#include "io/ledger/redis_store.h"
#include "io/net/redis/redis_test_support.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;

// Stands between a client and a server; on request it swallows the next reply and breaks the connection.
class Proxy {
 public:
  explicit Proxy(std::string target) : target_(std::move(target)), server_([this](int, int fd) { pump(fd); }) {}
  std::string tcp() const { return server_.tcp(); }
  void swallow_next_reply() { swallow_ = true; }
  bool swallowed() const { return !swallow_; }

 private:
  void pump(int client) {
    const int upstream = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    target_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(upstream, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      while (move(client, upstream)) {
      }
    }
    ::close(upstream);
  }
  bool move(int client, int upstream) {
    pollfd both[2] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
    if (::poll(both, 2, 10'000) <= 0) return false;
    char buffer[65536];
    for (int i = 0; i < 2; ++i) {
      if (!both[i].revents) continue;
      const ssize_t count = ::recv(both[i].fd, buffer, sizeof buffer, 0);
      if (count <= 0) return false;
      if (i == 1 && swallow_.exchange(false)) return false;
      ScriptedServer::say(both[1 - i].fd, std::string_view(buffer, std::size_t(count)));
    }
    return true;
  }
  std::string target_;
  std::atomic<bool> swallow_ = false;
  ScriptedServer server_;
};

class RedisLedgerTest : public ::testing::Test {
 protected:
  RedisLedgerTest() : dir_(new_dir()) {
    options_.data_dir = dir_;
    options_.name = "t";
    options_.redis = {.address = server_.unix_socket(), .timeout = 500ms, .backoff_first = 5ms, .backoff_cap = 20ms};
    options_.start_wait = 2s;
    options_.tick = 10ms;
  }
  ~RedisLedgerTest() override {
    ledger_.reset();
    for (const auto& dir : dirs_) fs::remove_all(dir);
  }
  std::string new_dir() {
    char path[] = "/tmp/paramedic_rledger_XXXXXX";
    dirs_.emplace_back(::mkdtemp(path));
    return dirs_.back();
  }
  void open() {
    ledger_.reset();
    auto opened = open_redis_ledger(options_, *log_);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = std::move(*opened);
  }
  Error refusal(const RedisLedgerOptions& options) {
    auto opened = open_redis_ledger(options, *log_);
    return opened ? Error{Errc::internal, "opened"} : opened.error();
  }
  Result<void> commit(std::string verb) {
    const LedgerEntry entry{clock_.advance(1ms).wall,
                            AuditRecord{.at = clock_.now().wall, .actor = "ann", .verb = std::move(verb)}};
    return ledger_->commit(std::span(&entry, 1));
  }
  // Oldest first.
  std::vector<std::string> verbs(Ledger& ledger) {
    std::vector<std::string> out;
    LedgerQuery query{.limit = 1000};
    do {
      const auto page = ledger.audit(query);
      EXPECT_TRUE(page) << (page ? "" : page.error().message);
      if (!page) break;
      for (const auto& record : page->items) out.push_back(record.verb);
      query.cursor = page->next;
    } while (!query.cursor.empty());
    std::reverse(out.begin(), out.end());
    return out;
  }
  bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool caught_up() {
    return eventually([&] { return !ledger_->stats().store_away; });
  }
  Result<RedisReply> redis(RedisCommand command) {
    auto client = RedisClient::open({.address = server_.unix_socket()}, *log_);
    return (*client)->call(std::move(command));
  }
  using List = std::vector<std::string>;

  RedisServer server_;
  std::vector<std::string> dirs_;
  std::string dir_;
  RedisLedgerOptions options_;
  ManualClock clock_;
  std::unique_ptr<Logger> log_ = make_null_logger();
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(RedisLedgerTest, commits_go_to_the_spool_while_redis_is_away_and_arrive_in_order_once) {
  open();
  ASSERT_TRUE(commit("0"));
  server_.kill();
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(commit(std::to_string(i)));
  const auto away = ledger_->stats();
  EXPECT_TRUE(away.store_away);
  EXPECT_FALSE(away.degraded) << "each was acknowledged from the local disk";
  EXPECT_EQ(away.spool_waiting, 5u);
  EXPECT_EQ(away.commits, 6u);
  EXPECT_NE(away.problem.find(server_.unix_socket()), std::string::npos) << away.problem;
  EXPECT_EQ(ledger_->audit({}).error().code, Errc::unavailable);
  server_.start();
  ASSERT_TRUE(caught_up());
  ASSERT_TRUE(commit("6"));
  EXPECT_EQ(verbs(*ledger_), (List{"0", "1", "2", "3", "4", "5", "6"}));
  EXPECT_EQ(ledger_->stats().replayed, 5u);
  EXPECT_EQ(ledger_->stats().problem, "");
  EXPECT_EQ(fs::file_size(dir_ + "/ledger.spool"), 8u);
}

TEST_F(RedisLedgerTest, a_spool_left_by_a_former_life_is_taken_before_anything_is_read) {
  open();
  ASSERT_TRUE(commit("0"));
  server_.kill();
  ASSERT_TRUE(commit("1"));
  ledger_.reset();
  const Error why = refusal(options_);
  EXPECT_EQ(why.code, Errc::unavailable) << "without Redis the monitor does not know its budgets";
  EXPECT_NE(why.message.find("ledger.store: sqlite"), std::string::npos);
  server_.start();
  open();
  EXPECT_EQ(verbs(*ledger_), (List{"0", "1"}));
  EXPECT_EQ(ledger_->stats().spool_waiting, 0u);
}

TEST_F(RedisLedgerTest, a_lost_reply_duplicates_nothing) {
  Proxy proxy(server_.unix_socket().substr(5));
  options_.redis.address = proxy.tcp();
  open();
  for (int i = 0; i < 20; ++i) {
    if (i % 4 == 1) proxy.swallow_next_reply();
    ASSERT_TRUE(commit(std::to_string(i)));
    ASSERT_TRUE(caught_up());
  }
  List wanted;
  for (int i = 0; i < 20; ++i) wanted.push_back(std::to_string(i));
  EXPECT_EQ(verbs(*ledger_), wanted);
  EXPECT_GE(ledger_->stats().spooled, 1u) << "what was not answered went to the spool";
  ledger_.reset();  // before the proxy that it speaks through
}

TEST_F(RedisLedgerTest, a_replay_that_was_cut_off_duplicates_nothing) {
  open();
  server_.kill();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(commit(std::to_string(i)));
  const std::string kept = dir_ + "/copy";
  fs::copy_file(dir_ + "/ledger.spool", kept);
  server_.start();
  ASSERT_TRUE(caught_up());
  ledger_.reset();
  // As after a crash before the file was shortened.
  fs::copy_file(kept, dir_ + "/ledger.spool", fs::copy_options::overwrite_existing);
  open();
  EXPECT_EQ(verbs(*ledger_), (List{"0", "1", "2"}));
}

TEST_F(RedisLedgerTest, an_old_spool_does_not_overwrite_what_is_newer) {
  open();
  const auto put = [&](std::string reason) {
    const LedgerEntry entry{clock_.advance(1s).wall, BigSwitchRecord{.held = true, .reason = std::move(reason)}};
    return ledger_->commit(std::span(&entry, 1));
  };
  server_.kill();
  ASSERT_TRUE(put("old"));
  ledger_.reset();
  fs::rename(dir_ + "/ledger.spool", dir_ + "/aside");
  server_.start();
  open();
  ASSERT_TRUE(put("new"));
  ledger_.reset();
  fs::rename(dir_ + "/aside", dir_ + "/ledger.spool");
  open();
  EXPECT_EQ(ledger_->load(clock_.now())->big_switch->reason, "new");
}

TEST_F(RedisLedgerTest, a_full_spool_fails_the_commit) {
  options_.spool_max_bytes = 600;
  open();
  server_.kill();
  int kept = 0;
  Result<void> last;
  for (; kept < 100 && (last = commit("x")); ++kept) {
  }
  ASSERT_FALSE(last);
  EXPECT_GT(kept, 1);
  EXPECT_EQ(last.error().code, Errc::unavailable);
  EXPECT_NE(last.error().message.find("ledger.spool is full"), std::string::npos) << last.error().message;
  EXPECT_TRUE(ledger_->stats().degraded);
  server_.start();
  ASSERT_TRUE(caught_up());
  ASSERT_TRUE(commit("y"));
  EXPECT_FALSE(ledger_->stats().degraded);
  EXPECT_EQ(verbs(*ledger_).size(), std::size_t(kept) + 1);
}

TEST_F(RedisLedgerTest, a_redis_that_refuses_writes_is_as_one_that_is_away) {
  open();
  ASSERT_TRUE(commit("0"));
  ASSERT_TRUE(redis({"CONFIG", "SET", "maxmemory", "1"}));
  ASSERT_TRUE(commit("1"));
  EXPECT_TRUE(ledger_->stats().store_away);
  EXPECT_NE(ledger_->stats().problem.find("OOM"), std::string::npos) << ledger_->stats().problem;
  EXPECT_EQ(verbs(*ledger_), List{"0"}) << "reading goes on";
  ASSERT_TRUE(redis({"CONFIG", "SET", "maxmemory", "0"}));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(verbs(*ledger_), (List{"0", "1"}));
}

TEST_F(RedisLedgerTest, another_monitor_is_kept_out_until_the_lease_ends) {
  open();
  auto other = options_;
  other.data_dir = new_dir();
  const Error held = refusal(other);
  EXPECT_EQ(held.code, Errc::conflict);
  EXPECT_NE(held.message.find(fmt::format("process {}", ::getpid())), std::string::npos) << held.message;
  ledger_.reset();  // gives the lease up
  auto taken = open_redis_ledger(other, *log_);
  ASSERT_TRUE(taken) << taken.error().message;
}

TEST_F(RedisLedgerTest, a_stale_writer_is_fenced_off) {
  options_.lease_ttl = 100ms;
  options_.tick = 10s;  // its keeper sleeps, as that of a frozen process
  open();
  ASSERT_TRUE(commit("mine"));
  auto other = options_;
  other.data_dir = new_dir();
  std::unique_ptr<Ledger> second;
  ASSERT_TRUE(eventually([&] {
    auto taken = open_redis_ledger(other, *log_);
    if (taken) second = std::move(*taken);
    return second != nullptr;
  }));
  const auto refused = commit("stale");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_NE(refused.error().message.find("took over"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(ledger_->stats().fenced);
  EXPECT_EQ(ledger_->stats().spool_waiting, 0u) << "what a fenced writer decides is not for later either";
  EXPECT_EQ(verbs(*second), List{"mine"});
  EXPECT_EQ(commit("again").error().code, Errc::conflict);
}

TEST_F(RedisLedgerTest, the_keeper_notices_a_takeover_without_a_commit) {
  options_.lease_ttl = 50ms;
  open();
  ASSERT_TRUE(redis({"HSET", "{paramedic:t}:lease", "epoch", "9", "owner", "other", "holder", "host z"}));
  ASSERT_TRUE(eventually([&] { return ledger_->stats().fenced; }));
  EXPECT_NE(ledger_->stats().problem.find("host z"), std::string::npos);
}

TEST_F(RedisLedgerTest, data_that_redis_lost_is_told_and_the_ledger_goes_on) {
  open();
  ASSERT_TRUE(commit("gone"));
  ASSERT_TRUE(redis({"FLUSHALL"}));
  ASSERT_TRUE(commit("kept"));
  EXPECT_EQ(verbs(*ledger_), List{"kept"});
  EXPECT_NE(ledger_->stats().weaker_durability.find("Redis lost records"), std::string::npos);
  EXPECT_FALSE(ledger_->stats().fenced);
}

TEST_F(RedisLedgerTest, scripts_are_given_again_to_a_redis_that_forgot_them) {
  open();
  ASSERT_TRUE(redis({"SCRIPT", "FLUSH"}));
  ASSERT_TRUE(commit("0"));
  EXPECT_EQ(ledger_->stats().spooled, 0u);
  EXPECT_EQ(verbs(*ledger_), List{"0"});
}

TEST_F(RedisLedgerTest, all_keys_share_one_hash_tag) {
  open();
  ASSERT_TRUE(commit("0"));
  const auto keys = redis({"KEYS", "*"});
  ASSERT_TRUE(keys);
  std::set<std::string> names;
  for (const auto& key : keys->items) names.insert(key.text);
  EXPECT_EQ(names, (std::set<std::string>{"{paramedic:t}:applied", "{paramedic:t}:index", "{paramedic:t}:lease",
                                          "{paramedic:t}:meta", "{paramedic:t}:record"}));
}

TEST_F(RedisLedgerTest, refuses_a_newer_format) {
  ASSERT_TRUE(redis({"HSET", "{paramedic:t}:meta", "format", "2"}));
  const Error why = refusal(options_);
  EXPECT_EQ(why.code, Errc::invalid_argument);
  EXPECT_NE(why.message.find("newer Paramedic (format 2"), std::string::npos) << why.message;
}

TEST_F(RedisLedgerTest, retention_removes_every_trace_in_bounded_batches) {
  open();
  std::vector<LedgerEntry> old;
  for (int i = 0; i < 1200; ++i)
    old.push_back({clock_.now().wall, AuditRecord{.at = clock_.now().wall, .verb = "old", .target = "w"}});
  ASSERT_TRUE(ledger_->commit(old));
  clock_.advance(24h * 91);
  EXPECT_EQ(ledger_->prune(clock_.now())->deleted, 0u) << "the first pass only learns the time";
  clock_.advance(24h * 46);
  ASSERT_TRUE(commit("new"));
  const auto pruned = ledger_->prune(clock_.now());
  ASSERT_TRUE(pruned) << pruned.error().message;
  EXPECT_EQ(pruned->deleted, 1200u);
  EXPECT_EQ(verbs(*ledger_), List{"new"});
  EXPECT_EQ(redis({"HLEN", "{paramedic:t}:record"})->integer, 1);
  EXPECT_EQ(redis({"ZCARD", "{paramedic:t}:index"})->integer, 2);
}

TEST_F(RedisLedgerTest, weaker_promises_are_told) {
  open();
  EXPECT_EQ(ledger_->stats().weaker_durability, "") << "AOF with fsync at each write, no eviction, no replica";
  ASSERT_TRUE(redis({"CONFIG", "SET", "appendfsync", "everysec"}));
  ASSERT_TRUE(redis({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"}));
  open();
  const std::string weaker = ledger_->stats().weaker_durability;
  EXPECT_NE(weaker.find("appendfsync is everysec"), std::string::npos) << weaker;
  EXPECT_NE(weaker.find("maxmemory-policy is allkeys-lru"), std::string::npos);
}

TEST(RedisDurability, is_judged_from_what_redis_tells) {
  EXPECT_EQ(judge_durability("redis_version:7.0.15\r\naof_enabled:1\r\n", "always").weaker, "");
  EXPECT_EQ(judge_durability("redis_version:7.0.15\r\n", "always").version, "7.0.15");
  EXPECT_NE(judge_durability("aof_enabled:0\r\n", "always").weaker.find("appendonly is off"), std::string::npos);
  EXPECT_NE(judge_durability("aof_enabled:1\r\n", "").weaker.find("cannot be read"), std::string::npos);
  EXPECT_NE(judge_durability("aof_enabled:1\r\naof_last_write_status:err\r\n", "always").weaker, "");
  EXPECT_NE(judge_durability("aof_enabled:1\nconnected_slaves:2\n", "always").weaker.find("2 replicas"),
            std::string::npos);
}

TEST(StoredRow, a_damaged_record_is_refused) {
  const std::string good = "0000000000000007 " + sortable(-3) + " " + sortable(9) + " 1 1 2\nwpp{}";
  const auto row = parse_stored_row(good);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->id, 7);
  EXPECT_EQ(row->at, -3);
  EXPECT_EQ(row->pool, "pp");
  EXPECT_EQ(row->body, "{}");
  for (std::size_t size = 0; size < good.size() - 2; ++size)
    EXPECT_FALSE(parse_stored_row(good.substr(0, size))) << size;
  for (const auto* bad :
       {"a b c d e f\nx", "1 1 1 1 99999999999999999999 1\nx", "1 1 1 1 -1 1\nxxx", "1 1 1 1 1 1 1\nxxx"})
    EXPECT_FALSE(parse_stored_row(bad)) << bad;
}

// Redis is killed at random instants under load: what was acknowledged is there in the end, in order, once.
TEST_F(RedisLedgerTest, kill_9_of_redis_loses_and_doubles_nothing) {
  options_.redis.timeout = 2s;
  open();
  List wanted;
  std::minstd_rand random(20261125);
  for (int round = 0; round < 5; ++round) {
    std::atomic<bool> ended = false;
    std::thread killer([&, wait = std::chrono::microseconds(random() % 30'000)] {
      std::this_thread::sleep_for(wait);
      server_.kill();
      ended = true;
    });
    for (int after = 0; after < 20; after += ended) {
      wanted.push_back(fmt::format("{}-{}", round, wanted.size()));
      ASSERT_TRUE(commit(wanted.back()));
    }
    killer.join();
    server_.start();
    ASSERT_TRUE(caught_up());
  }
  EXPECT_EQ(verbs(*ledger_), wanted);
}

}  // namespace
}  // namespace paramedic
