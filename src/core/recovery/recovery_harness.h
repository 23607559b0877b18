// For tests of class Recovery: a bench with a clock, facts of workers, and everything that was emitted.
#pragma once
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/recovery/recovery.h"

namespace paramedic {

class RecoveryBench {
 public:
  explicit RecoveryBench(RecoveryPolicies policies = {}, bool grown = true)
      : recovery(std::move(policies), clock.now()) {
    if (grown) clock.advance(2min);
  }

  RecoveryWorkerFacts& worker(const std::string& id, const std::string& pool = "p") {
    auto [it, fresh] = facts.try_emplace(id);
    auto& f = it->second;
    if (!fresh) return f;
    f.id = id;
    f.pool = pool;
    f.host = "h-" + id;
    f.version = "1";
    f.source = "agent/" + f.host;
    f.incarnation = id + "#1";
    f.by_agent = f.can_restart = f.source_connected = f.heard = true;
    f.status = Status::healthy;
    say(id);
    return f;
  }
  void workers(int n, const std::string& pool = "p") {
    for (int i = 0; i < n; ++i) worker("w" + std::to_string(i), pool);
    settle();
  }
  void say(const std::string& id) { recovery.update_worker(facts.at(id), clock.now(), out); }
  void ill(const std::string& id, RemedyKind kind = RemedyKind::restart, Reason reason = Reason::hung_task) {
    auto& f = facts.at(id);
    f.status = Status::critical;
    f.wish = {kind, reason, "task_performance", "hung task"};
    say(id);
  }
  // A pool of n of which the first `ill_ones` have just turned ill.
  void pool_of(int n, int ill_ones) {
    workers(n);
    for (int i = 0; i < ill_ones; ++i) ill("w" + std::to_string(i));
    settle();
  }
  void well(const std::string& id) {
    facts.at(id).status = Status::healthy;
    facts.at(id).wish = {};
    say(id);
  }
  void dies(const std::string& id, ExitInfo exit = {.signal = 9}) {
    auto& f = facts.at(id);
    f.dead = true;
    f.exit = exit;
    f.status = Status::critical;
    f.wish = {RemedyKind::start, Reason::exited, "heartbeat", "process ended"};
    say(id);
  }
  // A new incarnation reports.
  void lives(const std::string& id, const std::string& incarnation, bool proves = true) {
    auto& f = facts.at(id);
    f.dead = false;
    f.exit.reset();
    f.incarnation = incarnation;
    f.status = Status::healthy;
    f.wish = {};
    f.heard = true;
    f.took_task = proves;
    f.idle_with_empty_queue = false;
    say(id);
  }
  // A restart that did not help: incarnation `n` is ill again and fails its proof.
  void useless_restart(const std::string& id, int n) {
    lives(id, id + "#" + std::to_string(n), false);
    ill(id);
    pass(121s);
  }
  AgentStartInput agent_start(const std::string& id, const std::string& from, const std::string& to, int crashes) {
    AgentStartInput s;
    s.source = facts.at(id).source;
    s.action_id = make_action_id(id, from, crashes);
    s.worker_id = id;
    s.previous_incarnation = from;
    s.incarnation = to;
    s.crashes = crashes;
    s.exit.signal = 9;
    return s;
  }
  void starts(const std::string& id, const std::string& from, const std::string& to, int crashes) {
    recovery.on_agent_start(agent_start(id, from, to, crashes), clock.now(), out);
  }
  void progress(const std::string& id, LadderStep step, bool done = false, bool ok = true, std::string incarnation = "",
                std::string message = "") {
    ProgressInput p;
    p.action_id = last_ladder().action_id;
    p.worker_id = id;
    p.step = step;
    p.done = done;
    p.ok = ok;
    p.new_incarnation = std::move(incarnation);
    p.message = std::move(message);
    recovery.on_progress(p, clock.now(), out);
  }
  // Its agent is at work on an action that this bench need not have ordered.
  void says(const std::string& id, const std::string& action_id, LadderStep step) {
    ProgressInput p;
    p.action_id = action_id;
    p.worker_id = id;
    p.step = step;
    recovery.on_progress(p, clock.now(), out);
    settle();
  }
  void held_back(const std::string& id, const std::string& words, std::optional<Duration> retry_after = std::nullopt) {
    ProgressInput p;
    p.action_id = last_ladder().action_id;
    p.worker_id = id;
    p.step = LadderStep::term;
    p.done = p.held_back = true;
    p.ok = false;
    p.message = words;
    p.retry_after = retry_after;
    recovery.on_progress(p, clock.now(), out);
    settle();
  }
  CommandResult command(Verb verb, const std::string& id = "", bool force = false, const std::string& pool = "",
                        std::optional<Duration> duration = std::nullopt, std::string key = "") {
    CommandInput c;
    c.command_id = "c" + std::to_string(++commands_);
    c.verb = verb;
    c.worker_id = id;
    c.pool = pool;
    c.actor = "ann";
    c.force = force;
    c.duration = duration;
    c.idempotency_key = std::move(key);
    EXPECT_TRUE(recovery.on_command(c, clock.now(), out));
    for (auto it = out.acts.rbegin(); it != out.acts.rend(); ++it)
      if (const auto* a = std::get_if<Answer>(&*it)) return a->command_id == c.command_id ? a->result : CommandResult{};
    ADD_FAILURE() << "no answer";
    return {};
  }
  // A restart of which only the cost is asked.
  CommandResult command_dry(const std::string& id) {
    CommandInput c;
    c.command_id = "c" + std::to_string(++commands_);
    c.worker_id = id;
    c.dry_run = true;
    EXPECT_TRUE(recovery.on_command(c, clock.now(), out));
    const CommandResult r = std::get<Answer>(out.acts.back()).result;
    out.acts.pop_back();
    return r;
  }
  void settle() { recovery.settle(clock.now(), out); }
  // Lets time pass, waking at each deadline.
  void pass(Duration d) {
    const SteadyTime target = clock.now().steady + d;
    for (int i = 0; i < 100'000; ++i) {
      const auto next = recovery.next_deadline();
      if (!next || *next > target) {
        clock.advance(target - clock.now().steady);
        return settle();
      }
      if (*next > clock.now().steady) clock.advance(*next - clock.now().steady);
      settle();
    }
    ADD_FAILURE() << "deadlines do not come to an end";
  }

  template <class T>
  std::vector<T> acts() const {
    std::vector<T> found;
    for (const auto& act : out.acts)
      if (const auto* a = std::get_if<T>(&act)) found.push_back(*a);
    return found;
  }
  template <class T>
  std::vector<T> entries() const {
    std::vector<T> found;
    for (const auto& e : out.ledger)
      if (const auto* b = std::get_if<T>(&e.body)) found.push_back(*b);
    return found;
  }
  int ladders() const { return int(acts<SendLadder>().size()); }
  Ladder last_ladder() const { return acts<SendLadder>().back().ladder; }
  std::optional<Lease> last_lease(const std::string& id) const {
    std::optional<Lease> last;
    for (const auto& a : acts<SendLease>())
      if (a.lease.worker_id == id) last = a.lease;
    return last;
  }
  std::optional<AlertWish> last_wish(const std::string& key) const {
    std::optional<AlertWish> last;
    for (const auto& w : out.alerts)
      if (w.key == key) last = w;
    return last;
  }
  HoldCode held(const std::string& id) {
    const auto view = recovery.worker_view(id, clock.now());
    return view.held ? view.held->code : HoldCode::none;
  }
  ActionRecord action(const std::string& id) {
    return recovery.worker_view(id, clock.now()).action.value_or(ActionRecord{});
  }

  ManualClock clock;
  Recovery recovery;
  RecoveryOutput out;
  std::map<std::string, RecoveryWorkerFacts> facts;

 private:
  int commands_ = 0;
};

}  // namespace paramedic
