// What ill workers have in common, asked when somebody turned ill or well.
#include <algorithm>

#include <fmt/format.h>

#include "core/engine/engine_impl.h"

namespace paramedic {

namespace {

void add_trait(CauseSubject& subject, std::string_view label, std::string_view value) {
  if (value.empty()) return;
  const bool known = std::any_of(subject.traits.begin(), subject.traits.end(),
                                 [&](const CauseTrait& t) { return t.label == label && t.value == value; });
  if (!known) subject.traits.push_back({label, value});
}

}  // namespace

void Engine::Impl::restore_causes(const LedgerState& state) {
  for (const Alert& alert : state.alerts)
    if (alert.reason == Reason::shared_cause && alert.state == AlertState::firing && alert.labels.size() == 1)
      causes.restore(alert.labels.front().first, alert.labels.front().second);
}

std::vector<CauseSubject> Engine::Impl::cause_subjects(const std::vector<IllWorker>& ill) const {
  std::vector<CauseSubject> out;
  const auto handles = fleet.workers();
  out.reserve(handles.size());
  for (const WorkerHandle worker : handles) {
    const WorkerFacts& f = fleet.facts(worker);
    const auto found = std::lower_bound(ill.begin(), ill.end(), f.worker_id,
                                        [](const IllWorker& a, const std::string& id) { return a.id < id; });
    const bool sick = found != ill.end() && found->id == f.worker_id;
    if (is_inactive(f.state) && !sick) continue;
    CauseSubject& s = out.emplace_back();
    s.id = f.worker_id;
    s.ill = sick;
    if (sick) s.ill_since = found->since;
    add_trait(s, "host", f.host);
    add_trait(s, "pool", f.pool);
    add_trait(s, "version", f.version);
    if (!f.source.starts_with("agent/")) add_trait(s, "source", f.source);  // an agent is its host
    for (const QueueFacts& queue : f.queues) {
      const QueueContext& context = fleet.queue(queue.queue);
      add_trait(s, "broker", context.broker);
      add_trait(s, "queue", context.name);
    }
    for (const GpuFacts& gpu : f.resources.gpus) add_trait(s, "gpu", gpu.id);
    for (const auto& [label, value] : f.labels) add_trait(s, label, value);
  }
  return out;
}

void Engine::Impl::plan_causes(const Now& now) {
  if (!causes_due && alerting.conditions_changed() != causes_asked) causes_due = now.steady + kCausePause;
}

void Engine::Impl::judge_causes(const Now& now) {
  plan_causes(now);
  if (!causes_due || now.steady < *causes_due) return;
  causes_due.reset();
  causes_asked = alerting.conditions_changed();
  const std::vector<IllWorker> ill = alerting.ill_workers();
  if (int(ill.size()) < SharedCauseFinder::kMinIll && !causes.any()) return;
  const std::vector<CauseSubject> subjects = cause_subjects(ill);
  std::vector<CauseFacts> told;
  std::vector<RecoveryCause> holding;
  for (SharedCause& c : causes.update(subjects, now)) {
    if (may_hold_stops(c, subjects))
      holding.push_back({c.key(),
                         fmt::format("{} of {} workers that share {} {} are ill, elsewhere {} of {}", c.ill, c.all,
                                     c.label, c.value, c.ill_without, c.others),
                         c.workers});
    told.push_back(
        {std::move(c.label), std::move(c.value), c.ill, c.all, c.ill_without, c.others, std::move(c.workers), c.since});
  }
  alerting.update_causes(told, now);
  recovery.update_causes(std::move(holding), now);
  causes_asked = alerting.conditions_changed();  // its own alerts are no news
}

}  // namespace paramedic
