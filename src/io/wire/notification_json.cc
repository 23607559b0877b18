#include "io/wire/notification_json.h"

#include "io/wire/view_json.h"

namespace paramedic::wire {

namespace {

JsonWriter& text_field(JsonWriter& w, std::string_view key, const std::string& text) {
  return text.empty() ? w.key(key).null() : w.field(key, text);
}

}  // namespace

void write_matcher(JsonWriter& w, const Matcher& m) {
  w.begin_object().field("label", m.label).field("op", m.op).field("value", m.value).end_object();
}

void write_silence(JsonWriter& w, const Silence& s) {
  w.begin_object().field("id", s.id).key("matchers").begin_array();
  for (const Matcher& m : s.matchers) write_matcher(w, m);
  w.end_array().field("starts_at", s.starts_at).field("ends_at", s.ends_at).field("author", s.author);
  w.field("comment", s.comment).field("created_at", s.created_at).field("ended_at", s.ended_at);
  text_field(w, "ended_by", s.ended_by).end_object();
}

void write_acknowledgement(JsonWriter& w, const Acknowledgement& a) {
  w.begin_object().field("incident_id", a.incident_id).field("author", a.author).field("comment", a.comment);
  w.field("at", a.at).field("until", a.until).field("on", a.on);
  text_field(w, "external_id", a.external_id).end_object();
}

void write_notification(JsonWriter& w, const Notification& n) {
  w.begin_object().field("id", n.id).field("group_key", n.group_key).field("channel", n.channel);
  text_field(w, "route", n.route).field("kind", n.kind).field("severity", n.severity);
  text_field(w, "incident_id", n.incident_id).field("title", n.title).field("text", n.text);
  write_labels(w.key("group_labels"), n.group_labels);
  write_labels(w.key("common_labels"), n.common_labels);
  w.key("alerts").begin_array();
  for (const Alert& alert : n.alerts) write_alert(w, alert);
  w.end_array().field("alert_count", n.alert_count).field("firing_count", n.firing_count);
  w.field("worker_count", n.worker_count).field("needs_acknowledgement", n.needs_acknowledgement);
  w.field("escalation_step", n.escalation_step);
  text_field(w, "actor", n.actor).field("at", n.at).field("sequence", n.sequence).key("members").begin_array();
  for (const std::string& id : n.members) w.value(id);
  w.end_array().end_object();
}

void write_notification_record(JsonWriter& w, const NotificationRecord& r) {
  write_notification(w.begin_object().key("notification"), r.notification);
  w.field("state", r.state).field("attempts", r.attempts).field("tried_at", r.tried_at);
  text_field(w.field("ended_at", r.ended_at), "answer", r.answer);
  text_field(w, "merged_into", r.merged_into);
  text_field(w, "failed_over_to", r.failed_over_to);
  text_field(w, "remote_id", r.remote_id).end_object();
}

void write_notification_group(JsonWriter& w, const NotificationGroup& g) {
  const auto texts = [&](std::string_view key, const std::vector<std::string>& list) {
    w.key(key).begin_array();
    for (const std::string& text : list) w.value(text);
    w.end_array();
  };
  w.begin_object().field("key", g.key).field("route", g.route).field_if("incident_id", g.incident_id);
  write_labels(w.key("labels"), g.labels);
  w.field_if("title", g.title).field("open", g.open).field("storm", g.storm).field("sequence", g.sequence);
  w.field("told_severity", g.told_severity);
  texts("channels", g.channels);
  texts("members", g.members);
  w.field("step", g.step).field("opened_at", g.opened_at).field("told_at", g.told_at);
  w.field("step_at", g.step_at).field("held_until", g.held_until).field_if("follows", g.follows).end_object();
}

}  // namespace paramedic::wire
