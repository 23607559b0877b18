#include "io/notify/render.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "io/net/http.h"
#include "io/wire/notification_json.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMaxFacts = 10, kMaxLine = 1000, kMaxLines = 60, kMaxApprovals = 3;

std::string upper(Severity severity) {
  std::string out(to_string(severity));
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return char(c - 'a' + 'A'); });
  return out;
}

// What stands in brackets before the title.
std::string mark(const Notification& n) {
  switch (n.kind) {
    case NotificationKind::firing:
      return upper(n.severity);
    case NotificationKind::update:
      return upper(n.severity) + ", update";
    case NotificationKind::resolved:
      return "RESOLVED";
    case NotificationKind::reminder:
      return upper(n.severity) + ", still firing";
    case NotificationKind::escalation:
      return fmt::format("{}, not acknowledged, step {}", upper(n.severity), n.escalation_step);
    case NotificationKind::acknowledged:
      return n.actor.empty() ? "ACKNOWLEDGED" : "ACKNOWLEDGED by " + n.actor;
    case NotificationKind::storm:
      return upper(n.severity) + ", storm";
    case NotificationKind::digest:
      return fmt::format("{} messages in one", std::max<std::size_t>(n.members.size(), 1));
    case NotificationKind::delivery_failed:
      return upper(n.severity) + ", not delivered";
    case NotificationKind::test:
      return "TEST";
  }
  return {};
}

void add_lines(std::vector<std::string>& out, std::string_view text) {
  while (!text.empty() && out.size() < kMaxLines) {
    const auto end = std::min(text.find('\n'), text.size());
    if (std::string line = one_line(text.substr(0, end)); !line.empty()) out.push_back(cut_bytes(line, kMaxLine));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Alerts that the text does not name already.
void add_alerts(const Notification& n, std::vector<std::string>& out) {
  for (const Alert& alert : n.alerts) {
    const bool told = (!alert.message.empty() && n.text.find(alert.message) != n.text.npos) ||
                      (alert.message.empty() && (n.title == alert.title || n.text.find(alert.title) != n.text.npos));
    if (told || out.size() >= kMaxLines) continue;
    std::string line = alert.title.empty() || alert.title == n.title ? "" : alert.title;
    if (!alert.message.empty()) line += (line.empty() ? "" : ": ") + alert.message;
    if (alert.state == AlertState::resolved) line += " (resolved)";
    out.push_back(cut_bytes("- " + one_line(line), kMaxLine));
  }
  const int more = n.alert_count - int(n.alerts.size());
  if (more > 0) out.push_back(fmt::format("and {} more", more));
}

void add_facts(const Notification& n, std::vector<Fact>& out) {
  std::set<std::string> names;
  const auto add = [&](std::string name, std::string value) {
    if (!value.empty() && out.size() < kMaxFacts && names.insert(name).second)
      out.push_back({cut_bytes(one_line(name), 100), cut_bytes(one_line(value), kMaxLine)});
  };
  add("severity", std::string(to_string(n.severity)));
  for (const auto& [name, value] : n.group_labels) add(name, value);
  for (const auto* name : {"worker", "pool", "host"}) add(name, find_label(n.common_labels, name));
  if (n.alert_count > 1) add("alerts", fmt::format("{} ({} firing)", n.alert_count, n.firing_count));
  if (n.worker_count > 1) add("workers", std::to_string(n.worker_count));
  if (!n.alerts.empty() && n.alerts[0].started_at != WallTime{}) add("since", format_time(n.alerts[0].started_at));
  for (const auto& [name, value] : n.common_labels) add(name, value);
}

std::string hash_of(std::string_view text) { return hash_hex(stable_hash(text)) + hash_hex(stable_hash(text, 1)); }

bool web_link(std::string_view url) {
  return (url.starts_with("https://") || url.starts_with("http://")) &&
         std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; }) &&
         url.find_first_of("\"'<>|\\") == url.npos && url.size() <= 2000;
}

}  // namespace

std::string find_label(const Labels& labels, std::string_view name) {
  for (const auto& [key, value] : labels)
    if (key == name) return value;
  return {};
}

namespace {
std::string base_url(const SendContext& context) {
  std::string out = context.external_url;
  while (out.ends_with('/')) out.pop_back();
  return out;
}
}  // namespace

std::string approval_url(const SendContext& context, const Alert& alert) {
  const std::string action = find_label(alert.annotations, "action_id");
  const bool asks = alert.reason == Reason::approval_wanted && alert.state == AlertState::firing && !action.empty();
  if (!asks || !web_link(context.external_url)) return {};
  return base_url(context) + "/#/approve/" + percent_encode(alert.worker_id) + "/" + percent_encode(action);
}

std::vector<std::string> approval_urls(const SendContext& context, const Notification& n) {
  std::vector<std::string> out;
  for (const Alert& alert : n.alerts)
    if (std::string url = approval_url(context, alert); !url.empty() && out.size() < kMaxApprovals)
      out.push_back(std::move(url));
  return out;
}

std::string incident_url(const SendContext& context, const Notification& n) {
  if (!web_link(context.external_url)) return {};
  const std::string out = base_url(context);
  return n.incident_id.empty() ? out + "/" : out + "/#/incidents/" + percent_encode(n.incident_id);
}

std::string runbook_url(const Notification& n) {
  for (const Alert& alert : n.alerts)
    if (std::string url = find_label(alert.annotations, "runbook_url"); web_link(url)) return url;
  return {};
}

std::string_view color_of(const Notification& n) {
  if (n.kind == NotificationKind::resolved) return "#2eb67d";
  if (n.severity == Severity::critical) return "#e01e5a";
  return n.severity == Severity::warning ? "#ecb22e" : "#36c5f0";
}

std::string source_of(const Notification& n) {
  const auto same = [&](std::string Alert::*member) {
    if (n.alerts.empty() || n.alert_count > int(n.alerts.size())) return std::string();
    const std::string& first = n.alerts[0].*member;
    const bool all = std::all_of(n.alerts.begin(), n.alerts.end(), [&](const Alert& a) { return a.*member == first; });
    return all ? one_line(first) : std::string();
  };
  for (const auto member : {&Alert::worker_id, &Alert::host, &Alert::pool})
    if (std::string found = same(member); !found.empty()) return found;
  for (const auto* label : {"worker", "host", "pool"})
    if (std::string found = one_line(find_label(n.common_labels, label)); !found.empty()) return found;
  return "paramedic";
}

Message describe(const Notification& n, const SendContext& context) {
  Message out;
  const std::string title = one_line(n.title);
  out.headline = fmt::format("[{}] {}", one_line(mark(n)), title.empty() ? "paramedic" : title);
  add_lines(out.lines, n.text);
  add_alerts(n, out.lines);
  add_facts(n, out.facts);
  for (std::string& url : approval_urls(context, n)) out.links.push_back({"Approve or reject", std::move(url)});
  if (std::string url = incident_url(context, n); !url.empty())
    out.links.push_back({n.incident_id.empty() ? "Open the monitor" : "Open the incident", std::move(url)});
  if (std::string url = runbook_url(n); !url.empty()) out.links.push_back({"Runbook", std::move(url)});
  out.footer = n.incident_id.empty() ? "paramedic" : "paramedic, incident " + one_line(n.incident_id);
  if (n.needs_acknowledgement) out.footer += ", please acknowledge";
  return out;
}

std::string plain_text(const Message& m, bool with_headline) {
  std::string out = with_headline ? m.headline + "\n" : "";
  for (const std::string& line : m.lines) out += line + "\n";
  if (!m.facts.empty()) out += "\n";
  for (const Fact& fact : m.facts) out += fact.name + ": " + fact.value + "\n";
  if (!m.links.empty()) out += "\n";
  for (const Link& link : m.links) out += link.text + ": " + link.url + "\n";
  return out + "\n" + m.footer + "\n";
}

std::string story_key(const Notification& n, std::size_t max) {
  const std::string key = one_line(n.group_key);
  if (key == n.group_key && !key.empty() && key.size() <= max) return key;
  const std::string hash = "-" + hash_of(n.group_key);
  std::string head = cut_bytes(key, max > hash.size() ? max - hash.size() : 0);
  return head + hash;
}

std::string notification_json(Notification n, std::size_t max) {
  constexpr std::size_t kShortText = 500;
  while (true) {
    std::string out;
    wire::JsonWriter w(out);
    wire::write_notification(w, n);
    if (out.size() <= max) return out;
    if (!n.alerts.empty()) {
      n.alerts.resize(n.alerts.size() / 2);
    } else if (n.text.size() > kShortText || n.title.size() > kShortText || !n.common_labels.empty()) {
      n.text = cut_bytes(n.text, kShortText);
      n.title = cut_bytes(n.title, kShortText);
      n.common_labels.clear();
      n.members.resize(std::min<std::size_t>(n.members.size(), 20));
    } else {
      return out;  // ids and group labels alone: bounded where they are made
    }
  }
}

}  // namespace paramedic::notify
