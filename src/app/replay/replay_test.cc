// What was recorded, replayed: the same configuration decides the same, another one differs in what it should.
#include "app/replay/replay.h"

#include <fstream>

#include "app/replay/replay_fixture.h"

namespace paramedic::replay {
namespace {

const Line* line_of(const ReplayResult& r, EpisodeKind kind, const std::string& name) {
  for (const Line& line : r.comparison.lines)
    if (line.kind == kind && line.name == name) return &line;
  return nullptr;
}
// "only new alert memory_high w-1", one per difference.
std::vector<std::string> differences(const ReplayResult& r) {
  std::vector<std::string> out;
  for (const Difference& d : r.comparison.differences)
    out.push_back(std::string(d.only_new ? "only new " : "only old ") + std::string(to_string(d.kind)) + " " + d.name +
                  " " + d.worker_id);
  return out;
}
std::string all_remarks(const ReplayResult& r) {
  std::string out;
  for (const std::string& remark : r.remarks) out += remark + "\n";
  return out;
}

struct Replay : testing::Test {
  // An hour: memory at 90 % for a while, a crash, a worker that hangs for good.
  void record(const EngineConfig& config, const std::string& hash = "old") {
    fleet.begin(config, hash);
    fleet.live(5min);
    fleet.workers["w-1"].memory = 90;
    fleet.live(10min);
    fleet.workers["w-1"].memory = 20;
    fleet.live(10min);
    fleet.crash("w-2");
    fleet.live(10min);
    fleet.workers["w-3"].silent = true;
    fleet.live(20min);
    fleet.end();
  }
  RecordedFleet fleet;
  ConfiguredEngine same{quick_config(), "old"};
};

TEST_F(Replay, the_recorded_configuration_decides_what_the_ledger_says) {
  record(same.engine);
  const auto r = fleet.replay(same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_TRUE(r->exact);
  EXPECT_TRUE(r->new_is_recorded);
  EXPECT_EQ(r->old_side, OldSide::ledger);
  EXPECT_TRUE(r->comparison.same()) << testing::PrintToString(differences(*r));
  EXPECT_EQ(r->brought_in, 0u);
  // The hour was one.
  const Line* memory = line_of(*r, EpisodeKind::alert, "memory_high");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->old_side.begun, 1u);
  EXPECT_EQ(memory->old_side, memory->new_side);
  EXPECT_NEAR(memory->old_side.seconds, 600, 15);
  const Line* restart = line_of(*r, EpisodeKind::restart, "restart");
  ASSERT_TRUE(restart);
  EXPECT_EQ(restart->reason, "silent");
  EXPECT_EQ(restart->pool, "thumbs");
  EXPECT_EQ(restart->old_side.succeeded, 1u);
  EXPECT_EQ(restart->new_side.succeeded, 1u);
  EXPECT_EQ(restart->new_side.outcome_unknown, 0u);
  const Line* start = line_of(*r, EpisodeKind::restart, "start");
  ASSERT_TRUE(start);
  EXPECT_EQ(start->reason, "exited");
  EXPECT_EQ(start->new_side.begun, 1u);
  EXPECT_GE(r->new_wishes.stops_ordered, 1u);
}

TEST_F(Replay, another_limit_differs_in_its_alerts_alone) {
  record(same.engine);
  ConfiguredEngine relaxed{same.engine, "new"};
  relaxed.engine.defaults.checks.resources.memory_warning_percent = 93;
  const auto r = fleet.replay(relaxed);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_TRUE(r->exact);
  EXPECT_FALSE(r->new_is_recorded);
  EXPECT_EQ(differences(*r), std::vector<std::string>{"only old alert memory_high w-1"});
  EXPECT_EQ(line_of(*r, EpisodeKind::alert, "memory_high")->new_side.begun, 0u);
  // Restarts are the same ones: what the recording tells of them is understood under another configuration too.
  const Line* restart = line_of(*r, EpisodeKind::restart, "restart");
  ASSERT_TRUE(restart);
  EXPECT_EQ(restart->new_side.succeeded, 1u);
  EXPECT_EQ(r->brought_in, 0u);
}

TEST_F(Replay, both_configurations_are_replayed_when_the_old_one_is_named) {
  record(same.engine);
  ConfiguredEngine strict{same.engine, "new"};
  strict.engine.defaults.checks.resources.memory_warning_percent = 15;
  const auto r = fleet.replay(strict, &same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->old_side, OldSide::engine);
  ASSERT_TRUE(r->old_wishes);
  EXPECT_GE(r->old_wishes->stops_ordered, 1u);
  const Line* memory = line_of(*r, EpisodeKind::alert, "memory_high");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->old_side.begun, 1u);
  EXPECT_GE(memory->new_side.begun, 4u);
}

// The restart really happened: under a configuration that would have waited it is no crash, and nobody is alarmed.
TEST_F(Replay, a_restart_that_only_the_old_monitor_ordered_is_no_death) {
  record(same.engine);
  ConfiguredEngine patient{same.engine, "new"};
  patient.engine.defaults.checks.heartbeat.critical_after = 24h;
  patient.engine.defaults.checks.heartbeat.warning_after = 23h;
  const auto r = fleet.replay(patient);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->brought_in, 1u);
  const auto d = differences(*r);
  EXPECT_TRUE(std::find(d.begin(), d.end(), "only old restart restart w-3") != d.end()) << testing::PrintToString(d);
  for (const std::string& one : d) EXPECT_FALSE(one.starts_with("only new")) << one;
}

// Nobody knows what the restart would have done: the worker stays as it was recorded, and the result says so.
TEST_F(Replay, a_restart_that_only_the_new_configuration_orders_has_no_outcome) {
  EngineConfig shadow = quick_config();
  shadow.defaults.recovery.mode = RecoveryMode::off;
  record(shadow);
  ConfiguredEngine acting{quick_config(), "new"};
  const auto r = fleet.replay(acting);
  ASSERT_TRUE(r) << r.error().message;
  const Line* restart = line_of(*r, EpisodeKind::restart, "restart");
  ASSERT_TRUE(restart);
  EXPECT_EQ(restart->old_side.begun, 0u);
  EXPECT_GE(restart->new_side.begun, 1u);
  EXPECT_EQ(restart->new_side.succeeded, 0u);
  EXPECT_EQ(restart->new_side.outcome_unknown, restart->new_side.begun);
}

TEST_F(Replay, a_configuration_that_quarantines_sooner_is_seen_to) {
  EngineConfig off = quick_config();
  off.defaults.recovery.mode = RecoveryMode::off;
  record(off);
  ConfiguredEngine three{quick_config(), "three"}, one{quick_config(), "one"};
  three.engine.defaults.recovery.stops_per_worker = 10;
  one.engine.defaults.recovery.stops_per_worker = 1;
  const auto r = fleet.replay(one, &three);
  ASSERT_TRUE(r) << r.error().message;
  const Line* quarantined = line_of(*r, EpisodeKind::alert, "quarantined");
  ASSERT_TRUE(quarantined);
  EXPECT_EQ(quarantined->old_side.begun, 0u);
  EXPECT_EQ(quarantined->new_side.begun, 1u);
  const Line* restart = line_of(*r, EpisodeKind::restart, "restart");
  ASSERT_TRUE(restart);
  EXPECT_LT(restart->new_side.begun, restart->old_side.begun);
}

TEST_F(Replay, only_what_begins_in_the_time_asked_for_is_compared) {
  record(same.engine);
  ConfiguredEngine relaxed{same.engine, "new"};
  relaxed.engine.defaults.checks.resources.memory_warning_percent = 93;
  ReplayOptions ask = fleet.ask(relaxed, nullptr);
  ask.from = fleet.begun + 30min;
  const auto late = replay_inputs(ask);
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_TRUE(late->comparison.same()) << testing::PrintToString(differences(*late));
  EXPECT_EQ(late->spans.front().from, in_millis(ask.from));
  ask.from = fleet.clock.now().wall + 1min;
  const auto nothing = replay_inputs(ask);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Errc::not_found);
  EXPECT_NE(nothing.error().message.find("--approximate"), std::string::npos);
}

TEST_F(Replay, two_lives_of_the_monitor_are_two_runs) {
  fleet.begin(same.engine, "old");
  fleet.live(5min);
  fleet.workers["w-1"].memory = 90;
  fleet.live(5min);
  fleet.end();
  fleet.clock.advance(20s);
  fleet.begin(same.engine, "old");
  fleet.live(5min);
  fleet.workers["w-1"].memory = 20;
  fleet.live(5min);
  fleet.end();
  const auto r = fleet.replay(same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->runs, 2u);
  EXPECT_EQ(r->spans.size(), 2u);
  EXPECT_TRUE(r->exact);
  EXPECT_TRUE(r->comparison.same()) << testing::PrintToString(differences(*r));
  const Line* memory = line_of(*r, EpisodeKind::alert, "memory_high");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->old_side, memory->new_side);
  EXPECT_NEAR(memory->new_side.seconds, 600, 30);  // the time between is nobody's
}

TEST_F(Replay, what_is_missing_is_said) {
  record(same.engine);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fleet.inputs())) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1u);
  // Torn within the last record.
  fs::resize_file(files[0], fs::file_size(files[0]) - 3);
  const auto torn = fleet.replay(same);
  ASSERT_TRUE(torn) << torn.error().message;
  EXPECT_NE(all_remarks(*torn).find("torn end"), std::string::npos) << all_remarks(*torn);
  // Damaged in the middle.
  {
    std::fstream file(files[0], std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(std::streamoff(fs::file_size(files[0]) / 2));
    file.write("XXXXXXXXXXXXXXXX", 16);
  }
  const auto damaged = fleet.replay(same);
  ASSERT_TRUE(damaged) << damaged.error().message;
  EXPECT_FALSE(damaged->exact);
  EXPECT_NE(all_remarks(*damaged).find("cannot be read"), std::string::npos) << all_remarks(*damaged);
}

TEST_F(Replay, a_gap_is_said_and_left_out_of_the_comparison) {
  fleet.begin(same.engine, "old");
  fleet.live(5min);
  // An input that is larger than any record: its step is not in the journal.
  fleet.waiting.emplace_back(CommandInput{.command_id = "1", .reason = std::string(5 << 20, 'x')});
  fleet.dropped = 1;
  fleet.live(5min);
  fleet.end();
  const auto r = fleet.replay(same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_FALSE(r->exact);
  EXPECT_EQ(r->spans.size(), 2u);
  EXPECT_NE(all_remarks(*r).find("too_large"), std::string::npos) << all_remarks(*r);
}

TEST_F(Replay, a_configuration_that_was_loaded_during_the_recording_is_noted) {
  fleet.begin(same.engine, "old");
  fleet.live(5min);
  fleet.journal->reload("other", fleet.clock.now());
  fleet.engine->configure(same.engine, fleet.clock.now());
  fleet.live(5min);
  fleet.end();
  const auto r = fleet.replay(same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_FALSE(r->new_is_recorded);
  EXPECT_NE(all_remarks(*r).find("hash other"), std::string::npos) << all_remarks(*r);
}

TEST_F(Replay, another_build_and_another_old_configuration_are_named) {
  record(same.engine, "something else");
  ReplayOptions ask = fleet.ask(same, &same);
  ask.build_id = "another build";
  const auto r = replay_inputs(ask);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_FALSE(r->exact);
  EXPECT_NE(all_remarks(*r).find("'this build'"), std::string::npos) << all_remarks(*r);
  EXPECT_NE(all_remarks(*r).find("something else"), std::string::npos) << all_remarks(*r);
}

// ---- the approximate way ----

TEST_F(Replay, history_stands_in_where_no_inputs_are_recorded) {
  record(same.engine);
  fs::remove_all(fleet.inputs());
  ConfiguredEngine relaxed{same.engine, "new"};
  relaxed.engine.defaults.checks.resources.memory_warning_percent = 93;
  ASSERT_FALSE(fleet.replay(relaxed));
  const auto r = fleet.approximate(relaxed, &same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->evidence, Evidence::history);
  EXPECT_FALSE(r->exact);
  EXPECT_FALSE(r->missing.empty());
  EXPECT_GT(r->rows, 4u * 55 * 60 / 30);
  EXPECT_EQ(r->workers, 4u);
  EXPECT_EQ(differences(*r), std::vector<std::string>{"only old alert memory_high w-1"});
  // The worker that hung is seen to hang, the one that crashed to crash, and the restarts are the recorded ones.
  EXPECT_TRUE(line_of(*r, EpisodeKind::alert, "silent"));
  const Line* restart = line_of(*r, EpisodeKind::restart, "restart");
  ASSERT_TRUE(restart);
  EXPECT_EQ(restart->pool, "thumbs");
  EXPECT_EQ(restart->new_side.begun, 1u);
}

TEST_F(Replay, history_of_the_same_configuration_tells_the_same_story_as_the_ledger) {
  record(same.engine);
  const auto r = fleet.approximate(same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->old_side, OldSide::ledger);
  for (const char* name : {"memory_high", "silent"}) {
    const Line* line = line_of(*r, EpisodeKind::alert, name);
    ASSERT_TRUE(line) << name;
    EXPECT_EQ(line->old_side.begun, 1u) << name;
    EXPECT_EQ(line->new_side.begun, 1u) << name;
  }
}

TEST_F(Replay, a_history_without_rows_in_this_time_is_an_error) {
  ConfiguredEngine any{quick_config(), "new"};
  const auto r = fleet.approximate(any);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::not_found);
}

TEST_F(Replay, time_in_which_the_monitor_did_not_run_is_nobodys_silence) {
  fleet.begin(same.engine, "old");
  fleet.live(5min);
  fleet.end();
  fleet.clock.advance(3h);
  fleet.begin(same.engine, "old");
  fleet.live(5min);
  fleet.end();
  const auto r = fleet.approximate(same);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->spans.size(), 2u);
  EXPECT_EQ(differences(*r), std::vector<std::string>{});
  EXPECT_NE(all_remarks(*r).find("it did not run"), std::string::npos) << all_remarks(*r);
}

}  // namespace
}  // namespace paramedic::replay
