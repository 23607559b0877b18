#include "app/daemon/dispatcher.h"

#include <iterator>

namespace paramedic::daemon {

namespace {
std::int64_t steady_ns() { return Duration(std::chrono::steady_clock::now().time_since_epoch()).count(); }
}  // namespace

Dispatcher::Dispatcher(Ports ports, Logger& log) : ports_(std::move(ports)), log_(log) {
  thread_ = std::thread([this] { run(); });
}

Dispatcher::~Dispatcher() { stop(); }

void Dispatcher::submit(std::vector<LedgerEntry> entries, std::vector<Act> acts) {
  if (entries.empty() && acts.empty()) return;
  const std::lock_guard lock(mutex_);
  std::move(entries.begin(), entries.end(), std::back_inserter(queue_));
  std::move(acts.begin(), acts.end(), std::back_inserter(acts_));
  wake_.notify_one();
}

void Dispatcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

DispatcherStats Dispatcher::stats() const {
  const std::lock_guard lock(mutex_);
  DispatcherStats out = stats_;
  out.waiting = queue_.size();
  if (const std::int64_t began = commit_began_ns_) out.commit_running = Duration{steady_ns() - began};
  return out;
}

void Dispatcher::care_if_due() {
  const auto now = std::chrono::steady_clock::now();
  if (!ports_.care || now < next_care_) return;
  next_care_ = now + ports_.care_every;
  ports_.care();
}

void Dispatcher::run() {
  for (;;) {
    care_if_due();
    std::vector<Act> acts;
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      const auto ready = [this] { return stopping_ || !queue_.empty() || !acts_.empty(); };
      // While degraded, what is kept is tried again each second even when nothing new comes.
      wake_.wait_for(lock, kept_.empty() ? ports_.care_every : kRetry, ready);
      std::move(queue_.begin(), queue_.end(), std::back_inserter(kept_));
      queue_.clear();
      acts.swap(acts_);
      last = stopping_;
    }
    commit_and_act(std::move(acts));
    if (last) return tell_lost();
  }
}

// At the end there is no later.
void Dispatcher::tell_lost() {
  if (!kept_.empty()) log_.error("ledger_entries_lost", {{"entries", kept_.size()}, {"reason", stats().problem}});
}

void Dispatcher::commit_and_act(std::vector<Act> acts) {
  if (!kept_.empty()) {
    commit_began_ns_ = steady_ns();
    const auto committed = ports_.commit(kept_);
    commit_began_ns_ = 0;
    const std::lock_guard lock(mutex_);
    if (committed) {
      ++stats_.commits;
      stats_.entries += kept_.size();
      kept_.clear();
    } else {
      ++stats_.commit_errors;
      stats_.problem = committed.error().message;
      if (kept_.size() > kMaxKept) {
        stats_.entries_dropped += kept_.size() - kMaxKept;
        kept_.erase(kept_.begin(), kept_.end() - std::ptrdiff_t(kMaxKept));
      }
    }
    if (!committed && !degraded_) enter_degraded(committed.error());
    if (committed && degraded_) leave_degraded();
  }
  for (const Act& act : acts) {
    const auto* ladder = std::get_if<SendLadder>(&act);
    if (degraded_ && ladder && is_stop(ladder->ladder.kind))
      hold(*ladder);
    else
      ports_.perform(act);
  }
  const std::lock_guard lock(mutex_);
  stats_.acts += acts.size();
}

// REQUIRES: mutex_ held (the two below as well).
void Dispatcher::enter_degraded(const Error& error) {
  degraded_ = stats_.degraded = true;
  log_.error("ledger_degraded", {{"reason", error.message}, {"effect", "stops are held, starts and notices go on"}});
  ports_.tell_engine(LedgerStateInput{true, error.message});
}

void Dispatcher::leave_degraded() {
  degraded_ = stats_.degraded = false;
  stats_.problem.clear();
  log_.info("ledger_recovered");
  ports_.tell_engine(LedgerStateInput{false, ""});
}

void Dispatcher::hold(const SendLadder& act) {
  {
    const std::lock_guard lock(mutex_);
    ++stats_.acts_held;
  }
  ProgressInput failed;
  failed.source = act.source;
  failed.action_id = act.ladder.action_id;
  failed.worker_id = act.ladder.worker_id;
  failed.done = true;
  failed.ok = false;
  failed.message = "held back: the ledger cannot commit, and no process is ended without a record of it";
  ports_.tell_engine(std::move(failed));
}

}  // namespace paramedic::daemon
