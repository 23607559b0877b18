// Properties of recovery as a whole: a monitor (class Recovery), agents (LeaseHolder) and a world that breaks in random
// ways. SAFETY: an oracle that shares no code with the governor reads the emitted effects: no brake is ever broken.
// Rolling restarts of operators run in between. LIVENESS: no dead worker of an auto pool waits more than 7 min for its
// start unless something may hold it.
#include <algorithm>
#include <array>
#include <deque>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/recovery/recovery_harness.h"
#include "core/recovery/recovery_last_life.h"
#include "core/recovery/rolling.h"

namespace paramedic {
namespace {

using Step = std::tuple<int, int, int>;  // what, whom, seconds

struct SimWorker {
  RecoveryWorkerFacts facts, told;  // the truth, and what the monitor heard last
  std::unique_ptr<LeaseHolder> holder;
  bool alive = true, stopped = false, in_ladder = false;
  int life = 1;
  SteadyTime died{};
  SteadyTime excused{};  // until then something was allowed to hold its start
  std::deque<SteadyTime> stops;
  std::vector<AgentStartInput> untold;     // starts made while the monitor was away …
  std::vector<ProgressInput> untold_ends;  // … and ends of ladders
};

struct PendingLadder {
  Ladder ladder;
  int fate = 0;
  SteadyTime due{};
};

class World {
 public:
  // `agentless` = every so many-th worker has an executor that is told to start it and knows no leases; 0 = none.
  explicit World(int size, RecoveryPolicies policies = {}, int agentless = 0)
      : started_(clock_.now().steady),
        policies_(std::move(policies)),
        recovery_(std::make_unique<Recovery>(policies_, clock_.now())) {
    for (int i = 0; i < size; ++i) {
      SimWorker w;
      auto& f = w.facts;
      f.id = "w" + std::to_string(i);
      f.pool = i % 4 == 3 ? "b" : "a";
      f.host = "h" + std::to_string(i % 3);
      f.source = "agent/" + f.host;
      f.version = "1";
      f.incarnation = f.id + "#1";
      f.can_restart = f.source_connected = f.heard = true;
      f.by_agent = agentless == 0 || i % agentless > 0;
      f.status = Status::healthy;
      f.took_task = f.idle = true;
      f.recycle.began = clock_.now().steady;
      w.holder = std::make_unique<LeaseHolder>(f.id);
      w.holder->on_start(f.incarnation, clock_.now().steady);
      workers_.push_back(std::move(w));
    }
    for (auto& w : workers_) say(w);
    settle();
  }

  void run(const std::vector<Step>& steps) {
    for (const auto& [what, whom, seconds] : steps) {
      happen(what, workers_[std::size_t(whom) % workers_.size()], seconds);
      settle();
      pass(std::chrono::seconds(seconds));
    }
    pass(45min);
    if (orders_ == 0) return;
    calm_down();
    pass(45min);
    for (const RollingRecord& r : recovery_->rollings()) {
      if (r.state == RollingState::running)
        RC_LOG("held: " + r.held +
               ", under way: " + (r.now.empty() ? "none" : r.now[0] + " " + describe_action(r.now[0])));
      RC_ASSERT(r.state != RollingState::running);
    }
  }
  int ordered_stops() const { return ordered_stops_; }
  int automatic_stops() const { return automatic_stops_; }
  int starts() const { return starts_; }
  int planned() const { return planned_; }
  int restarts() const { return restarts_; }

 private:
  struct Canary {
    std::string action_id;
    ActionState state = ActionState::sent;
    SteadyTime began{};
  };

  Now now() const { return clock_.now(); }

  std::string describe_action(const std::string& id) const {
    const auto a = recovery_->worker_view(id, now()).action;
    return a ? std::string(to_string(a->state)) + " " + a->outcome : "without action";
  }

  void say(SimWorker& w) {
    if (w.facts.source_connected) w.told = w.facts;
    RecoveryWorkerFacts f = w.told;
    f.source_connected = w.facts.source_connected;
    if (!f.source_connected) {  // an absent agent tells nothing
      f.status = Status::unknown;
      f.wish = {};
    }
    recovery_->update_worker(f, now(), out_);
  }

  void die(SimWorker& w, ExitInfo exit, bool announced) {
    w.alive = false;
    w.died = now().steady;
    w.stopped = announced || exit.code == 0;
    w.facts.dead = true;
    w.facts.exit = exit;
    w.facts.announced_stop = announced;
    w.facts.died_at = now().steady;
    w.facts.status = Status::critical;
    w.facts.wish = {RemedyKind::start, Reason::exited, "heartbeat", "process ended"};
  }
  void rise(SimWorker& w, bool ill) {
    w.alive = true;
    w.stopped = false;
    w.facts.incarnation = w.facts.id + "#" + std::to_string(++w.life);
    w.facts.recycle.began = now().steady;
    w.facts.dead = w.facts.announced_stop = false;
    w.facts.exit.reset();
    w.facts.died_at.reset();
    w.facts.status = ill ? Status::critical : Status::healthy;
    w.facts.wish = ill ? RemedyWish{RemedyKind::restart, Reason::hung_task, "", "hung"} : RemedyWish{};
    w.holder->on_start(w.facts.incarnation, now().steady);
  }
  void command(Verb verb, const SimWorker& w, const std::string& pool = "", bool of_worker = true) {
    CommandInput c;
    c.verb = verb;
    c.actor = "ann";
    if (of_worker) c.worker_id = w.facts.id;
    c.pool = pool;
    recovery_->on_command(c, now(), out_);
  }

  void begin_rolling(int seconds) {
    CommandInput c;
    c.verb = Verb::rolling_start;
    c.actor = "ann";
    c.rolling = RollingWish{.pool = seconds % 3 == 0 ? "" : seconds % 3 == 1 ? "a" : "b", .at_once = 1 + seconds % 4};
    c.rolling->pause_on_failure = seconds % 5 == 0;
    recovery_->on_command(c, now(), out_);
    ++orders_;
  }
  void change_rolling(int seconds) {
    CommandInput c;
    c.verb = std::array{Verb::rolling_pause, Verb::rolling_resume, Verb::rolling_resume,
                        Verb::rolling_abort}[std::size_t(seconds) % 4];
    c.actor = "ann";
    for (const RollingRecord& r : recovery_->rollings()) {
      if (is_over(r.state)) continue;
      c.target = r.id;
      recovery_->on_command(c, now(), out_);
      if (c.verb == Verb::rolling_abort) aborted_.insert(r.id);
      return;
    }
  }
  // All troubles end: what is still open must come to its end.
  void calm_down() {
    calm_ = true;
    // What is on its way ends well too: an ill pool whose stops are spent stays frozen for longer than anybody waits.
    for (auto& p : ladders_) p.fate = 3;
    broker_down_ = degraded_ = false;
    lag_ = 0s;
    recovery_->update_pool({.pool = "a"}, now(), out_);
    recovery_->set_own_lag(lag_);
    recovery_->set_ledger_degraded(false);
    if (std::exchange(big_switch_, false)) command(Verb::thaw, workers_[0], "", false);
    for (auto& w : workers_) {
      if (maintained_.erase(w.facts.id) > 0) command(Verb::maintenance_off, w);
      if (quarantined_.erase(w.facts.id) > 0) command(Verb::release, w);
      if (!w.facts.source_connected) connect(w.facts.host, true);
      if (!w.alive) continue;
      w.facts.status = Status::healthy;
      w.facts.wish = {};
      say(w);
    }
    settle();
  }

  void happen(int what, SimWorker& w, int seconds) {
    switch (what) {
      case 0:
      case 1:
        if (!w.alive || w.in_ladder) break;
        die(w, seconds % 13 == 0 ? ExitInfo{.code = 0} : ExitInfo{.signal = 9}, seconds % 17 == 0);
        w.holder->on_death(*w.facts.exit, w.facts.announced_stop, now().steady);
        say(w);
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        if (!w.alive) break;
        w.facts.status = Status::critical;
        w.facts.wish = {seconds % 2 ? RemedyKind::restart : RemedyKind::drain_restart, Reason::hung_task, "", "hung"};
        say(w);
        break;
      case 6:
        if (!w.alive) break;
        w.facts.status = Status::healthy;
        w.facts.wish = {};
        say(w);
        break;
      case 7:
        connect(w.facts.host, !w.facts.source_connected);
        break;
      case 8:
        broker_down_ = !broker_down_;
        recovery_->update_pool({.pool = "a", .broker_down = broker_down_ ? "redis" : ""}, now(), out_);
        break;
      case 9:
        lag_ = seconds % 3 == 0 ? 2s : 0s;
        recovery_->set_own_lag(lag_);
        break;
      case 10:
        degraded_ = !degraded_;
        recovery_->set_ledger_degraded(degraded_);
        break;
      case 11:
        big_switch_ = !big_switch_;
        command(big_switch_ ? Verb::freeze : Verb::thaw, w, "", false);
        break;
      case 12: {
        const bool on = maintained_.insert(w.facts.id).second;
        if (!on) maintained_.erase(w.facts.id);
        command(on ? Verb::maintenance_on : Verb::maintenance_off, w);
        break;
      }
      case 13: {
        const bool on = quarantined_.insert(w.facts.id).second;
        if (!on) quarantined_.erase(w.facts.id);
        command(on ? Verb::quarantine : Verb::release, w);
        break;
      }
      case 14:
        command(Verb::restart, w);
        break;
      case 15:
        w.facts.version = std::to_string(seconds % 3);
        say(w);
        break;
      case 16:
      case 17:
        begin_rolling(seconds);
        break;
      case 18:
        change_rolling(seconds);
        break;
      case 20:
        restart_monitor(std::array{0s, 3s, 20s, 90s}[std::size_t(seconds) % 4]);
        break;
      case 21:  // it dies between its next order and the ledger entry of it
        loses_acts_ = true;
        break;
      case 19:  // the finder sees one cause for all that are ill on this host, or does no more
        if (!causes_.try_emplace(w.facts.host).second) causes_.erase(w.facts.host);
        break;
    }
  }

  // As the engine does before each settle().
  void tell_causes() {
    std::vector<RecoveryCause> told;
    for (auto& [host, cause] : causes_) {
      RecoveryCause c{"cause/host/" + host, "they share " + host, {}};
      for (const auto& w : workers_)
        if (w.facts.host == host && ill_as_told(w)) c.workers.push_back(w.facts.id);
      if (c.workers.size() >= 2 && !cause.grave_since) cause.grave_since = cause.last_stop = now().steady;
      told.push_back(std::move(c));
    }
    recovery_->update_causes(std::move(told), now());
  }
  static bool ill_as_told(const SimWorker& w) { return w.facts.source_connected && w.told.status == Status::critical; }

  void connect(const std::string& host, bool on) {
    for (auto& w : workers_) {
      if (w.facts.host != host) continue;
      w.facts.source_connected = on;
      say(w);
      if (!on) continue;
      for (auto& start : std::exchange(w.untold, {})) recovery_->on_agent_start(start, now(), out_);
      for (const auto& p : ladders_)
        if (p.ladder.worker_id == w.facts.id && p.fate != 0 && p.fate != 5)
          recovery_->on_progress(begun(p), now(), out_);
      for (auto& end : std::exchange(w.untold_ends, {})) recovery_->on_progress(end, now(), out_);
      say(w);
    }
  }

  // What the ledger knows is all that the next life of the monitor knows; agents go on alone, then tell.
  void restart_monitor(Duration away) {
    ++restarts_;
    loses_acts_ = dies_now_ = false;
    out_.clear();
    std::set<std::string> reachable;
    for (auto& w : workers_) {
      const bool stopped = told_stopped(w);
      life_.keep(w.told, now().wall, stopped ? WorkerState::stopped : WorkerState::running);
      if (w.facts.source_connected) reachable.insert(w.facts.host);
      w.facts.source_connected = false;
      w.told.status = Status::unknown;
      if (stopped) continue;
      w.told.dead = false;  // of a crash its agent tells again
      w.told.exit.reset();
    }
    for (Duration gone = 0s; gone < away; gone += 1s) {
      clock_.advance(1s);
      agent_acts();
    }
    recovery_ = std::make_unique<Recovery>(policies_, now());
    recovery_->restore(life_.load(now().wall), now());
    started_ = now().steady;
    frozen_since_.clear();
    for (auto& [host, cause] : causes_) cause.grave_since = cause.last_stop = std::nullopt;
    recovery_->update_pool({.pool = "a", .broker_down = broker_down_ ? "redis" : ""}, now(), out_);
    recovery_->set_own_lag(lag_);
    recovery_->set_ledger_degraded(degraded_);
    settle();
    for (const std::string& host : reachable) connect(host, true);
  }

  static ProgressInput begun(const PendingLadder& p) {
    ProgressInput progress;
    progress.action_id = p.ladder.action_id;
    progress.worker_id = p.ladder.worker_id;
    return progress;
  }

  // The agent: ladders, leases, and starts of its own.
  void agent_acts() {
    for (auto& p : std::exchange(ladders_, {})) {
      SimWorker& w = find(p.ladder.worker_id);
      if (now().steady < p.due) {
        ladders_.push_back(std::move(p));
        continue;
      }
      w.in_ladder = false;
      ProgressInput progress = begun(p);
      progress.done = true;
      const bool start = p.ladder.kind == RemedyKind::start;
      if (w.facts.incarnation != p.ladder.expected_incarnation || w.alive == start || p.fate == 0) {
        progress.ok = false;
      } else if (p.fate == 5 && !start) {
        progress.ok = false;
        progress.held_back = true;
        if (now().steady.time_since_epoch() / 1s % 2) progress.retry_after = 30s;
      } else {
        if (!start) w.holder->on_ended_by_ladder(now().steady);
        rise(w, p.fate == 1);
        progress.step = LadderStep::start;
        progress.new_incarnation = w.facts.incarnation;
      }
      if (!progress.ok) delivered_.erase(p.ladder.action_id);  // not begun: the same may be asked again
      if (p.fate == 2) continue;                               // its word is lost
      if (!w.facts.source_connected) {
        w.untold_ends.push_back(progress);
        continue;
      }
      // "Not now" is no try of an order.
      if (const auto it = order_of_.find(p.ladder.action_id); progress.held_back && it != order_of_.end())
        --ordered_[it->second];
      recovery_->on_progress(progress, now(), out_);
      say(w);
    }
    for (auto& w : workers_) {
      if (!w.facts.by_agent) continue;
      const auto d = w.holder->decide(now().steady);
      if (d.kind != StartDecision::Kind::start || w.alive || w.in_ladder) continue;
      AgentStartInput s;
      s.source = w.facts.source;
      s.action_id = w.holder->next_action_id();
      s.worker_id = w.facts.id;
      s.previous_incarnation = w.facts.incarnation;
      s.crashes = w.holder->crashes();
      s.exit.signal = 9;
      rise(w, false);
      s.incarnation = w.facts.incarnation;
      ++starts_;
      if (w.facts.source_connected) {
        recovery_->on_agent_start(s, now(), out_);
        say(w);
      } else {
        w.untold.push_back(s);
      }
    }
  }

  SimWorker& find(const std::string& id) {
    return *std::find_if(workers_.begin(), workers_.end(), [&](const SimWorker& w) { return w.facts.id == id; });
  }

  void settle() {
    for (int i = 0; i < 3; ++i) {
      tell_causes();
      recovery_->settle(now(), out_);
      judge();
      if (dies_now_) return restart_monitor(1s);
      agent_acts();
    }
    tell_causes();
    recovery_->settle(now(), out_);
    judge();
    if (dies_now_) return restart_monitor(1s);
    check_liveness();
  }

  void pass(Duration d) {
    const SteadyTime target = now().steady + d;
    for (int i = 0; i < 50'000; ++i) {  // an order that is held looks again each second
      SteadyTime next = std::min(target, now().steady + 5s);
      if (const auto at = recovery_->next_deadline()) next = std::clamp(*at, now().steady, next);
      for (const auto& p : ladders_) next = std::clamp(p.due, now().steady, next);
      if (next == now().steady) next += 1ms;
      if (next > target) break;
      clock_.advance(next - now().steady);
      settle();
      if (next == target) break;
    }
  }

  // The oracle: reads what was emitted, knows the world, and counts by itself.
  void judge() {
    watch_pools();
    std::map<std::string, ActionRecord> recorded;
    for (const auto& e : out_.ledger) {
      if (const auto* a = std::get_if<ActionRecord>(&e.body)) {
        recorded[a->action_id] = *a;
        if (a->by_operator || a->reason == Reason::recycle) not_for_illness_.insert(a->action_id);
        if (is_final(a->state)) down_.erase(a->action_id);
        if (a->state == ActionState::held_back || a->state == ActionState::abandoned) take_back(*a);
        for (auto& [pool, canary] : canaries_)
          if (canary.action_id == a->action_id) canary.state = a->state;
        for (auto& [host, cause] : causes_)
          if (cause.canary.action_id == a->action_id) cause.canary.state = a->state;
      }
      if (const auto* c = std::get_if<BackoffClearedRecord>(&e.body))
        if (!c->crashes_only) find(c->worker_id).stops.clear();
    }
    life_.take(out_);
    dies_now_ = loses_acts_ && std::any_of(out_.acts.begin(), out_.acts.end(),
                                           [](const Act& act) { return std::holds_alternative<SendLadder>(act); });
    // Of a clear and a stop in one output the clear came first: a stop is the last thing of a step.
    for (const auto& act : out_.acts) {
      if (const auto* ladder = std::get_if<SendLadder>(&act)) judge_ladder(ladder->ladder, recorded);
      if (const auto* lease = std::get_if<SendLease>(&act)) judge_lease(lease->lease);
    }
    out_.clear();
  }

  // It counts against nothing: held back, and nobody in its pool is asked again at once; or it never began.
  void take_back(const ActionRecord& a) {
    const auto it = counted_.find(a.action_id);
    if (it == counted_.end() || (a.state == ActionState::abandoned && a.counted_stop)) return;
    std::erase(find(a.worker_id).stops, it->second);
    std::erase(pool_stops_[a.pool], it->second);
    std::erase(planned_stops_[a.pool], it->second);
    counted_.erase(it);
    RC_ASSERT(!a.counted_stop);
    if (a.state == ActionState::held_back) refused_[a.pool] = now().steady;
  }

  void judge_ladder(const Ladder& ladder, const std::map<std::string, ActionRecord>& recorded) {
    SimWorker& w = find(ladder.worker_id);
    const auto it = recorded.find(ladder.action_id);
    const bool again = !sent_.insert(ladder.action_id).second;
    RC_ASSERT(again || it != recorded.end());  // never an act without its ledger entry
    // Nor for an illness that is over, however old the order is.
    if (is_stop(ladder.kind) && !not_for_illness_.contains(ladder.action_id))
      RC_ASSERT(w.told.status == Status::critical && w.facts.source_connected);
    if (!dies_now_ && delivered_.insert(ladder.action_id).second) {
      w.in_ladder = true;
      ladders_.push_back(
          {ladder, calm_ ? 3 : int(sent_.size()) % 6, now().steady + std::chrono::seconds(sent_.size() % 40)});
    }
    if (again) return;
    if (!it->second.rolling_id.empty()) return judge_ordered(w, it->second);
    if (!it->second.counted_stop) return;
    ++automatic_stops_;
    const SteadyTime t = now().steady;
    const int size = size_of(w.facts.pool);
    RC_ASSERT(is_stop(ladder.kind));
    RC_ASSERT(t - started_ >= 60s);
    RC_ASSERT(lag_ <= 1s && !degraded_ && !big_switch_);
    RC_ASSERT(!maintained_.contains(w.facts.id) && !quarantined_.contains(w.facts.id));
    RC_ASSERT(w.facts.source_connected && !w.facts.announced_stop);
    RC_ASSERT(!(broker_down_ && w.facts.pool == "a"));
    if (it->second.reason == Reason::recycle) judge_planned(w);
    judge_freeze(w.facts.pool, ladder.action_id);
    if (const auto told = refused_.find(w.facts.pool); told != refused_.end()) RC_ASSERT(t - told->second >= 10s);
    counted_[ladder.action_id] = t;
    judge_cause(w, ladder.action_id);
    std::erase_if(w.stops, [&](SteadyTime s) { return t - s >= 30min; });
    RC_ASSERT(w.stops.size() < 3u);
    w.stops.push_back(t);
    auto& pool = pool_stops_[w.facts.pool];
    RC_ASSERT((pool.empty() || t - pool.back() >= 10s));
    std::erase_if(pool, [&](SteadyTime s) { return t - s >= 1h; });
    RC_ASSERT(int(pool.size()) < std::max(5, size / 5));
    pool.push_back(t);
    take_place(w.facts.pool, ladder.action_id);
  }

  void take_place(const std::string& pool, const std::string& action_id) {
    const auto down = std::count_if(down_.begin(), down_.end(), [&](const auto& d) { return d.second == pool; });
    RC_ASSERT(down < std::max(1, size_of(pool) / 10));
    down_[action_id] = pool;
  }

  // A restart of a rolling order: within the share of its pool, never for a life that it has restarted already.
  void judge_ordered(SimWorker& w, const ActionRecord& action) {
    ++ordered_stops_;
    RC_ASSERT(!aborted_.contains(action.rolling_id));
    RC_ASSERT(!action.counted_stop && action.by_operator);
    RC_ASSERT(now().steady - started_ >= 60s);
    RC_ASSERT(lag_ <= 1s && !degraded_ && !big_switch_);
    RC_ASSERT(!maintained_.contains(w.facts.id) && !quarantined_.contains(w.facts.id));
    RC_ASSERT(w.facts.source_connected && !w.facts.announced_stop);
    RC_ASSERT(!(broker_down_ && w.facts.pool == "a"));
    const std::string place = action.rolling_id + "/" + w.facts.id;
    order_of_[action.action_id] = place;
    auto& times = ordered_[place];
    RC_ASSERT(++times <= kRollingTries);
    take_place(w.facts.pool, action.action_id);
  }

  // Only of one that is well, in a pool that is, and never more than half of the hour's budget.
  void judge_planned(const SimWorker& w) {
    ++planned_;
    RC_ASSERT(w.told.status == Status::healthy && !looks_ill(w.facts.pool));
    auto& hour = planned_stops_[w.facts.pool];
    std::erase_if(hour, [&](SteadyTime s) { return now().steady - s >= 1h; });
    hour.push_back(now().steady);
    RC_ASSERT(int(hour.size()) <= std::max(1, std::max(5, size_of(w.facts.pool) / 5) / 2));
  }

  static bool told_stopped(const SimWorker& w) {
    return w.told.dead && (w.told.announced_stop || w.told.exit->code == 0);
  }
  static bool counts_for(const SimWorker& w, const std::string& pool) {
    return w.told.pool == pool && !told_stopped(w);
  }
  int size_of(const std::string& pool) const {
    return int(std::count_if(workers_.begin(), workers_.end(), [&](const auto& w) { return counts_for(w, pool); }));
  }

  // The pool looks ill as a whole: only people, or a canary, may say that restarts help.
  bool looks_ill(const std::string& pool) const {
    int known = 0, ill = 0;
    const int size = size_of(pool);
    for (const auto& w : workers_) {
      if (!counts_for(w, pool) || !w.facts.source_connected) continue;
      ++known;
      ill += w.told.status == Status::critical ? 1 : 0;
    }
    return (size - known) * 10 > size * 4 || (known >= 5 && ill * 10 > known * 4);
  }

  void watch_pools() {
    for (const std::string pool : {"a", "b"}) {
      auto& last = looked_ill_[pool];
      if (looks_ill(pool) || (broker_down_ && pool == "a"))
        last = now().steady;
      else if (last && now().steady - *last > 2min && !canary_failed(canaries_[pool]))
        canaries_[pool] = {};
    }
  }

  // Neither proven nor refused: it failed, or its outcome is not known yet.
  static bool canary_failed(const Canary& canary) {
    return !canary.action_id.empty() && canary.state != ActionState::succeeded && !said_nothing(canary);
  }
  static bool said_nothing(const Canary& canary) {
    return canary.state == ActionState::refused || canary.state == ActionState::abandoned ||
           canary.state == ActionState::held_back;
  }

  // In a pool that looks ill, or did within the last minute: after five minutes without any stop one canary, the next
  // half an hour after it, freely once one was proven.
  void judge_freeze(const std::string& pool, const std::string& action_id) {
    const SteadyTime t = now().steady;
    const auto last = looked_ill_[pool];
    if (!looks_ill(pool) && (!last || t - *last >= 60s)) return;
    auto& canary = canaries_[pool];
    if (canary.state == ActionState::succeeded) return;
    const auto& stops = pool_stops_[pool];
    if (!said_nothing(canary)) {
      RC_ASSERT(t - (stops.empty() ? started_ : stops.back()) >= 5min);
      RC_ASSERT(canary.action_id.empty() || t - canary.began >= 30min);
    }
    canary = {action_id, ActionState::sent, t};
  }

  // Of the workers that one cause explains: none for five minutes, then one; the next half an hour after it, freely
  // once one was proven.
  void judge_cause(const SimWorker& w, const std::string& action_id) {
    const auto it = causes_.find(w.facts.host);
    if (it == causes_.end()) return;
    SimCause& cause = it->second;
    const SteadyTime t = now().steady;
    cause.last_stop = t;
    if (!cause.grave_since || cause.canary.state == ActionState::succeeded) return;
    const auto& canary = cause.canary;
    if (!said_nothing(canary)) {
      RC_ASSERT(t - *cause.grave_since >= 5min);
      RC_ASSERT(canary.action_id.empty() || t - canary.began >= 30min);
    }
    cause.canary = {action_id, ActionState::sent, t};
  }

  void judge_lease(const Lease& lease) {
    SimWorker& w = find(lease.worker_id);
    RC_ASSERT(w.facts.by_agent);
    if (big_switch_ || maintained_.contains(lease.worker_id) || quarantined_.contains(lease.worker_id))
      RC_ASSERT(lease.hold);
    RC_ASSERT(lease.valid_for == 60s);
    RC_ASSERT(lease.next_start_in <= 400s);
    if (w.facts.source_connected && !dies_now_) w.holder->on_lease(lease, now().steady);
  }

  void check_liveness() {
    check_canaries();
    check_causes();
    for (auto& w : workers_) {
      const SteadyTime t = now().steady;
      const bool excuse = w.alive || w.stopped || w.in_ladder || big_switch_ || maintained_.contains(w.facts.id) ||
                          quarantined_.contains(w.facts.id) || !w.facts.source_connected;
      if (excuse) w.excused = t;
      RC_ASSERT(t - std::max(w.excused, w.died) <= 7min);
    }
  }

  // No freeze that the world does not explain goes on without a canary, as long as one could run.
  void check_canaries() {
    const SteadyTime t = now().steady;
    for (const std::string pool : {"a", "b"}) {
      const bool frozen = recovery_->pool_view(pool, now()).frozen.has_value();
      const bool quiet = broker_down_ || degraded_ || big_switch_ || lag_ > 1s || !maintained_.empty() ||
                         !quarantined_.empty() || std::any_of(workers_.begin(), workers_.end(), [](const auto& w) {
                           return !w.facts.source_connected || !w.alive || w.in_ladder;
                         });
      const auto& stops = pool_stops_[pool];
      const auto hour = std::count_if(stops.begin(), stops.end(), [&](SteadyTime s) { return t - s < 1h; });
      const bool spent = hour >= std::max(5, size_of(pool) / 5);  // the budget of the hour holds it
      auto& since = frozen_since_[pool];
      if (!frozen || quiet || spent || !stoppable(pool)) since = t;
      if (!stops.empty()) since = std::max(since.value_or(t), stops.back());
      if (since) RC_ASSERT(t - *since <= 35min);
    }
  }
  // Nor does a shared cause hold for ever.
  void check_causes() {
    const SteadyTime t = now().steady;
    const bool quiet = broker_down_ || degraded_ || big_switch_ || lag_ > 1s || !maintained_.empty() ||
                       !quarantined_.empty() || t - started_ < 1min ||
                       std::any_of(workers_.begin(), workers_.end(),
                                   [](const auto& w) { return !w.facts.source_connected || !w.alive || w.in_ladder; });
    for (auto& [host, cause] : causes_) {
      const bool could = std::any_of(workers_.begin(), workers_.end(), [&, h = host](const auto& w) {
        const std::string& pool = w.facts.pool;
        const auto& stops = pool_stops_[pool];
        const auto hour = std::count_if(stops.begin(), stops.end(), [&](SteadyTime s) { return t - s < 1h; });
        return w.facts.host == h && ill_as_told(w) && !w.facts.announced_stop && w.stops.empty() &&
               !recovery_->pool_view(pool, now()).frozen && hour < std::max(5, size_of(pool) / 5);
      });
      if (!could || quiet || !cause.last_stop) cause.last_stop = t;
      RC_ASSERT(t - *cause.last_stop <= 36min);
    }
  }
  // A worker that a canary could try: ill, with budget left.
  bool stoppable(const std::string& pool) {
    return std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) {
      return w.facts.pool == pool && w.told.status == Status::critical && !w.facts.announced_stop && w.stops.empty();
    });
  }

  ManualClock clock_;
  SteadyTime started_;
  RecoveryPolicies policies_;
  std::unique_ptr<Recovery> recovery_;
  LastLife life_;
  bool loses_acts_ = false, dies_now_ = false;
  RecoveryOutput out_;
  std::vector<SimWorker> workers_;
  std::vector<PendingLadder> ladders_;
  std::set<std::string> sent_, delivered_, not_for_illness_, maintained_, quarantined_;
  std::map<std::string, std::string> down_;  // open automatic stops → pool
  std::map<std::string, std::deque<SteadyTime>> pool_stops_;
  std::map<std::string, SteadyTime> counted_, refused_;  // by action, by pool
  struct SimCause {
    std::optional<SteadyTime> grave_since, last_stop;
    Canary canary;
  };
  std::map<std::string, SimCause> causes_;                         // by host
  std::map<std::string, Canary> canaries_;                         // by pool
  std::map<std::string, std::optional<SteadyTime>> frozen_since_;  // by pool: without a canary and a reason
  std::map<std::string, std::optional<SteadyTime>> looked_ill_;    // by pool: when last
  bool broker_down_ = false, degraded_ = false, big_switch_ = false;
  Duration lag_{};
  std::map<std::string, std::deque<SteadyTime>> planned_stops_;
  int planned_ = 0;
  bool calm_ = false;
  int automatic_stops_ = 0, ordered_stops_ = 0, starts_ = 0, orders_ = 0, restarts_ = 0;
  std::set<std::string> aborted_;
  std::map<std::string, int> ordered_;           // tries of an order by worker
  std::map<std::string, std::string> order_of_;  // action → its place in ordered_
};

rc::Gen<std::vector<Step>> script(int kinds) {
  return rc::gen::scale(1.5, rc::gen::container<std::vector<Step>>(rc::gen::tuple(
                                 rc::gen::inRange(0, kinds), rc::gen::inRange(0, 1000), rc::gen::inRange(0, 120))));
}

RC_GTEST_PROP(RecoveryProperty, no_brake_breaks_and_nobody_is_left_dead, ()) {
  World world(*rc::gen::inRange(1, 30));
  auto steps = *script(17);
  for (auto& [what, whom, seconds] : steps)
    if (what == 16) what = 19;
  world.run(steps);
  RC_CLASSIFY(world.automatic_stops() > 0, "stops");
  RC_CLASSIFY(world.starts() > 0, "starts");
}

// Orders in every world: the share that may be down holds for both kinds together.
RC_GTEST_PROP(RecoveryProperty, rolling_restarts_break_no_brake_and_come_to_an_end, ()) {
  World world(*rc::gen::inRange(1, 30));
  world.run(*script(19));
  RC_CLASSIFY(world.ordered_stops() > 0, "ordered stops");
  RC_CLASSIFY(world.ordered_stops() > 0 && world.automatic_stops() > 0, "both kinds");
}

// Without outages and operators' other words the orders are under load.
RC_GTEST_PROP(RecoveryProperty, rolling_restarts_keep_the_share_under_constant_illness, ()) {
  World world(*rc::gen::inRange(1, 30));
  std::vector<Step> steps = *script(10);
  for (auto& [what, whom, seconds] : steps)
    if (what >= 7) what += 9;
  world.run(steps);
  RC_CLASSIFY(world.ordered_stops() > 0, "ordered stops");
  RC_CLASSIFY(world.ordered_stops() > 0 && world.automatic_stops() > 0, "both kinds");
}

// Without outages and operators the brakes themselves are under load.
RC_GTEST_PROP(RecoveryProperty, no_brake_breaks_under_constant_illness, ()) {
  World world(*rc::gen::inRange(1, 30));
  world.run(*script(7));
  RC_CLASSIFY(world.automatic_stops() > 2, "several stops");
}

// Workers that are restarted for their age besides.
RC_GTEST_PROP(RecoveryProperty, no_brake_breaks_with_planned_restarts, ()) {
  RecoveryPolicies policies;
  policies.defaults.recycle_age = 10min;
  World world(*rc::gen::inRange(1, 30), policies);
  world.run(*script(*rc::gen::element(0, 7, 16) + 1));
  RC_CLASSIFY(world.planned() > 0, "planned");
  RC_CLASSIFY(world.planned() > 0 && world.automatic_stops() > world.planned(), "planned and ill");
}

// All of it, and the monitor is restarted now and then, or dies with an order that it has written down and not sent.
RC_GTEST_PROP(RecoveryProperty, no_brake_breaks_across_restarts_of_the_monitor, ()) {
  World world(*rc::gen::inRange(1, 30));
  world.run(*script(22));
  RC_CLASSIFY(world.restarts() > 1, "restarts");
  RC_CLASSIFY(world.restarts() > 1 && world.automatic_stops() > 1, "restarts and stops");
}

// Nothing but ill workers and restarts.
RC_GTEST_PROP(RecoveryProperty, no_brake_breaks_under_constant_illness_and_restarts_of_the_monitor, ()) {
  World world(*rc::gen::inRange(1, 30));
  auto steps = *script(9);
  for (auto& [what, whom, seconds] : steps)
    if (what >= 7) what += 13;
  world.run(steps);
  RC_CLASSIFY(world.restarts() > 1 && world.automatic_stops() > 2, "restarts and stops");
}

// Starts are ladders, too: they may fail, be refused, or their outcome be lost.
RC_GTEST_PROP(RecoveryProperty, executors_without_leases_leave_nobody_dead, ()) {
  RecoveryPolicies policies;
  policies.defaults.mode = RecoveryMode::automatic;
  World world(*rc::gen::inRange(1, 30), policies, *rc::gen::element(1, 2, 5));
  world.run(*script(*rc::gen::element(7, 22)));
  RC_CLASSIFY(world.automatic_stops() > 0, "stops");
}

// Hosts of which all ill workers share a cause, now and then.
RC_GTEST_PROP(RecoveryProperty, shared_causes_hold_stops_but_not_for_ever, ()) {
  World world(*rc::gen::inRange(6, 24));
  auto steps = *script(8);
  for (auto& [what, whom, seconds] : steps)
    if (what == 7 || what == 0) what = 19;
  world.run(steps);
  RC_CLASSIFY(world.automatic_stops() > 0, "stops");
}

}  // namespace
}  // namespace paramedic
