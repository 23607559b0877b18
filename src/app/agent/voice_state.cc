#include "app/agent/voice_state.h"

#include <algorithm>
#include <utility>

namespace paramedic::agent {

VoiceState::Change VoiceState::apply(const VoiceEvent& event, const Now& now) {
  alive_at_ = now.wall;
  return std::visit([&](const auto& e) { return on(e, now); }, event);
}

VoiceState::Change VoiceState::on(const Beat& event, const Now&) {
  Change change;
  change.beat = event.promised;
  promised_ = promised_ || event.promised;
  return change;
}

VoiceState::Change VoiceState::on(const Ready&, const Now&) {
  Change change;
  change.urgent = !std::exchange(ready_, true);
  return change;
}

VoiceState::Change VoiceState::on(const TaskStarted& event, const Now& now) {
  spoke_of_tasks_ = true;
  Change change;
  change.tasks = true;
  if (running_.contains(event.id)) return change;  // told twice
  ++counts_of(event.type).started;
  count_taken(event.queue);
  if (running_.size() < kMaxInFlight) {
    Running running;
    running.task.id = event.id;
    running.task.type = event.type;
    running.task.started_at = now.wall;
    running.task.args_digest = event.args_digest;
    running.task.traceparent = event.traceparent;
    running.since = now.steady;
    running.queue = event.queue;
    running_.emplace(event.id, std::move(running));
  }
  return change;
}

VoiceState::Change VoiceState::on(const TaskEnded& event, const Now& now) {
  spoke_of_tasks_ = true;
  ++progress_;
  auto type = event.type;
  auto duration = event.duration_seconds;
  if (const auto it = running_.find(event.id); it != running_.end()) {
    if (type.empty()) type = it->second.task.type;
    if (!duration) duration = to_seconds(now.steady - it->second.since);
    running_.erase(it);
  } else {
    count_taken(event.queue);  // its start was not told: taken all the same
  }
  auto& counts = counts_of(type);
  switch (event.how) {
    case TaskEnded::How::finished:
      ++counts.completed;
      break;
    case TaskEnded::How::failed:
      ++counts.failed;
      break;
    case TaskEnded::How::retried:
      ++counts.retried;
      break;
    case TaskEnded::How::revoked:
      ++counts.revoked;
      break;
  }
  // A revoked or retried task did not run its course: its time would spoil the expectation.
  const bool ran = event.how == TaskEnded::How::finished || event.how == TaskEnded::How::failed;
  if (ran && duration) {
    if (!counts.durations) counts.durations.emplace();
    counts.durations->observe(*duration);
  }
  Change change;
  change.tasks = true;
  return change;
}

VoiceState::Change VoiceState::on(const TaskProgress&, const Now&) {
  ++progress_;  // counts as progress for a drain that waits
  Change change;
  change.tasks = true;
  return change;
}

VoiceState::Change VoiceState::on(const ModelNews& event, const Now& now) {
  Change change;
  auto it = std::find_if(models_.begin(), models_.end(),
                         [&](const KnownModel& known) { return known.part.name == event.model.name; });
  if (it == models_.end()) {
    if (models_.size() >= kMaxListItems) return change;
    it = models_.insert(models_.end(), KnownModel{});
    change.urgent = true;
  } else {
    change.urgent = it->part.state != event.model.state;
  }
  const auto known_load = it->part.load_seconds;
  if (event.model.state == ModelState::loading && (change.urgent || it->loading_since == SteadyTime{}))
    it->loading_since = now.steady;
  it->part = event.model;
  if (!it->part.load_seconds) {
    const bool just_loaded =
        event.model.state == ModelState::ready && change.urgent && it->loading_since != SteadyTime{};
    it->part.load_seconds = just_loaded ? std::optional(to_seconds(now.steady - it->loading_since)) : known_load;
  }
  return change;
}

VoiceState::Change VoiceState::on(const QueueNews& event, const Now&) {
  Change change;
  const auto& news = event.queue;
  auto it = std::find_if(queues_.begin(), queues_.end(), [&](const KnownQueue& known) {
    return known.part.name == news.name && known.part.broker == news.broker;
  });
  if (it == queues_.end()) {
    if (queues_.size() >= kMaxListItems) return change;
    it = queues_.insert(queues_.end(), KnownQueue{});
    it->part.broker = news.broker;
    it->part.name = news.name;
  }
  change.urgent = news.connected && it->part.connected != news.connected;
  const auto take = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  take(it->part.connected, news.connected);
  take(it->part.paused, news.paused);
  take(it->part.rtt_ms, news.rtt_ms);
  take(it->part.ready, news.ready);
  take(it->part.oldest_age_seconds, news.oldest_age_seconds);
  take(it->part.consumed, news.consumed);
  it->counts_itself = it->counts_itself || news.consumed;
  return change;
}

VoiceState::Change VoiceState::on(const MetricNews& event, const Now&) {
  for (const auto& [name, value] : event.values)
    if (metrics_.contains(name) || metrics_.size() < kMaxMetrics) metrics_[name] = value;
  return {};
}

VoiceState::Change VoiceState::on(const StopNotice& event, const Now&) {
  Change change;
  change.urgent = !stop_;
  stop_ = event;
  return change;
}

VoiceState::Change VoiceState::on(const StatusText& event, const Now&) {
  status_text_ = event.text;
  return {};
}

TaskPart& VoiceState::counts_of(const std::string& type) {
  std::string name = type.empty() ? "unknown" : type;
  if (!tasks_.contains(name) && tasks_.size() >= kMaxTaskTypesPerWorker - 1) name = kOtherType;
  auto& part = tasks_[name];
  part.type = name;
  return part;
}

VoiceState::KnownQueue* VoiceState::queue_of(const std::string& name) {
  if (name.empty()) return queues_.size() == 1 ? &queues_.front() : nullptr;
  const auto it =
      std::find_if(queues_.begin(), queues_.end(), [&](const KnownQueue& known) { return known.part.name == name; });
  return it == queues_.end() ? nullptr : &*it;
}

void VoiceState::count_taken(const std::string& queue) {
  if (auto* known = queue_of(queue)) ++known->taken;
}

void VoiceState::lose_in_flight() {
  for (const auto& [id, running] : running_) ++counts_of(running.task.type).lost;
}

std::optional<int> VoiceState::in_flight() const {
  return spoke_of_tasks_ ? std::optional(static_cast<int>(running_.size())) : std::nullopt;
}

void VoiceState::fill(Report& out) const {
  if (alive_at_) out.alive_at = alive_at_;
  Capabilities can = out.capabilities.value_or(Capabilities{});
  can.voice = promised_;
  can.tasks = spoke_of_tasks_;
  can.queues = !queues_.empty();
  can.models = !models_.empty();
  out.capabilities = can;
  if (stop_) out.stop = stop_;
  if (spoke_of_tasks_) fill_tasks(out);
  if (!queues_.empty()) fill_queues(out);
  if (!models_.empty()) {
    out.models.emplace();
    for (const auto& model : models_) out.models->push_back(model.part);
  }
  out.metrics.insert(out.metrics.end(), metrics_.begin(), metrics_.end());
}

void VoiceState::fill_tasks(Report& out) const {
  out.tasks.emplace();
  for (const auto& [type, part] : tasks_) out.tasks->push_back(part);
  out.in_flight.emplace();
  for (const auto& [id, running] : running_) out.in_flight->push_back(running.task);
}

void VoiceState::fill_queues(Report& out) const {
  out.queues.emplace();
  for (const auto& known : queues_) {
    out.queues->push_back(known.part);
    // Counts from task events mean something only once tasks were spoken of.
    if (!known.counts_itself && spoke_of_tasks_) out.queues->back().consumed = known.taken;
  }
}

}  // namespace paramedic::agent
