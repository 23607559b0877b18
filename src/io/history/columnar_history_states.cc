// The part of ColumnarHistory that keeps what the analysis has learned: one state per name, replaced whole. Writer
// thread only.
#include <fmt/format.h>

#include "base/checksum.h"
#include "io/history/columnar_history.h"

namespace paramedic::history {

namespace {

// What a WallTime can hold, Unix ms; an instant beyond it is damage.
constexpr std::int64_t kLatest = 9'200'000'000'000;

// Of one transaction: at a stop all states come at once, and rows of a second must not wait for a hundred megabytes.
constexpr std::size_t kBytesPerCommit = 8 << 20;

}  // namespace

Result<void> ColumnarHistory::load_states() {
  return store_->states([&](std::string_view name, std::int64_t at, std::string_view) {
    if (stored_states_.size() < kMaxSavedStates) stored_states_[std::string(name)] = at;
  });
}

void ColumnarHistory::append_states(std::vector<SavedState> states) {
  for (SavedState& state : states) {
    const bool known = new_states_.contains(state.name) || stored_states_.contains(state.name);
    const bool fits = state.bytes.size() <= kMaxSavedState && !state.name.empty() &&
                      state.name.size() <= kMaxSavedStateName &&
                      (known || new_states_.size() + stored_states_.size() < kMaxSavedStates);
    if (!fits) {
      ++states_refused_;
      continue;
    }
    SavedState& to = new_states_[state.name];
    if (to.name.empty() || to.as_of <= state.as_of) to = std::move(state);
  }
}

Result<void> ColumnarHistory::read_states(const EachState& each) {
  return store_->states([&](std::string_view name, std::int64_t at, std::string_view bytes) {
    if (at >= -kLatest && at <= kLatest && take_checksum(bytes))
      each(name, from_millis(at), bytes);
    else
      ++damaged_;
  });
}

Result<void> ColumnarHistory::write_states() {
  while (!new_states_.empty()) {
    if (auto room = store_->room(); !room) return room;
    Writing transaction(*store_);
    if (!transaction.begun()) return transaction.begun();
    std::vector<std::string> written;
    std::size_t bytes = 0;
    for (const auto& [name, state] : new_states_) {
      if (bytes >= kBytesPerCommit || store_->full()) break;
      std::string data = state.bytes;
      put_checksum(data);
      if (auto done = store_->put_state(name, to_millis(state.as_of), data); !done) return done;
      bytes += data.size();
      written.push_back(name);
    }
    if (auto done = transaction.commit(); !done) return done;
    for (const std::string& name : written) {
      stored_states_[name] = to_millis(new_states_[name].as_of);
      new_states_.erase(name);
    }
    states_ += written.size();
  }
  return {};
}

// What is older than every raw row speaks of nothing that is still known. One that lies in the future was written under
// a wrong clock: it is replaced by the next one of its name, or goes when the clock has passed it.
Result<void> ColumnarHistory::expire_states(WallTime now) {
  const std::int64_t from = to_millis(now - options_.retention);
  std::vector<std::string> old;
  for (const auto& [name, at] : stored_states_)
    if (at < from && old.size() < options_.retain_batch) old.push_back(name);
  if (old.empty()) return {};
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun();
  for (const std::string& name : old)
    if (auto done = store_->erase_state(name); !done) return done;
  if (auto done = transaction.commit(); !done) return done;
  for (const std::string& name : old) stored_states_.erase(name);
  return {};
}

}  // namespace paramedic::history
