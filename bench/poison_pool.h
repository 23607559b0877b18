// A simulated pool for bench/causes.cc: who dies with which tasks in flight. What is in flight is drawn at each death
// from what runs at any time (so long tasks are met as often as they are long); long singletons, retried tasks and the
// poison have a life of their own. Deterministic by seed.
#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/analysis/degradation_pool.h"  // TaskRandom
#include "core/analysis/poison.h"

namespace paramedic {

class PoisonPool {
 public:
  static constexpr double kHours = 48;
  struct Script {
    std::size_t workers = 0, slots = 0;
    double deaths_per_worker_day = 0;  // of no task's doing
    double told_every = 0;             // seconds: younger tasks may be unknown at a death
    std::vector<double> ticks;         // tasks of one digest each that are everywhere: shares of all slots
    double popular = 0;                // share of slots with one of 50 digests, the first the commonest
    double long_ones = 0;              // share of slots with a task of hours of its own digest
    std::size_t runners = 0;           // long tasks that run once at a time, again and again
    double runner_length = 0, runner_duty = 0;
    bool pinned = false;  // each worker runs a task of its own all the time
    double storms = 0;    // half of the pool dies within a minute
    double loops = 0;     // one worker dies 12 times in 10 minutes
    bool poison = false;
    double kills = 0, kill_after = 0, again_after = 0, submitted_every = 0;
    int deliveries = 0;       // at most, of one submission
    int taken_out_after = 0;  // kills: people act
  };
  struct Death {
    double at = 0;
    DeathRecord record;
    bool by_poison = false;
  };

  explicit PoisonPool(std::uint64_t seed) : random_(seed) {
    draw_script();
    born_.assign(script_.workers, 0);
    draw_deaths();
    for (std::size_t i = 0; i < script_.runners; ++i)
      runners_.push_back({.digest = fmt::format("runner{}", i), .again = true});
    for (Runner& r : runners_) start(r, random_.uniform() * script_.runner_length);
    if (script_.poison) poison_at_ = random_.between(6, 24) * 3600;
  }
  const Script& script() const { return script_; }
  int visible() const { return visible_; }  // kills at which the poison was told
  int deaths() const { return deaths_; }

  std::optional<Death> next_death() {
    const double end = kHours * 3600;
    std::optional<Death> out;
    const double innocent = next_innocent_ < innocent_.size() ? innocent_[next_innocent_].first : end;
    while (script_.poison && kills_ < script_.taken_out_after && poison_at_ < std::min(innocent, end) && !out)
      out = run_poison();
    if (!out && innocent < end) {
      std::size_t who = innocent_[next_innocent_++].second;
      out = die(innocent, who, false, false);
    }
    deaths_ += out.has_value();
    return out;
  }

 private:
  struct Runner {
    std::string digest;
    bool again = false;
    std::size_t worker = 0;
    double from = 0, to = 0;
  };
  template <class T>
  T any_of_these(std::initializer_list<T> list) {
    return list.begin()[random_.below(list.size())];
  }

  void draw_script() {
    Script& s = script_;
    s.workers = std::size_t(random_.log_between(1, 60));
    s.slots = any_of_these<std::size_t>({1, 1, 4, 8});
    s.deaths_per_worker_day = random_.log_between(0.1, 10);
    s.told_every = any_of_these<double>({0, 1, 5});
    for (std::size_t i = random_.below(3); i > 0; --i) s.ticks.push_back(random_.log_between(0.02, 0.4));
    s.popular = any_of_these<double>({0, 0.1, 0.3});
    s.long_ones = any_of_these<double>({0, 0, 0.1});
    s.runners = any_of_these<std::size_t>({0, 1, 3, 8});
    s.runner_length = random_.log_between(600, 6 * 3600);
    s.runner_duty = random_.between(0.3, 1);
    s.pinned = random_.uniform() < 0.15;
    s.storms = any_of_these<double>({0, 0, 1});
    s.loops = any_of_these<double>({0, 0, 1});
    s.poison = random_.uniform() < 0.6;
    s.kills = any_of_these<double>({0.3, 0.6, 1});
    s.kill_after = random_.log_between(0.1, 120);
    s.again_after = random_.log_between(1, 300);
    s.submitted_every = random_.log_between(120, 4 * 3600);
    s.deliveries = any_of_these({1, 3, 100});
    s.taken_out_after = int(random_.log_between(3, 60));
  }

  void draw_deaths() {
    const double end = kHours * 3600;
    for (std::size_t w = 0; w < script_.workers; ++w) {
      const double rate = script_.deaths_per_worker_day * std::exp(0.5 * random_.normal()) / 86400;
      for (double t = wait(rate); t < end; t += std::max(30.0, wait(rate))) innocent_.emplace_back(t, w);
    }
    for (std::uint64_t n = random_.poisson(script_.storms); n > 0; --n)
      for (std::size_t w = 0, at = std::size_t(random_.between(0, end)); w < script_.workers; ++w)
        if (random_.uniform() < 0.5) innocent_.emplace_back(double(at) + random_.between(0, 60), w);
    for (std::uint64_t n = random_.poisson(script_.loops); n > 0; --n)
      for (std::size_t k = 0, w = random_.below(script_.workers), at = std::size_t(random_.between(0, end)); k < 12;
           ++k)
        innocent_.emplace_back(double(at) + 50 * double(k), w);
    std::sort(innocent_.begin(), innocent_.end());
  }
  double wait(double rate) { return -std::log(1 - random_.uniform()) / rate; }

  void start(Runner& r, double at) {
    r.worker = random_.below(script_.workers);
    r.from = at;
    r.to = at + script_.runner_length * std::exp(0.3 * random_.normal());
  }
  void bring_runners_to(double now) {
    for (Runner& r : runners_)
      while (r.again && r.to < now) start(r, r.to + script_.runner_length * (1 / script_.runner_duty - 1));
    std::erase_if(runners_, [&](const Runner& r) { return !r.again && r.to < now; });
  }

  std::optional<Death> run_poison() {
    const double at = poison_at_;
    const bool kills = random_.uniform() < script_.kills;
    const bool again = kills && ++delivered_ < script_.deliveries;
    if (!again) delivered_ = 0;
    poison_at_ = at + (again ? script_.kill_after + script_.again_after : std::max(script_.submitted_every, 1.0));
    if (!kills) return std::nullopt;
    ++kills_;
    const bool told = random_.uniform() * script_.told_every < script_.kill_after;
    visible_ += told;
    return die(at + script_.kill_after, random_.below(script_.workers), told, true);
  }

  // One slot of one worker at any time; empty = a task that nobody else has.
  std::string any_task() {
    double u = random_.uniform();
    for (std::size_t i = 0; i < script_.ticks.size(); ++i)
      if ((u -= script_.ticks[i]) < 0) return fmt::format("tick{}", i);
    if ((u -= script_.popular) < 0) return fmt::format("popular{}", int(std::pow(50, random_.uniform())));
    if ((u -= script_.long_ones) < 0) return fmt::format("long{}", ++serial_);
    return "";
  }
  std::map<std::string, double> tasks_of(std::size_t worker, double now) {
    std::map<std::string, double> out;
    for (std::size_t k = 0; k < script_.slots; ++k)
      if (const std::string digest = any_task(); !digest.empty()) out[digest] = random_.log_between(0.1, 60);
    // Since its start, or a short one again and again.
    if (script_.pinned) out[fmt::format("pinned{}", worker)] = worker % 2 ? 20 : now - born_[worker];
    for (const Runner& r : runners_)
      if (r.worker == worker && r.from <= now && now <= r.to) out[r.digest] = now - r.from;
    return out;
  }

  Death die(double at, std::size_t who, bool with_poison, bool by_poison) {
    bring_runners_to(at);
    Death out{.at = at, .by_poison = by_poison};
    DeathRecord& r = out.record;
    r = {.worker_id = fmt::format("w{}", who), .pool = "p", .host = "h"};
    r.incarnation = fmt::format("i{}", ++serial_);
    r.living = int(script_.workers) - 1;
    std::map<std::string, int> living;
    for (std::size_t w = 0; w < script_.workers; ++w)
      if (w != who)
        for (const auto& [digest, ran] : tasks_of(w, at)) ++living[digest];
    auto mine = tasks_of(who, at);
    born_[who] = at + 10;
    if (with_poison) mine["poison"] = script_.kill_after;
    for (const auto& [digest, ran] : mine)
      r.tasks.push_back(
          {"t", "t", digest, std::chrono::duration_cast<Duration>(std::chrono::duration<double>(ran)), living[digest]});
    // What the dead had and nobody finished is taken by another soon.
    for (Runner& runner : runners_)
      if (runner.worker == who && runner.from <= at && at <= runner.to) start(runner, at + random_.between(1, 60));
    for (const auto& [digest, ran] : mine)
      if (digest.starts_with("long") &&
          std::none_of(runners_.begin(), runners_.end(), [&](const Runner& x) { return x.digest == digest; }))
        start(runners_.emplace_back(Runner{.digest = digest}), at + random_.between(1, 60));
    return out;
  }

  TaskRandom random_;
  Script script_;
  std::vector<std::pair<double, std::size_t>> innocent_;
  std::size_t next_innocent_ = 0;
  std::vector<double> born_;  // when each worker started last
  std::vector<Runner> runners_;
  double poison_at_ = 0;
  int delivered_ = 0, kills_ = 0, visible_ = 0, deaths_ = 0, serial_ = 0;
};

}  // namespace paramedic
