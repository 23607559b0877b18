// Fate: what befalls workers, brokers and versions.
#include "app/simulate/world.h"

#include <fmt/format.h>

namespace paramedic::simulate {

namespace {

constexpr Duration kQuietStart = 5min;   // nobody falls ill while the monitor is young
constexpr Duration kGoodbye = 1s;        // from the stop notice to the exit
constexpr Duration kShortestLife = 11s;  // a deploy lets a process live so long, or its agent takes it for broken
constexpr Duration kLater = 10s;         // what meets a worker in a pause waits so long
constexpr double kDeaf = 0.5;            // of the hung ones, TERM does not end so many
constexpr double kBySignal = 0.9;        // of the crashes; the others by an exit code

// Neighbours are of one pool, so most hosts have workers of one only.
std::vector<int> pools_of(const Scenario& s) {
  std::vector<int> out;
  for (std::int64_t i = 0; i < s.workers; ++i) out.push_back(int(i * s.pools / s.workers));
  return out;
}

}  // namespace

std::string World::pool_name(int pool) { return fmt::format("pool-{}", pool); }

World::World(const Scenario& scenario, const Now& start)
    : scenario_(scenario),
      start_(start),
      dice_(scenario.seed),
      brokers_(std::size_t(scenario.brokers)),
      oracle_(scenario, pools_of(scenario)) {
  const std::vector<int> pools = pools_of(scenario_);
  for (int i = 0; i < scenario_.workers; ++i) {
    Worker& w = workers_.emplace_back(fmt::format("w-{}", i));
    by_id_[w.id] = w.index = i;
    w.pool = pools[std::size_t(i)];
    w.host = i / scenario_.workers_per_host;
    w.broker = w.pool % scenario_.brokers;
    w.has_model = w.pool % 4 == 3;
    w.wanted_version = scenario_.version;
    hosts_.resize(std::size_t(w.host) + 1);
    hosts_.back().push_back(i);
  }
  deaths_.resize(hosts_.size());
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    inputs_.push_back(hello(int(host), start.steady));
    const Duration phase = scenario_.report_period * std::int64_t(host) / std::int64_t(hosts_.size());
    events_.plan(start.steady + phase - phase % kStepGrid, EventKind::frame, int(host));
  }
  for (Worker& w : workers_) World::start(w, "", start.steady);
  plan_fate(start);
}

void World::plan_fate(const Now& start) {
  for (const Worker& w : workers_) events_.plan(start.steady + kQuietStart, EventKind::ill, w.index, -1);
  for (const BrokerOutage& outage : scenario_.outages) {
    const SteadyTime from = start.steady + scenario_.share(outage.at);
    const int broker = outage.broker % scenario_.brokers;
    events_.plan(from, EventKind::broker_down, broker);
    events_.plan(from + outage.lasts, EventKind::broker_up, broker);
  }
  for (std::size_t d = 0; d < scenario_.deploys.size(); ++d) {
    const Deploy& deploy = scenario_.deploys[d];
    std::vector<int> position(std::size_t(scenario_.pools), 0);
    for (const Worker& w : workers_) {
      if (deploy.pool >= 0 && deploy.pool % scenario_.pools != w.pool) continue;
      const Duration wait = deploy.after + deploy.every * position[std::size_t(w.pool)]++;
      events_.plan(start.steady + scenario_.share(deploy.at) + wait, EventKind::deploy, w.index, int(d));
    }
  }
}

void World::run_until(SteadyTime until) {
  while (events_.next() && *events_.next() <= until) {
    const Event event = events_.take();
    happen(event, event.at);
  }
}

void World::happen(const Event& event, SteadyTime now) {
  if (event.kind == EventKind::frame) return frame(event.subject, now);
  if (event.kind == EventKind::broker_down || event.kind == EventKind::broker_up)
    return turn_broker(event.subject, event.kind == EventKind::broker_down, now);
  Worker& w = worker(event.subject);
  const bool same_life = w.life == event.life && w.alive;
  switch (event.kind) {
    case EventKind::poll:
      return poll(w, now);
    case EventKind::ready:
      return same_life ? loaded(w, now) : void();
    case EventKind::exit_term:
      return same_life ? ended(w, ExitInfo{.signal = 15}, now) : void();
    case EventKind::exit_kill:
      return same_life ? ended(w, ExitInfo{.signal = 9}, now) : void();
    case EventKind::exit_deploy:
      return same_life && !w.hung ? ended(w, ExitInfo{.code = 0}, now) : void();
    case EventKind::ill:
      return fall_ill_by_chance(w, now);
    case EventKind::ill_version:
      if (!same_life || w.hung || w.stop) return;
      if (w.ill()) return events_.plan(now + kLater, EventKind::ill_version, w.index, w.life);
      return dice_.fraction() < to_seconds(scenario_.bad_hang_mean) /
                                    to_seconds(scenario_.bad_hang_mean + scenario_.bad_crash_mean)
                 ? crash(w, true, now)
                 : hang(w, true, now);
    case EventKind::stall_end:
      return same_life ? end_stall(w, now) : void();
    case EventKind::notice:
      --brokers_[std::size_t(w.broker)].unaware;
      return notice_broker(w, now);
    case EventKind::deploy:
      return deploy(w, event.life, now);
    default:
      return;
  }
}

// The first event of a worker (life -1) only begins the waiting.
void World::fall_ill_by_chance(Worker& w, SteadyTime now) {
  const double all = scenario_.crashes + scenario_.hangs + scenario_.lost_connections + scenario_.stalls;
  if (all <= 0) return;
  const bool first = now == start_.steady + kQuietStart;
  events_.plan(now + dice_.wait(from_seconds(86400 / all)), EventKind::ill, w.index, 0);
  if (first || !w.alive || !w.ready || w.ill() || w.stop || w.ladder) return;
  double pick = dice_.fraction() * all;
  if ((pick -= scenario_.crashes) < 0) return crash(w, false, now);
  if ((pick -= scenario_.hangs) < 0) return hang(w, false, now);
  if ((pick -= scenario_.lost_connections) < 0) {
    if (brokers_[std::size_t(w.broker)].down) return;  // it has none to lose
    w.cut = true;
    w.connected = false;
    oracle_.falls_ill(w.index, Illness::lost_connection, false, now);
    return report(w, now);
  }
  report(w, now);  // its last sign of life
  w.stalled = true;
  oracle_.falls_ill(w.index, Illness::stall, false, now);
  events_.plan(now + dice_.wait(scenario_.stall_mean), EventKind::stall_end, w.index, w.life);
}

void World::crash(Worker& w, bool shared, SteadyTime now) {
  oracle_.falls_ill(w.index, Illness::crash, shared, now);
  ended(w, dice_.chance(kBySignal) ? ExitInfo{.signal = 11} : ExitInfo{.code = 1}, now);
}

void World::hang(Worker& w, bool shared, SteadyTime now) {
  if (w.speaks()) w.spoke_at = at(now).wall;
  oracle_.falls_ill(w.index, Illness::hang, shared, now);
  w.hung = true;
  w.deaf = dice_.chance(kDeaf);
}

void World::end_stall(Worker& w, SteadyTime now) {
  if (!w.stalled) return;
  w.stalled = false;
  oracle_.works(w.index, std::nullopt, now);
  w.connected = !brokers_[std::size_t(w.broker)].down;
  report(w, now);  // a beat after a silence is forwarded at once
}

void World::turn_broker(int broker, bool down, SteadyTime now) {
  Broker& b = brokers_[std::size_t(broker)];
  b.down = down;
  for (const Worker& w : workers_) {
    if (w.broker != broker) continue;
    ++b.unaware;
    events_.plan(now + dice_.between(0s, kNoticeWithin), EventKind::notice, w.index);
  }
}

void World::notice_broker(Worker& w, SteadyTime now) {
  const bool connected = !brokers_[std::size_t(w.broker)].down && !w.cut;
  if (!w.speaks() || !w.ready || w.connected == connected) return;
  w.connected = connected;
  report(w, now);
}

// A process that answers says goodbye; one that does not is killed by the deploy.
void World::deploy(Worker& w, int which, SteadyTime now) {
  const std::string& version = scenario_.deploys[std::size_t(which)].version;
  w.wanted_version = version;
  if (!w.alive || w.ladder) return;  // its next start brings the version
  if (w.stalled) return events_.plan(now + kLater, EventKind::deploy, w.index, which);
  if (w.hung) {
    oracle_.ended_by_deploy(w.index);
    return events_.plan(now + 10ms, EventKind::exit_kill, w.index, w.life);
  }
  w.stop = StopNotice{.reason = StopReason::deploy, .back_within = 60s};
  report(w, now);
  events_.plan(std::max(now + kGoodbye, w.started + kShortestLife), EventKind::exit_deploy, w.index, w.life);
}

void World::loaded(Worker& w, SteadyTime now) {
  w.ready = true;
  w.loaded = w.consumed_at = now;
  w.connected = !brokers_[std::size_t(w.broker)].down;
  oracle_.works(w.index, now - w.started, now);
  oracle_.down_ends(w.index);
  report(w, now);
}

bool World::well(const std::string& worker_id) const {
  const auto it = by_id_.find(worker_id);
  if (it == by_id_.end()) return false;
  const Worker& w = workers_[std::size_t(it->second)];
  return w.alive && w.ready && !w.ill();
}

void World::finish(SteadyTime now, SimulationResult& out) {
  for (const Oracle::Overdue& one : oracle_.finish(now, out)) {
    if (out.not_recovered.size() >= kNamed) break;
    const Worker& w = worker(one.worker);
    const StartDecision decision = w.lease.decide(now);
    out.not_recovered.push_back(fmt::format(
        "{} since {:.0f} s: {}, its agent: {}{}", w.id, to_seconds(one.since - start_.steady),
        w.alive ? (w.ready ? "alive" : "loading") : "dead", decision.text, w.ladder ? ", a ladder is at work" : ""));
  }
  out.starts = starts_;
  out.reports = reports_;
  out.forbidden_stops = std::move(forbidden_);
}

}  // namespace paramedic::simulate
