#include "core/engine/engine.h"

#include <set>

#include "core/engine/engine_bench.h"

namespace paramedic {

namespace {

using Bench = EngineBench;

int count_events(const FleetDelta& delta, std::string_view kind) {
  int n = 0;
  for (const FleetEvent& event : delta.view->events) n += event.kind == kind;
  return n;
}

}  // namespace

TEST(Engine, workers_that_stop_together_are_one_incident_that_names_what_they_share) {
  EngineConfig config;
  config.defaults.recovery.mode = RecoveryMode::off;
  Bench bench(config);
  const auto round = [&](char bad_state) {
    for (int i = 0; i < 20; ++i) {
      Report r = bench.report("w-" + std::to_string(i));
      r.version = i < 5 ? "2.0" : "1.9";
      r.labels = Labels{{"zone", i % 2 ? "a" : "b"}};
      if (i < 5) r.process->state = bad_state;
      bench.send(std::move(r));
    }
    bench.step();
    bench.run_for(5s);
  };
  bench.connect("h1");
  for (int i = 0; i < 4; ++i) round('S');
  for (int i = 0; i < 15; ++i) round('D');  // blocked: critical after 60 s
  std::vector<Incident> open;
  for (const Incident& i : bench.delta.view->incidents)
    if (i.open()) open.push_back(i);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].scope, "cause/version/2.0");
  EXPECT_EQ(open[0].title, "5 of 5 workers with version 2.0 are ill");
  EXPECT_EQ(open[0].affected_workers, 5);
  for (int i = 0; i < 3; ++i) round('S');
  for (const Incident& i : bench.delta.view->incidents) EXPECT_FALSE(i.open()) << i.title;
}

// A quarter of the pool: too few for a freeze, yet one cause explains them.
TEST(Engine, nobody_is_stopped_for_a_cause_that_several_share_until_a_canary_may_try) {
  Bench bench;
  const auto round = [&](char bad_state) {
    for (int i = 0; i < 20; ++i) {
      Report r = bench.report("w-" + std::to_string(i));
      r.version = i < 5 ? "2.0" : "1.9";
      if (i < 5) r.process->state = bad_state;
      bench.send(std::move(r));
    }
    bench.step();
    bench.run_for(5s);
  };
  bench.connect("h1");
  for (int i = 0; i < 14; ++i) round('S');
  for (int i = 0; i < 60; ++i) round('D');  // blocked: critical after 60 s
  EXPECT_EQ(bench.acts<SendLadder>().size(), 0u);
  const auto held = bench.delta.view->find("w-0")->held;
  ASSERT_TRUE(held);
  EXPECT_EQ(held->code, HoldCode::shared_cause);
  EXPECT_TRUE(
      held->text.starts_with("one cause is likely: 5 of 5 workers that share version 2.0 are ill, elsewhere 0 "
                             "of 15"))
      << held->text;
  for (int i = 0; i < 15; ++i) round('D');
  EXPECT_EQ(bench.acts<SendLadder>().size(), 1u);
}

TEST(Engine, an_alert_ends_when_its_finding_is_well_after_it_was_unknown) {
  EngineConfig config;
  config.defaults.recovery.mode = RecoveryMode::off;
  Bench bench(config);
  bench.live(3, 65s);
  const auto round = [&](auto&& change) {
    for (int i = 0; i < 3; ++i) {
      Report r = bench.report("w-" + std::to_string(i));
      if (i == 1) change(r);
      bench.send(std::move(r));
    }
    bench.step();
    bench.run_for(5s);
  };
  const auto firing = [&] {
    int n = 0;
    for (const Alert& alert : bench.delta.view->alerts) n += alert.worker_id == "w-1";
    return n;
  };
  for (int i = 0; i < 15; ++i) round([](Report& r) { r.process->state = 'D'; });
  ASSERT_EQ(firing(), 1);
  for (int i = 0; i < 2; ++i)  // its successor has not spoken yet
    round([](Report& r) {
      r.incarnation = "2";
      r.process->pid = 200;
      r.alive_at.reset();
    });
  EXPECT_EQ(firing(), 1) << "missing data resolves nothing";
  for (int i = 0; i < 3; ++i)
    round([](Report& r) {
      r.incarnation = "2";
      r.process->pid = 200;
    });
  EXPECT_EQ(bench.worker("w-1")->verdict->status, Status::healthy);
  EXPECT_EQ(firing(), 0);
}

TEST(Engine, publishes_transitions_without_waiting_for_the_readings_of_the_others) {
  Bench bench;
  bench.live(3);
  bench.clock.advance(5s);
  Report dead = bench.report("w-1");
  dead.process = ProcessPart{.pid = 100, .state = 'X', .exit = ExitInfo{.signal = 9}};
  bench.send(bench.report("w-0"));
  bench.send(std::move(dead));
  Effects out;
  bench.engine->step(bench.waiting, {}, bench.clock.now(), out);
  bench.waiting.clear();
  ASSERT_TRUE(out.publish_now);
  const auto reading_before = bench.worker("w-0")->last_report;

  const FleetDelta first = bench.engine->publish(bench.clock.now(), PublishScope::transitions);
  ASSERT_EQ(first.changed.size(), 1u);
  EXPECT_EQ(first.changed[0]->worker_id, "w-1");
  EXPECT_EQ(first.view->find("w-1")->verdict->status, Status::critical);
  EXPECT_EQ(first.view->find("w-0")->last_report, reading_before);
  EXPECT_EQ(first.view->counts.critical, 1);
  EXPECT_TRUE(bench.engine->view_dirty()) << "the reading of w-0 is still to come";

  const FleetDelta rest = bench.engine->publish(bench.clock.now());
  ASSERT_EQ(rest.changed.size(), 1u) << "nothing is published twice";
  EXPECT_EQ(rest.changed[0]->worker_id, "w-0");
  EXPECT_GT(rest.view->find("w-0")->last_report, reading_before);
  EXPECT_FALSE(bench.engine->view_dirty());
}

TEST(Engine, a_new_worker_and_a_forgotten_one_are_published_at_once) {
  Bench bench;
  bench.live(1);
  bench.send(bench.report("w-new"));
  Effects out;
  bench.engine->step(bench.waiting, {}, bench.clock.now(), out);
  bench.waiting.clear();
  ASSERT_TRUE(out.publish_now);
  const FleetDelta joined = bench.engine->publish(bench.clock.now(), PublishScope::transitions);
  ASSERT_TRUE(joined.view->find("w-new"));
  EXPECT_TRUE(joined.view->find("w-0"));
  bench.waiting.push_back(CommandInput{.command_id = "c", .verb = Verb::forget, .worker_id = "w-new", .actor = "ada"});
  bench.engine->step(bench.waiting, {}, bench.clock.now(), out);
  bench.waiting.clear();
  const FleetDelta left = bench.engine->publish(bench.clock.now(), PublishScope::transitions);
  EXPECT_EQ(left.view->find("w-new")->state, WorkerState::gone);
}

TEST(Engine, judges_a_reporting_worker_healthy) {
  Bench bench;
  bench.live(3);
  EXPECT_EQ(bench.delta.view->counts.healthy, 3);
  const auto worker = bench.worker("w-1");
  ASSERT_TRUE(worker);
  EXPECT_EQ(worker->verdict->status, Status::healthy);
  EXPECT_EQ(worker->verdict->score, 1.0);
  EXPECT_EQ(worker->pool, "thumbs");
  EXPECT_EQ(worker->metrics.find("cpu_percent"), 10);
  EXPECT_EQ(worker->verdict->findings.size(), 6u);
}

TEST(Engine, tells_a_death_at_once_and_lets_the_agent_start_again) {
  Bench bench;
  bench.live(3);
  Report dead = bench.report("w-1");
  dead.process->exit = ExitInfo{.signal = 9};
  bench.send(dead);
  const Effects out = bench.step();
  EXPECT_TRUE(out.publish_now);
  EXPECT_EQ(bench.worker("w-1")->verdict->status, Status::critical);
  EXPECT_EQ(bench.worker("w-1")->verdict->score, 0.0);
  EXPECT_EQ(count_events(bench.delta, "exit"), 1);
  EXPECT_EQ(count_events(bench.delta, "transition"), 1 + 3);  // and three first ones from unknown
  bool transition_row = false;
  for (const HistoryRow& row : out.history)
    transition_row = transition_row || (row.transition && row.status == Status::critical);
  EXPECT_TRUE(transition_row);
  EXPECT_FALSE(bench.acts<SendLease>().empty());
  EXPECT_TRUE(bench.acts<SendLadder>().empty());  // the agent starts it under its lease
}

namespace {
// A worker of pool "jobs" that pushes its reports over HTTP.
Report pushed(Bench& bench, const std::string& incarnation) {
  Report r = bench.report("job-1", incarnation);
  r.pool = "jobs";
  return r;
}
void push(Bench& bench, Report report) {
  bench.waiting.push_back(ReportInput{std::move(report), "http", bench.clock.now().steady});
  bench.step();
}
}  // namespace

TEST(Engine, a_silent_worker_without_agent_is_restarted_by_the_executor_of_its_pool) {
  EngineConfig config;
  config.pools["jobs"].has_executor = true;
  config.pools["jobs"].recovery.mode = RecoveryMode::automatic;
  Bench bench(config);
  bench.run_for(61s);
  push(bench, pushed(bench, "1"));
  bench.run_for(70s);  // silent
  const auto ladders = bench.acts<SendLadder>();
  ASSERT_EQ(ladders.size(), 1u);
  EXPECT_EQ(ladders[0].source, "executor/jobs");
  EXPECT_EQ(ladders[0].ladder.expected_incarnation, "1");
  EXPECT_EQ(bench.worker("job-1")->action->executor, "executor/jobs");
  bench.waiting.push_back(ProgressInput{.source = "executor/jobs",
                                        .action_id = ladders[0].ladder.action_id,
                                        .worker_id = "job-1",
                                        .step = LadderStep::start,
                                        .done = true});
  bench.step();
  EXPECT_EQ(bench.worker("job-1")->action->state, ActionState::verifying);
  for (int i = 0; i < 30; ++i) {
    push(bench, pushed(bench, "2"));
    bench.run_for(5s);
  }
  EXPECT_EQ(bench.worker("job-1")->action->state, ActionState::succeeded);
  EXPECT_EQ(bench.worker("job-1")->action->new_incarnation, "2");
  EXPECT_TRUE(bench.acts<SendLease>().empty()) << "leases are for agents";
}

TEST(Engine, an_executor_acts_by_itself_only_where_the_pool_says_so) {
  EngineConfig config;
  config.pools["jobs"].has_executor = true;
  Bench bench(config);
  bench.run_for(61s);
  push(bench, pushed(bench, "1"));
  bench.run_for(70s);
  EXPECT_TRUE(bench.acts<SendLadder>().empty());
  ASSERT_TRUE(bench.worker("job-1")->held);
  EXPECT_EQ(bench.worker("job-1")->held->code, HoldCode::mode_shadow);
  EXPECT_TRUE(bench.command(Verb::restart, "job-1", true).success);
  EXPECT_EQ(bench.acts<SendLadder>().size(), 1u);
  EXPECT_EQ(bench.command(Verb::drain, "job-1").error->code, Errc::conflict) << "an executor knows restarts only";

  bench.engine->configure(EngineConfig{}, bench.clock.now());  // the executor is gone
  bench.run_for(5min);
  EXPECT_EQ(bench.command(Verb::restart, "job-1", true).error->code, Errc::conflict);
}

TEST(Engine, restarts_a_silent_worker_after_the_first_minute_and_proves_the_cure) {
  Bench bench;
  bench.live(3, 65s);
  for (int i = 0; i < 18; ++i) {  // w-1 falls silent; its process still sleeps
    bench.run_for(5s);
    Report silent = bench.report("w-1");
    silent.alive_at.reset();
    bench.send(silent);
    bench.send(bench.report("w-0"));
    bench.send(bench.report("w-2"));
    bench.step();
  }
  bench.run_for(3s);
  const auto ladders = bench.acts<SendLadder>();
  ASSERT_EQ(ladders.size(), 1u);
  EXPECT_EQ(ladders[0].ladder.worker_id, "w-1");
  EXPECT_EQ(ladders[0].ladder.kind, RemedyKind::restart);
  EXPECT_EQ(ladders[0].ladder.expected_incarnation, "1");
  EXPECT_EQ(ladders[0].source, "agent/h1");
  ProgressInput done{.source = "agent/h1",
                     .action_id = ladders[0].ladder.action_id,
                     .worker_id = "w-1",
                     .step = LadderStep::start,
                     .done = true,
                     .new_incarnation = "2"};
  done.received = bench.clock.now().steady;
  bench.waiting.push_back(done);
  bench.step();
  EXPECT_FALSE(bench.acts<SendAck>().empty());
  for (int i = 0; i < 26; ++i) {
    for (const char* id : {"w-0", "w-2"}) bench.send(bench.report(id));
    bench.send(bench.report("w-1", "2"));
    bench.step();
    bench.run_for(5s);
  }
  ASSERT_TRUE(bench.worker("w-1")->action);
  EXPECT_EQ(bench.worker("w-1")->action->state, ActionState::succeeded) << bench.worker("w-1")->action->outcome;
  EXPECT_EQ(bench.delta.view->stats.actions_succeeded, 1u);
}

TEST(Engine, makes_workers_of_a_silent_agent_unknown_and_touches_none) {
  Bench bench;
  bench.live(5, 70s);
  bench.run_for(5min);
  EXPECT_EQ(bench.delta.view->counts.unknown, 5);
  EXPECT_FALSE(bench.worker("w-0")->verdict->score);
  EXPECT_TRUE(bench.acts<SendLadder>().empty());
  int critical = 0;
  for (const Incident& incident : bench.delta.view->incidents)
    critical += incident.open() && incident.severity == Severity::critical;
  EXPECT_EQ(critical, 1);  // one for the host, not five
  bench.connect("h1");
  for (int i = 0; i < 5; ++i) bench.send(bench.report("w-" + std::to_string(i)));
  bench.step();
  EXPECT_EQ(bench.delta.view->counts.healthy, 5);
}

TEST(Engine, condemns_nobody_while_its_own_input_waits) {
  Bench bench;
  bench.live(2);
  bench.clock.advance(2min);
  // The step is two minutes late: every voice looks two minutes old, although its datagrams wait in a buffer.
  bench.waiting.push_back(SourceFrameInput{"agent/h1", bench.clock.now().steady});
  bench.step(3s);
  EXPECT_EQ(bench.delta.view->counts.critical, 0);
  bench.clock.advance(1s);
  bench.waiting.push_back(SourceFrameInput{"agent/h1", bench.clock.now().steady});
  bench.step(3s);
  EXPECT_EQ(bench.delta.view->counts.critical, 0);
  bool lag = false;
  for (const Alert& alert : bench.delta.view->alerts) lag = lag || alert.reason == Reason::monitor_lag;
  EXPECT_TRUE(lag);
  bench.send(bench.report("w-0"));
  bench.send(bench.report("w-1"));
  bench.step();
  bench.run_for(7s);
  EXPECT_EQ(bench.delta.view->counts.critical, 0);
  EXPECT_EQ(bench.delta.view->counts.healthy, 2);
}

TEST(Engine, an_exit_that_only_the_start_after_it_tells_of_is_shown) {
  Bench bench;
  bench.live(1);
  EXPECT_FALSE(bench.worker("w-0")->last_exit.has_value());
  AgentStartInput start{.source = "agent/h1", .action_id = "y", .worker_id = "w-0"};
  start.previous_incarnation = bench.worker("w-0")->incarnation;
  start.incarnation = "2";
  start.crashes = 1;
  start.exit = ExitInfo{.unknown_cause = true};
  start.received = bench.clock.now().steady;
  bench.waiting.push_back(start);
  bench.step();
  ASSERT_TRUE(bench.worker("w-0")->last_exit.has_value());
  EXPECT_TRUE(bench.worker("w-0")->last_exit->unknown_cause);
}

TEST(Engine, a_restart_of_the_monitor_changes_no_status_to_the_worse) {
  Bench before;
  before.live(20, 30s);
  LedgerState state;
  std::map<std::string, WorkerRecord> latest;
  for (const LedgerEntry& entry : before.all.ledger)
    if (const auto* record = std::get_if<WorkerRecord>(&entry.body)) latest[record->worker_id] = *record;
  for (const auto& [id, record] : latest) state.workers.push_back(record);
  ASSERT_EQ(state.workers.size(), 20u);

  Bench after;
  after.clock.advance(1h);
  after.engine = std::make_unique<Engine>(after.config, after.clock.now());
  after.engine->restore(state, after.clock.now());
  after.step();
  EXPECT_EQ(after.delta.view->counts.unknown, 20);
  after.run_for(8s);
  after.connect("h1");
  for (int i = 0; i < 20; ++i) after.send(after.report("w-" + std::to_string(i)));
  after.step();
  EXPECT_EQ(after.delta.view->counts.healthy, 20);
  for (const FleetEvent& event : after.delta.view->events)
    EXPECT_TRUE(event.to != "critical" && event.to != "warning") << event.text;
}

TEST(Engine, an_alert_ends_although_its_worker_turned_well_while_no_monitor_was_there) {
  Bench before;
  before.live(1);
  LedgerState state;
  for (const LedgerEntry& entry : before.all.ledger)
    if (const auto* record = std::get_if<WorkerRecord>(&entry.body)) state.workers = {*record};
  ASSERT_EQ(state.workers.size(), 1u);
  state.alerts.push_back({.key = "worker/w-0/heartbeat/stopped", .state = AlertState::firing});
  state.alerts.back().severity = Severity::critical;
  state.alerts.back().reason = Reason::stopped;
  state.alerts.back().check = "heartbeat";
  state.alerts.back().worker_id = "w-0";
  Bench bench;
  bench.clock.advance(1h);
  bench.engine = std::make_unique<Engine>(bench.config, bench.clock.now());
  bench.engine->restore(state, bench.clock.now());
  bench.step();
  EXPECT_EQ(bench.delta.view->alerts.size(), 1u) << "nothing is known yet";
  bench.live(1, 30s);
  for (const Alert& alert : bench.delta.view->alerts) ADD_FAILURE() << alert.key << ": " << alert.message;
}

TEST(Engine, an_operator_restarts_and_the_answer_names_the_action) {
  Bench bench;
  bench.live(3);
  const CommandResult result = bench.command(Verb::restart, "w-0");
  EXPECT_TRUE(result.success) << result.message;
  EXPECT_FALSE(result.action_id.empty());
  ASSERT_EQ(bench.acts<SendLadder>().size(), 1u);
  EXPECT_EQ(bench.acts<SendLadder>()[0].ladder.action_id, result.action_id);
  EXPECT_EQ(bench.command(Verb::restart, "nobody").error->code, Errc::not_found);
  bool audited = false;
  for (const LedgerEntry& entry : bench.all.ledger)
    if (const auto* audit = std::get_if<AuditRecord>(&entry.body))
      audited = audited || (audit->verb == "restart" && audit->actor == "ada");
  EXPECT_TRUE(audited);
}

TEST(Engine, the_big_switch_refuses_and_is_shown) {
  Bench bench;
  bench.live(3);
  EXPECT_TRUE(bench.command(Verb::freeze, "").success);
  EXPECT_TRUE(bench.delta.view->big_switch_held);
  EXPECT_FALSE(bench.command(Verb::restart, "w-0").success);
  EXPECT_TRUE(bench.command(Verb::restart, "w-0", true).success);
  EXPECT_TRUE(bench.command(Verb::thaw, "").success);
  EXPECT_FALSE(bench.delta.view->big_switch_held);
}

TEST(Engine, forgets_a_worker_and_says_when_it_will_be_back) {
  Bench bench;
  bench.live(2);
  const CommandResult result = bench.command(Verb::forget, "w-0");
  EXPECT_TRUE(result.success);
  EXPECT_NE(result.message.find("next report"), std::string::npos);
  EXPECT_EQ(bench.delta.view->counts.total, 1);
  EXPECT_EQ(bench.command(Verb::forget, "w-0").error->code, Errc::not_found);
  EXPECT_EQ(bench.command(Verb::forget, "nobody").error->code, Errc::not_found);
  bench.run_for(16min);
  EXPECT_FALSE(bench.worker("w-0"));
}

TEST(Engine, maintenance_mutes_and_is_shown_as_state) {
  Bench bench;
  bench.live(3);
  EXPECT_TRUE(bench.command(Verb::maintenance_on, "w-0").success);
  EXPECT_EQ(bench.worker("w-0")->state, WorkerState::maintenance);
  EXPECT_EQ(bench.delta.view->maintenance.size(), 1u);
  EXPECT_TRUE(bench.command(Verb::maintenance_off, "w-0").success);
  EXPECT_EQ(bench.worker("w-0")->state, WorkerState::running);
}

TEST(Engine, a_broker_that_nobody_reaches_is_one_incident_and_no_stop) {
  Bench bench;
  bench.live(4, 65s);
  for (int t = 0; t < 40; ++t) {
    for (int i = 0; i < 4; ++i) {
      Report r = bench.report("w-" + std::to_string(i));
      r.capabilities->queues = true;
      r.queues = {{.broker = "redis-a", .name = "thumbs", .connected = t < 4}};
      bench.send(r);
    }
    bench.step();
    bench.run_for(5s);
  }
  EXPECT_TRUE(bench.acts<SendLadder>().empty());
  EXPECT_EQ(bench.delta.view->counts.critical, 0);
  int open = 0;
  for (const Incident& incident : bench.delta.view->incidents) open += incident.open();
  EXPECT_EQ(open, 1);
  ASSERT_EQ(bench.delta.view->queues.size(), 1u);
  EXPECT_TRUE(bench.delta.view->queues[0].broker_down);
  int recorded = 0;
  for (const LedgerEntry& entry : bench.all.ledger)
    if (const auto* input = std::get_if<InputRecord>(&entry.body))
      if (const auto* broker = std::get_if<RecordedBroker>(&input->what))
        recorded += broker->down && broker->broker == "redis-a";
  EXPECT_EQ(recorded, 1) << "the turn, not each round";
}

namespace {
// A fleet whose workers use redis-a and lose it or not, and a probe of that broker.
struct ProbedBench : Bench {
  using Bench::Bench;
  ProbeInput probe_input(bool ok, const std::string& broker) {
    return {.name = broker.empty() ? "gateway" : "redis-a",
            .kind = "tcp",
            .broker = broker,
            .ok = ok,
            .text = ok ? "" : "connection refused",
            .at = clock.now().steady};
  }
  void round(bool connected) {
    for (int i = 0; i < 4; ++i) {
      Report r = report("w-" + std::to_string(i));
      r.capabilities->queues = true;
      r.queues = {{.broker = "redis-a", .name = "thumbs", .connected = connected}};
      send(r);
    }
    step();
  }
  void probe(bool ok, const std::string& broker = "redis-a") {
    waiting.push_back(probe_input(ok, broker));
    step();
  }
  void miss_thrice(const std::string& broker = "redis-a") {
    for (int i = 0; i < 3; ++i) {
      run_for(3s);
      probe(false, broker);
    }
  }
  std::optional<Alert> firing(Reason reason) const {
    for (const Alert& alert : delta.view->alerts)
      if (alert.reason == reason && alert.state == AlertState::firing) return alert;
    return std::nullopt;
  }
  std::string frozen() const {
    for (const PoolView& pool : delta.view->pools)
      if (pool.name == "thumbs") return pool.frozen.value_or("");
    return "no such pool";
  }
  std::vector<bool> recorded() const {
    std::vector<bool> out;
    for (const LedgerEntry& entry : all.ledger)
      if (const auto* input = std::get_if<InputRecord>(&entry.body))
        if (const auto* broker = std::get_if<RecordedBroker>(&input->what)) out.push_back(broker->down);
    return out;
  }
};
}  // namespace

TEST(Engine, a_broker_whose_probe_is_down_freezes_its_pool_and_says_which_probe) {
  ProbedBench bench;
  bench.live(4, 65s);
  bench.round(true);
  bench.run_for(1s);
  bench.miss_thrice();
  EXPECT_EQ(bench.frozen(), "broker redis-a is down") << "with the step of the third miss";
  bench.run_for(2s);
  const auto alert = bench.firing(Reason::broker_down);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->key, "source/redis-a");
  EXPECT_EQ(alert->message, "the probe redis-a missed 3 times in 6 s: connection refused; none is restarted for it");
  EXPECT_TRUE(bench.delta.view->queues[0].broker_down);
  bench.round(true);
  bench.run_for(3s);
  EXPECT_EQ(bench.worker("w-0")->verdict->status, Status::healthy) << "a worker that is connected stays what it is";

  // Its workers lose it as well: the same outage with more evidence.
  bench.round(false);
  bench.run_for(2s);
  EXPECT_EQ(bench.firing(Reason::broker_down)->message,
            "all 4 workers that report broker redis-a have lost it, and the probe redis-a missed 3 times in 6 s: "
            "connection refused; none is restarted for it");
  bench.probe(true);
  EXPECT_EQ(bench.firing(Reason::broker_down)->message,
            "all 4 workers that report broker redis-a have lost it; none is restarted for it");
  EXPECT_EQ(bench.frozen(), "broker redis-a is down") << "the probe alone does not end it";
  bench.round(true);
  bench.run_for(2s);
  EXPECT_FALSE(bench.firing(Reason::broker_down));
  EXPECT_FALSE(bench.delta.view->queues[0].broker_down);
  EXPECT_EQ(bench.recorded(), (std::vector<bool>{true, false})) << "one outage";
  EXPECT_TRUE(bench.acts<SendLadder>().empty());
}

TEST(Engine, stops_are_held_while_a_probe_finds_the_broker_down_and_go_on_after_it) {
  EngineConfig config;
  config.defaults.recovery.young_monitor = 0s;
  ProbedBench bench(config);
  bench.live(4, 65s);
  bench.round(true);
  bench.miss_thrice();
  const auto one_silent = [&](Duration d) {  // w-0 says nothing any more; the others work
    for (Duration t{0}; t < d; t += 5s) {
      for (int i = 0; i < 4; ++i) {
        Report r = bench.report("w-" + std::to_string(i));
        if (i == 0) r.alive_at.reset();
        bench.send(r);
      }
      bench.probe(false);
      bench.run_for(5s);
    }
  };
  one_silent(100s);
  EXPECT_EQ(bench.worker("w-0")->verdict->status, Status::critical);
  EXPECT_EQ(bench.frozen(), "broker redis-a is down") << "though nobody has named a queue for long";
  ASSERT_TRUE(bench.worker("w-0")->held);
  EXPECT_EQ(bench.worker("w-0")->held->code, HoldCode::frozen);
  EXPECT_TRUE(bench.acts<SendLadder>().empty());
  bench.probe(true);
  EXPECT_EQ(bench.frozen().find("broker"), std::string::npos);
}

TEST(Engine, a_monitor_without_network_condemns_and_stops_nobody_and_says_so) {
  ProbedBench bench;
  bench.live(4, 65s);
  bench.probe(true, "");
  bench.miss_thrice("");
  EXPECT_EQ(bench.frozen(), "source monitor/gateway is blind");
  bench.run_for(1s);
  const auto alert = bench.firing(Reason::monitor_cut_off);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->severity, Severity::critical);
  EXPECT_NE(alert->message.find("the probe gateway missed 3 times in 6 s: connection refused"), std::string::npos);

  // Frames still come, voices do not: every heartbeat is long over its limit.
  const auto silent = [&](Duration d) {
    for (Duration t{0}; t < d; t += 5s) {
      for (int i = 0; i < 4; ++i) {
        Report r = bench.report("w-" + std::to_string(i));
        r.alive_at.reset();
        bench.send(r);
      }
      bench.run_for(5s);
    }
  };
  silent(200s);
  EXPECT_EQ(bench.delta.view->counts.critical, 0);
  EXPECT_TRUE(bench.acts<SendLadder>().empty());

  bench.probe(true, "");
  EXPECT_EQ(bench.frozen().find("monitor"), std::string::npos);
  silent(30s);
  EXPECT_FALSE(bench.firing(Reason::monitor_cut_off));
  EXPECT_EQ(bench.delta.view->counts.critical, 0) << "they have a while to be heard";
  silent(10s);
  EXPECT_EQ(bench.delta.view->counts.critical, 4) << "who stays silent is ill after all";
}

TEST(Engine, an_outage_that_ended_while_the_monitor_was_away_ends_within_a_minute_of_its_start) {
  ProbedBench bench;
  LedgerState last;
  for (const char* name : {"redis-a", "redis-b"}) {
    Alert alert{.key = std::string("source/") + name, .state = AlertState::firing, .severity = Severity::critical};
    alert.reason = Reason::broker_down;
    last.alerts.push_back(alert);
  }
  last.alerts.push_back({.key = "monitor/monitor_cut_off", .state = AlertState::firing});
  last.alerts.back().reason = Reason::monitor_cut_off;
  for (const Reason reason : {Reason::monitor_lag, Reason::overflow, Reason::ledger_degraded}) {
    last.alerts.push_back({.key = "monitor/" + std::string(to_string(reason)), .state = AlertState::firing});
    last.alerts.back().reason = reason;
  }
  bench.engine->restore(last, bench.clock.now());
  bench.miss_thrice();
  bench.run_for(40s);
  EXPECT_EQ(bench.delta.view->alerts.size(), 6u);
  bench.waiting.push_back(LedgerStateInput{.degraded = true});
  bench.run_for(15s);
  ASSERT_EQ(bench.delta.view->alerts.size(), 2u);
  for (const Alert& alert : bench.delta.view->alerts)
    EXPECT_TRUE(alert.key == "source/redis-a" || alert.key == "monitor/ledger_degraded") << alert.key << " holds on";
}

TEST(Engine, stores_one_row_per_resolution_and_one_per_transition) {
  EngineConfig config;
  config.resolution = 10s;
  Bench bench(config);
  bench.live(1, 60s);
  int plain = 0;
  for (const HistoryRow& row : bench.all.history) plain += !row.transition;
  EXPECT_NEAR(plain, 6, 1);
}

// Counters that were met midway are a baseline; after that rows carry what came since the row before, across lives.
TEST(Engine, history_rows_carry_what_tasks_did_since_the_row_before) {
  EngineConfig config;
  config.resolution = 10s;
  Bench bench(config);
  bench.connect("h1");
  std::uint64_t done = 1000;
  const auto send = [&](const std::string& incarnation) {
    Report r = bench.report("w-0", incarnation);
    TaskPart part{.type = "resize", .completed = done};
    part.durations = DurationHistogram{};
    part.durations->counts[3] = done;
    part.durations->sum_seconds = double(done) * 0.006;
    r.tasks = {part};
    bench.send(std::move(r));
    bench.step();
    bench.run_for(5s);
  };
  const auto sum = [&] {
    std::uint64_t completed = 0, measured = 0;
    for (const HistoryRow& row : bench.all.history)
      for (const TaskIncrease& task : row.tasks) {
        EXPECT_EQ(task.type, "resize");
        completed += task.completed;
        measured += task.durations.count();
      }
    EXPECT_EQ(completed, measured);
    return completed;
  };
  send("1");
  EXPECT_EQ(sum(), 0u) << "a baseline";
  for (int i = 0; i < 6; ++i) {
    done += 2;
    send("1");
  }
  EXPECT_GE(sum(), 10u);
  EXPECT_LE(sum(), 12u);
  done = 0;  // a new life counts from zero
  for (int i = 0; i < 6; ++i) {
    done += 3;
    send("2");
  }
  bench.run_for(20s);
  send("2");
  EXPECT_EQ(sum(), 12u + 18u);
}

TEST(Engine, sends_late_reports_to_history_only) {
  Bench bench;
  bench.live(1);
  Report old = bench.report("w-0");
  old.resources->cpu_percent = 99;
  old.age = 10min;
  bench.waiting.push_back(ReportInput{old, "agent/h1", bench.clock.now().steady, true});
  const Effects out = bench.step();
  ASSERT_EQ(out.history.size(), 1u);
  EXPECT_TRUE(out.history[0].backlog);
  EXPECT_EQ(bench.worker("w-0")->metrics.find("cpu_percent"), 10);
}

TEST(Engine, publishing_shares_what_did_not_change) {
  Bench bench;
  bench.live(200);
  bench.run_for(1s);
  const auto before = bench.delta.view;
  Report dead = bench.report("w-0");
  dead.process->exit = ExitInfo{.code = 1};
  bench.send(dead);
  bench.step();
  const auto after = bench.delta.view;
  ASSERT_EQ(after->pages.size(), 4u);
  int shared = 0;
  for (std::size_t i = 0; i < after->pages.size(); ++i) shared += before->pages[i] == after->pages[i];
  EXPECT_EQ(shared, 3);
  EXPECT_EQ(bench.delta.changed.size(), 1u);
  EXPECT_EQ(after->find("w-150"), before->find("w-150"));
}

TEST(Engine, decides_the_same_from_the_same_inputs) {
  const auto run = [] {
    Bench bench;
    bench.live(10, 70s);
    Report dead = bench.report("w-3");
    dead.process->exit = ExitInfo{.signal = 11};
    bench.send(dead);
    bench.step();
    bench.command(Verb::restart, "w-5");
    bench.run_for(2min);
    std::string text;
    for (const Act& act : bench.all.acts) text += std::to_string(act.index());
    for (const LedgerEntry& entry : bench.all.ledger) {
      text += std::to_string(entry.body.index());
      if (const auto* action = std::get_if<ActionRecord>(&entry.body)) text += action->action_id;
    }
    for (const FleetEvent& event : bench.delta.view->events) text += event.text;
    return text;
  };
  EXPECT_EQ(run(), run());
}

TEST(Engine, holds_stops_while_the_ledger_is_down_and_says_so) {
  Bench bench;
  bench.live(3);
  bench.waiting.push_back(LedgerStateInput{true, "disk full"});
  bench.step();
  EXPECT_TRUE(bench.delta.view->ledger_degraded);
  bool told = false;
  for (const Alert& alert : bench.delta.view->alerts) told = told || alert.reason == Reason::ledger_degraded;
  bench.run_for(1s);
  for (const Alert& alert : bench.delta.view->alerts) told = told || alert.reason == Reason::ledger_degraded;
  EXPECT_TRUE(told);
  bench.waiting.push_back(LedgerStateInput{false, ""});
  bench.step();
  EXPECT_FALSE(bench.delta.view->ledger_degraded);
}

TEST(Engine, acts_no_more_after_shutdown) {
  Bench bench;
  bench.live(3, 70s);
  bench.waiting.push_back(ShutdownInput{});
  bench.step();
  const auto before = bench.all.acts.size();
  Report dead = bench.report("w-1");
  dead.process->exit = ExitInfo{.signal = 9};
  bench.send(dead);
  bench.step();
  for (std::size_t i = before; i < bench.all.acts.size(); ++i)
    EXPECT_FALSE(std::holds_alternative<SendLadder>(bench.all.acts[i]));
}

TEST(EngineConfig, reads_every_part_of_a_pool_and_names_each_mistake) {
  Params pool = Params::map();
  pool.set("checks", Params::map().set("heartbeat", Params::map().set("critical_after", Params::of("20s"))));
  pool.set("weights", Params::map().set("heartbeat", Params::of("1")));
  pool.set("recovery", Params::map().set("mode", Params::of("off")));
  pool.set("min_healthy", Params::of("2")).set("resolution", Params::of("5s"));
  Problems problems;
  const PoolSettings settings = parse_pool_settings(pool, "pools.thumbs", problems);
  EXPECT_TRUE(problems.empty()) << problems[0].to_string();
  EXPECT_EQ(settings.rules.min_healthy, 2);
  EXPECT_EQ(settings.resolution, Duration{5s});
  EXPECT_EQ(settings.recovery.mode, RecoveryMode::off);
  pool.set("min_healthy", Params::of("-1")).set("typo", Params::of("1"));
  pool.set("tasks", Params::map().set("acknowledge", Params::of("sometimes")));
  (void)parse_pool_settings(pool, "pools.thumbs", problems);
  ASSERT_EQ(problems.size(), 3u);
  std::string all;
  for (const Problem& problem : problems) all += problem.to_string() + "\n";
  EXPECT_NE(all.find("pools.thumbs.tasks.acknowledge"), std::string::npos) << all;
}

TEST(Engine, records_every_input_that_is_no_sample) {
  Bench bench;
  bench.live(2);
  bench.all.ledger.clear();
  auto working = bench.report("w-0");
  working.in_flight = {InFlightTask{.id = "t-7", .type = "resize", .args_digest = "d"}};
  bench.send(working);
  bench.step();
  auto dead = bench.report("w-0");
  dead.process->exit = ExitInfo{.signal = 9};
  bench.send(dead);
  bench.step();
  bench.waiting.push_back(ProgressInput{.source = "agent/h1",
                                        .action_id = "x",
                                        .worker_id = "w-1",
                                        .step = LadderStep::kill,
                                        .message = "m",
                                        .received = bench.clock.now().steady});
  bench.waiting.push_back(AgentStartInput{.source = "agent/h1",
                                          .action_id = "y",
                                          .worker_id = "w-0",
                                          .previous_incarnation = "1",
                                          .incarnation = "2",
                                          .crashes = 1,
                                          .received = bench.clock.now().steady});
  bench.connect("h1", SourceState::disconnected);
  bench.step();
  (void)bench.command(Verb::freeze, "");
  std::map<InputKind, InputRecord> seen;
  for (const LedgerEntry& entry : bench.all.ledger)
    if (const auto* record = std::get_if<InputRecord>(&entry.body)) {
      EXPECT_EQ(record->at, entry.at);
      seen[record->kind()] = *record;
    }
  ASSERT_EQ(seen.size(), 5u) << "all kinds but the broker's, which has a test above";
  const auto& exit = std::get<RecordedExit>(seen[InputKind::exit].what);
  EXPECT_EQ(seen[InputKind::exit].worker_id, "w-0");
  EXPECT_EQ(exit.exit.signal, 9);
  ASSERT_EQ(exit.in_flight.size(), 1u) << "what it had in its hands";
  EXPECT_EQ(exit.in_flight[0].id, "t-7");
  EXPECT_EQ(exit.in_flight[0].type, "resize");
  EXPECT_EQ(std::get<RecordedSource>(seen[InputKind::source].what).to, SourceState::disconnected);
  EXPECT_EQ(std::get<RecordedCommand>(seen[InputKind::command].what).verb, Verb::freeze);
  EXPECT_EQ(std::get<RecordedOutcome>(seen[InputKind::outcome].what).step, LadderStep::kill);
  EXPECT_EQ(std::get<RecordedStart>(seen[InputKind::agent_start].what).action_id, "y");
}

}  // namespace paramedic
