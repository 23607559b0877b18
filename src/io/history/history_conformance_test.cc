// What every History must do, whatever it stores in: SQLite, Redis, and one node of a Redis Cluster.
#include "io/history/history_conformance.h"

#include <atomic>
#include <map>
#include <thread>

#include "base/ids.h"
#include "io/history/redis_history.h"
#include "io/net/redis/redis_test_support.h"

namespace paramedic {

namespace {

// Each test has its own directory and, on the shared server, its own name.
Result<std::unique_ptr<History>> open_on(RedisServer& server, const HistoryOptions& options) {
  static const auto log = make_null_logger();
  RedisHistoryOptions out;
  out.name = hash_hex(stable_hash(options.data_dir));
  out.history = options;
  out.redis.address = server.unix_socket();
  out.redis.timeout = out.start_wait = kPatience;
  return open_redis_history(std::move(out), *log);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    All, HistoryConformance,
    ::testing::Values(HistoryStore{"sqlite", open_sqlite_history},
                      HistoryStore{"redis", [](const auto& options) { return open_on(shared_redis(), options); }},
                      HistoryStore{"redis_cluster",
                                   [](const auto& options) { return open_on(shared_redis_cluster(), options); }}),
    [](const auto& store) { return store.param.name; });

TEST_P(HistoryConformance, gives_back_what_was_written) {
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

TEST_P(HistoryConformance, names_everybody_of_whom_anything_is_stored) {
  open();
  EXPECT_TRUE(history_->worker_ids().empty());
  write({row(t0_, 1, "b"), row(t0_, 2, "a")});
  EXPECT_EQ(history_->worker_ids(), (std::vector<std::string>{"a", "b"}));
  open();
  EXPECT_EQ(history_->worker_ids(), (std::vector<std::string>{"a", "b"}));
}

TEST_P(HistoryConformance, selects_metrics) {
  open();
  write({{"w", t0_, Status::healthy, 1, {names({"a", "b", "c"}), {1, 2, 3}}},
         {"w", t0_ + 1s, Status::healthy, 1, {names({"b"}), {4}}}});
  const auto rows = history_->read({.worker_id = "w", .from = t0_, .to = t0_ + 1min, .metrics = {"b", "zzz"}});
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows->at(0).metrics.names, MetricNames{"b"});
  EXPECT_EQ(rows->at(0).metrics.values, std::vector<double>{2});
  EXPECT_EQ(rows->at(1).metrics.values, std::vector<double>{4});
}

TEST_P(HistoryConformance, late_rows_are_merged_and_the_later_write_wins) {
  open();
  write({row(t0_ + 10s, 10), row(t0_ + 30s, 30)});
  write({row(t0_ + 20s, 20), row(t0_ + 10s, 11)});
  EXPECT_EQ(cpus(read(0s, 1h)), "11 20 30 ");
  EXPECT_EQ(cpus(read(15s, 25s)), "20 ");
}

TEST_P(HistoryConformance, rows_wait_for_the_flush_and_survive_reopening) {
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
TEST_P(HistoryConformance, any_order_of_arrival_reads_like_a_sorted_map) {
  int round = 0;
  EXPECT_TRUE(holds([&] {
    auto o = options();
    if (++round > 25) return;  // each case costs a dozen fsyncs
    o.data_dir += "/" + std::to_string(round);
    o.keep_ten_minutes = o.keep_hours = Duration{0};
    auto opened = GetParam().open(o);
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
        h = std::move(*GetParam().open(o));
      }
      if (*rc::gen::inRange(0, 3) == 0)
        RC_ASSERT(h->retain({SteadyTime{1h}, t0_ + std::chrono::seconds(now)}).has_value());
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

TEST_P(HistoryConformance, a_step_keeps_mean_extremes_and_the_worst_status) {
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

TEST_P(HistoryConformance, refuses_wrong_and_too_large_questions) {
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
            "too_large: 20 rows or more; at most 10: ask for a shorter time or a step of at least 11 s");
  EXPECT_NE(code({.from = t0_, .to = t0_ + 100s, .step = 1s, .max_rows = 10}).find("too_large"), std::string::npos);
  EXPECT_EQ(code({.from = t0_, .to = t0_ + 100s, .step = 20s, .max_rows = 10}), "ok");
  EXPECT_EQ(code({.from = t0_, .to = t0_ + 1s}), "ok") << "a refused read leaves nothing behind";
}

TEST_P(HistoryConformance, a_clock_jump_cannot_wipe_a_week) {
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

TEST_P(HistoryConformance, a_clock_that_was_ahead_for_days_costs_nothing_that_comes_after) {
  open();
  for (int hour = 0; hour < 24 * 10; ++hour) {
    write({row(clock_.now().wall, hour)});
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
    if (hour == 20) clock_.jump_wall(24h * 365);
  }
  clock_.jump_wall(-24h * 365);
  const WallTime right = clock_.now().wall;
  for (int hour = 0; hour < 30; ++hour) {
    write({row(clock_.now().wall, hour)});
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  const auto rows = history_->read({.worker_id = "w", .from = right, .to = clock_.now().wall});
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 30u);
}

TEST_P(HistoryConformance, rows_from_the_future_do_not_dam_up_retention) {
  open();
  write({row(t0_ + 24h * 365, 1), row(t0_ + 24h * 365 + 1s, 2), row(t0_, 3), row(t0_ + 1s, 4)});
  clock_.advance(24h * 8);
  ASSERT_TRUE(history_->retain(clock_.now()));
  clock_.advance(1h);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 2u);
  clock_.advance(1h);
  EXPECT_EQ(history_->retain(clock_.now())->deleted, 2u);
}

TEST_P(HistoryConformance, reads_run_beside_writes) {
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

// ---- days, roll-ups, tasks ----

// Hours end, chunks are written, days are merged: what is read stays the same.
TEST_P(HistoryConformance, three_days_read_the_same_while_they_grow_and_after) {
  open();
  std::map<std::int64_t, double> model;
  for (int hour = 0; hour < 72; ++hour) {
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 12; ++i) {
      const std::int64_t at = hour * 3600 + i * 300;
      model[at] = hour * 100 + i;
      rows.push_back(row(t0_ + std::chrono::seconds(at), model[at]));
      if (hour % 5 == 0 && at > 90'000) {  // a late one, 25 h back
        model[at - 90'000 + 7] = i;
        rows.push_back(row(t0_ + std::chrono::seconds(at - 90'000 + 7), i));
        rows.back().backlog = true;
      }
    }
    write(std::move(rows));
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
    if (hour % 20 == 19) open();
  }
  for (const auto& [from, to] : {std::pair{0, 72}, {10, 11}, {23, 49}, {70, 72}}) {
    const auto rows = read(from * 1h, to * 1h);
    auto expected = model.lower_bound(from * 3600);
    for (const auto& r : rows) {
      ASSERT_NE(expected, model.end());
      ASSERT_EQ(r.at, t0_ + std::chrono::seconds(expected->first));
      ASSERT_EQ(r.metrics.values.at(0), expected->second);
      ++expected;
    }
    EXPECT_EQ(expected, model.upper_bound(to * 3600));
  }
}

TEST_P(HistoryConformance, new_names_come_and_go_without_ado) {
  open();
  for (int hour = 0; hour < 30; ++hour) {
    const auto shape = names({"always", "only_" + std::to_string(hour)});
    write({HistoryRow{"w", t0_ + hour * 1h, Status::healthy, 1, {shape, {double(hour), 7}}}});
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  const auto rows = read(0s, 100h);
  ASSERT_EQ(rows.size(), 30u);
  EXPECT_EQ(rows[11].metrics.find("always"), 11);
  EXPECT_EQ(rows[11].metrics.find("only_11"), 7);
  EXPECT_FALSE(rows[11].metrics.find("only_12"));
}

TEST_P(HistoryConformance, steps_reach_back_into_roll_ups) {
  auto o = options();
  o.retention = 48h;
  o.keep_ten_minutes = 24h * 5;
  open(o);
  const int days = 9;
  const WallTime start{std::chrono::floor<std::chrono::days>(t0_.time_since_epoch())};
  clock_.jump_wall(start - t0_);
  for (int hour = 0; hour < days * 24; ++hour) {
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 20; ++i) rows.push_back(row(start + hour * 1h + i * 3min, i == 7 ? 90 : 10));
    rows[3].status = Status::critical;
    write(std::move(rows));
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  const auto raw = history_->read({.worker_id = "w", .from = start, .to = clock_.now().wall});
  ASSERT_TRUE(raw);
  EXPECT_LE(raw->size(), 4u * 480) << "two days, and the one that is not full yet";
  EXPECT_GE(raw->size(), 2u * 480);
  const auto hours =
      history_->read({.worker_id = "w", .from = start, .to = clock_.now().wall - 1s, .step = 1h, .p95 = true});
  ASSERT_TRUE(hours);
  ASSERT_EQ(hours->size(), std::size_t(days * 24)) << "every hour of nine days";
  for (const auto& r : *hours) {
    EXPECT_EQ(r.status, Status::critical);
    EXPECT_EQ(r.metrics.find("cpu_percent"), 14) << (r.at - start) / 1h;
    EXPECT_EQ(r.metrics.find("cpu_percent_max"), 90);
    EXPECT_EQ(r.metrics.find("cpu_percent_min"), 10);
    EXPECT_TRUE(r.metrics.find("cpu_percent_p95"));
  }
  EXPECT_EQ(hours->back().metrics.find("cpu_percent_p95"), 10) << "19th of 20";
  const auto fine = history_->read(
      {.worker_id = "w", .from = start, .to = clock_.now().wall - 1s, .step = 10min, .metrics = {"cpu_percent"}});
  ASSERT_TRUE(fine);
  EXPECT_GT(fine->size(), 5u * 144) << "ten minutes as far as they are kept";
  EXPECT_LT(fine->size(), 9u * 144) << "one point per hour before";
  EXPECT_EQ(fine->front().at, start);
}

TEST_P(HistoryConformance, a_late_row_for_a_day_long_gone_spoils_no_roll_up) {
  auto o = options();
  o.retention = 24h;
  open(o);
  const WallTime start{std::chrono::floor<std::chrono::days>(t0_.time_since_epoch())};
  clock_.jump_wall(start - t0_);
  for (int hour = 0; hour < 24 * 5; ++hour) {
    write({row(start + hour * 1h, 10), row(start + hour * 1h + 30min, 20)});
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  write({row(start + 5h + 1min, 99)});
  for (int hour = 0; hour < 60; ++hour) {
    write({row(clock_.now().wall, 10)});
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
  }
  const auto rows = history_->read({.worker_id = "w", .from = start, .to = start + 24h - 1s, .step = 1h});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 24u);
  EXPECT_EQ(rows->at(3).metrics.find("cpu_percent"), 15);
}

TEST_P(HistoryConformance, task_counts_and_durations_add_up) {
  auto o = options();
  o.retention = 24h;
  open(o);
  const WallTime start{std::chrono::floor<std::chrono::days>(t0_.time_since_epoch())};
  clock_.jump_wall(start - t0_);
  DurationHistogram quick, slow;
  for (int i = 0; i < 9; ++i) quick.observe(0.003);
  slow.observe(3);
  const int days = 4;
  for (int hour = 0; hour < days * 24; ++hour) {
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 6; ++i) {
      rows.push_back(row(start + hour * 1h + i * 10min, i));
      rows.back().tasks.push_back({.type = "resize", .completed = 9, .failed = i == 2 ? 1u : 0u, .durations = quick});
      if (i == 4) rows.back().tasks.push_back({.type = "thumb", .completed = 1, .lost = 2, .durations = slow});
    }
    write(std::move(rows));
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
    if (hour == 50) open(o);
  }
  // Raw, merged and rolled up days tell the same.
  const auto points = history_->read_tasks({.worker_id = "w", .from = start, .to = clock_.now().wall, .step = 1h});
  ASSERT_TRUE(points) << points.error().message;
  ASSERT_EQ(points->size(), std::size_t(days * 24));
  for (const auto& p : *points) {
    ASSERT_EQ(p.tasks.size(), 2u);
    EXPECT_EQ(p.tasks[0].type, "resize");
    EXPECT_EQ(p.tasks[0].completed, 54u);
    EXPECT_EQ(p.tasks[0].failed, 1u);
    EXPECT_EQ(p.tasks[0].durations.count(), 54u);
    EXPECT_NEAR(p.tasks[0].durations.sum_seconds, 54 * 0.003, 1e-6);
    EXPECT_LE(*p.tasks[0].durations.quantile_seconds(0.95), 0.004);
    EXPECT_EQ(p.tasks[1].lost, 2u);
    EXPECT_GT(*p.tasks[1].durations.quantile_seconds(0.5), 2);
  }
  const auto one =
      history_->read_tasks({.worker_id = "w", .from = start, .to = start + 24h * days, .step = 24h, .type = "thumb"});
  ASSERT_TRUE(one);
  ASSERT_EQ(one->size(), std::size_t(days));
  EXPECT_EQ(one->at(0).tasks.at(0).lost, 48u);
  EXPECT_TRUE(history_->read_tasks({.worker_id = "w", .from = start, .to = start + 1h, .type = "none"})->empty());
  EXPECT_EQ(read(0s, 100h).at(0).metrics.size(), 1u) << "tasks are no metrics";
}

// ---- what the analysis has learned ----

namespace {
std::map<std::string, std::string> states_of(History& history) {
  std::map<std::string, std::string> out;
  const auto done = history.read_states([&](std::string_view name, WallTime, std::string_view bytes) {
    out[std::string(name)] = bytes;
  });
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return out;
}
}  // namespace

TEST_P(HistoryConformance, of_each_state_the_newest_survives_a_restart) {
  open();
  const std::string odd("\0 \xff 17", 7);
  history_->append_states({{"worker/a", t0_, "one"}, {"worker/b", t0_, odd}, {"worker/a", t0_ + 1s, "two"}});
  history_->append_states({{"worker/a", t0_ - 1s, "older"}});
  ASSERT_TRUE(history_->flush());
  open();
  EXPECT_EQ(states_of(*history_), (std::map<std::string, std::string>{{"worker/a", "two"}, {"worker/b", odd}}));
  history_->append_states({{"worker/a", t0_ + 2s, ""}});
  ASSERT_TRUE(history_->flush());
  EXPECT_EQ(states_of(*history_)["worker/a"], "");
  EXPECT_EQ(history_->stats().states, 1u) << "since it was opened";
}

TEST_P(HistoryConformance, states_beyond_a_bound_are_refused_and_counted) {
  open();
  history_->append_states({{"worker/a", t0_, std::string(kMaxSavedState + 1, 'x')},
                           {"", t0_, "no name"},
                           {std::string(kMaxSavedStateName + 1, 'n'), t0_, "long name"},
                           {"worker/b", t0_, std::string(1 << 20, 'x')}});
  ASSERT_TRUE(history_->flush());
  EXPECT_EQ(history_->stats().states_refused, 3u);
  EXPECT_EQ(states_of(*history_).size(), 1u);
}

TEST_P(HistoryConformance, a_state_older_than_the_raw_rows_goes) {
  open();
  history_->append_states({{"worker/old", t0_, "x"}, {"worker/new", t0_ + 24h * 6, "y"}});
  ASSERT_TRUE(history_->flush());
  clock_.advance(24h * 7 - 1s);
  ASSERT_TRUE(history_->retain(clock_.now()));
  EXPECT_EQ(states_of(*history_).size(), 2u);
  clock_.advance(2s);
  ASSERT_TRUE(history_->retain(clock_.now()));
  EXPECT_EQ(states_of(*history_), (std::map<std::string, std::string>{{"worker/new", "y"}}));
  open();
  EXPECT_EQ(states_of(*history_).size(), 1u);
}

TEST_P(HistoryConformance, states_do_not_drive_rows_out_under_the_cap) {
  auto o = options();
  o.max_bytes = 8 << 20;
  open(o);
  write({row(t0_, 1)});
  std::vector<SavedState> states;
  for (int i = 0; i < 20; ++i) states.push_back({"worker/w-" + std::to_string(i), t0_, std::string(1 << 20, 'x')});
  history_->append_states(std::move(states));
  ASSERT_TRUE(history_->flush());
  clock_.advance(26h);
  write({row(clock_.now().wall, 2)});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(history_->retain(clock_.now()));
  EXPECT_EQ(cpus(read(0s, 30h)), "1 2 ");
}

}  // namespace paramedic
