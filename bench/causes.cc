// Simulated fleets under the finder of shared causes, simulated pools under the finder of poison tasks. Usage:
// bench_causes fleets|pools FROM TO. Prints one line of JSON per seed; bench/causes.py adds up.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "cause_fleet.h"
#include "poison_pool.h"
#include <fmt/format.h>

using namespace paramedic;

namespace {

constexpr double kPause = 0.1;  // as the engine: changes within it are judged together

SteadyTime steady(double seconds) {
  return SteadyTime{24h} + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// Illnesses overlap; who has one is ill.
struct Health {
  explicit Health(CauseFleet& f) : fleet(f), any(f.workers.size()), incident(f.workers.size()) {}
  CauseFleet& fleet;
  std::vector<int> any, incident;
  int ill = 0, incident_ill = 0, most = 0;
  double third = -1;  // when the third of the incident turned ill

  void apply(const HealthEvent& e) {
    CauseSubject& w = fleet.workers[e.worker];
    const int by = e.ill ? 1 : -1;
    any[e.worker] += by;
    if (e.ill && any[e.worker] == 1) w.ill = true, w.ill_since = steady(e.at), ++ill;
    if (!e.ill && any[e.worker] == 0) w.ill = false, --ill;
    if (!e.incident) return;
    incident[e.worker] += by;
    incident_ill += by;
    most = std::max(most, incident_ill);
    if (third < 0 && incident_ill >= 3) third = e.at;
  }
};

// "right": the true trait, or another that exactly the same workers have. "near": another one, most of whose ill
// workers are ill by the true cause. "unrelated": the rest.
std::string_view judge(const SharedCause& told, const Health& health) {
  const TrueCause& truth = health.fleet.cause;
  int by_incident = 0;
  bool same = health.incident_ill > 0;
  for (std::size_t i = 0; i < health.fleet.workers.size(); ++i) {
    const CauseSubject& w = health.fleet.workers[i];
    const bool has = CauseFleet::has(w, told.label, told.value);
    same = same && has == CauseFleet::has(w, truth.label, truth.value);
    by_incident += has && w.ill && health.incident[i] > 0;
  }
  if (same) return "right";
  return 2 * by_incident >= told.ill ? "near" : "unrelated";
}

void fleet(std::uint64_t seed) {
  CauseFleet fleet(seed);
  Health health(fleet);
  SharedCauseFinder finder;
  std::set<std::string> known;
  std::string told;
  for (std::size_t i = 0; i < fleet.events.size();) {
    const double at = fleet.events[i].at + kPause;
    for (; i < fleet.events.size() && fleet.events[i].at <= at; ++i) health.apply(fleet.events[i]);
    if (health.ill < SharedCauseFinder::kMinIll && !finder.any()) continue;
    std::set<std::string> now;
    for (const SharedCause& c : finder.update(fleet.workers, {.steady = steady(at), .wall = WallTime{}})) {
      now.insert(c.key());
      if (known.contains(c.key())) continue;
      told += fmt::format(
          R"({}{{"at":{:.1f},"key":"{}","verdict":"{}","holds":{},"ill":{},"all":{},"ill_without":{},"others":{},"incident_ill":{}}})",
          told.empty() ? "" : ",", at, c.key(), judge(c, health), may_hold_stops(c, fleet.workers), c.ill, c.all,
          c.ill_without, c.others, health.incident_ill);
    }
    known = std::move(now);
  }
  fmt::print(
      R"({{"seed":{},"workers":{},"cause":"{}","value":"{}","share":{},"spread":{:.0f},"most":{},"third":{:.1f},"told":[{}]}})"
      "\n",
      seed, fleet.workers.size(), fleet.cause.label, fleet.cause.value, fleet.cause.share, fleet.cause.spread_s,
      health.most, health.third, told);
}

void pool(std::uint64_t seed) {
  PoisonPool pool(seed);
  PoisonFinder finder;
  std::set<std::string> known;
  std::string told;
  int with_poison = 0;
  while (auto death = pool.next_death()) {
    with_poison += death->by_poison;
    for (const PoisonTask& task : finder.on_death(death->record, steady(death->at), PoisonLimits{})) {
      if (!known.insert(task.args_digest).second) continue;
      told += fmt::format(R"({}{{"at":{:.0f},"digest":"{}","right":{},"seen":{},"deaths":{},"killed":{}}})",
                          told.empty() ? "" : ",", death->at, task.args_digest, task.args_digest == "poison", task.seen,
                          task.deaths, with_poison);
    }
  }
  const PoisonPool::Script& s = pool.script();
  fmt::print(
      R"({{"seed":{},"workers":{},"slots":{},"poison":{},"kills":{:.2f},"killed":{},"visible":{},"deaths":{},"runners":{},"told":[{}]}})"
      "\n",
      seed, s.workers, s.slots, s.poison, s.kills, with_poison, pool.visible(), pool.deaths(), s.runners, told);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const bool fleets = argv[1] == std::string_view("fleets");
  for (int seed = std::atoi(argv[2]); seed <= std::atoi(argv[3]); ++seed)
    fleets ? fleet(std::uint64_t(seed)) : pool(std::uint64_t(seed));
  return 0;
}
