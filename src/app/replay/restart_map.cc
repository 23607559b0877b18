#include "app/replay/restart_map.h"

#include "app/replay/tally.h"

namespace paramedic::replay {

void RestartMap::begin_run(const LedgerState& state) {
  *this = RestartMap();
  for (const ActionRecord& action : state.actions)
    if (!is_final(action.state)) open_[action.action_id] = {.worker_id = action.worker_id, .heard = true};
}

void RestartMap::take(const Effects& effects) {
  for (const LedgerEntry& entry : effects.ledger) {
    const auto* action = std::get_if<ActionRecord>(&entry.body);
    if (!action || action->state == ActionState::waiting_approval) continue;
    const auto known = open_.find(action->action_id);
    if (!is_final(action->state)) {
      if (known != open_.end()) continue;
      // A start by an agent comes with its outcome.
      const bool told = action->state != ActionState::sent;
      open_[action->action_id] = {action->worker_id, told, action->actor == kRecordingActor};
      if (!told) waiting_[action->worker_id] = action->action_id;
      continue;
    }
    if (known == open_.end()) continue;
    // An order that gave way before anything could be done is no open question.
    const bool withdrawn = action->state == ActionState::abandoned;
    if (!known->second.heard && !known->second.by_recording && !withdrawn) unheard_.push_back(action->action_id);
    if (const auto waits = waiting_.find(action->worker_id); waits != waiting_.end() && waits->second == known->first)
      waiting_.erase(waits);
    std::erase_if(own_id_, [&](const auto& pair) { return pair.second == known->first; });
    open_.erase(known);
  }
}

const std::string* RestartMap::waiting_order(const std::string& worker_id) const {
  const auto found = waiting_.find(worker_id);
  return found == waiting_.end() ? nullptr : &found->second;
}

bool RestartMap::wants_order(const ProgressInput& progress) const {
  return !progress.done && !open_.contains(progress.action_id) && !own_id_.contains(progress.action_id) &&
         !waiting_order(progress.worker_id);
}

bool RestartMap::translate(ProgressInput& progress) {
  std::string own;
  if (open_.contains(progress.action_id)) {
    own = progress.action_id;
  } else if (const auto known = own_id_.find(progress.action_id); known != own_id_.end()) {
    own = known->second;
  } else if (const std::string* waits = waiting_order(progress.worker_id)) {
    own = *waits;
    own_id_[progress.action_id] = own;
  } else {
    return false;
  }
  open_[own].heard = true;
  waiting_.erase(progress.worker_id);
  progress.action_id = std::move(own);
  return true;
}

std::vector<std::string> RestartMap::take_unheard() { return std::exchange(unheard_, {}); }

std::vector<std::string> RestartMap::open_unheard() const {
  std::vector<std::string> out;
  for (const auto& [id, order] : open_)
    if (!order.heard && !order.by_recording) out.push_back(id);
  return out;
}

}  // namespace paramedic::replay
