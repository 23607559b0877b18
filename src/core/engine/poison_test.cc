// Deaths and the tasks in flight, through the whole engine: alert, story, view, ledger, and a restart of the monitor.
#include <gtest/gtest.h>

#include "core/engine/engine.h"

namespace paramedic {
namespace {

class PoisonEngine : public ::testing::Test {
 protected:
  PoisonEngine() { begin(); }

  void begin(const LedgerState& state = {}) {
    engine_ = std::make_unique<Engine>(EngineConfig{}, clock_.now());
    engine_->restore(state, clock_.now());
    inputs_.push_back(SourceInput{
        .source = "agent/h1", .host = "h1", .period = 5s, .can_restart = true, .received = clock_.now().steady});
    step();
  }
  void step() {
    Effects out;
    engine_->step(inputs_, Duration{}, clock_.now(), out);
    inputs_.clear();
    for (LedgerEntry& entry : out.ledger) ledger_.push_back(std::move(entry));
    for (Act& act : out.acts) acts_.push_back(std::move(act));
    view_ = engine_->publish(clock_.now()).view;
  }
  Report report(const std::string& id, int life, std::vector<std::string> digests) {
    Report r;
    r.worker_id = id;
    r.pool = "thumbs";
    r.host = "h1";
    r.incarnation = id + "#" + std::to_string(life);
    r.sent_at = r.alive_at = clock_.now().wall;
    r.period = 5s;
    r.state = WorkerState::running;
    r.capabilities = Capabilities{.voice = true, .tasks = true, .process = true};
    r.process = ProcessPart{.pid = 100 + life, .state = 'S'};
    r.in_flight.emplace();
    for (const std::string& digest : digests) {
      InFlightTask task{"t-" + digest, "resize"};
      task.started_at = clock_.now().wall - 3s;
      task.args_digest = digest;
      r.in_flight->push_back(std::move(task));
    }
    return r;
  }
  void say(Report r) {
    inputs_.push_back(ReportInput{std::move(r), "agent/h1", clock_.now().steady});
    inputs_.push_back(SourceFrameInput{"agent/h1", clock_.now().steady});
  }
  void live(const std::string& id, int life, std::vector<std::string> digests) {
    say(report(id, life, std::move(digests)));
    clock_.advance(1s);
    step();
  }
  void dies(const std::string& id, int life, std::vector<std::string> digests) {
    Report r = report(id, life, std::move(digests));
    r.process->exit = ExitInfo{.signal = 9, .oom = true};
    say(std::move(r));
    step();
    clock_.advance(1s);
    step();
  }
  const Alert* alert() const {
    for (const Alert& a : view_->alerts)
      if (a.reason == Reason::poison_task) return &a;
    return nullptr;
  }
  bool story_says(const std::string& text) const {
    for (const Incident& i : view_->incidents)
      for (const TimelineEntry& e : i.timeline)
        if (i.scope == "worker/w-0" && e.text.find(text) != std::string::npos) return true;
    return false;
  }
  template <class T>
  std::vector<T> recorded() const {
    std::vector<T> out;
    for (const LedgerEntry& entry : ledger_)
      if (const auto* one = std::get_if<T>(&entry.body)) out.push_back(*one);
    return out;
  }
  // What a start of the monitor reads back of this.
  LedgerState state() const {
    LedgerState out;
    out.deaths = recorded<DeathRecord>();
    out.alerts = view_->alerts;
    for (const Incident& i : view_->incidents)
      if (i.open()) out.incidents.push_back(i);
    return out;
  }
  void three_deaths() {
    for (int i = 1; i < 4; ++i) live("w-" + std::to_string(i), 1, {"other" + std::to_string(i)});
    for (int life = 1; life <= 3; ++life) {
      live("w-0", life, {"3f2a", "x" + std::to_string(life)});
      dies("w-0", life, {"3f2a", "x" + std::to_string(life)});
    }
  }

  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
  std::vector<Input> inputs_;
  std::vector<LedgerEntry> ledger_;
  std::vector<Act> acts_;
  std::shared_ptr<const FleetView> view_;
};

TEST_F(PoisonEngine, its_alert_stays_while_its_pool_is_judged_again_and_again) {
  three_deaths();
  ASSERT_TRUE(alert());
  for (int i = 0; i < 30; ++i) live("w-1", 1, {"other1"});
  EXPECT_TRUE(alert()) << "the findings of the pool do not know it";
}

TEST_F(PoisonEngine, the_same_task_at_three_deaths_is_told_with_its_evidence) {
  three_deaths();
  ASSERT_TRUE(alert());
  EXPECT_EQ(alert()->severity, Severity::warning);
  EXPECT_EQ(alert()->title, "Task resize 3f2a was in flight at 3 deaths in pool thumbs");
  EXPECT_NE(alert()->message.find("w-0 (signal 9, out of memory, the task had run 4s"), std::string::npos)
      << alert()->message;
  EXPECT_NE(alert()->message.find("0 of 9 living workers"), std::string::npos) << alert()->message;
  EXPECT_NE(alert()->message.find("all of these deaths are of w-0"), std::string::npos) << alert()->message;
  EXPECT_TRUE(story_says("task resize 3f2a was in flight at 3 of 3 deaths"));
  ASSERT_TRUE(view_->poison_tasks);
  ASSERT_EQ(view_->poison_tasks->size(), 1u);
  EXPECT_EQ(view_->poison_tasks->front().evidence.size(), 3u);
  const auto deaths = recorded<DeathRecord>();
  ASSERT_EQ(deaths.size(), 3u);
  EXPECT_EQ(deaths[0].living, 3);
  EXPECT_EQ(deaths[0].tasks.size(), 2u);
}

TEST_F(PoisonEngine, it_outlives_the_monitor_and_ends_after_a_day) {
  three_deaths();
  const LedgerState kept = state();
  begin(kept);
  ASSERT_TRUE(alert());
  ASSERT_EQ(view_->poison_tasks->size(), 1u);
  live("w-0", 4, {"3f2a"});
  dies("w-0", 4, {"3f2a"});
  EXPECT_EQ(view_->poison_tasks->front().seen, 4) << "it goes on counting";
  for (int life = 5; life <= 6; ++life) {
    live("w-0", life, {"3f2a"});
    dies("w-0", life, {"3f2a"});
  }
  EXPECT_EQ(alert()->severity, Severity::critical);
  clock_.advance(24h + 2s);
  step();
  step();
  EXPECT_FALSE(alert());
  EXPECT_TRUE(view_->poison_tasks->empty());
}

TEST_F(PoisonEngine, an_alert_of_the_last_life_without_deaths_ends) {
  three_deaths();
  LedgerState kept = state();
  kept.deaths.clear();
  begin(kept);
  clock_.advance(1s);
  step();
  EXPECT_FALSE(alert());
}

// The successor is heard before anybody told of the end: what the old life told last is still known.
TEST_F(PoisonEngine, the_last_word_of_the_life_before_counts) {
  for (int life = 1; life <= 3; ++life) {
    live("w-0", life, {"3f2a"});
    AgentStartInput start{.source = "agent/h1", .action_id = "a" + std::to_string(life), .worker_id = "w-0"};
    start.previous_incarnation = "w-0#" + std::to_string(life);
    start.incarnation = "w-0#" + std::to_string(life + 1);
    start.crashes = life;
    start.exit.signal = 11;
    start.received = clock_.now().steady;
    inputs_.push_back(std::move(start));
    step();
  }
  ASSERT_EQ(recorded<DeathRecord>().size(), 3u);
  EXPECT_EQ(view_->poison_tasks->size(), 1u);
}

TEST_F(PoisonEngine, who_tells_no_tasks_is_not_counted) {
  for (int life = 1; life <= 3; ++life) {
    Report r = report("w-0", life, {});
    r.in_flight.reset();
    r.process->exit = ExitInfo{.signal = 9};
    say(std::move(r));
    step();
  }
  EXPECT_TRUE(recorded<DeathRecord>().empty());
}

}  // namespace
}  // namespace paramedic
