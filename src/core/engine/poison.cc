// Deaths and the tasks in flight at them: recorded, and told when one task was there too often.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "core/engine/engine_impl.h"

namespace paramedic {

namespace {

constexpr std::size_t kLivingLookedAt = 200;  // of a pool, at each death

std::string in_words(const PoisonDeath& death) {
  std::string out = fmt::format("{} ({}, the task had run {}", death.worker_id, death.how,
                                format_duration(std::chrono::ceil<std::chrono::seconds>(death.ran)));
  if (death.told_ago >= 1s)
    out += fmt::format(", as told {} before", format_duration(std::chrono::ceil<std::chrono::seconds>(death.told_ago)));
  return out + ")";
}

std::string evidence_of(const PoisonTask& task) {
  std::string out;
  const std::size_t named = std::min<std::size_t>(task.evidence.size(), 5);
  for (std::size_t i = task.evidence.size() - named; i < task.evidence.size(); ++i)
    out += (out.empty() ? "" : ", ") + in_words(task.evidence[i]);
  return out;
}

// A worker that is broken itself dies with whatever it always has in hand.
std::string one_worker(const PoisonTask& task) {
  const auto& all = task.evidence;
  const bool one = std::all_of(all.begin(), all.end(), [&](auto& d) { return d.worker_id == all.front().worker_id; });
  return one ? fmt::format("; all of these deaths are of {}, which may be at fault itself", all.front().worker_id) : "";
}

}  // namespace

AlertWish Engine::Impl::poison_wish(const PoisonTask& task, bool on) const {
  AlertWish wish;
  wish.key = task.key();
  wish.on = on;
  wish.reason = Reason::poison_task;
  wish.pool = task.pool;
  // It goes on killing whoever takes it: worth waking somebody.
  wish.severity = task.seen >= 2 * config.pool(task.pool).tasks.poison.deaths ? Severity::critical : Severity::warning;
  wish.title = fmt::format("Task {} was in flight at {} deaths in pool {}", task.name(), task.seen, task.pool);
  wish.message = fmt::format(
      "at {} of {} deaths: {}{}; {} of {} living workers had it in flight at those times. Nothing "
      "is done to it: take it out of its queue or repair what it does",
      task.seen, task.deaths, evidence_of(task), one_worker(task), task.living_with, task.living);
  wish.labels = {{"task_type", task.type}, {"args_digest", task.args_digest}};
  return wish;
}

void Engine::Impl::poison_changed() {
  poison_named = std::make_shared<const std::vector<PoisonTask>>(poison.named());
  poison_due = poison.next_expiry();
  dirty = true;
}

void Engine::Impl::restore_poison(const LedgerState& state, const Now& now) {
  for (const DeathRecord& r : state.deaths) {
    const PoisonLimits& limits = config.pool(r.pool).tasks.poison;
    const SteadyTime at = std::min(steady_at(r.at, now), now.steady);
    if (now.steady - at > limits.window) continue;
    poison.on_death(r, at, limits);
    if (const auto worker = fleet.find(r.worker_id)) slot(*worker).last_death = r.incarnation;
  }
  poison_changed();
  for (const PoisonTask& task : *poison_named) alerting.on_wish(poison_wish(task, true), now);
  for (const Alert& alert : state.alerts) {
    if (alert.reason != Reason::poison_task) continue;
    const bool goes_on = std::any_of(poison_named->begin(), poison_named->end(),
                                     [&](const PoisonTask& task) { return task.key() == alert.key; });
    if (!goes_on) alerting.on_wish({.key = alert.key, .on = false, .reason = Reason::poison_task}, now);
  }
}

void Engine::Impl::fill_tasks(DeathRecord& record, WorkerHandle worker, const Fleet::LastWord& word, SteadyTime at,
                              const Now& now) {
  std::map<std::pair<std::uint32_t, std::string_view>, DeathTask> tasks;
  const auto types = fleet.snapshot(worker, now).pool.durations;
  for (const InFlightFacts& f : word.in_flight) {
    if (f.args_digest.empty()) continue;
    DeathTask& task = tasks[{f.type, f.args_digest}];
    const Duration ran = std::max(at - f.started, Duration{0});
    if (!task.id.empty() && ran <= task.ran) continue;
    task = {f.id, f.type < types.size() ? types[f.type].type : "", f.args_digest, ran};
  }
  const auto members = fleet.workers_of_pool(record.pool);
  const std::size_t stride = members.size() / kLivingLookedAt + 1;
  for (std::size_t i = 0; i < members.size(); i += stride) {
    const WorkerFacts& other = fleet.facts(members[i]);
    if (members[i] == worker || other.dead() || is_inactive(other.state) || !other.in_flight_stamp.known(now.steady))
      continue;
    ++record.living;
    std::set<DeathTask*> his;
    for (const InFlightFacts& f : other.in_flight)
      if (const auto found = tasks.find({f.type, f.args_digest}); found != tasks.end()) his.insert(&found->second);
    for (DeathTask* task : his) ++task->living;
  }
  for (auto& [key, task] : tasks) record.tasks.push_back(std::move(task));
  std::stable_sort(record.tasks.begin(), record.tasks.end(),
                   [](const DeathTask& a, const DeathTask& b) { return a.ran > b.ran; });
  if (record.tasks.size() > DeathRecord::kMaxTasks) record.tasks.resize(DeathRecord::kMaxTasks);
}

std::optional<DeathRecord> Engine::Impl::death_record(const RecoveryDeath& death, const Now& now) {
  const auto worker = fleet.find(death.worker_id);
  if (!worker || death.incarnation.empty() || slot(*worker).last_death == death.incarnation) return std::nullopt;
  const auto word = fleet.last_word(*worker, death.incarnation);
  if (!word) return std::nullopt;  // it told no tasks
  slot(*worker).last_death = death.incarnation;
  const WorkerFacts& facts = fleet.facts(*worker);
  DeathRecord record{.worker_id = facts.worker_id, .pool = facts.pool, .host = facts.host};
  record.incarnation = death.incarnation;
  record.how = death.how;
  record.stopped = death.stopped;
  record.at = wall_at(death.at, now);
  record.told_ago = std::max(death.at - word->at, Duration{0});
  fill_tasks(record, *worker, *word, death.at, now);
  return record;
}

void Engine::Impl::judge_poison(const Now& now, Effects& out) {
  bool changed = false;
  for (const RecoveryDeath& death : recovery_out.deaths) {
    auto record = death_record(death, now);
    if (!record) continue;
    for (const PoisonTask& task : poison.on_death(*record, death.at, config.pool(record->pool).tasks.poison)) {
      recovery_out.alerts.push_back(poison_wish(task, true));
      recovery_out.notes.push_back({record->worker_id, TimelineKind::detected, task.words(), std::nullopt});
      changed = true;
    }
    PoolSlot& pool = pools[record->pool];
    if (now.steady - pool.deaths_since >= 1h) {
      pool.deaths_since = now.steady;
      pool.deaths_recorded = 0;
    }
    if (++pool.deaths_recorded <= kDeathsRecordedPerHour) out.ledger.push_back({now.wall, std::move(*record)});
  }
  if (poison_due && *poison_due <= now.steady)
    for (const PoisonTask& task : poison.expire(now.steady)) {
      recovery_out.alerts.push_back(poison_wish(task, false));
      changed = true;
    }
  if (changed) poison_changed();
}

}  // namespace paramedic
