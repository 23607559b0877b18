// What is due for a worker now: start, wait, hold; ending what is left of a group; the stop at the agent's end.
#include <signal.h>

#include "app/agent/worker.h"
#include "base/text.h"

namespace paramedic::agent {
namespace {

// What a dead worker left in its group gets TERM, and KILL after this; looked at so often.
constexpr Duration kLeftoverGrace = 1s;
constexpr Duration kLeftoverLook = 5ms;
// Beyond this the group is looked at in /proc: it may hold nothing but zombies that nobody reaps.
constexpr Duration kLookForZombies = 50ms;
constexpr Duration kKillAgain = 100ms;

}  // namespace

// Does one thing that is due; its outcome is an event of its own, which polls again.
void Worker::poll() {
  wake_at_.reset();
  if (stopping_)
    poll_stop();
  else if (ladder_)
    poll_ladder();
  else if (!alive())
    poll_start();
  arm(wake_at_);
}

void Worker::poll_start() {
  const auto decision = lease_.decide(steady());
  say_once(decision);
  switch (decision.kind) {
    case StartDecision::Kind::start:
      if (!end_leftovers()) return;
      start_by_lease(decision);
      // A start that failed has its next time already.
      if (!alive()) wake_within(Duration{0});
      return;
    case StartDecision::Kind::wait:
      wake_within(decision.at - steady());
      return;
    case StartDecision::Kind::alive:
    case StartDecision::Kind::hold:
    case StartDecision::Kind::stopped:
      return;
  }
}

// Logs transitions, not repetitions.
void Worker::say_once(const StartDecision& decision) {
  if (decision.kind == said_) return;
  said_ = decision.kind;
  if (decision.kind == StartDecision::Kind::wait)
    host_.log().info(
        "worker_waits",
        {{"worker", spec_.id},
         {"reason", decision.text},
         {"start_in", format_duration(std::chrono::ceil<std::chrono::milliseconds>(decision.at - steady()))}});
  else if (decision.kind == StartDecision::Kind::hold)
    host_.log().warning("worker_held", {{"worker", spec_.id}, {"reason", decision.text}});
  else if (decision.kind == StartDecision::Kind::stopped) {
    host_.log().info("worker_stopped", {{"worker", spec_.id}, {"reason", decision.text}});
    host_.worker_ended(*this);
  }
}

bool Worker::stopped() const {
  return !alive() && !ladder_ && lease_.decide(steady()).kind == StartDecision::Kind::stopped;
}

// True when nothing is left; else comes again soon. Two copies of a worker never run side by side.
bool Worker::end_leftovers() {
  const auto now = steady();
  const bool thorough = leftovers_since_ && now - *leftovers_since_ >= kLookForZombies;
  if (!process_ || !process_->group_alive(thorough)) {
    leftovers_since_.reset();
    return true;
  }
  if (!leftovers_since_) {
    leftovers_since_ = now;
    host_.log().warning("worker_leftovers",
                        {{"worker", spec_.id},
                         {"group", process_->identity().pid},
                         {"reason", "processes of the dead incarnation still run; ending them first"}});
    process_->signal_group(SIGTERM);
    process_->signal_group(SIGCONT);
  } else if (now - *leftovers_since_ >= kLeftoverGrace) {
    process_->signal_group(SIGKILL);
  }
  wake_within(now - *leftovers_since_ < kLookForZombies ? kLeftoverLook : kKillAgain / 2);
  return false;
}

bool Worker::group_left() const { return alive() || (process_ && process_->group_alive(true)); }

void Worker::stop(bool hurry) {
  const auto now = steady();
  if (!stopping_) {
    stopping_ = true;
    if (ladder_) end_ladder(false, "the agent was ended before the worker was started again");
    kill_at_ = now + spec_.term_grace;
    if (process_ && process_->signal_group(SIGTERM)) process_->signal_group(SIGCONT);
    if (alive()) host_.report_now(*this);
  }
  if (hurry) kill_at_ = now;
  poll();
}

void Worker::poll_stop() {
  if (stop_told_) return;
  const auto now = steady();
  if (!group_left()) {
    stop_told_ = true;
    journal_worker(JournalWorker::Phase::stopped);
    host_.worker_ended(*this);
    return;
  }
  if (now < kill_at_) return wake_within(std::min<Duration>(kill_at_ - now, alive() ? kill_at_ - now : kKillAgain));
  killed_by_us_ = true;
  process_->signal_group(SIGKILL);
  wake_within(kKillAgain);
}

void Worker::wake_within(Duration d) {
  const auto at = steady() + std::max(d, Duration{0});
  if (!wake_at_ || at < *wake_at_) {
    wake_at_ = at;
    arm(wake_at_);
  }
}

void Worker::arm(std::optional<SteadyTime> deadline) {
  timer_.cancel();
  if (!deadline) return;
  timer_.expires_after(std::max(*deadline - steady(), Duration{0}));
  timer_.async_wait([weak = std::weak_ptr(self_)](const boost::system::error_code& failed) {
    const auto self = weak.lock();
    if (self && !failed) (*self)->poll();
  });
}

}  // namespace paramedic::agent
