#include "app/replay/tally.h"

#include <fmt/format.h>

namespace paramedic::replay {

namespace {

std::string alert_id(const std::string& key, WallTime started_at) {
  return fmt::format("a/{}@{}", key, in_millis(started_at).time_since_epoch().count());
}
std::string alert_id(const Alert& alert) { return alert_id(alert.key, alert.started_at); }
std::string incident_id(const Incident& incident) { return "i/" + incident.id; }
std::string restart_id(const std::string& action_id) { return "r/" + action_id; }

}  // namespace

Episode* Tally::find_or_make(const std::string& id, WallTime started_at) {
  if (const auto found = episodes_.find(id); found != episodes_.end()) return &found->second;
  started_at = in_millis(started_at);
  if (started_at < from_ || started_at >= to_ || inherited_.contains(id)) return nullptr;
  if (episodes_.size() >= kMaxEpisodes) {
    ++left_out_;  // each word about it counts; the number says that there are more, not how many
    return nullptr;
  }
  return &episodes_.try_emplace(id).first->second;
}

void Tally::take(const LedgerEntry& entry) {
  if (const auto* alert = std::get_if<Alert>(&entry.body)) take(*alert);
  if (const auto* incident = std::get_if<Incident>(&entry.body)) take(*incident);
  if (const auto* action = std::get_if<ActionRecord>(&entry.body)) take(*action);
}

void Tally::take(const Alert& alert) {
  Episode* e = find_or_make(alert_id(alert), alert.started_at);
  if (!e) return;
  e->kind = EpisodeKind::alert;
  e->key = alert.key;
  e->name = alert.rule.empty() ? std::string(to_string(alert.reason)) : alert.rule;
  e->reason = to_string(alert.reason);
  e->pool = alert.pool;
  e->worker_id = alert.worker_id;
  e->started_at = in_millis(alert.started_at);
  e->ended_at = in_millis(alert.ended_at);
}

void Tally::take(const Incident& incident) {
  Episode* e = find_or_make(incident_id(incident), incident.started_at);
  if (!e) return;
  e->kind = EpisodeKind::incident;
  e->key = incident.scope;
  e->name = to_string(incident.severity);
  e->pool = incident.pool;
  e->started_at = in_millis(incident.started_at);
  e->ended_at = in_millis(incident.ended_at);
}

void Tally::take(const ActionRecord& action) {
  if (action.actor == kRecordingActor) return;
  Episode* e = find_or_make(restart_id(action.action_id), action.requested_at);
  if (!e) return;
  e->kind = EpisodeKind::restart;
  e->key = action.action_id;
  e->name = to_string(action.kind);
  e->reason = action.by_operator ? "operator" : std::string(to_string(action.reason));
  e->pool = action.pool;
  e->worker_id = action.worker_id;
  e->started_at = in_millis(action.requested_at);
  e->ended_at = in_millis(action.ended_at);
  e->state = action.state;
  e->by_operator = action.by_operator;
}

void Tally::begin_run(const LedgerState& state, WallTime previous_end) {
  std::set<std::string> going_on;
  for (const Alert& alert : state.alerts) going_on.insert(alert_id(alert));
  for (const Incident& incident : state.incidents) going_on.insert(incident_id(incident));
  for (const ActionRecord& action : state.actions) going_on.insert(restart_id(action.action_id));
  for (auto& [id, episode] : episodes_)
    if (!episode.ended_at && !going_on.contains(id)) episode.ended_at = in_millis(previous_end);
  inherited_ = std::move(going_on);
}

void Tally::outcome_unknown(const std::string& action_id) {
  if (const auto found = episodes_.find(restart_id(action_id)); found != episodes_.end())
    found->second.outcome_known = false;
}

std::vector<const Episode*> Tally::episodes() const {
  std::vector<const Episode*> out;
  out.reserve(episodes_.size());
  for (const auto& [id, episode] : episodes_) out.push_back(&episode);
  return out;
}

}  // namespace paramedic::replay
