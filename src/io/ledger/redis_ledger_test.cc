// What only the store on Redis has: lease, spool, catch-up, lost replies, lost data, weaker promises. The rest stands
// in ledger_conformance_test.cc.
#include "io/ledger/redis_ledger.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <fmt/format.h>

#include "io/ledger/redis_store.h"
#include "io/net/redis/redis_test_support.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;

class RedisLedgerTest : public ::testing::Test {
 protected:
  RedisLedgerTest() : dir_(new_dir()) {
    options_.data_dir = dir_;
    options_.name = "t";
    options_.redis = {
        .address = server_.unix_socket(), .timeout = kPatience, .backoff_first = 5ms, .backoff_cap = 20ms};
    options_.start_wait = kPatience;
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
  bool caught_up() {
    return eventually([&] { return !ledger_->stats().store_away; });
  }
  Result<RedisReply> redis(RedisCommand command) { return server_.call(std::move(command)); }
  bool is_told(const std::string& text) {
    return eventually([&] { return ledger_->stats().weaker_durability.find(text) != std::string::npos; });
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
  auto impatient = options_;
  impatient.start_wait = 50ms;
  const Error why = refusal(impatient);
  EXPECT_EQ(why.code, Errc::unavailable) << "without Redis the monitor does not know its budgets";
  EXPECT_NE(why.message.find("ledger.store: sqlite"), std::string::npos);
  server_.start();
  open();
  EXPECT_EQ(verbs(*ledger_), (List{"0", "1"}));
  EXPECT_EQ(ledger_->stats().spool_waiting, 0u);
}

TEST_F(RedisLedgerTest, a_lost_reply_duplicates_nothing) {
  RedisProxy proxy(server_);
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
  EXPECT_NE(ledger_->stats().weaker_durability.find("Redis lost what it had acknowledged"), std::string::npos);
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

TEST_F(RedisLedgerTest, what_redis_does_not_promise_is_told_and_looked_at_again) {
  options_.check_every = 1ms;
  open();
  EXPECT_EQ(ledger_->stats().weaker_durability.find("no replica"), 0u) << "AOF always and noeviction";
  ASSERT_TRUE(redis({"CONFIG", "SET", "appendfsync", "everysec"}));
  EXPECT_TRUE(is_told("appendfsync is everysec"));
  ASSERT_TRUE(redis({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"}));
  EXPECT_TRUE(is_told("maxmemory-policy is allkeys-lru"));
  ASSERT_TRUE(redis({"CONFIG", "SET", "appendfsync", "always"}));
  EXPECT_TRUE(eventually([&] { return ledger_->stats().weaker_durability.find("appendfsync") == std::string::npos; }));
}

TEST_F(RedisLedgerTest, a_replica_is_refused_at_the_start_and_spooled_for_when_a_master_becomes_one) {
  RedisServer master;
  const std::string port = master.tcp().substr(10);
  open();
  ASSERT_TRUE(commit("0"));
  ASSERT_TRUE(redis({"REPLICAOF", "127.0.0.1", port}));
  ASSERT_TRUE(commit("1"));
  EXPECT_TRUE(ledger_->stats().store_away);
  EXPECT_NE(ledger_->stats().problem.find("give the address of its master"), std::string::npos)
      << ledger_->stats().problem;
  ledger_.reset();
  const Error why = refusal(options_);
  EXPECT_EQ(why.code, Errc::unavailable);
  EXPECT_NE(why.message.find("is a replica of " + master.tcp() + "; set ledger.redis.address"), std::string::npos)
      << why.message;
  ASSERT_TRUE(redis({"REPLICAOF", "NO", "ONE"}));
  open();
  EXPECT_EQ(verbs(*ledger_).back(), "1");
}

TEST(TouchedIn, is_read_from_members_of_closed_records_only) {
  const auto member = [](std::int64_t at) {
    return index_prefix(IndexFamily::closed, LedgerKind::audit) + sortable(at) + "0000000000000001" + "key";
  };
  EXPECT_EQ(touched_in(member(-5)), WallTime{Duration{-5}});
  EXPECT_EQ(touched_in(member(std::numeric_limits<std::int64_t>::min())), std::nullopt);
  EXPECT_EQ(touched_in(member(std::numeric_limits<std::int64_t>::max())), std::nullopt);
  EXPECT_EQ(touched_in(member(1).substr(0, 30)), std::nullopt);
  std::string bad = member(1);
  bad[10] = 'x';
  EXPECT_EQ(touched_in(bad), std::nullopt);
}

// Speaks as Redis does, but answers what it likes.
TEST(RedisStoreAgainstLies, ranges_must_move_on) {
  std::string answer;
  ScriptedServer server([&](int, int fd) {
    if (!ScriptedServer::greet(fd)) return;
    while (ScriptedServer::read_until(fd, "LIMIT")) ScriptedServer::say(fd, answer);
  });
  const auto log = make_null_logger();
  auto client = RedisClient::open({.address = server.tcp(), .timeout = kPatience, .backoff_first = 1ms}, *log);
  ASSERT_TRUE(client);
  RedisStore store(**client, "t");
  const IndexRange range{"[a00", "(a00:"};
  const auto said = [&](std::string bytes, bool newest_first = false) {
    answer = std::move(bytes);
    const auto members = store.members(range, newest_first, 2);
    return members ? fmt::format("{} members", members->size()) : std::string(to_string(members.error().code));
  };
  EXPECT_EQ(said("*2\r\n$4\r\na001\r\n$4\r\na002\r\n"), "2 members");
  EXPECT_EQ(said("*2\r\n$4\r\na001\r\n$4\r\na001\r\n"), "corrupt") << "the same again";
  EXPECT_EQ(said("*2\r\n$4\r\na001\r\n$4\r\na002\r\n", true), "corrupt") << "the wrong way round";
  EXPECT_EQ(said("*1\r\n$4\r\nb001\r\n"), "corrupt") << "not asked for";
  EXPECT_EQ(said("*3\r\n$4\r\na001\r\n$4\r\na002\r\n$4\r\na003\r\n"), "corrupt") << "too many";
  EXPECT_EQ(said("+OK\r\n"), "corrupt") << "no list";
  (*client)->stop();
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
