#include "io/notify/alertmanager_alerts.h"

#include <algorithm>

#include "io/notify/render.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMaxValue = 1000, kMaxLabels = 40;

using Texts = std::map<std::string, std::string>;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// The first of a name wins; empty values are dropped there, so here as well.
void add(Texts& texts, std::string_view name, std::string_view value) {
  // Cut twice: texts of strangers are long, and cleaning them costs.
  std::string text = cut_bytes(one_line(value.substr(0, 4 * kMaxValue)), kMaxValue);
  if (!text.empty() && texts.size() < kMaxLabels) texts.emplace(alertmanager_name(name), std::move(text));
}

AlertmanagerAlert from(const Alert& a, const Notification& n, const SendContext& context, const Texts& extra) {
  AlertmanagerAlert out;
  add(out.labels, "alertname", a.rule.empty() ? to_string(a.reason) : std::string_view(a.rule));
  add(out.labels, "severity", to_string(a.severity));
  add(out.labels, "worker", a.worker_id);
  add(out.labels, "pool", a.pool);
  add(out.labels, "host", a.host);
  add(out.labels, "check", a.check);
  add(out.labels, "reason", a.reason == Reason::none ? std::string_view() : to_string(a.reason));
  for (const auto& [name, value] : extra) add(out.labels, name, value);
  for (const auto& [name, value] : a.labels) add(out.labels, name, value);
  add(out.annotations, "summary", a.title);
  add(out.annotations, "description", a.message);
  add(out.annotations, "incident", a.incident_id);
  for (const auto& [name, value] : a.annotations) add(out.annotations, name, value);
  out.url = incident_url(context, n);
  out.starts_at = a.started_at == WallTime{} ? n.at : a.started_at;
  out.ended = a.state == AlertState::resolved;
  return out;
}

// Of a message that names no alert.
AlertmanagerAlert whole(const Notification& n, const SendContext& context, const Texts& extra) {
  AlertmanagerAlert out;
  add(out.labels, "alertname",
      n.kind == NotificationKind::test              ? "ParamedicTest"
      : n.kind == NotificationKind::delivery_failed ? "ParamedicNotificationFailed"
                                                    : "ParamedicStory");
  add(out.labels, "severity", to_string(n.severity));
  add(out.labels, "story", story_key(n, 200));
  for (const auto& [name, value] : extra) add(out.labels, name, value);
  for (const auto& [name, value] : n.group_labels) add(out.labels, name, value);
  add(out.annotations, "summary", n.title);
  add(out.annotations, "description", n.text);
  add(out.annotations, "incident", n.incident_id);
  out.url = incident_url(context, n);
  out.starts_at = n.at;
  return out;
}

void write_texts(wire::JsonWriter& w, std::string_view key, const Texts& texts) {
  w.key(key).begin_object();
  for (const auto& [name, value] : texts) w.field(name, value);
  w.end_object();
}

}  // namespace

std::string alertmanager_name(std::string_view name) {
  std::string out;
  for (const char c : name) out += letter(c) || (c >= '0' && c <= '9' && !out.empty()) ? c : '_';
  return out.empty() ? "_" : out;
}

std::vector<AlertmanagerAlert> alertmanager_alerts(const Notification& n, const SendContext& context,
                                                   const Texts& extra) {
  std::vector<AlertmanagerAlert> out;
  for (const Alert& alert : n.alerts) out.push_back(from(alert, n, context, extra));
  if (out.empty() || n.kind == NotificationKind::test) out.assign(1, whole(n, context, extra));
  return out;
}

std::string alertmanager_json(const std::vector<AlertmanagerAlert>& alerts, bool all_ended, WallTime now,
                              WallTime end) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_array();
  for (const AlertmanagerAlert& alert : alerts) {
    w.begin_object();
    write_texts(w, "labels", alert.labels);
    write_texts(w, "annotations", alert.annotations);  // replaced by each post: told at the end as well
    w.field_if("generatorURL", alert.url);
    const WallTime ends_at = all_ended || alert.ended ? now : end;
    // Must lie before endsAt, also when the clocks of two machines differ.
    w.field("startsAt", std::min(alert.starts_at, ends_at - 1ms)).field("endsAt", ends_at).end_object();
  }
  w.end_array();
  return out;
}

void AlertmanagerMemory::keep(const std::string& story, std::vector<AlertmanagerAlert> alerts) {
  forget(story);
  std::erase_if(alerts, [](const AlertmanagerAlert& alert) { return alert.ended; });
  if (alerts.empty() || count_ + alerts.size() > kMax) return;
  count_ += alerts.size();
  stories_[story] = std::move(alerts);
}

void AlertmanagerMemory::forget(const std::string& story) {
  const auto found = stories_.find(story);
  if (found == stories_.end()) return;
  count_ -= found->second.size();
  stories_.erase(found);
}

std::vector<AlertmanagerAlert> AlertmanagerMemory::left(const std::string& story,
                                                        const std::vector<AlertmanagerAlert>& alerts) const {
  std::vector<AlertmanagerAlert> out;
  const auto found = stories_.find(story);
  if (found == stories_.end()) return out;
  for (const AlertmanagerAlert& old : found->second) {
    const auto same = [&](const AlertmanagerAlert& alert) { return alert.labels == old.labels; };
    if (std::none_of(alerts.begin(), alerts.end(), same)) out.push_back(old);
  }
  return out;
}

std::vector<AlertmanagerAlert> AlertmanagerMemory::all() const {
  std::vector<AlertmanagerAlert> out;
  for (const auto& [story, alerts] : stories_) out.insert(out.end(), alerts.begin(), alerts.end());
  return out;
}

}  // namespace paramedic::notify
