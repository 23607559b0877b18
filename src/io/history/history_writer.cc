#include "io/history/history_writer.h"

#include <algorithm>

namespace paramedic {

HistoryWriter::HistoryWriter(History& history, const Clock& clock, Logger& log, HistoryWriterOptions options)
    : history_(history), clock_(clock), log_(log), options_(options), thread_([this] { run(); }) {}

HistoryWriter::~HistoryWriter() { stop(); }

void HistoryWriter::push(std::vector<HistoryRow> rows) {
  const std::lock_guard lock(mutex_);
  stats_.pushed += rows.size();
  for (auto& row : rows) queue_.push_back(std::move(row));
  while (queue_.size() > options_.max_queued) {
    queue_.pop_front();
    ++stats_.dropped;
  }
}

// Bounded by what the engine has: it gives each of its states at most once between two flushes.
void HistoryWriter::push_states(std::vector<SavedState> states) {
  const std::lock_guard lock(mutex_);
  for (auto& state : states) states_.push_back(std::move(state));
  if (states_.size() > kMaxSavedStates) states_.erase(states_.begin(), states_.end() - std::ptrdiff_t(kMaxSavedStates));
}

Result<void> HistoryWriter::sync() {
  std::unique_lock lock(mutex_);
  if (stopping_) return make_error(Errc::unavailable, "history writer has stopped");
  const std::uint64_t ticket = ++sync_wanted_;
  wake_.notify_one();
  written_.wait(lock, [&] { return sync_done_ >= ticket; });
  if (sync_error_) return *sync_error_;
  return {};
}

void HistoryWriter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

HistoryWriterStats HistoryWriter::stats() const {
  const std::lock_guard lock(mutex_);
  HistoryWriterStats out = stats_;
  out.queued = queue_.size();
  return out;
}

void HistoryWriter::run() {
  SteadyTime next_retain = clock_.now().steady + options_.retain_every;
  for (bool last = false; !last;) {
    std::uint64_t ticket = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, options_.flush_every, [&] { return stopping_ || sync_wanted_ > sync_done_; });
      last = stopping_;
      ticket = sync_wanted_;
    }
    const auto result = write_batch();
    note(result);
    {
      const std::lock_guard lock(mutex_);
      sync_error_ = result ? std::nullopt : std::optional<Error>(result.error());
      sync_done_ = std::max(sync_done_, last ? sync_wanted_ : ticket);
    }
    written_.notify_all();
    if (!last && clock_.now().steady >= next_retain) {
      // A backlog of old rows goes batch by batch, with a flush between two.
      const bool more = retain();
      next_retain = clock_.now().steady + (more ? options_.flush_every : options_.retain_every);
    }
  }
}

Result<void> HistoryWriter::write_batch() {
  std::vector<HistoryRow> rows;
  std::vector<SavedState> states;
  {
    const std::lock_guard lock(mutex_);
    states.swap(states_);
    rows.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
    queue_.clear();
  }
  const auto began = clock_.now().steady;
  history_.append(std::move(rows));
  history_.append_states(std::move(states));
  auto result = history_.flush();
  const std::lock_guard lock(mutex_);
  stats_.last_flush_seconds = to_seconds(clock_.now().steady - began);
  return result;
}

// One line per transition, not per second.
void HistoryWriter::note(const Result<void>& result) {
  bool was = false;
  {
    const std::lock_guard lock(mutex_);
    was = std::exchange(stats_.degraded, !result);
    stats_.problem = result ? "" : result.error().message;
  }
  if (!result && !was) log_.error("history_degraded", {{"reason", result.error().message}});
  if (result && was) log_.info("history_recovered", {{"dropped_rows", (unsigned long)history_.stats().dropped}});
}

bool HistoryWriter::retain() {
  const auto result = history_.retain(clock_.now());
  if (!result) {
    log_.warning("history_retention_failed", {{"reason", result.error().message}});
    return false;
  }
  return result->more;
}

}  // namespace paramedic
