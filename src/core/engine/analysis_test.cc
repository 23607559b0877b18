// What the analysis finds in the metrics of a fleet becomes alerts, rules, a planned recycle and views; what it learned
// survives a restart. Days pass in steps of 30 s.
#include <cmath>
#include <random>

#include "core/engine/engine_bench.h"

namespace paramedic {
namespace {

struct Day {
  EngineBench bench;
  int workers;
  std::mt19937 random{7};
  // What each worker tells, by number and time since the start.
  std::function<double(int, Duration)> memory = [](int, Duration) { return 30.0; };
  std::function<std::string(int)> version = [](int) { return std::string("1.0"); };
  std::function<double(int, Duration)> task_seconds;  // unset: no tasks
  std::function<double(Duration)> disk;               // unset: none
  std::vector<TaskPart> counts;
  Duration passed{};

  explicit Day(int count, EngineConfig config = {}) : bench(std::move(config)), workers(count), counts(std::size_t(count)) {}

  double noise(double width) { return std::uniform_real_distribution<>(-width, width)(random); }

  void tell(int i) {
    Report r = bench.report("w-" + std::to_string(i), "1");
    r.period = 30s;
    r.version = version(i);
    r.process->started_at = bench.clock.now().wall - passed - 1h;
    const double percent = memory(i, passed) + noise(0.5);
    r.resources = ResourcesPart{.cpu_percent = 40 + noise(10), .memory_percent = percent, .memory_mb = percent * 20};
    if (disk) r.disks = std::vector<DiskPart>{{.mount = "/", .used_percent = disk(passed), .free_bytes = 1u << 30}};
    if (task_seconds) {
      // Counts are cumulative per incarnation.
      TaskPart& part = counts[std::size_t(i)];
      part.type = "resize";
      if (!part.durations) part.durations = DurationHistogram{};
      for (int k = 0; k < 5; ++k) {
        ++part.started, ++part.completed;
        part.durations->observe(task_seconds(i, passed) * std::exp(noise(0.5)));
      }
      r.tasks = std::vector<TaskPart>{part};
      r.capabilities->tasks = true;
    }
    bench.send(std::move(r));
  }
  // A step per report: a monitor that steps so late learns, and condemns nobody.
  void live(Duration d) {
    for (const Duration end = passed + d; passed < end; passed += 30s) {
      bench.clock.advance(30s);
      for (int i = 0; i < workers; ++i) tell(i);
      bench.step();
    }
  }
  // As a daemon steps.
  void live_closely(Duration d) {
    for (const Duration end = passed + d; passed < end; passed += 30s) {
      for (int i = 0; i < 6; ++i) {
        bench.waiting.push_back(SourceFrameInput{"agent/h1", bench.clock.now().steady});
        bench.run_for(5s);
      }
      for (int i = 0; i < workers; ++i) tell(i);
      bench.step();
    }
    bench.run_for(1s);  // the first wait of an alert
  }
  std::vector<Alert> firing(Reason reason) const {
    std::vector<Alert> out;
    for (const Alert& alert : bench.delta.view->alerts)
      if (alert.reason == reason) out.push_back(alert);
    return out;
  }
};


// Grows by 2 points an hour from the second day on: 95 % after some 32 hours.
double leak(Duration t) { return 30 + std::max(0.0, (to_seconds(t) - 86400) / 3600 * 2); }

TEST(EngineAnalysis, a_leak_is_told_hours_before_the_limit_and_in_words) {
  Day day(3);
  day.memory = [](int i, Duration t) { return i == 0 ? leak(t) : 30.0; };
  day.live(24h);
  EXPECT_TRUE(day.firing(Reason::forecast).empty());
  EXPECT_TRUE(day.firing(Reason::memory_high).empty());
  day.live(25h);
  while (day.passed < 24h + 33h && day.firing(Reason::forecast).empty()) day.live_closely(10min);
  const auto alerts = day.firing(Reason::forecast);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].key, "worker/w-0/forecast/memory_percent");
  EXPECT_EQ(alerts[0].severity, Severity::warning);
  EXPECT_NE(alerts[0].message.find("memory_percent rises by"), std::string::npos) << alerts[0].message;
  EXPECT_LT(leak(day.passed), 93) << "it lies ahead";
  EXPECT_GT(leak(day.passed), 80) << "not a day ahead: the horizon is four hours";
  EXPECT_TRUE(day.bench.acts<SendLadder>().empty()) << "nobody is restarted for it";
  const auto view = day.bench.worker("w-0");
  ASSERT_TRUE(view->analysis);
  ASSERT_FALSE(view->analysis->forecasts.empty());
  EXPECT_TRUE(view->analysis->forecasts[0].alert_since);
  EXPECT_FALSE(alerts[0].incident_id.empty());
  // Freed: so is the alert.
  day.memory = [](int, Duration) { return 30.0; };
  day.live_closely(1h);
  EXPECT_TRUE(day.firing(Reason::forecast).empty());
}

TEST(EngineAnalysis, a_leak_makes_a_planned_recycle_due_before_it_is_full) {
  EngineConfig config;
  config.defaults.recovery.mode = RecoveryMode::automatic;
  config.defaults.recovery.recycle_leak_ahead = 3h;
  Day day(3, config);
  day.memory = [](int i, Duration t) { return i == 0 ? leak(t) : 30.0; };
  day.live(49h);
  day.bench.connect("h1");
  while (day.passed < 24h + 32h && day.bench.acts<SendLadder>().empty()) day.live_closely(10min);
  const auto ladders = day.bench.acts<SendLadder>();
  ASSERT_FALSE(ladders.empty());
  EXPECT_EQ(ladders[0].ladder.worker_id, "w-0");
  EXPECT_NE(ladders[0].ladder.reason.find("memory_percent rises"), std::string::npos) << ladders[0].ladder.reason;
  EXPECT_LT(leak(day.passed), 93) << "drained before the check for high memory would have done it";
}

TEST(EngineAnalysis, what_one_worker_alone_does_is_told_and_what_all_do_is_not) {
  for (const bool all : {false, true}) {
    Day day(8);
    Duration jump{48h};
    day.memory = [&](int i, Duration t) { return t >= jump && (all || i == 3) ? 60.0 : 30.0; };
    day.live(48h);
    EXPECT_TRUE(day.firing(Reason::anomaly).empty());
    day.live_closely(10min);
    const auto alerts = day.firing(Reason::anomaly);
    if (all) {
      EXPECT_TRUE(alerts.empty()) << alerts[0].message;
      continue;
    }
    ASSERT_EQ(alerts.size(), 1u);
    EXPECT_EQ(alerts[0].key, "worker/w-3/anomaly");
    EXPECT_EQ(alerts[0].severity, Severity::info);
    EXPECT_NE(alerts[0].message.find("memory_"), std::string::npos) << alerts[0].message;
    EXPECT_EQ(day.bench.worker("w-3")->analysis->level, AnomalyLevel::critical);
    EXPECT_TRUE(day.bench.acts<SendLadder>().empty());
    day.live(6h);
    EXPECT_TRUE(day.firing(Reason::anomaly).empty()) << "what lasts is no anomaly";
  }
}

TEST(EngineAnalysis, is_learned_for_a_day_before_it_notifies) {
  Day day(8);
  day.memory = [](int i, Duration t) { return t >= 12h && i == 3 ? 60.0 : 30.0; };
  day.live(13h);
  EXPECT_TRUE(day.firing(Reason::anomaly).empty());
}

TEST(EngineAnalysis, only_the_bad_version_is_named_for_slow_tasks) {
  Day day(8);
  bool deployed = false;
  day.version = [&](int i) { return deployed && i < 4 ? "1.4.3" : "1.4.2"; };
  day.task_seconds = [&](int i, Duration) { return deployed && i < 4 ? 2.1 : 0.8; };
  day.live(30h);
  EXPECT_TRUE(day.firing(Reason::task_degraded).empty());
  EXPECT_FALSE(day.bench.all.history.back().tasks.empty());
  deployed = true;
  day.live_closely(40min);
  const auto alerts = day.firing(Reason::task_degraded);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].severity, Severity::warning);
  EXPECT_NE(alerts[0].message.find("only on version 1.4.3"), std::string::npos) << alerts[0].message;
  ASSERT_TRUE(day.bench.delta.view->degradations);
  EXPECT_EQ(day.bench.delta.view->degradations->size(), 1u);
  deployed = false;
  day.live_closely(1h);
  EXPECT_TRUE(day.firing(Reason::task_degraded).empty());
  EXPECT_TRUE(day.bench.delta.view->degradations->empty());
}

TEST(EngineAnalysis, a_restart_of_the_monitor_forgets_nothing_and_tells_nothing_twice) {
  Day day(3);
  day.memory = [](int i, Duration t) { return i == 0 ? leak(t) : 30.0; };
  day.live(49h);
  while (day.passed < 24h + 33h && day.firing(Reason::forecast).empty()) day.live_closely(10min);
  ASSERT_EQ(day.firing(Reason::forecast).size(), 1u);
  EXPECT_GE(day.bench.all.states.size(), 3u * 24) << "each hour, besides the stop";
  day.bench.waiting.push_back(ShutdownInput{});
  const Effects last = day.bench.step();
  ASSERT_EQ(last.states.size(), 3u);

  LedgerState state;
  state.alerts = day.firing(Reason::forecast);
  state.incidents = day.bench.delta.view->incidents;
  for (int i = 0; i < 3; ++i)
    state.workers.push_back({.worker_id = "w-" + std::to_string(i),
                             .pool = "thumbs",
                             .host = "h1",
                             .source = "agent/h1",
                             .since = day.bench.clock.now().wall});
  day.bench.all = {};
  day.bench.engine = std::make_unique<Engine>(day.bench.config, day.bench.clock.now());
  day.bench.engine->restore(state, day.bench.clock.now());
  for (const SavedState& saved : last.states) {
    const auto done = day.bench.engine->restore_analysis(saved.name, saved.bytes, day.bench.clock.now());
    EXPECT_TRUE(done) << done.error().message;
  }
  EXPECT_FALSE(day.bench.engine->restore_analysis("worker/w-9", "rubbish", day.bench.clock.now()));
  day.live_closely(30min);
  ASSERT_EQ(day.firing(Reason::forecast).size(), 1u);
  EXPECT_TRUE(day.bench.acts<Notify>().empty()) << day.bench.acts<Notify>()[0].alert.title;
  EXPECT_EQ(day.bench.delta.view->stats.analysis_states_refused, 1u);
}

TEST(EngineAnalysis, an_alert_of_the_last_life_that_nothing_states_anew_ends) {
  Day day(2);
  LedgerState state;
  state.alerts = {Alert{.key = "worker/w-0/anomaly", .reason = Reason::anomaly, .worker_id = "w-0", .pool = "thumbs"},
                  Alert{.key = "forecast/h1/disk_percent", .reason = Reason::forecast, .host = "h1"},
                  Alert{.key = "pool/thumbs/degradation/1", .reason = Reason::task_degraded, .pool = "thumbs"}};
  state.workers.push_back({.worker_id = "w-0", .pool = "thumbs", .host = "h1", .source = "agent/h1", .since = day.bench.clock.now().wall});
  day.bench.engine->restore(state, day.bench.clock.now());
  day.bench.step();
  EXPECT_EQ(day.bench.delta.view->alerts.size(), 3u);
  day.live_closely(11min);
  for (const Alert& alert : day.bench.delta.view->alerts) ADD_FAILURE() << alert.key << " " << alert.title;
}

TEST(EngineAnalysis, a_disk_that_fills_is_one_alert_per_host) {
  Day day(3);
  day.disk = [](Duration t) { return 40 + std::max(0.0, (to_seconds(t) - 86400) / 3600 * 2); };
  day.live(46h);
  while (day.passed < 24h + 27h && day.firing(Reason::forecast).empty()) day.live_closely(10min);
  const auto alerts = day.firing(Reason::forecast);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].key, "forecast/h1/disk_percent");
  EXPECT_EQ(alerts[0].title, "Host h1: disk_percent will reach its limit");
  EXPECT_EQ(alerts[0].worker_id, "");
}

TEST(EngineAnalysis, nothing_it_said_stays_when_it_is_switched_off) {
  Day day(8);
  bool deployed = false;
  day.version = [&](int i) { return deployed && i < 4 ? "1.4.3" : "1.4.2"; };
  day.task_seconds = [&](int i, Duration) { return deployed && i < 4 ? 2.1 : 0.8; };
  day.live(30h);
  deployed = true;
  day.live_closely(40min);
  ASSERT_EQ(day.firing(Reason::task_degraded).size(), 1u);
  LedgerState kept;
  kept.alerts = day.firing(Reason::task_degraded);
  EngineConfig off = day.bench.config;
  off.analysis.enabled = false;
  day.bench.engine->configure(off, day.bench.clock.now());
  day.bench.run_for(5s);
  EXPECT_TRUE(day.firing(Reason::task_degraded).empty());
  EXPECT_TRUE(day.bench.delta.view->degradations->empty());

  EngineBench next(off);
  next.engine->restore(kept, next.clock.now());
  next.run_for(5s);
  EXPECT_TRUE(next.delta.view->alerts.empty()) << "an alert of the last life";
}

TEST(EngineAnalysis, can_be_switched_off_for_a_pool_or_for_all) {
  for (const bool all : {false, true}) {
    EngineConfig config;
    (all ? config.analysis.enabled : config.defaults.analysis.enabled) = false;
    Day day(2, config);
    day.live(1h);
    EXPECT_FALSE(day.bench.worker("w-0")->analysis);
    EXPECT_EQ(day.bench.delta.view->stats.analysis_workers, 0u);
    EXPECT_TRUE(day.bench.all.states.empty());
  }
  Day day(2);
  day.live(1h);
  EXPECT_TRUE(day.bench.worker("w-0")->analysis);
  EXPECT_EQ(day.bench.delta.view->stats.analysis_workers, 2u);
  EngineConfig off = day.bench.config;
  off.analysis.enabled = false;
  day.bench.engine->configure(off, day.bench.clock.now());
  day.live(1min);
  EXPECT_FALSE(day.bench.worker("w-0")->analysis);
  EXPECT_EQ(day.bench.delta.view->stats.analysis_bytes, 0u);
}

}  // namespace
}  // namespace paramedic
