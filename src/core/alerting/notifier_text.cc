// What a message says.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "core/alerting/notifier_impl.h"

namespace paramedic {

namespace {

constexpr std::size_t kMaxLines = 10, kTopLabels = 5, kMaxTitle = 300, kMaxLine = 500;

std::string cut(std::string text, std::size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0) == 0x80) --max;  // never within a character
  return text.substr(0, max) + "…";
}

std::string rounded(Duration d) {
  const auto step = d >= 1h ? Duration{1min} : d >= 1min ? Duration{1s} : Duration{100ms};
  return format_duration(std::max(d / step * step, Duration{0}));
}

bool for_people(const std::string& name) { return name != "alert" && name != "incident" && name != "worker_id"; }

Labels common_of(const std::vector<const Labels*>& all) {
  if (all.empty()) return {};
  Labels out = *all.front();
  for (const Labels* labels : all)
    std::erase_if(out, [&](const auto& l) { return label_value(*labels, l.first) != l.second; });
  return out;
}

// "pool=thumbs (20), host=h3 (14)": what most of them share.
std::string top_labels(const std::vector<const Labels*>& all) {
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const Labels* labels : all)
    for (const auto& [name, value] : *labels)
      if (for_people(name)) ++counts[{name, value}];
  std::vector<std::tuple<int, std::string, std::string>> sorted;
  for (const auto& [label, count] : counts) sorted.emplace_back(-count, label.first, label.second);
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (std::size_t i = 0; i < sorted.size() && i < kTopLabels; ++i) {
    const auto& [count, name, value] = sorted[i];
    out += fmt::format("{}{}={} ({})", out.empty() ? "" : ", ", name, value, -count);
  }
  return out;
}

std::string line_of(const Alert& a, WallTime now) {
  const WallTime until = a.ended_at.value_or(now);
  std::string what = a.message.empty() ? a.title : fmt::format("{}: {}", a.title, a.message);
  if (a.state == AlertState::resolved)
    return cut(fmt::format("{} ({} after {})", what, a.closed_as.empty() ? "over" : a.closed_as,
                           rounded(until - a.started_at)),
               kMaxLine);
  return cut(fmt::format("{}: {} (for {})", to_string(a.severity), what, rounded(now - a.started_at)), kMaxLine);
}

}  // namespace

Notification Notifier::Impl::render(const Group& g, NotificationKind kind, const Now& now, const std::string& actor) {
  std::vector<const Tracked*> firing;
  std::vector<const Labels*> labels;
  std::set<std::string> workers, stories;
  for (const std::string& key : g.members) {
    Tracked& t = alerts.at(key);
    if (muted(t, now)) continue;
    firing.push_back(&t);
    labels.push_back(&t.labels);
    stories.insert(t.alert.incident_id);
    if (!t.alert.worker_id.empty()) workers.insert(t.alert.worker_id);
  }
  // The one that explains the others first, then the worst, then the oldest.
  std::sort(firing.begin(), firing.end(), [&](const Tracked* a, const Tracked* b) {
    const auto rank = [&](const Tracked* t) {
      return std::tuple(explained(*t), -int(t->alert.severity), t->alert.started_at, t->alert.key);
    };
    return rank(a) < rank(b);
  });
  const bool over = firing.empty();

  Notification n;
  n.group_key = g.rec.key;
  n.route = g.rec.route;
  n.kind = kind;
  n.group_labels = g.rec.labels;
  std::erase_if(n.group_labels, [](const auto& l) { return l.second.empty(); });
  n.at = now.wall;
  n.actor = actor;
  n.escalation_step = kind == NotificationKind::escalation ? g.rec.step : 0;
  n.incident_id = stories.size() == 1 ? *stories.begin() : over ? g.rec.incident_id : std::string();
  n.severity = over ? std::max(g.rec.told_severity, g.worst) : Severity::info;
  for (const Tracked* t : firing) n.severity = std::max(n.severity, t->alert.severity);
  n.firing_count = int(firing.size());
  for (const Tracked* t : firing)
    if (n.alerts.size() < Notification::kMaxAlerts) n.alerts.push_back(t->alert);
  for (const Alert& a : g.ended) {
    if (!a.worker_id.empty() && over) workers.insert(a.worker_id);
    if (g.members.contains(a.key)) continue;  // it is back
    if (n.alerts.size() < Notification::kMaxAlerts) n.alerts.push_back(a);
  }
  n.alert_count = std::max(n.firing_count, over ? int(g.ended.size()) : n.firing_count);
  n.worker_count = over ? std::max(int(workers.size()), g.most_workers) : int(workers.size());
  // An outage touches workers that have no alert of their own.
  if (const auto story = incidents.find(n.incident_id); story != incidents.end() && !over)
    n.worker_count = std::max(n.worker_count, story->second.affected);
  std::vector<Labels> ended_labels;
  if (over) {
    for (const Alert& a : g.ended) ended_labels.push_back(labels_of(a));
    for (const Labels& l : ended_labels) labels.push_back(&l);
  }
  n.common_labels = common_of(labels);
  const bool acked = acknowledged(g);
  n.needs_acknowledgement = !over && !acked && g.route && n.severity >= config.routes[*g.route].escalate_from;

  if (over) {
    n.title = g.rec.title;
    if (n.title.empty() && !n.alerts.empty()) n.title = n.alerts.front().title;
  } else if (g.rec.storm) {
    n.title = fmt::format("{} incidents within {}", stories.size(), rounded(config.storm_window));
  } else if (firing.size() == 1) {
    n.title = firing.front()->alert.title;
  } else if (!n.incident_id.empty()) {
    const auto it = incidents.find(n.incident_id);
    n.title = it != incidents.end() && !it->second.title.empty() ? it->second.title : firing.front()->alert.title;
  } else {
    n.title = fmt::format("{} alerts, first {}", firing.size(), firing.front()->alert.title);
  }
  n.title = cut(n.title, kMaxTitle);

  const auto say = [&](std::string line) { n.text += (n.text.empty() ? "" : "\n") + line; };
  if (kind == NotificationKind::escalation)
    say(fmt::format("Nobody has acknowledged this for {}", rounded(now.wall - g.rec.opened_at)));
  if (kind == NotificationKind::reminder)
    say(fmt::format("Still firing after {}", rounded(now.wall - g.rec.opened_at)));
  if (kind == NotificationKind::acknowledged) {
    const auto it = acks.find(n.incident_id);
    say(it == acks.end() ? fmt::format("Acknowledged by {}", actor)
                         : fmt::format("Acknowledged by {} until {}{}{}", actor, format_time(it->second.until),
                                       it->second.comment.empty() ? "" : ": ", it->second.comment));
  }
  if (kind == NotificationKind::resolved) say(fmt::format("Over after {}", rounded(now.wall - g.rec.opened_at)));
  if (g.rec.storm && !over) {
    say("Too many new incidents to tell one by one; each is recorded and stands on the page");
    say("Most common: " + top_labels(labels));
  }
  std::size_t lines = 0;
  for (const Alert& a : n.alerts) {
    if (lines == kMaxLines) break;
    ++lines;
    say(line_of(a, now.wall));
  }
  const std::size_t all = std::max(std::size_t(n.alert_count), n.alerts.size());
  if (all > lines) say(fmt::format("and {} more", all - lines));
  return n;
}

}  // namespace paramedic
