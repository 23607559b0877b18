#include "io/wire/ledger_json.h"

#include <fmt/format.h>

#include "io/wire/json_reader.h"
#include "io/wire/report_reader.h"
#include "io/wire/view_json.h"

namespace paramedic::wire {

namespace {

using Key = std::string_view;
using Value = json::value;

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxItems = 100'000;

// ---- write: forms that the API has too come from view_json; the rest is here
// ------------------------------------------

void put(JsonWriter& w, const ActionRecord& r) { write_action(w, r); }
void put(JsonWriter& w, const MaintenanceRecord& r) { write_maintenance(w, r); }
void put(JsonWriter& w, const AuditRecord& r) { write_audit(w, r); }
void put(JsonWriter& w, const Incident& r) { write_incident(w, r); }
void put(JsonWriter& w, const Alert& r) { write_alert(w, r); }

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
  w.field("stop", r.stop).field("crash", r.crash).field("at", r.at).end_object();
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
  w.begin_object().field("worker_id", r.worker_id).field("reason", r.reason).field("at", r.at).end_object();
}

// ---- read: the file is our own, so texts are bounded but not judged
// ---------------------------------------------------

bool text(Fields& f, Key k, const Value& m, std::string& out) { return f.text(k, m, out, kMaxText); }

bool texts(Fields& f, Key k, const Value& m, std::vector<std::string>& out) {
  return f.list(k, m, out, kMaxItems,
                [&](const Value& item, std::string& to) { return f.text("", item, to, kMaxText); });
}

bool labels(Fields& f, Key key, const Value& v, Labels& out) {
  const auto member = [&](Key k, const Value& m) { return text(f, k, m, out.emplace_back(std::string(k), "").second); };
  return f.object(v, member) || f.nest(key);
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
    if (k == "by_operator") return f.boolean(k, m, r.by_operator);
    if (k == "counted_start") return f.boolean(k, m, r.counted_start);
    if (k == "counted_stop") return f.boolean(k, m, r.counted_stop);
    if (k == "requested_at") return f.time(k, m, r.requested_at);
    if (k == "sent_at") return f.time(k, m, r.sent_at);
    if (k == "verify_since") return f.time(k, m, r.verify_since);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    if (k == "outcome") return text(f, k, m, r.outcome);
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

bool get_entry(Fields& f, const Value& v, TimelineEntry& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "at") return f.time(k, m, r.at);
    if (k == "kind") return f.word(k, m, r.kind);
    if (k == "text") return text(f, k, m, r.text);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, Incident& r) {
  const auto entry = [&](const Value& item, TimelineEntry& to) { return get_entry(f, item, to); };
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "id") return text(f, k, m, r.id);
    if (k == "scope") return text(f, k, m, r.scope);
    if (k == "severity") return f.word(k, m, r.severity);
    if (k == "title") return text(f, k, m, r.title);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "affected_workers") return f.integer(k, m, r.affected_workers, 0, std::numeric_limits<int>::max());
    if (k == "workers") return texts(f, k, m, r.workers);
    if (k == "alert_keys") return texts(f, k, m, r.alert_keys);
    if (k == "timeline") return f.list(k, m, r.timeline, kMaxItems, entry);
    if (k == "started_at") return f.time(k, m, r.started_at);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, Alert& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "key") return text(f, k, m, r.key);
    if (k == "incident_id") return text(f, k, m, r.incident_id);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "severity") return f.word(k, m, r.severity);
    if (k == "reason") return f.word(k, m, r.reason);
    if (k == "check_name") return text(f, k, m, r.check);
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "title") return text(f, k, m, r.title);
    if (k == "message") return text(f, k, m, r.message);
    if (k == "labels") return labels(f, k, m, r.labels);
    if (k == "started_at") return f.time(k, m, r.started_at);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    if (k == "closed_as") return text(f, k, m, r.closed_as);
    if (k == "hard_evidence") return f.boolean(k, m, r.hard_evidence);
    return f.skip();
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
