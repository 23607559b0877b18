#include "io/wire/rolling_json.h"

namespace paramedic::wire {

namespace {

JsonWriter& text_field(JsonWriter& w, std::string_view key, const std::string& text) {
  return text.empty() ? w.key(key).null() : w.field(key, text);
}

void write_members(JsonWriter& w, const RollingRecord& r) {
  w.field("id", r.id);
  text_field(w, "pool", r.wish.pool);
  text_field(w, "version", r.wish.version);
  text_field(w, "host", r.wish.host).field("at_once", r.wish.at_once);
  w.key("at_once_percent");
  if (r.wish.at_once_percent > 0)
    w.value(r.wish.at_once_percent);
  else
    w.null();
  w.field("pause_on_failure", r.wish.pause_on_failure).field("state", r.state);
  text_field(w, "reason", r.reason).field("actor", r.actor).field("total", r.total).field("done", r.done);
  w.field("skipped", r.skipped).field("failed", r.failed).key("now").begin_array();
  for (const std::string& id : r.now) w.value(id);
  w.end_array();
  text_field(w, "held", r.held);
  text_field(w, "text", r.text);
  text_field(w, "changed_by", r.changed_by).field("started_at", r.started_at).field("changed_at", r.changed_at);
  w.field("ended_at", r.ended_at);
}

}  // namespace

void write_rolling_short(JsonWriter& w, const RollingRecord& r) {
  w.begin_object();
  write_members(w, r);
  w.end_object();
}

void write_rolling(JsonWriter& w, const RollingRecord& r) {
  w.begin_object();
  write_members(w, r);
  w.key("notes").begin_array();
  for (const RollingNote& n : r.notes) {
    w.begin_object().field("worker_id", n.worker_id).field("state", n.state).field("text", n.text);
    w.field("at", n.at).end_object();
  }
  w.end_array().end_object();
}

void write_rolling_target(JsonWriter& w, const RollingTarget& t) {
  w.begin_object().field("rolling_id", t.rolling_id).field("worker_id", t.worker_id).field("pool", t.pool);
  w.field("incarnation", t.incarnation).field("turn", t.turn).field("state", t.state);
  w.field_if("action_id", t.action_id).field("tries", t.tries).field("at", t.at).end_object();
}

}  // namespace paramedic::wire
