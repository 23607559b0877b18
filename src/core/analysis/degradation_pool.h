// For tests and bench/degradation.cc: a pool whose workers run tasks of one type, simulated in blocks of 5 minutes.
// Durations are log-normal, with a daily cycle, a wander common to all and one of each worker; errors scatter more than
// a binomial. What happens to whom is said by a function. Deterministic by its seed.
#pragma once
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "core/analysis/degradation.h"

namespace paramedic {

class TaskRandom {  // SplitMix64: the same on every platform
 public:
  explicit TaskRandom(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  double uniform() { return double(next() >> 11) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  double log_between(double low, double high) { return low * std::pow(high / low, uniform()); }
  std::size_t below(std::size_t n) { return std::size_t(uniform() * double(n)); }
  double normal() {
    const double u = std::max(uniform(), 1e-300);
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * uniform());
  }
  std::uint64_t poisson(double mean) {
    if (mean > 50) return std::uint64_t(std::max(0.0, std::round(mean + std::sqrt(mean) * normal())));
    std::uint64_t n = 0;
    for (double left = std::exp(-mean), p = uniform(); p > left; p *= uniform()) ++n;
    return n;
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

struct PoolScript {
  std::size_t workers = 12, hosts = 4;
  double tasks = 20;                  // per worker and block, on average over the day
  double median = 0.4, spread = 0.8;  // seconds; standard deviation of ln(duration)
  double errors = 0.004;
  double error_scatter = 0.3;  // of ln(error ratio), per block
  double daily = 1;            // durations at noon : at midnight
  double daily_load = 1;       // tasks at noon : at midnight
  double wander = 0.05;        // of ln(duration), common to all, per block; it forgets half in an hour
  double unlike = 0.2;         // of ln(duration), between workers, for ever
};

struct ScriptWorker {
  std::string id, host, version;
  double own = 1;  // its durations are so many times the pool's, always
};

// What happens to one worker in one block, beside what is usual.
struct ScriptEffect {
  double slower = 1, more_errors = 0, more_tasks = 1;
};

class ScriptedPool {
 public:
  using Effects = std::function<ScriptEffect(const ScriptWorker&, std::int64_t block)>;
  static constexpr WallTime kStart{Duration{1'794'960'000'000'000'000}};  // a midnight, so block 0 is one

  ScriptedPool(PoolScript script, std::uint64_t seed) : script_(script), random_(seed) {
    for (std::size_t i = 0; i < script.workers; ++i)
      workers.push_back({"w" + std::to_string(i), "h" + std::to_string(i % script.hosts), "1.4.2",
                         std::exp(script.unlike * random_.normal())});
  }
  static WallTime at(std::int64_t block) { return kStart + kTaskBlock * block; }
  TaskRandom& random() { return random_; }

  // One block of everybody; then the finder has judged the one before.
  void block(DegradationFinder& finder, std::int64_t block, const Effects& effects = {}) {
    const double day = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(block % kBlocksPerDay) / kBlocksPerDay);
    const double common = std::pow(script_.daily, day - 0.5);
    const double load = std::pow(script_.daily_load, day - 0.5);
    wander_ +=
        (std::exp2(-1.0 / 12) - 1) * wander_ + script_.wander * std::sqrt(1 - std::exp2(-1.0 / 6)) * random_.normal();
    const double errors = script_.errors * std::exp(script_.error_scatter * random_.normal());
    for (const ScriptWorker& worker : workers) {
      const ScriptEffect effect = effects ? effects(worker, block) : ScriptEffect{};
      TaskIncrease more{.type = "resize"};
      const std::uint64_t n = random_.poisson(script_.tasks * load * effect.more_tasks);
      const double scale = script_.median * common * worker.own * effect.slower * std::exp(wander_);
      for (std::uint64_t i = 0; i < n; ++i) {
        more.durations.observe(scale * std::exp(script_.spread * random_.normal()));
        const bool failed = random_.uniform() < errors + effect.more_errors;
        ++(failed ? more.failed : more.completed);
      }
      finder.add("thumbs", {worker.id, worker.host, worker.version}, std::span(&more, 1), at(block) + 2min);
    }
  }
  // Blocks from…to, without the last.
  void blocks(DegradationFinder& finder, std::int64_t from, std::int64_t to, const Effects& effects = {}) {
    for (std::int64_t b = from; b < to; ++b) block(finder, b, effects);
    finder.advance(at(to));
  }

  std::vector<ScriptWorker> workers;

 private:
  PoolScript script_;
  TaskRandom random_;
  double wander_ = 0;
};

}  // namespace paramedic
