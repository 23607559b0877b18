// What the agents of the simulated world do: reports, starts under leases, ladders.
#include <algorithm>

#include <fmt/format.h>

#include "app/simulate/world.h"

namespace paramedic::simulate {

namespace {

constexpr Duration kSecondsPerTask = 2s;
constexpr std::size_t kMassDeaths = 3;  // as the agent's: more within kMassDeathWindow and starts are spread
constexpr Duration kMassDeathWindow = 10s;

}  // namespace

std::string World::source(const Worker& w) const { return fmt::format("agent/h-{}", w.host); }

SourceInput World::hello(int host, SteadyTime now) const {
  const std::string name = fmt::format("h-{}", host);
  return {.source = "agent/" + name,
          .host = name,
          .boot_id = "boot",
          .period = scenario_.report_period,
          .can_restart = true,
          .received = now};
}

void World::tell(Input input) { (monitor_away_ ? untold_ : inputs_).push_back(std::move(input)); }

void World::monitor_goes() {
  monitor_away_ = true;
  for (Input& input : inputs_)  // on their way and not acknowledged
    if (std::holds_alternative<AgentStartInput>(input) || std::holds_alternative<ProgressInput>(input))
      untold_.push_back(std::move(input));
  inputs_.clear();
}

void World::monitor_comes(SteadyTime now) {
  monitor_away_ = false;
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    inputs_.push_back(hello(int(host), now));
    for (const int index : hosts_[host]) report(worker(index), now);
  }
  for (Input& input : std::exchange(untold_, {})) {
    if (auto* start = std::get_if<AgentStartInput>(&input)) {
      start->ago = now - start->received;
      start->received = now;
    } else if (auto* progress = std::get_if<ProgressInput>(&input)) {
      progress->received = now;
    }
    inputs_.push_back(std::move(input));
  }
}

void World::frame(int host, SteadyTime now) {
  events_.plan(now + scenario_.report_period, EventKind::frame, host);
  for (const int index : hosts_[std::size_t(host)]) report(worker(index), now);
  if (!monitor_away_) inputs_.push_back(SourceFrameInput{fmt::format("agent/h-{}", host), now});
}

void World::report(Worker& w, SteadyTime now) {
  if (w.incarnation.empty()) return;
  const Now when = at(now);
  if (w.speaks()) {
    w.spoke_at = when.wall;
    if (w.ready && w.connected) w.consumed += std::uint64_t((now - w.consumed_at) / kSecondsPerTask);
    w.consumed_at = now;
  }
  Report r;
  r.worker_id = w.id;
  r.pool = pool_name(w.pool);
  r.host = fmt::format("h-{}", w.host);
  r.version = w.version;
  r.incarnation = w.incarnation;
  r.seq = ++w.seq;
  r.sent_at = when.wall;
  r.period = scenario_.report_period;
  r.alive_at = w.spoke_at;
  r.stop = w.stop;
  r.process.emplace();
  r.process->pid = w.pid;
  r.process->started_at = at(w.started).wall;
  const bool said_ready = w.ready;
  r.capabilities = Capabilities{.voice = w.spoke_at.has_value(),
                                .tasks = said_ready,
                                .queues = said_ready,
                                .models = w.has_model,
                                .process = true};
  if (w.alive) {
    r.process->state = 'S';
    const bool ends = w.ladder && w.ladder->step() >= LadderStep::term && !w.ladder->over();
    r.state = w.stop || ends ? WorkerState::stopping : WorkerState::running;
    r.resources.emplace().cpu_percent = w.hung || w.stalled ? 0 : 30;
    if (said_ready) {
      r.queues.emplace().push_back({.broker = fmt::format("broker-{}", w.broker), .name = r.pool});
      r.queues->back().connected = w.connected;
      r.queues->back().ready = 5;
      r.queues->back().consumed = w.consumed;
      r.in_flight.emplace();
    }
    if (w.has_model)
      r.models.emplace().push_back({.name = "model", .state = w.ready ? ModelState::ready : ModelState::loading});
  } else {
    r.process->exit = w.last_exit;
    if (w.ladder)
      r.state = WorkerState::stopping;
    else if (w.lease.decide(now).kind == StartDecision::Kind::stopped)
      r.state = WorkerState::stopped;
  }
  if (monitor_away_) return;
  ++reports_;
  inputs_.push_back(ReportInput{std::move(r), source(w), now});
}

void World::poll(Worker& w, SteadyTime now) {
  if (w.ladder) return poll_ladder(w, now);
  if (w.alive) return;
  const StartDecision decision = w.lease.decide(now);
  if (decision.kind == StartDecision::Kind::start) {
    ++starts_;
    start(w, w.lease.next_action_id(), now);
  } else if (decision.kind == StartDecision::Kind::wait) {
    events_.plan(decision.at, EventKind::poll, w.index);
  }
}

void World::poll_ladder(Worker& w, SteadyTime now) {
  agent::LadderFacts facts;
  facts.alive = facts.group_alive = w.alive;
  for (const agent::LadderAct& act : w.ladder->advance(facts, now)) perform(w, act, now);
  if (!w.ladder) return poll(w, now);
  if (const auto due = w.ladder->deadline(); due && *due > now) events_.plan(*due, EventKind::poll, w.index);
}

void World::perform(Worker& w, const agent::LadderAct& act, SteadyTime now) {
  using Kind = agent::LadderAct::Kind;
  const Ladder ladder = w.ladder->ladder();
  switch (act.kind) {
    case Kind::progress:
    case Kind::diagnose:
      return tell(w, ladder, act.step, false, true, act.message, now);
    case Kind::drain:
      return;
    case Kind::term:
      if (!w.deaf) events_.plan(now + dice_.between(100ms, 3s), EventKind::exit_term, w.index, w.life);
      return;
    case Kind::kill:
      return events_.plan(now + 2ms, EventKind::exit_kill, w.index, w.life);
    case Kind::start:
      if (ladder.kind == RemedyKind::start && !ladder.action_id.empty()) ++starts_;
      start(w, "", now);
      w.ladder.reset();
      return tell(w, ladder, LadderStep::start, true, true, "started", now);
  }
}

// A ladder without action id is the agent's own (a worker that recycles itself): told to nobody.
void World::tell(Worker& w, const Ladder& ladder, LadderStep step, bool done, bool ok, std::string message,
                 SteadyTime now) {
  if (ladder.action_id.empty()) return;
  ProgressInput told{.source = source(w), .action_id = ladder.action_id, .worker_id = w.id, .step = step};
  told.done = done;
  told.ok = ok;
  told.message = std::move(message);
  told.received = now;
  if (done && ok) told.new_incarnation = w.incarnation;
  tell(std::move(told));
}

// `action_id` empty: not counted by the monitor (the first start, and those of ladders).
void World::start(Worker& w, const std::string& action_id, SteadyTime now) {
  const std::string previous = w.incarnation;
  const int crashes = w.lease.crashes();
  ++w.life;
  w.pid = ++pids_;
  w.incarnation = fmt::format("{}.{}", w.id, w.life);
  w.version = w.wanted_version;
  w.alive = true;
  w.ready = w.hung = w.deaf = w.cut = w.stalled = false;
  w.started = now;
  w.spoke_at.reset();
  w.stop.reset();
  w.consumed = 0;
  w.lease.on_start(w.incarnation, now);
  const Duration load = w.has_model ? dice_.between(30s, 60s) : dice_.between(2s, 5s);
  events_.plan(now + load, EventKind::ready, w.index, w.life);
  if (bad(w)) {
    const double per_second = 1 / to_seconds(scenario_.bad_crash_mean) + 1 / to_seconds(scenario_.bad_hang_mean);
    events_.plan(now + dice_.wait(from_seconds(1 / per_second)), EventKind::ill_version, w.index, w.life);
  }
  if (!action_id.empty()) {
    AgentStartInput told{.source = source(w), .action_id = action_id, .worker_id = w.id};
    told.previous_incarnation = previous;
    told.incarnation = w.incarnation;
    told.crashes = crashes;
    told.exit = w.last_exit;
    told.received = now;
    tell(std::move(told));
  }
  report(w, now);
}

void World::ended(Worker& w, const ExitInfo& exit, SteadyTime now) {
  const bool comes_back = w.stop.has_value() && exit.code == 0;
  w.alive = w.ready = w.hung = w.stalled = w.cut = false;
  w.last_exit = exit;
  if (!w.ladder) oracle_.down_ends(w.index);  // its own end
  if (w.ladder || comes_back) {
    w.lease.on_ended_by_ladder(now);
  } else {
    w.lease.on_death(exit, false, now);
    if (many_died(w.host, now)) w.lease.add_mass_death_jitter();
  }
  report(w, now);
  if (comes_back && !w.ladder) {
    Ladder recycle;
    recycle.worker_id = w.id;
    w.ladder.emplace(std::move(recycle), now);
  }
  poll(w, now);
}

bool World::many_died(int host, SteadyTime now) {
  auto& deaths = deaths_[std::size_t(host)];
  std::erase_if(deaths, [&](SteadyTime t) { return now - t > kMassDeathWindow; });
  deaths.push_back(now);
  return deaths.size() > kMassDeaths;
}

void World::judge_stop(const Worker& w, const Ladder& ladder, bool lagging, SteadyTime now) {
  const Broker& broker = brokers_[std::size_t(w.broker)];
  const Oracle::StopTruth truth{broker.down && broker.unaware == 0, broker.down && broker.unaware > 0, lagging};
  oracle_.stop_decided(w.index, truth);
  const bool well = w.alive && !w.ill();
  if ((!truth.broker_down && !lagging && !well) || forbidden_.size() >= kNamed) return;
  const double seconds = to_seconds(now - start_.steady);
  forbidden_.push_back(fmt::format("{} after {:.0f} s: {} ({}{}{}the worker {})", w.id, seconds, ladder.reason,
                                   truth.broker_down ? "its broker is down, " : "", lagging ? "the monitor lags, " : "",
                                   w.version == scenario_.bad_version ? "bad version, " : "",
                                   w.hung      ? "hangs"
                                   : w.cut     ? "lost its connection"
                                   : w.stalled ? "pauses"
                                               : "is well"));
}

void World::on_ladder(Worker& w, const Ladder& ladder, bool lagging, SteadyTime now) {
  if (is_stop(ladder.kind)) judge_stop(w, ladder, lagging, now);
  std::string refusal;
  if (w.ladder) refusal = "another action is at work on this worker";
  if (ladder.expected_incarnation != w.incarnation) refusal = "another incarnation runs";
  if (ladder.kind == RemedyKind::start && w.alive) refusal = "the worker runs already";
  if (!refusal.empty()) return tell(w, ladder, LadderStep::accepted, true, false, "refused: " + refusal, now);
  if (is_stop(ladder.kind) && w.alive) oracle_.down_begins(w.index);
  w.ladder.emplace(ladder, now);
  poll(w, now);
}

void World::perform(const std::vector<Act>& acts, SteadyTime now, bool lagging) {
  for (const Act& act : acts) {
    if (const auto* send = std::get_if<SendLadder>(&act)) {
      on_ladder(worker(by_id_.at(send->ladder.worker_id)), send->ladder, lagging, now);
    } else if (const auto* lease = std::get_if<SendLease>(&act)) {
      Worker& w = worker(by_id_.at(lease->lease.worker_id));
      w.lease.on_lease(lease->lease, now);
      if (!w.alive && !w.ladder) poll(w, now);
    }
  }
}

}  // namespace paramedic::simulate
