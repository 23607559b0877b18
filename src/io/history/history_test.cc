#include <csignal>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/history/history_conformance.h"
#include "io/history/history_writer.h"
#include "io/history/row_codec.h"

namespace paramedic {

namespace {

using history::make_schema;

class HistoryTest : public HistoryFixture {
 protected:
  Result<std::unique_ptr<History>> open_store(const HistoryOptions& options) override {
    return open_sqlite_history(options);
  }
  // A row each five minutes, flushed hour by hour.
  void write_hours(int hours) {
    for (int hour = 0; hour < hours; ++hour) {
      std::vector<HistoryRow> rows;
      for (int i = 0; i < 12; ++i) rows.push_back(row(t0_ + hour * 1h + i * 5min, i));
      write(std::move(rows));
    }
  }
  // What the statement answers first, as text. Not while the store is open for writing.
  std::string sql(const std::string& statement) const {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open((dir_ + "/history.db").c_str(), &db), SQLITE_OK);
    std::string out;
    const auto take = [](void* to, int, char** values, char**) {
      *static_cast<std::string*>(to) = values[0] ? values[0] : "";
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, statement.c_str(), take, &out, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    return out;
  }
};

TEST_F(HistoryTest, retention_deletes_by_time_and_gives_disk_back) {
  auto o = options();
  o.keep_ten_minutes = o.keep_hours = Duration{0};
  open(o);
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

TEST_F(HistoryTest, long_passes_stop_at_the_batch) {
  auto o = options();
  o.retain_batch = 10;
  o.keep_ten_minutes = o.keep_hours = Duration{0};
  open(o);
  std::vector<HistoryRow> rows;
  for (int i = 0; i < 25; ++i) rows.push_back(row(t0_ + i * 1s, i, "w" + std::to_string(i)));
  write(rows);
  clock_.advance(24h * 8);
  ASSERT_TRUE(history_->retain(clock_.now()));
  clock_.advance(1min);
  const auto first = history_->retain(clock_.now());
  EXPECT_TRUE(first->more);
  EXPECT_EQ(first->deleted, 10u);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 10u) << "what one pass left of its allowance, the next may use";
  EXPECT_FALSE(history_->retain(clock_.now())->more);
  EXPECT_EQ(history_->stats().workers, 0u);
}

TEST_F(HistoryTest, a_full_disk_keeps_rows_and_recovers) {
  auto o = options();
  o.max_pages = 26;
  o.max_buffered = 500;
  open(o);
  write({row(t0_, 0)});
  std::vector<HistoryRow> many;
  for (int i = 1; i <= 600; ++i) many.push_back(row(t0_ + i * 1s, i));
  history_->append(many);
  EXPECT_EQ(history_->stats().dropped, 100u) << "the oldest waiting rows go first";
  history_->append({HistoryRow{"w", t0_, Status::healthy, 1, {names({std::string(90'000, 'x')}), {1}}}});
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
  write_hours(30);
  history_.reset();
  sql("UPDATE chunk SET data=x'0102030405' WHERE id=3");
  open();
  const auto r = history_->read({.worker_id = "w", .from = t0_, .to = t0_ + 48h});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::corrupt);
  EXPECT_NE(r.error().message.find("history.db: chunk 3: restore a backup"), std::string::npos) << r.error().message;
  EXPECT_GT(read(20h, 48h).size(), 100u) << "what is sound is still read";
  // Merging goes on around it and keeps it for a repair.
  clock_.advance(24h * 3);
  while (history_->retain(clock_.now())->more) {
  }
  EXPECT_EQ(history_->stats().damaged, 2u) << "met by a reader and by the merge";
  EXPECT_GT(history_->stats().merges, 0u);
  EXPECT_EQ(sql("SELECT count(*) FROM chunk WHERE id=3 AND kind=1"), "1");
  EXPECT_EQ(sql("SELECT count(*) FROM chunk WHERE kind=0"), "0");
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

TEST_F(HistoryTest, a_damaged_log_entry_costs_its_rows_only) {
  open();
  for (int i = 0; i < 5; ++i) write({row(t0_ + i * 1s, i)});
  history_.reset();
  sql("UPDATE log SET rows=x'01FFFFFFFFFFFFFFFFFF' WHERE id=2; UPDATE log SET rows=x'' WHERE id=4");
  open();
  EXPECT_EQ(history_->stats().damaged, 2u);
  EXPECT_EQ(cpus(read(0s, 1h)), "0 2 4 ");
  write({row(t0_ + 9s, 9)});
  EXPECT_EQ(cpus(read(0s, 1h)), "0 2 4 9 ");
}

// The file was written by the program of format 1 (three workers, 305 rows, gaps, a transition, a later write).
TEST_F(HistoryTest, a_file_of_format_1_is_moved) {
  fs::copy_file(PARAMEDIC_SOURCE_DIR "/tests/data/history_v1.db", dir_ + "/history.db");
  ASSERT_EQ(sql("PRAGMA user_version"), "1");
  for (int i = 0; i < 2; ++i) {
    open();
    const auto rows = read(0s, 100h, "w-1");
    ASSERT_EQ(rows.size(), 200u);
    EXPECT_EQ(rows[0].metrics.find("cpu_percent"), 99) << "the later write";
    EXPECT_TRUE(rows[0].backlog);
    for (int n = 1; n < 200; ++n) {
      ASSERT_EQ(rows[std::size_t(n)].at, t0_ + n * 30s);
      EXPECT_EQ(rows[std::size_t(n)].metrics.find("cpu_percent"), n / 4.0);
      EXPECT_EQ(rows[std::size_t(n)].metrics.find("memory_mb"), 512.5 + n % 7);
      EXPECT_EQ(rows[std::size_t(n)].metrics.find("odd").has_value(), n % 5 != 0);
    }
    EXPECT_EQ(rows[8].metrics.find("odd"), 8 / 3.0);
    EXPECT_EQ(rows[7].status, Status::critical);
    EXPECT_EQ(rows[7].score, 0.25);
    EXPECT_TRUE(rows[7].transition);
    EXPECT_EQ(read(0s, 100h, "w-2").size(), 100u);
    EXPECT_EQ(read(0s, 100h, "w-2").at(5).metrics.find("total_tasks"), 1011);
    EXPECT_EQ(read(0s, 100h, "w-3").size(), 4u);
    EXPECT_FALSE(read(0s, 100h, "w-3").at(0).metrics.names);
  }
  write({row(t0_ + 200h, 5, "w-1")});
  EXPECT_EQ(read(0s, 300h, "w-1").size(), 201u);
  history_.reset();
  EXPECT_EQ(sql("PRAGMA user_version"), "3");
  EXPECT_EQ(sql("SELECT count(*) FROM sqlite_master WHERE name LIKE '%v1%'"), "0");
}

TEST_F(HistoryTest, hours_are_folded_and_days_merged) {
  open();
  write_hours(50);
  EXPECT_EQ(history_->stats().folds, 49u) << "the last hour is open";
  EXPECT_EQ(history_->stats().open_rows, 12u);
  clock_.advance(50h);
  ASSERT_TRUE(history_->retain(clock_.now()));
  for (int i = 0; i < 5; ++i) {
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  EXPECT_GE(history_->stats().merges, 2u);
  EXPECT_EQ(history_->stats().open_rows, 0u) << "a silent worker is folded by the clock";
  EXPECT_EQ(read(0s, 60h).size(), 50u * 12);
  history_.reset();
  EXPECT_EQ(sql("SELECT count(*) FROM log"), "0") << "nothing is left that is in a chunk";
  EXPECT_EQ(sql("SELECT count(*) FROM chunk WHERE kind=1"), "2");
  EXPECT_EQ(sql("SELECT count(*) FROM chunk WHERE kind=2"), "2");
  EXPECT_EQ(sql("SELECT count(*) FROM chunk WHERE kind=3"), "2");
  open();
  EXPECT_EQ(read(0s, 60h).size(), 50u * 12);
  write({row(t0_ + 60h, 1)});
  open();
  EXPECT_EQ(read(0s, 61h).size(), 50u * 12 + 1) << "ids of the log go on";
}

// What a read costs is counted, not timed: a week of one metric is a chunk per day and one column of each.
TEST_F(HistoryTest, a_read_decodes_what_it_needs) {
  open();
  const auto twenty = [] {
    MetricNames list;
    for (int i = 10; i < 30; ++i) list.push_back("metric_" + std::to_string(i));
    return names(std::move(list));
  }();
  for (int hour = 0; hour < 24 * 7; ++hour) {
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 4; ++i)
      rows.push_back({"w", t0_ + hour * 1h + i * 15min, Status::healthy, 1, {twenty, std::vector<double>(20, hour)}});
    write(std::move(rows));
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  const auto cost = [&](HistoryQuery q) {
    const auto before = history_->stats();
    q.worker_id = "w";
    q.from = q.from == WallTime{} ? t0_ : q.from;
    q.to = t0_ + 24h * 7;
    EXPECT_TRUE(history_->read(q));
    const auto after = history_->stats();
    return std::pair(after.chunks_read - before.chunks_read, after.columns_read - before.columns_read);
  };
  const auto [chunks, columns] = cost({.metrics = {"metric_17"}});
  EXPECT_LE(chunks, 7u + 24 + 4);
  EXPECT_EQ(columns, chunks) << "one column each";
  EXPECT_LE(cost({.from = t0_ + 24h * 6 + 20h}).first, 5u);
  EXPECT_EQ(cost({}).second, chunks * 20);
}

TEST_F(HistoryTest, the_byte_cap_drops_the_oldest_and_gives_disk_back) {
  auto o = options();
  o.max_bytes = 160'000;
  open(o);
  std::uint64_t state = 1;
  std::size_t written = 0;
  for (int hour = 0; hour < 24 * 6; ++hour) {
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 360; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      rows.push_back(row(t0_ + hour * 1h + i * 10s, double(state >> 40)));
    }
    written += rows.size();
    write(std::move(rows));
    clock_.advance(1h);
    for (int pass = 0; pass < 5 && history_->retain(clock_.now())->more; ++pass) {
    }
  }
  const auto left = read(0s, 24h * 7);
  ASSERT_FALSE(left.empty());
  EXPECT_LT(left.size(), written);
  EXPECT_EQ(left.back().at, t0_ + 24h * 6 - 10s) << "the newest stays";
  for (std::size_t i = 1; i < left.size(); ++i)
    ASSERT_EQ(left[i].at - left[i - 1].at, 10s) << "no hole: the oldest went";
  history_.reset();
  EXPECT_LE(fs::file_size(dir_ + "/history.db"), 250'000u);
}

TEST_F(HistoryTest, the_open_hour_is_small_in_memory) {
  open();
  MetricNames list;
  for (int i = 10; i < 30; ++i) list.push_back("metric_" + std::to_string(i) + "_percent");
  const auto twenty = names(std::move(list));
  std::uint64_t state = 1;
  std::uint64_t sum = 0;
  for (int i = 0; i < 119; ++i) {
    HistoryRow r{"w", t0_ + i * 30s, Status::healthy, 1, {twenty, {}}};
    for (int m = 0; m < 20; ++m) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      r.metrics.values.push_back(double(50 + (state >> 60)));
    }
    write({r});
    sum += history_->stats().open_bytes;
  }
  EXPECT_LE(sum / 119, 2048u);
}

// Ten deaths while hours are folded and days merged: what was flushed is there, once.
TEST_F(HistoryTest, nothing_is_lost_or_doubled_when_killed_between_folds) {
  int written = 0;
  for (int life = 0; life < 10; ++life) {
    const int rows = 37 + life * 11;
    const pid_t child = ::fork();
    if (child == 0) {
      auto h = open_sqlite_history(options());
      ManualClock clock(t0_ + written * 10min);
      for (int i = written; h && i < written + rows; ++i) {
        (*h)->append({row(t0_ + i * 10min, i), row(t0_ + i * 10min, i, "v")});
        (void)(*h)->flush();
        (void)(*h)->retain(clock.advance(10min));
      }
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    written += rows;
    open();
    for (const char* worker : {"w", "v"}) {
      const auto got = read(0s, 24h * 30, worker);
      ASSERT_EQ(got.size(), std::size_t(written)) << "life " << life;
      for (int i = 0; i < written; ++i) ASSERT_EQ(got[std::size_t(i)].metrics.find("cpu_percent"), i);
    }
    history_.reset();
  }
  EXPECT_NE(sql("SELECT count(*) FROM chunk WHERE kind=1"), "0");
}

TEST_F(HistoryTest, too_many_names_are_refused_and_counted) {
  auto o = options();
  o.max_names = 3;
  open(o);
  write({HistoryRow{"w", t0_, Status::healthy, 1, {names({"a", "b", "c", "d", "e"}), {1, 2, 3, 4, 5}}}});
  const auto rows = read(0s, 1h);
  EXPECT_EQ(*rows.at(0).metrics.names, (MetricNames{"a", "b", "c"}));
  EXPECT_EQ(history_->stats().names_refused, 2u);
}

TEST_F(HistoryTest, one_row_per_second_and_large_flushes_are_split) {
  open();
  std::vector<HistoryRow> rows;
  const auto wide = names({std::string(200, 'a'), std::string(200, 'b')});
  for (int i = 0; i < 90'000; ++i)
    rows.push_back({"w", t0_ + i * 1s, Status::healthy, 1, {wide, {i / 3.0, double(i)}}});
  write(std::move(rows));
  EXPECT_EQ(read(0s, 26h).size(), 90'000u);
  write({row(t0_ + 90'000s, 1)});
  clock_.advance(72h);
  ASSERT_TRUE(history_->retain(clock_.now()));
  open();
  EXPECT_EQ(read(0s, 26h).size(), 90'001u);
  EXPECT_EQ(read(89'990s, 26h).at(3).metrics.find(std::string(200, 'b')), 89'993);
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
  o.max_pages = 22;
  open(o);
  const SystemClock clock;
  const auto log = make_null_logger();
  HistoryWriter writer(*history_, clock, *log, {.flush_every = 1h, .max_queued = 3});
  writer.push({row(t0_, 1), row(t0_ + 1s, 2), row(t0_ + 2s, 3), row(t0_ + 3s, 4)});
  ASSERT_TRUE(writer.sync());
  EXPECT_EQ(writer.stats().dropped, 1u);
  EXPECT_EQ(cpus(read(0s, 1h)), "2 3 4 ");
  writer.push({HistoryRow{"w", t0_, Status::healthy, 1, {names({std::string(90'000, 'x')}), {1}}}});
  EXPECT_FALSE(writer.sync());
  EXPECT_TRUE(writer.stats().degraded);
}

}  // namespace
}  // namespace paramedic
