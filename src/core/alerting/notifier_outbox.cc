// The outbox: each message stands in the ledger before its first try and until it is delivered, merged or failed. What
// a channel cannot deliver goes to the next one, and an alert says so.
#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "core/alerting/notifier_impl.h"

namespace paramedic {

void Notifier::Impl::put(const Outgoing& o, const Now& now, NotifierOutput& out) {
  out.ledger.push_back({now.wall, o.record});
}

// The oldest of the least severe gives way.
void Notifier::Impl::make_room(const Now& now, NotifierOutput& out) {
  if (outbox.size() < kMaxOutbox) return;
  auto victim = outbox.begin();
  for (auto it = outbox.begin(); it != outbox.end(); ++it) {
    const auto rank = [](const auto& e) { return std::pair(e.second.record.notification.severity, e.second.since); };
    if (rank(*it) < rank(*victim)) victim = it;
  }
  NotificationRecord& r = victim->second.record;
  r.state = DeliveryState::failed;
  r.ended_at = now.wall;
  r.answer = fmt::format("the outbox is full: {} messages wait", kMaxOutbox);
  ++stats.failed;
  put(victim->second, now, out);
  outbox.erase(victim);
}

void Notifier::Impl::send(Outgoing o, const Now& now, NotifierOutput& out) {
  make_room(now, out);
  o.since = now.steady;
  put(o, now, out);
  out.acts.push_back(SendNotification{o.record.notification});
  outbox.insert_or_assign(o.record.notification.id, std::move(o));
  const SteadyTime due = now.steady + config.give_up_after;
  if (!outbox_due || due < *outbox_due) outbox_due = due;
}

void Notifier::Impl::resend(NotifierOutput& out) {
  resend_due = false;
  for (auto& [id, o] : outbox)
    if (std::exchange(o.resend, false)) out.acts.push_back(SendNotification{o.record.notification});
}

// Who may take its place, in order: the route's list; without one, whom the channel itself names.
std::vector<std::string> Notifier::Impl::stand_ins(const Outgoing& o) const {
  const Notification& n = o.record.notification;
  std::vector<std::string> out;
  const auto route =
      std::find_if(config.routes.begin(), config.routes.end(), [&](const Route& r) { return r.name == n.route; });
  if (route != config.routes.end() && !route->failover.empty())
    out = route->failover;
  else if (const NotifierChannel* channel = config.channel(n.channel); channel && !channel->failover.empty())
    out = {channel->failover};
  std::erase_if(out, [&](const std::string& name) {
    return name == n.channel || !config.channel(name) ||
           std::find(o.visited.begin(), o.visited.end(), name) != o.visited.end();
  });
  // A channel is not told through itself that it cannot be reached.
  if (n.kind == NotificationKind::delivery_failed)
    std::erase_if(out, [&](const std::string& name) { return failing.contains(name); });
  return out;
}

bool Notifier::Impl::fail_over(Outgoing& o, const Now& now, NotifierOutput& out) {
  if (!o.record.failed_over_to.empty()) return true;
  // A story that is over meanwhile: who never heard of it needs its end at most.
  const NotificationKind kind = o.record.notification.kind;
  const bool stands_alone = kind == NotificationKind::resolved || kind == NotificationKind::digest;
  if (!stands_alone && !groups.contains(o.record.notification.group_key)) return true;
  const std::vector<std::string> candidates = stand_ins(o);
  if (candidates.empty()) return false;
  const std::string& to = candidates.front();
  if (std::find(o.peers.begin(), o.peers.end(), to) != o.peers.end()) return true;  // it was told the same
  Outgoing copy;
  copy.record.notification = o.record.notification;
  Notification& n = copy.record.notification;
  copy.visited = o.visited;
  copy.visited.push_back(n.channel);
  copy.peers = o.peers;
  // Its own id at the other channel; the rest is the same message.
  n.id = "ntf-" + hash_hex(stable_hash(to, stable_hash(n.id)));
  n.channel = to;
  o.record.failed_over_to = n.id;
  ++stats.failed_over;
  if (const auto g = groups.find(n.group_key); g != groups.end()) {
    auto& told = g->second.rec.channels;
    if (std::find(told.begin(), told.end(), to) == told.end()) {
      told.push_back(to);
      g->second.dirty_record = true;
      mark(g->first);
    }
  }
  send(std::move(copy), now, out);
  return true;
}

void Notifier::Impl::channel_failed(const std::string& channel, const std::string& why, NotifierOutput& out) {
  if (!config.channel(channel)) return;
  failing.insert(channel);
  AlertWish w;
  w.key = "monitor/notification_failed/" + channel;
  w.severity = Severity::critical;
  w.reason = Reason::notification_failed;
  w.rule = "paramedic_notification_failed";
  w.title = fmt::format("Channel {} cannot be reached", channel);
  w.message = why.empty() ? "a message could not be delivered" : why;
  w.labels = {{"channel", channel}};
  out.wishes.push_back(std::move(w));
}

void Notifier::Impl::channel_works(const std::string& channel, NotifierOutput& out) {
  if (failing.erase(channel) == 0) return;
  AlertWish w;
  w.key = "monitor/notification_failed/" + channel;
  w.reason = Reason::notification_failed;
  w.on = false;
  out.wishes.push_back(std::move(w));
}

void Notifier::Impl::take(Outgoing& o, const DeliveryOutcome& outcome, const Now& now, NotifierOutput& out) {
  NotificationRecord& r = o.record;
  const std::string channel = r.notification.channel;
  r.state = outcome.state;
  r.attempts = std::max(r.attempts, outcome.attempts);
  r.answer = outcome.answer.substr(0, 500);
  if (!outcome.remote_id.empty()) r.remote_id = outcome.remote_id;
  const WallTime at = outcome.at == WallTime{} ? now.wall : outcome.at;
  if (outcome.state != DeliveryState::queued && outcome.state != DeliveryState::merged) r.tried_at = at;
  r.merged_into = outcome.merged_into;
  if (!is_final(outcome.state)) {
    if (r.attempts > 0 && !o.first_try) {
      o.first_try = now.steady;
      const SteadyTime due = now.steady + config.retry_failover_after;
      if (!outbox_due || due < *outbox_due) outbox_due = due;
    }
    return put(o, now, out);
  }
  r.ended_at = at;
  if (outcome.state == DeliveryState::delivered) {
    ++stats.delivered;
    channel_works(channel, out);
  }
  if (outcome.state == DeliveryState::failed) {
    ++stats.failed;
    const bool passed_on = fail_over(o, now, out);
    channel_failed(channel, fmt::format("{}{}", r.answer, passed_on ? "" : "; nobody else has the message"), out);
  }
  put(o, now, out);
  outbox.erase(std::string(r.notification.id));
}

void Notifier::on_delivery(const DeliveryOutcome& outcome, const Now& now, NotifierOutput& out) {
  Impl& m = *impl_;
  auto it = m.outbox.find(outcome.notification_id);
  if (it == m.outbox.end() && outcome.digest) {
    if (m.outbox.size() >= kMaxOutbox) return void(++m.stats.unknown_outcomes);
    Impl::Outgoing o;
    o.record.notification = *outcome.digest;
    o.record.notification.id = outcome.notification_id;
    o.since = now.steady;
    it = m.outbox.emplace(outcome.notification_id, std::move(o)).first;
  }
  if (it == m.outbox.end()) return void(++m.stats.unknown_outcomes);  // known already, or not ours
  m.take(it->second, outcome, now, out);
}

void Notifier::check_deliveries(const Now& now, NotifierOutput& out) {
  Impl& m = *impl_;
  // A channel that left the configuration fails no more: nobody would ever say so again.
  for (const std::string& channel : std::set(m.failing))
    if (!m.config.channel(channel)) m.channel_works(channel, out);
  if (!m.outbox_due || now.steady < *m.outbox_due) return;
  m.outbox_due.reset();
  const auto keep = [&](SteadyTime t) {
    if (t > now.steady && (!m.outbox_due || t < *m.outbox_due)) m.outbox_due = t;
  };
  std::vector<std::string> late, slow;
  for (const auto& [id, o] : m.outbox) {
    const SteadyTime gives_up = o.since + m.config.give_up_after;
    keep(gives_up);
    if (now.steady >= gives_up) {
      late.push_back(id);
    } else if (o.first_try && o.record.notification.severity == Severity::critical && o.record.failed_over_to.empty()) {
      const SteadyTime due = *o.first_try + m.config.retry_failover_after;
      keep(due);
      if (now.steady >= due) slow.push_back(id);
    }
  }
  for (const std::string& id : late) {
    DeliveryOutcome gave_up{.notification_id = id, .state = DeliveryState::failed, .at = now.wall};
    gave_up.answer = fmt::format("not delivered within {}", format_duration(m.config.give_up_after));
    on_delivery(gave_up, now, out);
  }
  // The first goes on being tried.
  for (const std::string& id : slow) {
    const auto it = m.outbox.find(id);
    if (it == m.outbox.end()) continue;
    Impl::Outgoing& o = it->second;
    o.first_try.reset();
    const bool passed_on = m.fail_over(o, now, out);
    m.channel_failed(o.record.notification.channel,
                     fmt::format("{} tries so far: {}{}", o.record.attempts, o.record.answer,
                                 passed_on ? "" : "; nobody else has the message"),
                     out);
    m.put(o, now, out);
  }
}

}  // namespace paramedic
