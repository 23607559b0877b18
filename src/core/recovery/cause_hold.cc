#include "core/recovery/cause_hold.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace {
bool names(const RecoveryCause& cause, std::string_view worker) {
  return std::binary_search(cause.workers.begin(), cause.workers.end(), worker, std::less<>());
}
}  // namespace

std::set<std::string> CauseHolds::update(std::vector<RecoveryCause> causes, SteadyTime now) {
  std::set<std::string> touched, told;
  for (RecoveryCause& cause : causes) {
    told.insert(cause.key);
    Entry& e = entries_[cause.key];
    touched.insert(e.cause.workers.begin(), e.cause.workers.end());
    touched.insert(cause.workers.begin(), cause.workers.end());
    std::sort(cause.workers.begin(), cause.workers.end());
    if (!e.on) {
      e.on = true;
      e.grave = e.failed = false;
    }
    if (!e.grave && cause.grave >= kMinGrave) {
      e.grave = true;
      e.since = now;
    }
    if (e.tolerated && cause.grave > *e.tolerated) {  // it spreads in spite of the cure
      e.tolerated.reset();
      e.since = now;
    }
    e.cause = std::move(cause);
  }
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& e = it->second;
    if (e.on && !told.contains(it->first)) {
      touched.insert(e.cause.workers.begin(), e.cause.workers.end());
      e.cause.workers.clear();
      e.on = false;
      e.tolerated.reset();
      e.running.clear();
    }
    const bool over = !e.on && e.canary.empty() && (!e.next_canary || now >= *e.next_canary);
    it = over ? entries_.erase(it) : std::next(it);
  }
  return touched;
}

SteadyTime CauseHolds::due(const Entry& e, const RecoveryPolicy& policy) {
  const SteadyTime first = e.since + policy.freeze_canary_after;
  return e.next_canary ? std::max(first, *e.next_canary) : first;
}

std::optional<CauseHolds::Held> CauseHolds::of(std::string_view worker, const RecoveryPolicy& policy,
                                               SteadyTime now) const {
  for (const auto& [key, e] : entries_) {
    if (!holds(e) || !names(e.cause, worker)) continue;
    const std::string why = "one cause is likely: " + e.cause.text;
    if (!e.canary.empty()) return Held{why + "; a canary restart is on its way", std::nullopt};
    const SteadyTime at = due(e, policy);
    if (now < at) return Held{why + (e.failed ? "; a canary restart did not help" : ""), at};
  }
  return std::nullopt;
}

std::vector<std::string> CauseHolds::stop_began(const std::string& worker, const std::string& action_id,
                                                const RecoveryPolicy& policy, SteadyTime now) {
  std::vector<std::string> canary_of;
  for (auto& [key, e] : entries_) {
    if (!names(e.cause, worker)) continue;
    if (e.tolerated) e.running.insert(action_id);
    if (!holds(e)) continue;
    e.canary = action_id;
    e.next_canary = now + policy.freeze_canary_every;
    canary_of.push_back(key);
  }
  return canary_of;
}

void CauseHolds::restore_canary(const std::string& key, const std::string& action_id, SteadyTime began, bool running,
                                const RecoveryPolicy& policy) {
  Entry& e = entries_[key];
  const SteadyTime next = began + policy.freeze_canary_every;
  if (e.next_canary && next < *e.next_canary) return;
  e.next_canary = next;
  e.canary = running ? action_id : std::string();
}

void CauseHolds::canary_ended(Entry& e, StopOutcome outcome) {
  e.canary.clear();
  if (outcome == StopOutcome::nothing) e.next_canary.reset();
  if (!e.on) return;
  e.failed = outcome == StopOutcome::failed;
  if (outcome == StopOutcome::cured) e.tolerated = e.cause.grave;
}

std::set<std::string> CauseHolds::stop_ended(const std::string& action_id, StopOutcome outcome) {
  std::set<std::string> touched;
  for (auto& [key, e] : entries_) {
    if (e.running.erase(action_id) > 0 && outcome == StopOutcome::failed && e.tolerated) {
      e.tolerated.reset();
      e.failed = true;
    } else if (e.canary.empty() || e.canary != action_id) {
      continue;
    } else {
      canary_ended(e, outcome);
    }
    touched.insert(e.cause.workers.begin(), e.cause.workers.end());
  }
  return touched;
}

}  // namespace paramedic
