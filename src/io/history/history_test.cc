#include "io/history/history.h"

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/history/chain.h"
#include "io/history/history_writer.h"
#include "io/history/row_codec.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;
using history::ChainHead;
using history::make_schema;

std::shared_ptr<const MetricNames> names(MetricNames list) {
  return std::make_shared<const MetricNames>(std::move(list));
}
template <class F>
bool holds(F property) {
  ::setenv("RC_PARAMS", "seed=20261123", 0);
  return rc::check(property);
}

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    char path[] = "/tmp/paramedic_history_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~HistoryTest() override {
    history_.reset();
    fs::remove_all(dir_);
  }
  HistoryOptions options() const { return {.data_dir = dir_}; }
  void open(const HistoryOptions& o) {
    history_.reset();
    auto opened = open_sqlite_history(o);
    ASSERT_TRUE(opened) << opened.error().message;
    history_ = std::move(*opened);
  }
  void open() { open(options()); }
  HistoryRow row(WallTime at, double cpu, std::string worker = "w") const {
    return {std::move(worker), at, Status::healthy, 1.0, {cpu_, {cpu}}};
  }
  void write(std::vector<HistoryRow> rows) {
    history_->append(std::move(rows));
    const auto done = history_->flush();
    ASSERT_TRUE(done) << done.error().message;
  }
  std::vector<HistoryRow> read(Duration from, Duration to, std::string worker = "w") {
    auto rows = history_->read({.worker_id = std::move(worker), .from = t0_ + from, .to = t0_ + to});
    EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
    return rows ? std::move(*rows) : std::vector<HistoryRow>{};
  }
  std::string cpus(const std::vector<HistoryRow>& rows) {
    std::string out;
    for (const auto& r : rows) out += std::to_string(int(r.metrics.find("cpu_percent").value_or(-1))) + " ";
    return out;
  }

  std::string dir_;
  ManualClock clock_;
  WallTime t0_ = clock_.now().wall;
  std::shared_ptr<const MetricNames> cpu_ = names({"cpu_percent"});
  std::unique_ptr<History> history_;
};

TEST_F(HistoryTest, gives_back_what_was_written) {
  open();
  HistoryRow full{
      "w",  t0_, Status::critical, 0.25, {names({"a_rate", "cpu_percent", "total_tasks"}), {0.0001, 41.25, 9e12}},
      true, true};
  full.metrics.values[0] = std::nan("");
  write({full, HistoryRow{"w", t0_ + 1s, Status::unknown, std::nullopt, {}}});
  const auto rows = read(0s, 1h);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at, t0_);
  EXPECT_EQ(rows[0].status, Status::critical);
  EXPECT_EQ(rows[0].score, 0.25);
  EXPECT_TRUE(rows[0].transition && rows[0].backlog);
  EXPECT_FALSE(rows[0].metrics.find("a_rate"));
  EXPECT_EQ(rows[0].metrics.find("cpu_percent"), 41.25);
  EXPECT_EQ(rows[0].metrics.find("total_tasks"), 9e12);
  EXPECT_FALSE(rows[1].score);
  EXPECT_EQ(rows[1].metrics.size(), 0u);
  EXPECT_TRUE(read(0s, 1h, "other").empty());
  EXPECT_TRUE(read(2h, 3h).empty());
}

TEST_F(HistoryTest, selects_metrics) {
  open();
  write({{"w", t0_, Status::healthy, 1, {names({"a", "b", "c"}), {1, 2, 3}}},
         {"w", t0_ + 1s, Status::healthy, 1, {names({"b"}), {4}}}});
  const auto rows = history_->read({.worker_id = "w", .from = t0_, .to = t0_ + 1min, .metrics = {"b", "zzz"}});
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows->at(0).metrics.names, MetricNames{"b"});
  EXPECT_EQ(rows->at(0).metrics.values, std::vector<double>{2});
  EXPECT_EQ(rows->at(1).metrics.values, std::vector<double>{4});
}

TEST_F(HistoryTest, late_rows_are_merged_and_the_later_write_wins) {
  open();
  write({row(t0_ + 10s, 10), row(t0_ + 30s, 30)});
  write({row(t0_ + 20s, 20), row(t0_ + 10s, 11)});
  EXPECT_EQ(cpus(read(0s, 1h)), "11 20 30 ");
  EXPECT_EQ(cpus(read(15s, 25s)), "20 ");
}

TEST_F(HistoryTest, rows_wait_for_the_flush_and_survive_reopening) {
  open();
  history_->append({row(t0_, 1)});
  EXPECT_TRUE(read(0s, 1h).empty());
  EXPECT_EQ(history_->stats().buffered, 1u);
  history_.reset();  // an orderly end flushes
  open();
  EXPECT_EQ(cpus(read(0s, 1h)), "1 ");
  write({row(t0_ + 1s, 2)});
  open();
  EXPECT_EQ(cpus(read(0s, 1h)), "1 2 ");
  EXPECT_EQ(history_->stats().workers, 1u);
}

// Whatever the order of arrival, a read is what a sorted map would answer. Exercises anchors, leaps and reopening.
TEST_F(HistoryTest, any_order_of_arrival_reads_like_a_sorted_map) {
  int round = 0;
  EXPECT_TRUE(holds([&] {
    auto o = options();
    if (++round > 40) return;  // each case costs a dozen fsyncs
    o.data_dir += "/" + std::to_string(round);
    o.checkpoint_flushes = *rc::gen::inRange(1, 4);
    auto opened = open_sqlite_history(o);
    RC_ASSERT(opened.has_value());
    auto h = std::move(*opened);
    std::map<std::int64_t, double> model;
    std::int64_t now = 0;
    for (int flush = 0; flush < 6; ++flush) {
      std::vector<HistoryRow> rows;
      const int count = *rc::gen::inRange(0, 200);
      for (int i = 0; i < count; ++i) {
        const std::int64_t at = *rc::gen::weightedElement<bool>({{9, false}, {1, true}})
                                    ? *rc::gen::inRange<std::int64_t>(0, now + 1)
                                    : ++now;
        model[at] = double(rows.size() + std::size_t(flush) * 1000);
        rows.push_back(row(t0_ + std::chrono::seconds(at), model[at]));
        rows.push_back(row(t0_ + std::chrono::seconds(at), 7, "noise"));
      }
      h->append(std::move(rows));
      RC_ASSERT(h->flush().has_value());
      if (*rc::gen::inRange(0, 3) == 0) {
        h.reset();
        h = std::move(*open_sqlite_history(o));
      }
    }
    for (int query = 0; query < 5; ++query) {
      const auto from = *rc::gen::inRange<std::int64_t>(0, now + 2), to = *rc::gen::inRange(from, now + 3);
      const auto rows =
          h->read({.worker_id = "w", .from = t0_ + std::chrono::seconds(from), .to = t0_ + std::chrono::seconds(to)});
      RC_ASSERT(rows.has_value());
      auto expected = model.lower_bound(from);
      for (const auto& r : *rows) {
        RC_ASSERT(expected != model.end());
        RC_ASSERT(r.at == t0_ + std::chrono::seconds(expected->first));
        RC_ASSERT(r.metrics.values.at(0) == expected->second);
        ++expected;
      }
      RC_ASSERT(expected == model.upper_bound(to));
    }
  }));
}

TEST_F(HistoryTest, a_step_keeps_mean_extremes_and_the_worst_status) {
  open();
  std::vector<HistoryRow> rows;
  const WallTime start{std::chrono::floor<std::chrono::minutes>(t0_.time_since_epoch()) + 1min};
  for (int i = 0; i < 12; ++i) rows.push_back(row(start + i * 10s, i == 4 ? 99 : 10));
  rows[4].status = Status::critical;
  rows[4].score = 0.2;
  rows[4].transition = true;
  rows.push_back({"w", start + 3min, Status::unknown, std::nullopt, {names({"cpu_percent_min", "other"}), {5, 6}}});
  write(rows);
  const auto got = history_->read({.worker_id = "w", .from = start, .to = start + 1h, .step = 1min});
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 3u) << "steps without rows are left out";
  const HistoryRow& first = got->at(0);
  EXPECT_EQ(first.at, start);
  EXPECT_EQ(first.status, Status::critical);
  EXPECT_EQ(first.score, 0.2);
  EXPECT_TRUE(first.transition);
  EXPECT_EQ(first.metrics.find("cpu_percent"), 24.833);
  EXPECT_EQ(first.metrics.find("cpu_percent_max"), 99);
  EXPECT_EQ(got->at(1).status, Status::healthy);
  EXPECT_EQ(got->at(1).metrics.find("cpu_percent"), 10);
  EXPECT_FALSE(got->at(1).metrics.find("other"));
  EXPECT_EQ(got->at(2).metrics.find("cpu_percent_min"), 5) << "a real metric of that name keeps its place";
  EXPECT_TRUE(std::is_sorted(first.metrics.names->begin(), first.metrics.names->end()));
}

TEST_F(HistoryTest, refuses_wrong_and_too_large_questions) {
  open();
  std::vector<HistoryRow> rows;
  for (int i = 0; i < 20; ++i) rows.push_back(row(t0_ + i * 1s, i));
  write(rows);
  const auto code = [&](HistoryQuery q) {
    q.worker_id = "w";
    const auto r = history_->read(q);
    return r ? std::string("ok") : std::string(to_string(r.error().code)) + ": " + r.error().message;
  };
  EXPECT_EQ(code({.from = t0_, .to = t0_ - 1s}), "invalid_argument: end: must not be before start");
  EXPECT_EQ(code({.from = t0_, .to = t0_, .step = -1s}), "invalid_argument: step: must not be negative");
  EXPECT_EQ(code({.from = t0_, .to = t0_ + 100s, .max_rows = 10}),
            "too_large: 11 rows or more; at most 10: ask for a shorter time or a step of at least 11 s");
  EXPECT_NE(code({.from = t0_, .to = t0_ + 100s, .step = 1s, .max_rows = 10}).find("too_large"), std::string::npos);
  EXPECT_EQ(code({.from = t0_, .to = t0_ + 100s, .step = 20s, .max_rows = 10}), "ok");
  EXPECT_EQ(code({.from = t0_, .to = t0_ + 1s}), "ok") << "a refused read leaves nothing behind";
}

TEST_F(HistoryTest, retention_deletes_by_time_and_gives_disk_back) {
  open();
  for (int day = 0; day < 9; ++day) {
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 300; ++i) rows.push_back(row(t0_ + day * 24h + i * 1s, i, "w" + std::to_string(day)));
    write(rows);
  }
  clock_.advance(24h * 9);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 0u) << "no time has passed since the start";
  clock_.advance(1h);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 300u) << "two hours of data at most";
  EXPECT_EQ(history_->stats().workers, 8u) << "a worker without rows is forgotten";
  for (int i = 0; i < 24 * 9; ++i) {
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  EXPECT_EQ(history_->stats().deleted, 2700u);
  EXPECT_EQ(history_->stats().workers, 0u);
  EXPECT_TRUE(read(0s, 24h * 30, "w3").empty());
  write({row(clock_.now().wall, 5)});
  open();
  write({row(clock_.now().wall + 1s, 6)});
  EXPECT_EQ(cpus(read(0s, 24h * 30)), "5 6 ") << "ids go on after everything was deleted";
}

TEST_F(HistoryTest, a_clock_jump_cannot_wipe_a_week) {
  open();
  std::vector<HistoryRow> rows;
  for (int hour = 0; hour < 24 * 7; ++hour) rows.push_back(row(t0_ + hour * 1h, hour));
  write(rows);
  clock_.advance(24h * 7);
  ASSERT_TRUE(history_->retain(clock_.now()));
  clock_.jump_wall(24h * 365);
  clock_.advance(1min);
  EXPECT_LE(history_->retain(clock_.now())->deleted, 1u);
  clock_.jump_wall(-24h * 365 * 3);
  for (int i = 0; i < 60; ++i) {
    clock_.advance(1min);
    EXPECT_TRUE(history_->retain(clock_.now()));
  }
  EXPECT_LE(history_->stats().deleted, 4u) << "an hour passed: about two hours of rows";
}

TEST_F(HistoryTest, rows_from_the_future_do_not_dam_up_retention) {
  open();
  write({row(t0_ + 24h * 365, 1), row(t0_ + 24h * 365 + 1s, 2), row(t0_, 3), row(t0_ + 1s, 4)});
  clock_.advance(24h * 8);
  ASSERT_TRUE(history_->retain(clock_.now()));
  clock_.advance(1h);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 2u);
  clock_.advance(1h);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 2u);
}

TEST_F(HistoryTest, long_passes_stop_at_the_batch) {
  auto o = options();
  o.retain_batch = 10;
  open(o);
  std::vector<HistoryRow> rows;
  for (int i = 0; i < 25; ++i) rows.push_back(row(t0_ + i * 1s, i));
  write(rows);
  clock_.advance(24h * 8);
  ASSERT_TRUE(history_->retain(clock_.now()));
  clock_.advance(1min);
  EXPECT_TRUE(history_->retain(clock_.now())->more);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 10u) << "what one pass left of its allowance, the next may use";
  EXPECT_FALSE(history_->retain(clock_.now())->more);
}

TEST_F(HistoryTest, a_full_disk_keeps_rows_and_recovers) {
  auto o = options();
  o.max_pages = 12;
  o.max_buffered = 500;
  open(o);
  write({row(t0_, 0)});
  std::vector<HistoryRow> many;
  for (int i = 1; i <= 600; ++i) many.push_back(row(t0_ + i * 1s, i));
  history_->append(many);
  EXPECT_EQ(history_->stats().dropped, 100u) << "the oldest waiting rows go first";
  history_->append({HistoryRow{"w", t0_, Status::healthy, 1, {names({std::string(40'000, 'x')}), {1}}}});
  const auto done = history_->flush();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_NE(done.error().message.find("history.db"), std::string::npos);
  EXPECT_TRUE(history_->stats().degraded);
  EXPECT_EQ(history_->stats().buffered, 500u);
  EXPECT_EQ(cpus(read(0s, 10s)), "0 ") << "reads go on";
  history_.reset();
  open();
  write({row(t0_ + 1s, 1)});
  EXPECT_EQ(cpus(read(0s, 10s)), "0 1 ");
}

TEST_F(HistoryTest, damage_is_told_with_file_and_remedy) {
  open();
  std::vector<HistoryRow> rows;
  for (int i = 0; i < 2000; ++i) rows.push_back(row(t0_ + i * 1s, i));
  write(rows);
  history_.reset();
  {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((dir_ + "/history.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, "UPDATE log SET vals=x'FFFF' WHERE id=1999; UPDATE log SET prev=-5 WHERE id=1000",
                           nullptr, nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(db);
  }
  open();
  const auto r = history_->read({.worker_id = "w", .from = t0_, .to = t0_ + 1h});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::corrupt);
  EXPECT_NE(r.error().message.find("history.db: row 1999 is damaged"), std::string::npos);
  EXPECT_EQ(read(1999s, 1h).size(), 1u) << "what is sound is still read";
  history_.reset();
  fs::resize_file(dir_ + "/history.db", 5000);
  const auto torn = open_sqlite_history(options());
  if (torn) {
    const auto after = (*torn)->read({.worker_id = "w", .from = t0_, .to = t0_ + 1h});
    EXPECT_TRUE(!after || after->empty());
  }
  std::ofstream(dir_ + "/history.db", std::ios::trunc)
      << "not a database but a text that is long enough to be read as a header";
  ASSERT_FALSE(open_sqlite_history(options()));
  EXPECT_EQ(open_sqlite_history(options()).error().code, Errc::corrupt);
}

TEST_F(HistoryTest, an_unwritable_place_is_refused) {
  const auto opened = open_sqlite_history({.data_dir = "/proc/nothing"});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("/proc/nothing/history.db"), std::string::npos) << opened.error().message;
}

TEST_F(HistoryTest, a_newer_format_is_refused) {
  open();
  history_.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((dir_ + "/history.db").c_str(), &db), SQLITE_OK);
  sqlite3_exec(db, "PRAGMA user_version=9", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  const auto opened = open_sqlite_history(options());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("newer Paramedic (format 9"), std::string::npos);
}

TEST_F(HistoryTest, flushed_rows_survive_kill_9) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto o = options();
    o.checkpoint_flushes = 7;
    auto h = open_sqlite_history(o);
    for (int i = 0; h && i < 40; ++i) {
      (*h)->append({row(t0_ + i * 1s, i), row(t0_ + i * 1s, i, "v" + std::to_string(i))});
      (void)(*h)->flush();
    }
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  open();
  EXPECT_EQ(read(0s, 1h).size(), 40u);
  EXPECT_EQ(read(0s, 1h, "v39").size(), 1u);
  write({row(t0_ + 40s, 40)});
  EXPECT_EQ(read(0s, 1h).size(), 41u);
}

TEST_F(HistoryTest, reads_run_beside_writes) {
  open();
  write({row(t0_, 0)});
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0, reads = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto rows = history_->read({.worker_id = "w", .from = t0_, .to = t0_ + 1h});
        failed += !rows || rows->empty();
        ++reads;
      }
    });
  }
  for (int i = 1; i < 50 || reads < 20; ++i)
    write({row(t0_ + i * 1s, i), row(t0_ + i * 1s, i, "w" + std::to_string(i))});
  stop = true;
  for (auto& t : readers) t.join();
  EXPECT_EQ(failed, 0);
}

TEST(RowCodec, is_lossless_for_every_double) {
  EXPECT_TRUE(holds([] {
    const auto schema = make_schema(names({"a_percent", "b_mb", "c_count", "d_rate", "e"}));
    std::vector<double> values;
    for (int i = 0; i < 5; ++i) {
      const double n = double(*rc::gen::inRange<std::int64_t>(-1'000'000'000'000, 1'000'000'000'000));
      const double odd = *rc::gen::element(0.0, -0.0, std::nan(""), INFINITY, -INFINITY, 1e-300, 1e300, 0.1 + 0.2);
      values.push_back(*rc::gen::element(n / 100, n, std::ldexp(n, -60), odd));
    }
    std::string bytes;
    history::pack_values(bytes, schema, values);
    std::vector<double> back;
    RC_ASSERT(history::unpack_values(bytes, schema, back));
    for (int i = 0; i < 5; ++i)
      RC_ASSERT(std::memcmp(&back[i], &values[i], 8) == 0 || (std::isnan(back[i]) && std::isnan(values[i])));
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
      RC_ASSERT(!history::unpack_values(bytes.substr(0, cut), schema, back));
    RC_ASSERT(!history::unpack_values(bytes + "x", schema, back));
  }));
}

TEST(RowCodec, quantised_values_are_small) {
  const auto schema = make_schema(names({"cpu_percent", "memory_mb"}));
  std::string bytes;
  history::pack_values(bytes, schema, std::vector<double>{41.2, 512.5});
  EXPECT_EQ(bytes.size(), 4u);
  std::vector<double> out;
  EXPECT_FALSE(history::unpack_values(std::string(20, '\xFF'), schema, out));
}

TEST(RowCodec, schemas_are_text) {
  const auto schema = make_schema(names({"a:b", "cpu_percent"}));
  EXPECT_EQ(history::schema_text(schema), "a:b:3\ncpu_percent:2");
  EXPECT_EQ(*history::parse_schema("a:b:3\ncpu_percent:2")->names, *schema.names);
  for (const auto* bad : {"x", "x:", "x:9", "\n", ":"}) EXPECT_FALSE(history::parse_schema(bad)) << bad;
}

TEST(Chain, leaps_over_newer_segments) {
  ChainHead head;
  std::map<std::int64_t, std::pair<std::int64_t, history::Link>> log;
  for (std::int64_t id = 1; id <= 10'000; ++id) {
    const auto link = head.append(id, id);
    log[id] = {id, link};
  }
  int visited = 0, wanted = 0;
  for (std::int64_t id = head.last; id > 0; ++visited) {
    const auto step = history::walk(id, log[id].first, log[id].second, 1000, 1010);
    wanted += step.wanted;
    id = step.next;
  }
  EXPECT_EQ(wanted, 11);
  EXPECT_LT(visited, 3 * history::kAnchorEvery + 10'000 / history::kAnchorEvery);
}

TEST_F(HistoryTest, the_writer_commits_by_itself_and_on_request) {
  open();
  const SystemClock clock;
  const auto log = make_null_logger();
  HistoryWriter writer(*history_, clock, *log, {.flush_every = 1h, .retain_every = 0s});
  writer.push({row(t0_, 1)});
  ASSERT_TRUE(writer.sync());
  EXPECT_EQ(cpus(read(0s, 1h)), "1 ");
  writer.push({row(t0_ + 1s, 2)});
  writer.stop();
  EXPECT_EQ(cpus(read(0s, 1h)), "1 2 ") << "stop flushes";
  EXPECT_FALSE(writer.sync());
  EXPECT_EQ(writer.stats().pushed, 2u);
  EXPECT_EQ(writer.stats().queued, 0u);
}

TEST_F(HistoryTest, the_writer_drops_the_oldest_beyond_its_bound_and_notes_a_full_disk) {
  auto o = options();
  o.max_pages = 9;
  open(o);
  const SystemClock clock;
  const auto log = make_null_logger();
  HistoryWriter writer(*history_, clock, *log, {.flush_every = 1h, .max_queued = 3});
  writer.push({row(t0_, 1), row(t0_ + 1s, 2), row(t0_ + 2s, 3), row(t0_ + 3s, 4)});
  ASSERT_TRUE(writer.sync());
  EXPECT_EQ(writer.stats().dropped, 1u);
  EXPECT_EQ(cpus(read(0s, 1h)), "2 3 4 ");
  writer.push({HistoryRow{"w", t0_, Status::healthy, 1, {names({std::string(60'000, 'x')}), {1}}}});
  EXPECT_FALSE(writer.sync());
  EXPECT_TRUE(writer.stats().degraded);
}

}  // namespace
}  // namespace paramedic
