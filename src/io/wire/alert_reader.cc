#include "io/wire/alert_reader.h"

#include <limits>

namespace paramedic::wire {

namespace {

using Key = std::string_view;
using Value = json::value;

constexpr int kMaxInt = std::numeric_limits<int>::max();

bool text(Fields& f, Key k, const Value& m, std::string& out) { return f.text(k, m, out, kMaxStoredText); }

bool texts(Fields& f, Key k, const Value& m, std::vector<std::string>& out) {
  return f.list(k, m, out, kMaxStoredItems,
                [&](const Value& item, std::string& to) { return f.text("", item, to, kMaxStoredText); });
}

bool get_entry(Fields& f, const Value& v, TimelineEntry& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "at") return f.time(k, m, r.at);
    if (k == "kind") return f.word(k, m, r.kind);
    if (k == "text") return text(f, k, m, r.text);
    return f.skip();
  });
}

}  // namespace

bool read_incident(Fields& f, const Value& v, Incident& r) {
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
    if (k == "timeline") return f.list(k, m, r.timeline, kMaxStoredItems, entry);
    if (k == "started_at") return f.time(k, m, r.started_at);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    return f.skip();
  });
}

bool read_alert(Fields& f, const Value& v, Alert& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "key") return text(f, k, m, r.key);
    if (k == "incident_id") return text(f, k, m, r.incident_id);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "severity") return f.word(k, m, r.severity);
    if (k == "reason") return f.word(k, m, r.reason);
    if (k == "rule") return text(f, k, m, r.rule);
    if (k == "check_name") return text(f, k, m, r.check);
    if (k == "worker_id") return text(f, k, m, r.worker_id);
    if (k == "pool") return text(f, k, m, r.pool);
    if (k == "host") return text(f, k, m, r.host);
    if (k == "title") return text(f, k, m, r.title);
    if (k == "message") return text(f, k, m, r.message);
    if (k == "labels") return read_stored_labels(f, k, m, r.labels);
    if (k == "annotations") return read_stored_labels(f, k, m, r.annotations);
    if (k == "started_at") return f.time(k, m, r.started_at);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    if (k == "closed_as") return text(f, k, m, r.closed_as);
    if (k == "hard_evidence") return f.boolean(k, m, r.hard_evidence);
    return f.skip();
  });
}

bool read_stored_labels(Fields& f, Key key, const Value& v, Labels& out) {
  const auto member = [&](Key k, const Value& m) { return text(f, k, m, out.emplace_back(std::string(k), "").second); };
  return f.object(v, member) || f.nest(key);
}

bool read_silence(Fields& f, const Value& v, Silence& r) {
  const auto matcher = [&](const Value& item, Matcher& to) {
    return f.object(item, [&](Key k, const Value& m) {
      if (k == "label") return text(f, k, m, to.label);
      if (k == "op") return f.word(k, m, to.op);
      if (k == "value") return text(f, k, m, to.value);
      return f.skip();
    });
  };
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "id") return text(f, k, m, r.id);
    if (k == "matchers") return f.list(k, m, r.matchers, kMaxStoredItems, matcher);
    if (k == "starts_at") return f.time(k, m, r.starts_at);
    if (k == "ends_at") return f.time(k, m, r.ends_at);
    if (k == "author") return text(f, k, m, r.author);
    if (k == "comment") return text(f, k, m, r.comment);
    if (k == "created_at") return f.time(k, m, r.created_at);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    if (k == "ended_by") return text(f, k, m, r.ended_by);
    return f.skip();
  });
}

bool read_acknowledgement(Fields& f, const Value& v, Acknowledgement& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "incident_id") return text(f, k, m, r.incident_id);
    if (k == "author") return text(f, k, m, r.author);
    if (k == "comment") return text(f, k, m, r.comment);
    if (k == "at") return f.time(k, m, r.at);
    if (k == "until") return f.time(k, m, r.until);
    if (k == "on") return f.boolean(k, m, r.on);
    if (k == "external_id") return text(f, k, m, r.external_id);
    return f.skip();
  });
}

namespace {

bool read_notification(Fields& f, const Value& v, Notification& r) {
  const auto alert = [&](const Value& item, Alert& to) { return read_alert(f, item, to); };
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "id") return text(f, k, m, r.id);
    if (k == "group_key") return text(f, k, m, r.group_key);
    if (k == "channel") return text(f, k, m, r.channel);
    if (k == "route") return text(f, k, m, r.route);
    if (k == "kind") return f.word(k, m, r.kind);
    if (k == "severity") return f.word(k, m, r.severity);
    if (k == "incident_id") return text(f, k, m, r.incident_id);
    if (k == "title") return text(f, k, m, r.title);
    if (k == "text") return text(f, k, m, r.text);
    if (k == "group_labels") return read_stored_labels(f, k, m, r.group_labels);
    if (k == "common_labels") return read_stored_labels(f, k, m, r.common_labels);
    if (k == "alerts") return f.list(k, m, r.alerts, Notification::kMaxAlerts, alert);
    if (k == "alert_count") return f.integer(k, m, r.alert_count, 0, kMaxInt);
    if (k == "firing_count") return f.integer(k, m, r.firing_count, 0, kMaxInt);
    if (k == "worker_count") return f.integer(k, m, r.worker_count, 0, kMaxInt);
    if (k == "needs_acknowledgement") return f.boolean(k, m, r.needs_acknowledgement);
    if (k == "escalation_step") return f.integer(k, m, r.escalation_step, 0, kMaxInt);
    if (k == "actor") return text(f, k, m, r.actor);
    if (k == "at") return f.time(k, m, r.at);
    if (k == "sequence") return f.count(k, m, r.sequence);
    if (k == "members") return texts(f, k, m, r.members);
    return f.skip();
  });
}

}  // namespace

bool read_notification_group(Fields& f, const Value& v, NotificationGroup& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "key") return text(f, k, m, r.key);
    if (k == "route") return text(f, k, m, r.route);
    if (k == "labels") return read_stored_labels(f, k, m, r.labels);
    if (k == "incident_id") return text(f, k, m, r.incident_id);
    if (k == "title") return text(f, k, m, r.title);
    if (k == "open") return f.boolean(k, m, r.open);
    if (k == "storm") return f.boolean(k, m, r.storm);
    if (k == "sequence") return f.count(k, m, r.sequence);
    if (k == "told_severity") return f.word(k, m, r.told_severity);
    if (k == "channels") return texts(f, k, m, r.channels);
    if (k == "members") return texts(f, k, m, r.members);
    if (k == "step") return f.integer(k, m, r.step, 0, kMaxInt);
    if (k == "opened_at") return f.time(k, m, r.opened_at);
    if (k == "told_at") return f.time(k, m, r.told_at);
    if (k == "step_at") return f.time(k, m, r.step_at);
    if (k == "held_until") return f.time(k, m, r.held_until);
    if (k == "follows") return text(f, k, m, r.follows);
    return f.skip();
  });
}

bool read_notification_record(Fields& f, const Value& v, NotificationRecord& r) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "notification") return read_notification(f, m, r.notification) || f.nest(k);
    if (k == "state") return f.word(k, m, r.state);
    if (k == "attempts") return f.integer(k, m, r.attempts, 0, kMaxInt);
    if (k == "tried_at") return f.time(k, m, r.tried_at);
    if (k == "ended_at") return f.time(k, m, r.ended_at);
    if (k == "answer") return text(f, k, m, r.answer);
    if (k == "merged_into") return text(f, k, m, r.merged_into);
    if (k == "failed_over_to") return text(f, k, m, r.failed_over_to);
    if (k == "remote_id") return text(f, k, m, r.remote_id);
    return f.skip();
  });
}

}  // namespace paramedic::wire
