// Rounds: snapshot → findings → verdict, and who is told of the result.
#include <algorithm>

#include "base/ids.h"
#include "core/engine/engine_impl.h"

namespace paramedic {

namespace {
int rank(Status status) {
  return status == Status::unknown ? 3 : static_cast<int>(status);
}  // critical 1 < warning 2 < others 3

// Its voice is late, silent or worse: what it told of itself is old.
bool is_quiet(const Verdict& verdict) {
  return std::any_of(verdict.findings.begin(), verdict.findings.end(),
                     [](const Finding& f) { return f.check == "heartbeat" && badness(f.status) > 0; });
}
}  // namespace

Engine::Impl::Slot& Engine::Impl::slot(WorkerHandle worker) {
  if (worker >= slots.size()) slots.resize(worker + 1);
  return slots[worker];
}

void Engine::Impl::changed(WorkerHandle worker, bool at_once) {
  Slot& s = slot(worker);
  dirty = true;
  if (at_once && !s.urgent) {
    s.urgent = true;
    urgent_workers.push_back(worker);
  }
  if (s.dirty) return;
  s.dirty = true;
  dirty_workers.push_back(worker);
}

void Engine::Impl::touch(WorkerHandle worker) {
  Slot& s = slot(worker);
  if (s.touched) return;
  s.touched = true;
  touched.push_back(worker);
}

SteadyTime Engine::Impl::next_phase(const std::string& worker_id, SteadyTime now) const {
  const Duration phase = hash_jitter(stable_hash(worker_id), config.interval);
  const Duration since = (now.time_since_epoch() - phase) % config.interval;
  return now + (config.interval - since);
}

void Engine::Impl::schedule(WorkerHandle worker, SteadyTime at) {
  Slot& s = slot(worker);
  if (s.deadline == at) return;
  s.deadline = at;
  deadlines.push({at, worker});
}

std::optional<SteadyTime> Engine::Impl::next_worker_deadline() {
  while (!deadlines.empty()) {
    const Deadline& top = deadlines.top();
    if (top.worker < slots.size() && slots[top.worker].deadline == top.at) return top.at;
    deadlines.pop();  // replaced by a newer one
  }
  return std::nullopt;
}

void Engine::Impl::rounds(const Now& now, Effects& out) {
  for (auto due = next_worker_deadline(); due && *due <= now.steady; due = next_worker_deadline()) {
    const WorkerHandle worker = deadlines.top().worker;
    deadlines.pop();
    slots[worker].deadline.reset();
    touch(worker);
  }
  for (std::size_t i = 0; i < touched.size(); ++i) {
    const WorkerHandle worker = touched[i];
    slots[worker].touched = false;
    if (fleet.contains(worker)) round(worker, now, out);
  }
  touched.clear();
}

void Engine::Impl::round(WorkerHandle worker, const Now& now, Effects& out) {
  Slot& s = slot(worker);
  const Snapshot snapshot = fleet.snapshot(worker, now);
  const WorkerFacts& facts = snapshot.worker;
  const PoolSettings& settings = config.pool(facts.pool);
  if (!s.used) {
    s.used = true;
    s.id = facts.worker_id;
    s.next_history = now.steady;
    membership_changed = true;
  }
  run_checks(settings.checks, snapshot, raw, checks_failed);
  ++rounds_run;

  // A monitor that lags or is cut off condemns nobody: the judgement is made on a copy and thrown away when it is
  // worse. A death that was seen is no matter of age and counts all the same.
  const bool may_condemn = now.steady >= condemn_at() || facts.dead();
  VerdictState before;
  if (!may_condemn) before = s.memory;
  Judgement judgement = judge(s.memory, std::move(raw), facts.period, now, settings.weights);
  if (!may_condemn && rank(judgement.verdict.status) < rank(judgement.previous)) {
    s.memory = std::move(before);
    schedule(worker, condemn_at());
    return;
  }
  s.verdict = std::make_shared<const Verdict>(std::move(judgement.verdict));
  s.last_check = now.wall;
  fleet.record_status(worker, s.verdict->status);
  fleet.record_quiet(worker, is_quiet(*s.verdict), now);
  if (judgement.status_changed) note_transition(worker, judgement.previous, now, out);
  add_history(worker, judgement.status_changed, now, out);
  tell_recovery(worker, now, false);
  tell_alerting(worker, now);
  tell_rules(worker, now);
  changed(worker, judgement.status_changed);
  const auto pool = pools.find(facts.pool);
  (pool == pools.end() ? pools[facts.pool] : pool->second).touched = true;

  SteadyTime next = is_inactive(facts.state) ? now.steady + 1h : next_phase(facts.worker_id, now.steady);
  if (const auto timed = next_deadline(settings.checks, snapshot)) next = std::min(next, *timed);
  if (const auto own = fleet.next_check_at(worker, now.steady)) next = std::min(next, *own);
  schedule(worker, std::max(next, now.steady + 1ms));
}

void Engine::Impl::note_transition(WorkerHandle worker, Status from, const Now& now, Effects& out) {
  const Slot& s = slots[worker];
  const WorkerFacts& facts = fleet.facts(worker);
  out.publish_now = true;
  pools[facts.pool].judged_at = SteadyTime{};  // judge its pool in this very step
  if (from == s.verdict->status) return;       // the first judgement: nothing changed for anybody
  ++transitions;
  FleetEvent event{.at = now.wall, .kind = "transition", .worker_id = facts.worker_id, .pool = facts.pool};
  event.from = to_string(from);
  event.to = to_string(s.verdict->status);
  for (const Finding& finding : s.verdict->findings) {
    if (badness(finding.status) == 0) continue;
    event.text += (event.text.empty() ? "" : "; ") + finding.message();
  }
  add_event(std::move(event));
}

void Engine::Impl::add_history(WorkerHandle worker, bool transition, const Now& now, Effects& out) {
  Slot& s = slots[worker];
  const WorkerFacts& facts = fleet.facts(worker);
  const Duration resolution = config.pool(facts.pool).resolution.value_or(config.resolution);
  // A report may come a little before the full step: 10 % early is in time, else every other report would be skipped.
  const bool due = now.steady + resolution / 10 >= s.next_history;
  if (!due && !transition) return;
  if (is_inactive(facts.state) && !transition) return;
  if (due) {
    s.next_history += resolution;
    if (s.next_history <= now.steady) s.next_history = now.steady + resolution;
  }
  HistoryRow row{.worker_id = s.id, .at = now.wall, .status = s.verdict->status, .score = s.verdict->score};
  row.metrics = fleet.metrics(worker, now);
  row.tasks = fleet.take_task_increases(worker);
  row.transition = transition;
  // Rows of transitions come in between: a series of even steps is what the analysis learns best from.
  if (due && !is_inactive(facts.state)) analyse(worker, row, now, out);
  out.history.push_back(std::move(row));
}

RecoveryWorkerFacts Engine::Impl::recovery_facts(WorkerHandle worker, const Now& now) {
  const Snapshot snapshot = fleet.snapshot(worker, now);
  const WorkerFacts& f = snapshot.worker;
  RecoveryWorkerFacts out;
  out.id = f.worker_id;
  out.pool = f.pool;
  out.host = f.host;
  out.version = f.version;
  out.source = f.source;
  out.incarnation = f.incarnation;
  out.id_scope = fleet.id_scope(worker);
  out.started_at = f.process.started_at;
  out.by_agent = snapshot.pool.source.kind == SourceKind::agent;
  out.can_restart = fleet.source_can_restart(worker);
  if (!out.by_agent && !out.can_restart && config.pool(f.pool).has_executor) {
    out.can_restart = true;
    out.source = executor_source(f.pool);  // ladders go there, and the record of the action names it
  }
  out.source_connected = snapshot.pool.source.state == SourceState::connected;
  if (out.by_agent) out.news_until = fleet.source_news_until(worker);
  out.state = f.state;
  out.announced_stop = f.stop.has_value() || f.state == WorkerState::draining || f.state == WorkerState::stopping ||
                       f.state == WorkerState::stopped;
  out.status = slots[worker].verdict->status;
  out.wish = strongest_wish(slots[worker].verdict->findings);
  out.dead = f.dead();
  out.exit = f.process.exit;
  if (f.dead()) out.died_at = f.process.exited_at;
  out.heard = f.last_report.has_value();
  out.has_model = !f.models.empty() || f.capabilities.models;
  if (f.takes_known) out.took_task = f.last_take && *f.last_take >= f.first_heard;
  if (!f.queues.empty() && snapshot.known(f.in_flight_stamp)) {
    bool work = !f.in_flight.empty();
    for (const QueueFacts& queue : f.queues) work = work || snapshot.pool.queues[queue.queue].has_work(now.steady);
    out.idle_with_empty_queue = !work;
  }
  for (const ModelFacts& model : f.models)
    if (model.smoke_ok) out.smoke_ok = out.smoke_ok.value_or(true) && *model.smoke_ok;
  out.tasks_known = f.in_flight_stamp.at.has_value();
  out.acknowledge = config.pool(f.pool).tasks.acknowledge;
  for (const InFlightFacts& task : f.in_flight) {
    const bool typed = task.type < snapshot.pool.durations.size();
    InFlightTask named{task.id, typed ? snapshot.pool.durations[task.type].type : ""};
    out.usual_seconds.push_back(typed && snapshot.pool.durations[task.type].learned()
                                    ? std::optional(snapshot.pool.durations[task.type].p99_seconds)
                                    : std::nullopt);
    named.started_at = wall_at(task.started, now);
    named.args_digest = task.args_digest;
    out.in_flight.push_back(std::move(named));
  }
  out.idle = snapshot.known(f.in_flight_stamp) && f.in_flight.empty();
  out.recycle.began = f.first_heard;
  // Met while it already ran (the monitor started later): by its own clock, which may be wrong, but only once per life.
  if (f.incarnations <= 1 && f.process.started_at && *f.process.started_at < now.wall)
    out.recycle.began = std::min(f.first_heard, now.steady - (now.wall - *f.process.started_at));
  if (slots[worker].analysis)
    for (const Forecast& forecast : slots[worker].analysis->forecasts)
      if (forecast.worth_acting() && forecast_kind_of(forecast.metric) == ForecastKind::memory)
        out.recycle.leak = {steady_at(forecast.earliest, now), forecast.probability, forecast.words()};
  if (config.pool(f.pool).recovery.recycle_tasks > 0 && snapshot.known(f.tasks.stamp)) {
    out.recycle.tasks = 0;
    for (const TaskTypeFacts& type : f.tasks.types) *out.recycle.tasks += type.reported.finished();
  }
  return out;
}

namespace {
// Of everything recovery decides by; the tasks in flight are only named in answers, which ask anew.
std::uint64_t fingerprint(const RecoveryWorkerFacts& f, const RecoveryPolicy& policy) {
  std::uint64_t h = stable_hash(f.incarnation, stable_hash(f.version, stable_hash(f.source)));
  const auto mix = [&](std::uint64_t v) { h = hash_mix(h, v); };
  mix(std::uint64_t(f.state));
  mix(std::uint64_t(f.status) * 8 + std::uint64_t(f.wish.kind));
  mix(std::uint64_t(f.wish.reason));
  mix(f.can_restart + 2u * f.source_connected + 4u * f.announced_stop + 8u * f.dead + 16u * f.heard +
      32u * f.has_model);
  mix(f.took_task ? 1u + *f.took_task : 0u);
  mix(f.idle_with_empty_queue ? 1u + *f.idle_with_empty_queue : 0u);
  mix(f.smoke_ok ? 1u + *f.smoke_ok : 0u);
  if (policy.recycle_age > 0s || policy.recycle_tasks > 0 || f.recycle.leak) {
    mix(f.idle);
    mix(f.recycle.leak ? std::uint64_t(to_seconds(f.recycle.leak->full_at.time_since_epoch()) / 60) : 0u);
    mix(policy.recycle_tasks > 0 && f.recycle.tasks.value_or(0) >= std::uint64_t(policy.recycle_tasks));
  }
  return h | 1;
}
}  // namespace

void Engine::Impl::tell_recovery(WorkerHandle worker, const Now& now, bool always) {
  const RecoveryWorkerFacts facts = recovery_facts(worker, now);
  const std::uint64_t print = fingerprint(facts, config.pool(facts.pool).recovery);
  Slot& s = slot(worker);
  // Of one that shall be stopped recovery wants to know how old the news is.
  if (!always && print == s.recovery_print && !is_stop(facts.wish.kind)) return;
  s.recovery_print = print;
  recovery.update_worker(facts, now, recovery_out);
}

void Engine::Impl::tell_alerting(WorkerHandle worker, const Now& now) {
  Slot& s = slots[worker];
  const Snapshot snapshot = fleet.snapshot(worker, now);
  const WorkerFacts& f = snapshot.worker;
  bool bad = false, unsettled = false;
  for (const Finding& finding : s.verdict->findings) {
    bad = bad || badness(finding.status) > 0 || finding.status == FindingStatus::error;
    unsettled = unsettled || finding.status == FindingStatus::unknown;
  }
  const bool muted = !recovery.maintenance_of(f.worker_id, f.pool).empty();
  if (!bad && !s.announced_bad && !s.ruled && muted == s.muted) return;  // nothing to say, nothing said before
  // What is not known resolves nothing: alerting still holds the alert and must hear when the finding is well again.
  s.announced_bad = bad || (s.announced_bad && unsettled);
  s.muted = muted;
  AlertingWorkerFacts facts{f.worker_id, f.pool, f.host, f.source};
  for (const QueueFacts& queue : f.queues) facts.brokers.push_back(snapshot.pool.queues[queue.queue].broker);
  facts.labels = f.labels;
  facts.polled_source = snapshot.pool.source.kind != SourceKind::agent;
  facts.muted = muted;
  facts.state = f.state;
  facts.findings = s.verdict->findings;
  alerting.update_worker(facts, now);
}

}  // namespace paramedic
