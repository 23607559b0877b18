#include "io/restart/pool_executor.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic::restart {

namespace {

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

ProgressInput progress_of(const Job& job, LadderStep step) {
  ProgressInput out;
  out.source = job.source;
  out.action_id = job.ladder.action_id;
  out.worker_id = job.ladder.worker_id;
  out.step = step;
  return out;
}

ProgressInput end_of(const Job& job, LadderStep step, Outcome outcome) {
  ProgressInput out = progress_of(job, step);
  out.done = true;
  out.ok = outcome.ok;
  out.message = std::move(outcome.words);
  out.held_back = outcome.held_back && !outcome.ok;
  out.retry_after = outcome.retry_after;
  return out;
}

}  // namespace

PoolExecutor::~PoolExecutor() { stop(0s); }

void PoolExecutor::submit(Job job) {
  std::optional<ProgressInput> answer;
  {
    const std::lock_guard lock(mutex_);
    const std::string& id = job.ladder.action_id;
    const bool waits =
        std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.job.ladder.action_id == id; });
    if (stopping_ || waits || running_.contains(id)) return;
    if (const auto done = known_.find(id); done != known_.end()) {
      answer = done->second;
    } else if (std::string why = refusal(job); !why.empty()) {
      answer = end_of(job, LadderStep::accepted, {false, std::move(why)});
      count(setup_.kind, *answer, std::nullopt);
    } else {
      waiting_.push_back({std::move(job), steady_now()});
      if (idle_ < waiting_.size() && threads_.size() < std::size_t(setup_.limits.parallel))
        threads_.emplace_back([this] { run(); });
      wake_.notify_all();  // not one: who waits to tell waits here too
    }
  }
  if (answer) (void)ports_.tell(std::move(*answer));  // lost when full: the action ends by its deadline
}

void PoolExecutor::configure(ExecutorSetup setup) {
  const std::lock_guard lock(mutex_);
  setup_ = std::move(setup);
}

// REQUIRES: mutex_ held. Why a new job cannot be taken; empty = it can.
std::string PoolExecutor::refusal(const Job& job) const {
  if (!setup_.executor) return fmt::format("pool {} has no executor any more", job.pool);
  const std::string& worker = job.ladder.worker_id;
  const auto same = [&](const auto& one) { return one.second.worker_id == worker; };
  const bool runs = std::any_of(running_.begin(), running_.end(), same);
  const bool waits =
      std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.job.ladder.worker_id == worker; });
  if (runs || waits) return "an earlier restart of this worker still runs";
  const std::size_t slots = std::size_t(setup_.limits.parallel) + std::size_t(setup_.limits.queue);
  if (running_.size() + waiting_.size() >= slots)
    return fmt::format("the executor of pool {} is full: {} jobs run and {} wait", job.pool, running_.size(),
                       waiting_.size());
  return "";
}

void PoolExecutor::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    perform(lock, std::move(next));
  }
}

// Why a job is not performed now that it is its turn; empty = it is, and its host is filled in. Without the lock.
std::string PoolExecutor::too_late(const ExecutorSetup& setup, Waiting& next) const {
  const Ladder& ladder = next.job.ladder;
  if (!setup.executor) return fmt::format("pool {} has no executor any more", next.job.pool);
  if (steady_now() - next.since > setup.limits.max_wait)
    return fmt::format("not performed: it waited more than {} for its turn", format_duration(setup.limits.max_wait));
  const auto known = ports_.find(ladder.worker_id);
  if (!known) return "not performed: the worker is not known any more";
  const std::string& wanted = ladder.expected_incarnation;
  if (!wanted.empty() && !known->incarnation.empty() && known->incarnation != wanted)
    return fmt::format("not performed: incarnation {} is there by now", known->incarnation);
  next.job.host = known->host;
  return "";
}

// Null when the executor stops: then the job has not begun, and the next life of the monitor judges anew.
std::shared_ptr<Attempt> PoolExecutor::begin(const Executor& executor, const Job& job) {
  std::shared_ptr<Attempt> attempt = executor.prepare(job);
  const std::lock_guard lock(mutex_);
  if (stopping_) return nullptr;
  running_[job.ladder.action_id].attempt = attempt;
  return attempt;
}

ProgressInput PoolExecutor::run_to_end(const Job& job, Attempt& attempt) {
  const LadderStep step = is_stop(job.ladder.kind) ? LadderStep::term : LadderStep::start;
  tell(progress_of(job, LadderStep::accepted));
  tell(progress_of(job, step));
  Outcome outcome = attempt.run();
  return end_of(job, outcome.ok ? LadderStep::start : step, std::move(outcome));
}

// REQUIRES: `lock` held; again on return, not in between.
void PoolExecutor::perform(std::unique_lock<std::mutex>& lock, Waiting next) {
  const ExecutorSetup setup = setup_;
  const Job& job = next.job;
  const std::string id = job.ladder.action_id;
  running_[id].worker_id = job.ladder.worker_id;
  lock.unlock();
  const SteadyTime begun = steady_now();
  std::string why = too_late(setup, next);
  const bool refused = !why.empty();
  std::optional<ProgressInput> end;
  if (refused)
    end = end_of(job, LadderStep::accepted, {false, std::move(why)});
  else if (const auto attempt = begin(*setup.executor, job))
    end = run_to_end(job, *attempt);
  lock.lock();
  running_.erase(id);
  if (end) count(setup.kind, *end, refused ? std::nullopt : std::optional<Duration>(steady_now() - begun));
  if (end && !refused && !end->held_back) remember(id, *end);
  lock.unlock();
  if (end) tell(*end);
  lock.lock();
  ended_.notify_all();
}

// REQUIRES: mutex_ held. `took`: nullopt = it was not begun.
void PoolExecutor::count(const std::string& kind, const ProgressInput& end, std::optional<Duration> took) {
  JobCounts& counts = counts_[kind];
  ++(end.ok ? counts.succeeded : end.held_back ? counts.held_back : took ? counts.failed : counts.refused);
  if (took) counts.seconds.observe(to_seconds(*took));
}

std::map<std::string, JobCounts> PoolExecutor::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

// REQUIRES: mutex_ held.
void PoolExecutor::remember(const std::string& action_id, ProgressInput end) {
  known_[action_id] = std::move(end);
  order_.push_back(action_id);
  if (order_.size() <= kRemembered) return;
  known_.erase(order_.front());
  order_.pop_front();
}

// The engine must learn of it: tried again while the monitor runs.
void PoolExecutor::tell(const ProgressInput& progress) {
  while (!ports_.tell(progress)) {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, 100ms, [this] { return stopping_; })) return;
  }
}

void PoolExecutor::close() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  waiting_.clear();
  wake_.notify_all();
}

void PoolExecutor::stop(Duration grace) {
  close();
  std::vector<std::thread> threads;
  {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, grace, [this] { return running_.empty(); });
    for (const auto& [id, running] : running_)
      if (running.attempt) running.attempt->cancel();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace paramedic::restart
