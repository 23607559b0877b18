// What comes back shortly after its end flaps: the next end is told later, ×1.5 at each return. Only ends wait.
#include <algorithm>

#include "core/alerting/notifier_impl.h"

namespace paramedic {

void Notifier::Impl::note_end(Group& g, const Alert& alert, const Now& now) {
  Flap& flap = flaps[alert.key];
  flap.ended_at = now.steady;
  if (alert.closed_as == "recovered") g.hold = std::max(g.hold, flap.hold);
  if (flaps.size() <= kMaxFlaps) return;
  const auto forgotten = [&](const Flap& f) {
    return now.steady - f.ended_at > std::max(config.flap_window, 2 * f.hold);
  };
  std::erase_if(flaps, [&](const auto& f) { return f.first != alert.key && forgotten(f.second); });
  if (flaps.size() > kMaxFlaps)
    flaps.erase(flaps.begin()->first == alert.key ? std::next(flaps.begin()) : flaps.begin());
}

void Notifier::Impl::note_return(const std::string& alert_key, const Now& now) {
  const auto it = flaps.find(alert_key);
  if (it == flaps.end()) return;
  Flap& flap = it->second;
  if (now.steady - flap.ended_at > std::max(config.flap_window, 2 * flap.hold))
    flaps.erase(it);
  else if (flap.hold == Duration{0})
    flap.hold = std::min(config.flap_hold, config.flap_hold_max);
  else
    flap.hold = std::min(flap.hold * 3 / 2, config.flap_hold_max);
}

}  // namespace paramedic
