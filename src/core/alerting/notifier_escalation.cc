// Nobody has acknowledged: the next ones are told; and reminders of what still fires.
#include <algorithm>

#include "core/alerting/notifier_impl.h"

namespace paramedic {

bool Notifier::Impl::acknowledged(const Group& g) const {
  if (acks.empty()) return false;
  return !g.members.empty() && std::all_of(g.members.begin(), g.members.end(), [&](const std::string& key) {
    return acks.contains(alerts.at(key).alert.incident_id);
  });
}

void Notifier::Impl::escalate(Group& g, const Summary& s, const Now& now, NotifierOutput& out) {
  const Route& route = config.routes[*g.route];
  const auto& steps = route.escalation;
  const bool wanted = !steps.empty() && !s.acknowledged && s.worst >= route.escalate_from;
  if (!wanted) {
    g.dirty_record = g.dirty_record || g.next_step;
    return g.next_step.reset();
  }
  const auto wait = [&] {
    return g.rec.step < int(steps.size()) ? steps[std::size_t(g.rec.step)].after : route.escalation_repeat;
  };
  if (!g.next_step) {
    g.next_step = now.steady + wait();
    g.dirty_record = true;
  }
  if (now.steady >= *g.next_step) {
    g.rec.step = std::min(g.rec.step + 1, int(steps.size()));
    const auto& named = steps[std::size_t(g.rec.step - 1)].channels;
    tell(g, NotificationKind::escalation, named.empty() ? channels_of(g) : named, now, out);
    g.next_step = now.steady + wait();
    g.dirty_record = true;
  }
  set_timer(g, *g.next_step);
}

void Notifier::Impl::remind(Group& g, const Summary& s, const Now& now, NotifierOutput& out) {
  if (s.acknowledged) return;
  const Duration every = config.routes[*g.route].repeat_interval;
  if (now.steady >= g.spoke_at + every) tell(g, NotificationKind::reminder, g.rec.channels, now, out);
  set_timer(g, g.spoke_at + every);
}

}  // namespace paramedic
