#include "io/wire/ledger_json.h"

#include <fmt/format.h>

#include "io/wire/alert_reader.h"
#include "io/wire/json_reader.h"
#include "io/wire/notification_json.h"
#include "io/wire/report_reader.h"
#include "io/wire/rolling_json.h"
#include "io/wire/view_json.h"

namespace paramedic::wire {

namespace {

using Key = std::string_view;
using Value = json::value;

// ---- write: forms that the API has too come from view_json; the rest is here
// ------------------------------------------

void put(JsonWriter& w, const ActionRecord& r) { write_action(w, r); }
void put(JsonWriter& w, const MaintenanceRecord& r) { write_maintenance(w, r); }
void put(JsonWriter& w, const AuditRecord& r) { write_audit(w, r); }
void put(JsonWriter& w, const Incident& r) { write_incident(w, r); }
void put(JsonWriter& w, const Alert& r) { write_alert(w, r); }
void put(JsonWriter& w, const NotificationRecord& r) { write_notification_record(w, r); }
void put(JsonWriter& w, const Silence& r) { write_silence(w, r); }
void put(JsonWriter& w, const Acknowledgement& r) { write_acknowledgement(w, r); }
void put(JsonWriter& w, const NotificationGroup& r) { write_notification_group(w, r); }
void put(JsonWriter& w, const RollingRecord& r) { write_rolling(w, r); }
void put(JsonWriter& w, const RollingTarget& r) { write_rolling_target(w, r); }

void put(JsonWriter& w, const WorkerRecord& r) {
  w.begin_object()
      .field("worker_id", r.worker_id)
      .field("pool", r.pool)
      .field_if("host", r.host)
      .field_if("source", r.source);
  w.field_if("version", r.version)
      .field_if("incarnation", r.incarnation)
      .field("state", r.state)
      .field("status", r.status);
  if (r.back_within) w.key("back_within_seconds").seconds(*r.back_within);
  w.field("since", r.since).field("forgotten", r.forgotten).end_object();
}

void put(JsonWriter& w, const BudgetRecord& r) {
  w.begin_object()
      .field("action_id", r.action_id)
      .field("worker_id", r.worker_id)
      .field("pool", r.pool)
      .field_if("host", r.host);
  w.field("stop", r.stop).field("crash", r.crash).field("at", r.at);
  if (r.returned) w.field("returned", true);
  w.end_object();
}

void put(JsonWriter& w, const QuarantineRecord& r) {
  w.begin_object()
      .field("worker_id", r.worker_id)
      .field("pool", r.pool)
      .field("reason", r.reason)
      .field("actor", r.actor);
  w.field("on", r.on).field("by_operator", r.by_operator).field("at", r.at).end_object();
}

void put(JsonWriter& w, const BigSwitchRecord& r) {
  w.begin_object()
      .field("held", r.held)
      .field("reason", r.reason)
      .field("actor", r.actor)
      .field("at", r.at)
      .end_object();
}

void put(JsonWriter& w, const BackoffClearedRecord& r) {
  w.begin_object().field("worker_id", r.worker_id).field("reason", r.reason);
  w.field("crashes_only", r.crashes_only).field("at", r.at).end_object();
}

void put(JsonWriter& w, const DeathRecord& r) {
  w.begin_object().field("worker_id", r.worker_id).field("pool", r.pool).field_if("host", r.host);
  w.field_if("incarnation", r.incarnation).field("how", r.how).field("stopped", r.stopped).field("at", r.at);
  w.key("told_ago_seconds").seconds(r.told_ago).field("living", r.living).key("tasks").begin_array();
  for (const DeathTask& task : r.tasks) {
    w.begin_object().field("id", task.id).field_if("type", task.type).field("args_digest", task.args_digest);
    w.key("ran_seconds").seconds(task.ran).field("living", task.living).end_object();
  }
  w.end_array().end_object();
}

void put_members(JsonWriter& w, const RecordedExit& r) {
  write_exit_compact(w.key("exit"), r.exit);
  w.key("in_flight").begin_array();
  for (const InFlightTask& task : r.in_flight) {
    w.begin_object().field("id", task.id).field_if("type", task.type).field_if("started_at", task.started_at);
    w.field_if("args_digest", task.args_digest).end_object();
  }
  w.end_array();
}
void put_members(JsonWriter& w, const RecordedSource& r) { w.field("from", r.from).field("to", r.to); }
void put_members(JsonWriter& w, const RecordedBroker& r) { w.field("broker", r.broker).field("down", r.down); }
void put_members(JsonWriter& w, const RecordedCommand& r) {
  w.field("verb", r.verb).field("actor", r.actor).field_if("reason", r.reason).field("force", r.force);
  if (r.duration) w.key("duration_seconds").seconds(*r.duration);
}
void put_members(JsonWriter& w, const RecordedOutcome& r) {
  w.field("action_id", r.action_id).field("step", r.step).field("done", r.done).field("ok", r.ok);
  w.field_if("new_incarnation", r.new_incarnation).field_if("message", r.message);
}
void put_members(JsonWriter& w, const RecordedStart& r) {
  w.field("action_id", r.action_id).field_if("previous_incarnation", r.previous_incarnation);
  w.field("crashes", r.crashes).key("ago_seconds").seconds(r.ago);
  write_exit_compact(w.key("exit"), r.exit);
}

void put(JsonWriter& w, const InputRecord& r) {
  w.begin_object().field("kind", r.kind()).field("at", r.at).field_if("source", r.source);
  w.field_if("worker_id", r.worker_id).field_if("pool", r.pool).field_if("host", r.host);
  w.field_if("incarnation", r.incarnation);
  std::visit([&](const auto& what) { put_members(w, what); }, r.what);
  w.end_object();
}

// ---- read: the file is our own, so texts are bounded but not judged
// ---------------------------------------------------

bool text(Fields& f, Key k, const Value& m, std::string& out) { return f.text(k, m, out, kMaxStoredText); }

bool get(Fields& f, const Value& v, ActionStep& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "step") return f.word(k, m, r.step);
    if (k == "at") return f.time(k, m, r.at);
    if (k == "message") return text(f, k, m, r.message);
    return f.skip();  // duration_seconds follows from the next one
  });
}

bool get(Fields& f, const Value& v, ActionRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "action_id") return text(f, k, m, r.action_id);
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "incarnation") return text(f, k, m, r.incarnation);
    if (k == "new_incarnation") return text(f, k, m, r.new_incarnation);
    if (k == "kind") return f.word(k, m, r.kind);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "step") return f.word(k, m, r.step);
    if (k == "reason") return f.word(k, m, r.reason);
    if (k == "text") return text(f, k, m, r.text);
    if (k == "actor") return text(f, k, m, r.actor);
    if (k == "executor") return text(f, k, m, r.executor);
    if (k == "rolling_id") return text(f, k, m, r.rolling_id);
    if (k == "by_operator") return f.boolean(k, m, r.by_operator);
    if (k == "counted_start") return f.boolean(k, m, r.counted_start);
    if (k == "counted_stop") return f.boolean(k, m, r.counted_stop);
    const auto name = [&](const Value& item, std::string& to) { return text(f, k, item, to); };
    if (k == "canary_of") return f.list(k, m, r.canary_of, kMaxCanaryOf, name);
    if (k == "requested_at") return f.time(k, m, r.requested_at);
    if (k == "sent_at") return f.time(k, m, r.sent_at);
    if (k == "verify_since") return f.time(k, m, r.verify_since);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    if (k == "outcome") return text(f, k, m, r.outcome);
    const auto step = [&](const Value& item, ActionStep& to) { return get(f, item, to); };
    if (k == "steps") return f.list(k, m, r.steps, kMaxActionSteps, step);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, WorkerRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "source") return text(f, k, m, r.source);
    if (k == "version") return text(f, k, m, r.version);
    if (k == "incarnation") return text(f, k, m, r.incarnation);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "status") return f.word(k, m, r.status);
    if (k == "back_within_seconds") return f.duration(k, m, r.back_within, 24h * 3660);
    if (k == "since") return f.time(k, m, r.since);
    if (k == "forgotten") return f.boolean(k, m, r.forgotten);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, BudgetRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "action_id") return text(f, k, m, r.action_id);
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "stop") return f.boolean(k, m, r.stop);
    if (k == "crash") return f.boolean(k, m, r.crash);
    if (k == "returned") return f.boolean(k, m, r.returned);
    if (k == "at") return f.time(k, m, r.at);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, QuarantineRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "reason") return text(f, k, m, r.reason);
    if (k == "actor") return text(f, k, m, r.actor);
    if (k == "on") return f.boolean(k, m, r.on);
    if (k == "by_operator") return f.boolean(k, m, r.by_operator);
    if (k == "at") return f.time(k, m, r.at);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, MaintenanceRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "id") return text(f, k, m, r.id);
    if (k == "reason") return text(f, k, m, r.reason);
    if (k == "actor") return text(f, k, m, r.actor);
    if (k == "on") return f.boolean(k, m, r.on);
    if (k == "until") return f.time(k, m, r.until);
    if (k == "at") return f.time(k, m, r.at);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, BigSwitchRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "held") return f.boolean(k, m, r.held);
    if (k == "reason") return text(f, k, m, r.reason);
    if (k == "actor") return text(f, k, m, r.actor);
    if (k == "at") return f.time(k, m, r.at);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, BackoffClearedRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "reason") return text(f, k, m, r.reason);
    if (k == "crashes_only") return f.boolean(k, m, r.crashes_only);
    if (k == "at") return f.time(k, m, r.at);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, AuditRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "at") return f.time(k, m, r.at);
    if (k == "actor") return text(f, k, m, r.actor);
    if (k == "verb") return text(f, k, m, r.verb);
    if (k == "target") return text(f, k, m, r.target);
    if (k == "reason") return text(f, k, m, r.reason);
    if (k == "result") return text(f, k, m, r.result);
    return f.skip();
  });
}

constexpr int kMaxNumber = std::numeric_limits<int>::max();

bool get(Fields& f, const Value& v, RollingNote& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "text") return text(f, k, m, r.text);
    if (k == "at") return f.time(k, m, r.at);
    return f.skip();
  });
}

bool member(Fields& f, Key k, const Value& m, RollingWish& r) {
  if (k == "pool") return text(f, k, m, r.pool);
  if (k == "version") return text(f, k, m, r.version);
  if (k == "host") return text(f, k, m, r.host);
  if (k == "at_once") return f.integer(k, m, r.at_once, 1, kMaxNumber);
  if (k == "at_once_percent") return f.number(k, m, r.at_once_percent, 0, 100);
  if (k == "pause_on_failure") return f.boolean(k, m, r.pause_on_failure);
  return f.skip();
}

bool get(Fields& f, const Value& v, RollingRecord& r) {
  const auto name = [&](const Value& item, std::string& to) { return text(f, "", item, to); };
  const auto note = [&](const Value& item, RollingNote& to) { return get(f, item, to); };
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "id") return text(f, k, m, r.id);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "reason") return text(f, k, m, r.reason);
    if (k == "actor") return text(f, k, m, r.actor);
    if (k == "total") return f.integer(k, m, r.total, 0, kMaxNumber);
    if (k == "done") return f.integer(k, m, r.done, 0, kMaxNumber);
    if (k == "skipped") return f.integer(k, m, r.skipped, 0, kMaxNumber);
    if (k == "failed") return f.integer(k, m, r.failed, 0, kMaxNumber);
    if (k == "now") return f.list(k, m, r.now, kMaxRollingNow, name);
    if (k == "held") return text(f, k, m, r.held);
    if (k == "text") return text(f, k, m, r.text);
    if (k == "changed_by") return text(f, k, m, r.changed_by);
    if (k == "started_at") return f.time(k, m, r.started_at);
    if (k == "changed_at") return f.time(k, m, r.changed_at);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    if (k == "notes") return f.list(k, m, r.notes, kMaxRollingNotes, note);
    return member(f, k, m, r.wish);
  });
}

bool get(Fields& f, const Value& v, RollingTarget& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "rolling_id") return text(f, k, m, r.rolling_id);
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "incarnation") return text(f, k, m, r.incarnation);
    if (k == "turn") return f.integer(k, m, r.turn, 0, kMaxNumber);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "action_id") return text(f, k, m, r.action_id);
    if (k == "tries") return f.integer(k, m, r.tries, 0, kMaxNumber);
    if (k == "at") return f.time(k, m, r.at);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, Incident& r) { return read_incident(f, v, r); }
bool get(Fields& f, const Value& v, Alert& r) { return read_alert(f, v, r); }
bool get(Fields& f, const Value& v, NotificationRecord& r) { return read_notification_record(f, v, r); }
bool get(Fields& f, const Value& v, Silence& r) { return read_silence(f, v, r); }
bool get(Fields& f, const Value& v, Acknowledgement& r) { return read_acknowledgement(f, v, r); }
bool get(Fields& f, const Value& v, NotificationGroup& r) { return read_notification_group(f, v, r); }

constexpr Duration kLongestRun = 24h * 3660;

bool get_task(Fields& f, const Value& v, DeathTask& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "id") return text(f, k, m, r.id);
    if (k == "type") return text(f, k, m, r.type);
    if (k == "args_digest") return text(f, k, m, r.args_digest);
    if (k == "ran_seconds") return f.duration(k, m, r.ran, kLongestRun);
    if (k == "living") return f.integer(k, m, r.living, 0, std::numeric_limits<int>::max());
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, DeathRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "incarnation") return text(f, k, m, r.incarnation);
    if (k == "how") return text(f, k, m, r.how);
    if (k == "stopped") return f.boolean(k, m, r.stopped);
    if (k == "at") return f.time(k, m, r.at);
    if (k == "told_ago_seconds") return f.duration(k, m, r.told_ago, kLongestRun);
    if (k == "living") return f.integer(k, m, r.living, 0, std::numeric_limits<int>::max());
    const auto task = [&](const Value& item, DeathTask& to) { return get_task(f, item, to); };
    if (k == "tasks") return f.list(k, m, r.tasks, DeathRecord::kMaxTasks, task);
    return f.skip();
  });
}

bool member(Fields& f, Key k, const Value& m, RecordedExit& r) {
  const auto task = [&](const Value& item, InFlightTask& to) { return read_in_flight(f, item, to); };
  if (k == "exit") return read_exit(f, m, r.exit) || f.nest(k);
  if (k == "in_flight") return f.list(k, m, r.in_flight, RecordedExit::kMaxInFlight, task);
  return f.skip();
}
bool member(Fields& f, Key k, const Value& m, RecordedSource& r) {
  if (k == "from") return f.word(k, m, r.from);
  if (k == "to") return f.word(k, m, r.to);
  return f.skip();
}
bool member(Fields& f, Key k, const Value& m, RecordedBroker& r) {
  if (k == "broker") return text(f, k, m, r.broker);
  if (k == "down") return f.boolean(k, m, r.down);
  return f.skip();
}
bool member(Fields& f, Key k, const Value& m, RecordedCommand& r) {
  if (k == "verb") return f.word(k, m, r.verb);
  if (k == "actor") return text(f, k, m, r.actor);
  if (k == "reason") return text(f, k, m, r.reason);
  if (k == "force") return f.boolean(k, m, r.force);
  if (k == "duration_seconds") return f.duration(k, m, r.duration, 24h * 3660);
  return f.skip();
}
bool member(Fields& f, Key k, const Value& m, RecordedOutcome& r) {
  if (k == "action_id") return text(f, k, m, r.action_id);
  if (k == "step") return f.word(k, m, r.step);
  if (k == "done") return f.boolean(k, m, r.done);
  if (k == "ok") return f.boolean(k, m, r.ok);
  if (k == "new_incarnation") return text(f, k, m, r.new_incarnation);
  if (k == "message") return text(f, k, m, r.message);
  return f.skip();
}
bool member(Fields& f, Key k, const Value& m, RecordedStart& r) {
  if (k == "action_id") return text(f, k, m, r.action_id);
  if (k == "previous_incarnation") return text(f, k, m, r.previous_incarnation);
  if (k == "crashes") return f.integer(k, m, r.crashes, 0, std::numeric_limits<int>::max());
  if (k == "ago_seconds") return f.duration(k, m, r.ago, 24h * 3660);
  if (k == "exit") return read_exit(f, m, r.exit) || f.nest(k);
  return f.skip();
}

template <std::size_t I = 0>
void choose(InputKind kind, InputRecord& r) {
  if constexpr (I < std::variant_size_v<decltype(r.what)>) {
    if (std::size_t(kind) == I)
      r.what.emplace<I>();
    else
      choose<I + 1>(kind, r);
  }
}

bool get(Fields& f, const Value& v, InputRecord& r) {
  static_assert(kEnumCount<InputKind> == std::variant_size_v<decltype(r.what)>);
  // The kind first, wherever it stands: the meaning of the others depends on it.
  InputKind kind = InputKind::exit;
  bool found = false;
  const bool read_kind =
      f.object(v, [&](Key k, const Value& m) { return k != "kind" || (found = f.word(k, m, kind)); });
  if (!read_kind || !f.required("kind", found)) return false;
  choose(kind, r);
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "kind") return true;
    if (k == "at") return f.time(k, m, r.at);
    if (k == "source") return text(f, k, m, r.source);
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "incarnation") return text(f, k, m, r.incarnation);
    return std::visit([&](auto& what) { return member(f, k, m, what); }, r.what);
  });
}

template <std::size_t I = 0>
Result<LedgerBody> read(std::size_t kind, const Value& v) {
  if constexpr (I < std::variant_size_v<LedgerBody>) {
    if (I != kind) return read<I + 1>(kind, v);
    Fields fields;
    std::variant_alternative_t<I, LedgerBody> record;
    if (!get(fields, v, record))
      return make_error(Errc::corrupt,
                        fmt::format("ledger record {}: {}", to_string(LedgerKind(kind)), fields.error()));
    return LedgerBody(std::in_place_index<I>, std::move(record));
  }
  return make_error(Errc::corrupt, "ledger record of an unknown kind");
}

}  // namespace

std::string ledger_json(const LedgerBody& body) {
  std::string out;
  JsonWriter w(out);
  std::visit([&](const auto& record) { put(w, record); }, body);
  return out;
}

Result<LedgerBody> parse_ledger(LedgerKind kind, std::string_view text) {
  Document document;
  const auto root = document.parse(text);
  if (!root)
    return make_error(Errc::corrupt, fmt::format("ledger record {}: {}", to_string(kind), root.error().message));
  return read(std::size_t(kind), **root);
}

}  // namespace paramedic::wire
