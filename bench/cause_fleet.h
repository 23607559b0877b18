// A simulated fleet for bench/causes.cc: workers with traits that overlap, and who is ill when. Deterministic by seed.
#pragma once
#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/analysis/degradation_pool.h"  // TaskRandom
#include "core/analysis/shared_cause.h"

namespace paramedic {

struct TrueCause {
  std::string label, value;  // empty = none
  double share = 0;          // of its workers that turn ill
  double spread_s = 0;       // within so many seconds
};
struct HealthEvent {
  double at = 0;  // seconds
  std::size_t worker = 0;
  bool ill = false;
  bool incident = false;  // by the true cause
};

class CauseFleet {
 public:
  static constexpr double kHours = 12;
  explicit CauseFleet(std::uint64_t seed) : random_(seed) {
    build();
    fall_ill();
    happen();
    std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  }

  std::vector<CauseSubject> workers;
  std::vector<HealthEvent> events;
  TrueCause cause;

  static bool has(const CauseSubject& worker, std::string_view label, std::string_view value) {
    return std::any_of(worker.traits.begin(), worker.traits.end(),
                       [&](const CauseTrait& t) { return t.label == label && t.value == value; });
  }

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  template <class T>
  T any_of_these(std::initializer_list<T> list) {
    return list.begin()[random_.below(list.size())];
  }

  // Pools of unequal size over all hosts; a broker has pools, a queue has one; a zone has hosts.
  void build() {
    const auto n = std::size_t(random_.log_between(8, 1500));
    const std::size_t hosts = std::max<std::size_t>(1, n / any_of_these<std::size_t>({2, 4, 8, 16, 32}));
    const std::size_t pools = 1 + random_.below(5), brokers = 1 + random_.below(3), zones = 1 + random_.below(4);
    const std::size_t gpus = any_of_these<std::size_t>({0, 0, 1, 2, 4}), queues = 1 + random_.below(3);
    const std::size_t customers = any_of_these<std::size_t>({0, 0, 3, 20});
    for (std::size_t i = 0; i < n; ++i) {
      CauseSubject& w = workers.emplace_back();
      w.id = keep(fmt::format("w{:04}", i));
      const std::size_t host = i % hosts;
      const auto pool = std::size_t(double(pools) * random_.uniform() * random_.uniform());
      w.traits = {{"host", keep(fmt::format("h{}", host))}, {"pool", keep(fmt::format("p{}", pool))}};
      w.traits.push_back({"broker", keep(fmt::format("b{}", pool % brokers))});
      w.traits.push_back({"queue", keep(fmt::format("p{}-q", pool))});
      if (queues > 1) w.traits.push_back({"queue", keep(fmt::format("p{}-q{}", pool, random_.below(queues)))});
      if (gpus) w.traits.push_back({"gpu", keep(fmt::format("h{}-g{}", host, random_.below(gpus)))});
      w.traits.push_back({"zone", keep(fmt::format("z{}", host % zones))});
      if (customers) w.traits.push_back({"customer", keep(fmt::format("c{}", random_.below(customers)))});
    }
    roll_out(hosts);
  }

  // Half of the fleets have a second version: on one host, on part of one pool, scattered, or on nearly all.
  void roll_out(std::size_t hosts) {
    const std::size_t kind = random_.below(8);
    const std::string host = fmt::format("h{}", random_.below(hosts));
    const double share = kind == 3 ? 0.95 : random_.between(0.05, 0.5);
    for (CauseSubject& w : workers) {
      bool fresh = kind < 4 && random_.uniform() < share;
      if (kind == 0) fresh = has(w, "host", host);
      if (kind == 1) fresh = fresh && has(w, "pool", "p0");
      w.traits.push_back({"version", fresh ? "2.0" : "1.9"});
    }
  }

  void ill(std::size_t worker, double from, double seconds, bool incident = false) {
    events.push_back({from, worker, true, incident});
    events.push_back({from + seconds, worker, false, incident});
  }
  double illness() { return random_.uniform() < 0.8 ? random_.log_between(5, 60) : random_.log_between(30, 1800); }

  // Independent crashes and hangs, some workers far oftener than others; some that are ill all day; bursts that hit
  // anybody.
  void fall_ill() {
    const double per_day = random_.log_between(0.05, 2), day = 86400, end = kHours * 3600;
    const double chronic = any_of_these<double>({0, 0, 0.01, 0.05});
    for (std::size_t i = 0; i < workers.size(); ++i) {
      if (random_.uniform() < chronic) ill(i, 0, end);
      const double rate = per_day * std::exp(random_.normal()) / day;
      for (double t = -std::log(1 - random_.uniform()) / rate; t < end; t -= std::log(1 - random_.uniform()) / rate)
        ill(i, t, illness());
    }
    for (std::uint64_t bursts = random_.poisson(any_of_these<double>({0, 0.5, 2})); bursts > 0; --bursts) {
      const double t = random_.between(0, end);
      const std::size_t hit = 3 + random_.below(std::max<std::size_t>(1, workers.size() / 20));
      for (std::size_t k = 0; k < hit; ++k)
        ill(random_.below(workers.size()), t + random_.between(0, 60), random_.log_between(60, 1200));
    }
  }

  void happen() {
    if (random_.uniform() < 0.3) return;
    static constexpr std::string_view kinds[] = {"version", "host", "gpu", "broker", "queue", "zone", "customer"};
    const std::string_view label = kinds[random_.below(std::size(kinds))];
    std::vector<std::string_view> values;
    for (const CauseTrait& t : workers[random_.below(workers.size())].traits)
      if (t.label == label) values.push_back(t.value);
    if (values.empty()) return;
    std::string_view value = values[random_.below(values.size())];
    if (label == "version") value = "2.0";
    cause.share = any_of_these<double>({0.25, 0.5, 0.75, 1});
    cause.spread_s = random_.log_between(2, 1200);
    const double at = random_.between(2, 8) * 3600, length = random_.log_between(300, 7200);
    std::size_t hit = 0, all = 0;
    for (std::size_t i = 0; i < workers.size(); ++i) {
      if (!has(workers[i], label, value)) continue;
      ++all;
      if (random_.uniform() >= cause.share) continue;
      ill(i, at + random_.between(0, cause.spread_s), length * random_.between(0.7, 1), true);
      ++hit;
    }
    // One that all have is no cause that could be told from any other.
    if (hit > 0 && all < workers.size()) cause.label = label, cause.value = value;
    if (cause.label.empty()) std::erase_if(events, [](const HealthEvent& e) { return e.incident; });
  }

  TaskRandom random_;
  std::deque<std::string> texts_;
};

}  // namespace paramedic
