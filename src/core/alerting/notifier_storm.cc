// The storm brake: more than so many new stories of one route within the window become members of one story, whose
// single notice names what they have in common. The first of each pool within the window is always told by itself.
#include "base/ids.h"
#include "core/alerting/notifier_impl.h"

namespace paramedic {

namespace {

// An outage or the monitor itself counts as a pool of its own.
std::string pool_of(const Alert& a) { return a.pool.empty() ? a.key.substr(0, a.key.find('/')) + "/" : a.pool; }

}  // namespace

Notifier::Impl::Group& Notifier::Impl::storm_group(std::size_t route, const Now& now) {
  Storm& storm = storms[route];
  if (const auto it = groups.find(storm.group); it != groups.end()) return it->second;
  Group g;
  g.lookup = lookup_of(route, {{"storm", ""}});
  g.rec.storm = true;
  g.rec.key = "grp-" + hash_hex(hash_mix(stable_hash(g.lookup), std::uint64_t(now.wall.time_since_epoch().count())));
  g.rec.route = config.routes[route].name;
  g.rec.opened_at = now.wall;
  g.route = route;
  storm.group = g.rec.key;
  return groups.insert_or_assign(storm.group, std::move(g)).first->second;
}

bool Notifier::Impl::swallow(Group& g, const Now& now) {
  if (config.storm_incidents == 0) return false;
  Storm& storm = storms[*g.route];
  const SteadyTime from = now.steady - config.storm_window;
  while (!storm.openings.empty() && storm.openings.front() <= from) storm.openings.pop_front();
  std::erase_if(storm.pool_at, [&](const auto& p) { return p.second <= from; });
  storm.openings.push_back(now.steady);
  if (int(storm.openings.size()) > config.storm_incidents + 1) storm.openings.pop_front();
  bool first_of_pool = false;
  for (const std::string& member : g.members)
    first_of_pool =
        storm.pool_at.insert_or_assign(pool_of(alerts.at(member).alert), now.steady).second || first_of_pool;
  if (int(storm.openings.size()) <= config.storm_incidents || first_of_pool) return false;

  ++stats.swallowed;
  Group& whole = storm_group(*g.route, now);
  const auto members = g.members;
  for (const std::string& member : members) {
    Tracked& t = alerts.at(member);
    part(g, t);
    join(whole, t);
  }
  // What comes later to these stories belongs to the storm as well.
  whole.aliases.insert(g.lookup);
  const std::string lookup = g.lookup;
  drop(std::string(g.rec.key));
  by_lookup[lookup] = whole.rec.key;
  return true;
}

}  // namespace paramedic
