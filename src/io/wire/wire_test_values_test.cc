#include "io/wire/wire_test_values.h"

namespace paramedic::wire::testing {

namespace {

ProcessPart some_process() {
  ProcessPart p;
  p.pid = maybe(*rc::gen::inRange(1, 1 << 22));
  p.started_at = maybe(some_time());
  p.state = *rc::gen::elementOf(std::string("RSDTZX"));
  p.threads = maybe(*rc::gen::inRange(0, 1000));
  p.open_files = maybe(*rc::gen::inRange(0, 1000));
  p.exit = maybe(some_exit());
  return p;
}

ResourcesPart some_resources() {
  ResourcesPart r;
  r.cpu_percent = maybe(some_share());
  r.cpu_cores = maybe(some_share());
  r.memory_percent = maybe(some_share());
  r.memory_mb = maybe(some_share());
  r.memory_limit_kind = some_word<MemoryLimitKind>();
  r.memory_limit_mb = maybe(some_share());
  r.gpus = some_list<GpuPart>([] {
    return GpuPart{some_name(), maybe(some_share()), maybe(some_share()), maybe(some_share()),
                   maybe(*rc::gen::inRange(0, 200))};
  });
  return r;
}

TaskPart some_task() {
  TaskPart t{some_name(),  some_count(), some_count(), some_count(),
             some_count(), some_count(), some_count(), std::nullopt};
  if (coin()) {
    t.durations.emplace().sum_seconds = some_share();
    for (auto& n : t.durations->counts) n = some_count();
  }
  return t;
}

QueuePart some_queue() {
  return {some_text(),         some_name(),         maybe(coin()),       maybe(coin()),
          maybe(some_share()), maybe(some_count()), maybe(some_share()), maybe(some_count())};
}

void some_identity(Report& r) {
  r.worker_id = some_id();
  if (coin()) r.pool = some_id();
  r.host = some_text();
  r.version = some_text();
  if (coin()) r.incarnation = some_id();
  r.seq = maybe(some_count());
  r.sent_at = maybe(some_time());
  r.age = some_span();
  r.alive_at = maybe(some_time());
  r.period = maybe(some_span() + 50ms);
  r.concurrency = maybe(*rc::gen::inRange(0, 1000));
}

ActionRecord some_action() {
  ActionRecord a;
  a.action_id = some_id();
  a.worker_id = some_id();
  a.pool = some_text();
  a.host = some_text();
  a.incarnation = some_text();
  a.new_incarnation = some_text();
  a.kind = some_word<RemedyKind>();
  a.state = some_word<ActionState>();
  a.step = some_word<LadderStep>();
  a.reason = some_word<Reason>();
  a.text = some_text();
  a.actor = some_text();
  a.executor = some_text();
  a.rolling_id = some_text();
  a.by_operator = coin();
  a.counted_start = coin();
  a.counted_stop = coin();
  a.canary_of = some_list<std::string>(some_id);
  a.requested_at = some_time();
  a.sent_at = maybe(some_time());
  a.verify_since = maybe(some_time());
  a.ended_at = maybe(some_time());
  a.outcome = some_text();
  a.steps = some_list<ActionStep>([] { return ActionStep{some_word<ActionMoment>(), some_time(), some_text()}; });
  return a;
}

Alert some_alert() {
  Alert a;
  a.key = some_id();
  a.incident_id = some_text();
  a.state = some_word<AlertState>();
  a.severity = some_word<Severity>();
  a.reason = some_word<Reason>();
  a.check = some_text();
  a.worker_id = some_text();
  a.pool = some_text();
  a.host = some_text();
  a.title = some_text();
  a.message = some_text();
  a.labels = {{"k", some_text()}};
  a.started_at = some_time();
  a.ended_at = maybe(some_time());
  a.closed_as = some_text();
  a.rule = some_text();
  a.annotations = Labels{{"summary", some_text()}, {"runbook_url", ""}};
  a.hard_evidence = coin();
  return a;
}

Incident some_incident() {
  Incident i;
  i.id = some_id();
  i.scope = some_text();
  i.severity = some_word<Severity>();
  i.title = some_text();
  i.pool = some_text();
  i.host = some_text();
  i.workers = some_list<std::string>(some_id);
  i.affected_workers = *rc::gen::inRange(0, 100);
  i.alert_keys = some_list<std::string>(some_id);
  i.timeline = some_list<TimelineEntry>([] {
    return TimelineEntry{some_time(), some_word<TimelineKind>(), some_text()};
  });
  i.started_at = some_time();
  i.ended_at = maybe(some_time());
  return i;
}

WorkerRecord some_worker() {
  WorkerRecord w{some_id(), some_text(), some_text(), some_text(), some_text(), some_text()};
  w.state = some_word<WorkerState>();
  w.status = some_word<Status>();
  w.back_within = maybe(some_span());
  w.since = some_time();
  w.forgotten = coin();
  return w;
}

NotificationRecord some_notification() {
  NotificationRecord r;
  Notification& n = r.notification;
  n.id = some_id();
  n.group_key = some_text();
  n.channel = some_name();
  n.route = some_text();
  n.kind = some_word<NotificationKind>();
  n.severity = some_word<Severity>();
  n.incident_id = some_text();
  n.title = some_text();
  n.text = some_text();
  n.group_labels = Labels{{"incident", some_text()}};
  n.common_labels = Labels{{"pool", some_text()}, {"host", ""}};
  n.alerts = some_list<Alert>(some_alert);
  n.alert_count = *rc::gen::inRange(0, 1000);
  n.firing_count = *rc::gen::inRange(0, 1000);
  n.worker_count = *rc::gen::inRange(0, 1000);
  n.needs_acknowledgement = coin();
  n.escalation_step = *rc::gen::inRange(0, 10);
  n.actor = some_text();
  n.at = some_time();
  n.sequence = some_count();
  n.members = some_list<std::string>(some_id);
  r.state = some_word<DeliveryState>();
  r.attempts = *rc::gen::inRange(0, 100);
  r.tried_at = maybe(some_time());
  r.ended_at = maybe(some_time());
  r.answer = some_text();
  r.merged_into = some_text();
  r.failed_over_to = some_text();
  r.remote_id = some_text();
  return r;
}

Silence some_silence() {
  Silence s;
  s.id = some_id();
  s.matchers = some_list<Matcher>([] { return Matcher{some_name(), some_word<MatchOp>(), some_text()}; });
  s.starts_at = some_time();
  s.ends_at = some_time();
  s.author = some_text();
  s.comment = some_text();
  s.created_at = some_time();
  s.ended_at = maybe(some_time());
  s.ended_by = some_text();
  return s;
}

InputRecord some_input() {
  InputRecord r{some_time(), some_text(), some_text(), some_text(), some_text(), some_text(), {}};
  const auto task = [] { return InFlightTask{some_name(), some_text(), maybe(some_time()), some_text(), ""}; };
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      r.what = RecordedExit{some_exit(), some_list<InFlightTask>(task)};
      break;
    case 1:
      r.what = RecordedSource{some_word<SourceState>(), some_word<SourceState>()};
      break;
    case 2:
      r.what = RecordedBroker{some_text(), coin()};
      break;
    case 3:
      r.what = RecordedCommand{some_word<Verb>(), some_text(), some_text(), coin(), maybe(some_span())};
      break;
    case 4:
      r.what = RecordedOutcome{some_id(), some_word<LadderStep>(), coin(), coin(), some_text(), some_text()};
      break;
    default:
      r.what = RecordedStart{some_id(), some_text(), *rc::gen::inRange(0, 100), some_span(), some_exit()};
  }
  return r;
}

}  // namespace

Report some_report() {
  Report r;
  some_identity(r);
  if (coin()) r.capabilities = Capabilities{coin(), coin(), coin(), coin(), coin()};
  r.state = maybe(static_cast<WorkerState>(*rc::gen::inRange(0, 4)));
  if (coin()) r.stop = StopNotice{some_word<StopReason>(), maybe(some_span())};
  if (coin()) r.labels = Labels{{"a", some_text().substr(0, 64)}, {"b", ""}};
  if (coin()) r.process = some_process();
  if (coin()) r.resources = some_resources();
  if (coin())
    r.disks = some_list<DiskPart>([] {
      return DiskPart{some_name(), maybe(some_share()), maybe(some_count()), maybe(some_share())};
    });
  if (coin()) r.tasks = some_list<TaskPart>(some_task);
  if (coin())
    r.in_flight = some_list<InFlightTask>([] {
      return InFlightTask{some_name(), some_text(), maybe(some_time()), some_text(), some_text()};
    });
  if (coin()) r.queues = some_list<QueuePart>(some_queue);
  if (coin())
    r.models = some_list<ModelPart>([] {
      return ModelPart{some_name(),         some_word<ModelState>(),
                       maybe(some_share()), maybe(double(*rc::gen::inRange(0, 10001)) / 10000),
                       some_text(),         maybe(coin())};
    });
  if (coin()) r.metrics = {{"first", -some_share()}, {"second_metric", double(some_count())}};
  return r;
}

NotificationGroup some_group() {
  NotificationGroup g{some_id(), some_text(), {{some_name(), some_text()}}, some_text(), some_text(), coin(), coin()};
  g.sequence = some_count();
  g.told_severity = some_word<Severity>();
  g.channels = some_list<std::string>(some_id);
  g.members = some_list<std::string>(some_id);
  g.step = *rc::gen::inRange(0, 9);
  g.opened_at = some_time();
  g.told_at = some_time();
  g.step_at = maybe(some_time());
  g.held_until = maybe(some_time());
  g.follows = some_text();
  return g;
}

RollingRecord some_rolling() {
  RollingRecord r;
  r.id = some_id();
  r.wish = {some_text(), some_text(), some_text(), *rc::gen::inRange(1, 100), double(*rc::gen::inRange(0, 101)),
            coin()};
  r.state = some_word<RollingState>();
  r.reason = some_text();
  r.actor = some_text();
  r.total = *rc::gen::inRange(0, 100);
  r.done = *rc::gen::inRange(0, 100);
  r.skipped = *rc::gen::inRange(0, 100);
  r.failed = *rc::gen::inRange(0, 100);
  r.now = some_list<std::string>(some_id);
  r.held = some_text();
  r.text = some_text();
  r.changed_by = some_text();
  r.started_at = some_time();
  r.changed_at = maybe(some_time());
  r.ended_at = maybe(some_time());
  r.notes = some_list<RollingNote>([] {
    return RollingNote{some_id(), some_word<RollingTargetState>(), some_text(), some_time()};
  });
  return r;
}

DeathRecord some_death() {
  DeathRecord r{some_id(), some_text(), some_text(), some_text(), some_text(), coin(), some_time(), some_span()};
  r.living = *rc::gen::inRange(0, 1000);
  r.tasks = some_list<DeathTask>([] {
    return DeathTask{some_name(), some_text(), some_name(), some_span(), *rc::gen::inRange(0, 1000)};
  });
  return r;
}

RollingTarget some_rolling_target() {
  RollingTarget t{some_id(), some_id(), some_text(), some_text(), *rc::gen::inRange(0, 100)};
  t.state = some_word<RollingTargetState>();
  t.action_id = some_text();
  t.tries = *rc::gen::inRange(0, 3);
  t.at = some_time();
  return t;
}

LedgerBody some_ledger_body() {
  switch (*rc::gen::inRange(0, 18)) {
    case 15:
      return some_rolling();
    case 16:
      return some_rolling_target();
    case 17:
      return some_death();
    case 14:
      return some_group();
    case 11:
      return some_notification();
    case 12:
      return some_silence();
    case 13:
      return Acknowledgement{some_id(), some_text(), some_text(), some_time(), some_time(), coin(), some_text()};
    case 0:
      return some_action();
    case 1:
      return some_worker();
    case 2:
      return BudgetRecord{some_id(), some_id(), some_text(), some_text(), coin(), coin(), some_time(), coin()};
    case 3:
      return QuarantineRecord{some_id(), some_text(), some_text(), some_text(), coin(), coin(), some_time()};
    case 4:
      return MaintenanceRecord{some_id(), some_text(), some_text(), coin(), maybe(some_time()), some_time()};
    case 5:
      return BigSwitchRecord{coin(), some_text(), some_text(), some_time()};
    case 6:
      return BackoffClearedRecord{some_id(), some_text(), coin(), some_time()};
    case 7:
      return AuditRecord{some_time(), some_text(), some_text(), some_text(), some_text(), some_text()};
    case 8:
      return some_incident();
    case 9:
      return some_input();
    default:
      return some_alert();
  }
}

}  // namespace paramedic::wire::testing
