// What operators say to alerts: silences and acknowledgements.
#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "core/alerting/notifier_impl.h"

namespace paramedic {

namespace {

constexpr Duration kMaxAcknowledge = 24h * 31;

CommandResult refused(Error error) {
  CommandResult result;
  result.message = error.message;
  result.error = std::move(error);
  return result;
}

CommandResult done(std::string message, std::string id = {}) {
  CommandResult result;
  result.success = true;
  result.message = std::move(message);
  result.id = std::move(id);
  return result;
}

}  // namespace

CommandResult Notifier::Impl::silence(const CommandInput& c, const Now& now, NotifierOutput& out) {
  if (!c.silence) return refused({Errc::invalid_argument, "no silence was given"});
  Silence s = *c.silence;
  s.created_at = now.wall;
  if (s.author.empty()) s.author = c.author.empty() ? c.actor : c.author;
  if (s.comment.empty()) s.comment = c.reason;
  if (s.over(now.wall)) return refused({Errc::invalid_argument, "the silence must end after now"});
  const auto stamp = std::uint64_t(now.wall.time_since_epoch().count());
  s.id = "sil-" + hash_hex(hash_mix(hash_mix(stable_hash(to_text(s.matchers)), stamp), ++silences_made));
  if (auto added = silences.add(s); !added) return refused(added.error());
  ++mute_epoch;
  next_mute_edge.reset();
  mark_all();
  out.changed = true;
  out.ledger.push_back({now.wall, s});
  return done(fmt::format("messages about {} are muted until {}", to_text(s.matchers), format_time(s.ends_at)), s.id);
}

CommandResult Notifier::Impl::unsilence(const CommandInput& c, const Now& now, NotifierOutput& out) {
  for (const auto& [window, matchers] : windows)
    if (window.id == c.target)
      return refused({Errc::conflict, "this silence comes from maintenance_windows; change the configuration"});
  auto ended = silences.end(c.target, c.actor, now.wall);
  if (!ended) return refused(ended.error());
  ++mute_epoch;
  next_mute_edge.reset();
  mark_all();
  out.changed = true;
  out.ledger.push_back({now.wall, *ended});
  return done("the silence is over", c.target);
}

// An incident that is open, or the one of an alert that fires.
Result<std::string> Notifier::Impl::incident_of(const std::string& target) const {
  if (const auto it = incidents.find(target); it != incidents.end() && it->second.open) return target;
  if (const auto it = alerts.find(target); it != alerts.end()) return it->second.alert.incident_id;
  return make_error(Errc::not_found, fmt::format("no open incident or firing alert '{}' is there", target));
}

CommandResult Notifier::Impl::acknowledge(const CommandInput& c, const Now& now, NotifierOutput& out) {
  const auto incident = incident_of(c.target);
  if (!incident) return refused(incident.error());
  const Duration lasts = c.duration.value_or(config.acknowledge_for);
  if (lasts <= Duration{0} || lasts > kMaxAcknowledge)
    return refused({Errc::invalid_argument, "an acknowledgement lasts longer than nothing and at most 31 days"});
  if (acks.size() >= kMaxAcks && !acks.contains(*incident))
    return refused({Errc::too_many, fmt::format("there are {} acknowledgements already", kMaxAcks)});
  Acknowledgement a;
  a.incident_id = *incident;
  a.author = c.author.empty() ? c.actor : c.author;
  a.comment = c.reason;
  a.at = now.wall;
  a.until = now.wall + lasts;
  acks.insert_or_assign(a.incident_id, a);
  out.changed = true;
  next_mute_edge.reset();
  out.ledger.push_back({now.wall, a});
  mark_incident(*incident);
  std::set<std::string> told;
  for (const std::string& key : incidents.at(*incident).alerts)
    if (const auto t = alerts.find(key); t != alerts.end())
      told.insert(t->second.groups.begin(), t->second.groups.end());
  for (const std::string& key : told) {
    Group& g = groups.at(key);
    if (g.told() && g.route && acknowledged(g))
      tell(g, NotificationKind::acknowledged, g.rec.channels, now, out, a.author);
  }
  return done(fmt::format("{} has it until {}", a.author, format_time(a.until)), a.incident_id);
}

CommandResult Notifier::Impl::unacknowledge(const CommandInput& c, const Now& now, NotifierOutput& out) {
  const auto incident = incident_of(c.target);
  if (!incident) return refused(incident.error());
  if (!acks.contains(*incident))
    return refused({Errc::not_found, fmt::format("nobody has acknowledged '{}'", c.target)});
  end_acknowledgement(*incident, now, out);
  return done("the acknowledgement is withdrawn", *incident);
}

CommandResult Notifier::Impl::command(const CommandInput& c, const Now& now, NotifierOutput& out) {
  switch (c.verb) {
    case Verb::silence:
      return silence(c, now, out);
    case Verb::unsilence:
      return unsilence(c, now, out);
    case Verb::acknowledge:
      return acknowledge(c, now, out);
    default:
      return unacknowledge(c, now, out);
  }
}

bool Notifier::on_command(const CommandInput& c, const Now& now, NotifierOutput& out) {
  if (c.verb != Verb::silence && c.verb != Verb::unsilence && c.verb != Verb::acknowledge &&
      c.verb != Verb::unacknowledge)
    return false;
  Impl& m = *impl_;
  CommandResult result;
  if (const CommandResult* known = m.answered.find(c)) {
    result = *known;
  } else {
    result = m.command(c, now, out);
    m.answered.keep(c, result);
    const std::string target = result.id.empty() ? c.target : result.id;
    out.ledger.push_back(
        {now.wall, AuditRecord{now.wall, c.actor, std::string(to_string(c.verb)), target, c.reason, result.message}});
  }
  out.acts.push_back(Answer{c.command_id, std::move(result)});
  return true;
}

}  // namespace paramedic
