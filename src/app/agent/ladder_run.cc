#include "app/agent/ladder_run.h"

#include <algorithm>
#include <utility>

namespace paramedic::agent {
namespace {
// A process that KILL has not ended yet (disk wait, a group that forks faster than it dies) is sent it again so often.
constexpr Duration kKillAgain = 100ms;
// The hook keeps its own limit; the ladder waits a little longer, so that what it said is told before the next step.
constexpr Duration kHookSlack = 1s;
}  // namespace

LadderRun::LadderRun(Ladder ladder, SteadyTime now, LadderStep resume_at)
    : ladder_(std::move(ladder)), step_(resume_at), until_(now) {}

std::optional<SteadyTime> LadderRun::deadline() const { return over_ ? std::nullopt : std::optional(until_); }

std::vector<LadderAct> LadderRun::advance(const LadderFacts& facts, SteadyTime now) {
  std::vector<LadderAct> acts;
  while (!over_ && one(facts, now, acts)) {
  }
  return acts;
}

bool LadderRun::one(const LadderFacts& facts, SteadyTime now, std::vector<LadderAct>& acts) {
  using Kind = LadderAct::Kind;
  const bool ended = !facts.alive;
  // A process that has ended needs no further persuasion; what it left behind is ended before the start.
  if (ended && step_ < LadderStep::start && step_ != LadderStep::accepted) {
    if (!facts.group_alive) {
      begin_start(now);
    } else if (step_ < LadderStep::kill || !begun_) {
      begin_kill(now, acts);
      return false;
    }
  }
  switch (step_) {
    case LadderStep::accepted:
      acts.push_back({Kind::progress, LadderStep::accepted, {}});
      step_ = LadderStep::diagnostics;
      return true;
    case LadderStep::diagnostics:
      if (!begun_) acts.push_back({Kind::diagnose, LadderStep::diagnostics, {}});
      if (asks_hook(facts, now)) return false;
      step_ = LadderStep::drain;
      begun_ = false;
      return true;
    case LadderStep::drain:
      if (!begun_) begin_drain(facts, now, acts);
      if (!drained(facts, now)) return false;
      step_ = LadderStep::term;
      begun_ = false;
      return true;
    case LadderStep::term:
      if (!begun_) begin_term(now, acts);
      if (now < until_) return false;
      begin_kill(now, acts);
      return false;
    case LadderStep::kill:
      if (!begun_ || now >= until_) begin_kill(now, acts);
      return false;
    case LadderStep::start:
    case LadderStep::verify:
      break;
  }
  if (now < until_) return false;
  acts.push_back({Kind::start, LadderStep::start, {}});
  over_ = true;
  return false;
}

// True while the hook that was begun may go on. Whether it is at work is seen after the act was performed.
bool LadderRun::asks_hook(const LadderFacts& facts, SteadyTime now) {
  if (!facts.can_diagnose || ladder_.diagnostics <= Duration{0}) return false;
  if (std::exchange(begun_, true)) return facts.diagnosing && now < until_;
  until_ = now + ladder_.diagnostics + kHookSlack;
  return true;
}

void LadderRun::begin_drain(const LadderFacts& facts, SteadyTime now, std::vector<LadderAct>& acts) {
  begun_ = true;
  until_ = now;
  if (ladder_.drain <= Duration{0} || !facts.can_drain) return;
  acts.push_back({LadderAct::Kind::progress, LadderStep::drain, {}});
  acts.push_back({LadderAct::Kind::drain, LadderStep::drain, {}});
  until_ = now + ladder_.drain;
  drain_limit_ = now + std::max(ladder_.drain, ladder_.max_drain);
  progress_seen_ = facts.task_progress;
}

// Empty-handed, or out of time. Each task that ends buys another `drain`, up to `max_drain` in all.
bool LadderRun::drained(const LadderFacts& facts, SteadyTime now) {
  if (now >= until_ || facts.in_flight == 0) return true;
  if (facts.task_progress != progress_seen_) {
    progress_seen_ = facts.task_progress;
    until_ = std::min(std::max(until_, now + ladder_.drain), drain_limit_);
  }
  return false;
}

void LadderRun::begin_term(SteadyTime now, std::vector<LadderAct>& acts) {
  begun_ = true;
  until_ = now + ladder_.term_grace;
  acts.push_back({LadderAct::Kind::progress, LadderStep::term, {}});
  acts.push_back({LadderAct::Kind::term, LadderStep::term, {}});
}

void LadderRun::begin_kill(SteadyTime now, std::vector<LadderAct>& acts) {
  if (step_ != LadderStep::kill || !begun_) acts.push_back({LadderAct::Kind::progress, LadderStep::kill, {}});
  step_ = LadderStep::kill;
  begun_ = true;
  until_ = now + kKillAgain;
  acts.push_back({LadderAct::Kind::kill, LadderStep::kill, {}});
}

void LadderRun::begin_start(SteadyTime now) {
  step_ = LadderStep::start;
  begun_ = true;
  until_ = now + ladder_.start_delay;
}

}  // namespace paramedic::agent
