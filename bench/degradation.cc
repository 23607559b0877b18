// Simulated pools under the finder of performance degradation: SEEDS pools of four days each, of sizes, loads, widths
// and error ratios drawn at random, with harmless events on every day and in most of them one incident after the
// second. Usage: bench_degradation FROM TO. Prints one line of JSON per pool; bench/degradation.py adds up.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "core/analysis/degradation_pool.h"

using namespace paramedic;

namespace {

constexpr std::int64_t kDays = 4, kBlocks = kDays * kBlocksPerDay;

struct Incident {
  bool any = false, errors = false;
  DegradationScope scope = DegradationScope::pool;
  std::string name;
  double size = 0;  // factor, or points of errors
  std::int64_t from = 0, to = 0;
};

struct World {
  PoolScript script;
  Incident incident;
  // Harmless: a block in which everything takes three times as long, two hours of twice the load, a rollout to all.
  std::int64_t burst = 0, rush = 0, rollout = 0;
};

World make_world(TaskRandom& random) {
  World w;
  const std::size_t sizes[] = {4, 8, 16, 40};
  w.script.workers = sizes[random.below(4)];
  w.script.hosts = std::max<std::size_t>(2, w.script.workers / 4);
  w.script.tasks = random.log_between(3, 60);
  w.script.median = random.log_between(0.02, 20);
  w.script.spread = random.between(0.2, 1.3);
  const double errors[] = {0, 0.002, 0.01, 0.03};
  w.script.errors = errors[random.below(4)];
  w.script.daily = random.between(1, 2.5);
  w.script.daily_load = random.between(1, 4);
  w.script.wander = random.between(0.03, 0.12);
  w.burst = std::int64_t(random.below(kBlocks));
  w.rush = std::int64_t(random.below(kBlocks));
  w.rollout = std::int64_t(random.below(kBlocks));
  Incident& i = w.incident;
  i.any = random.uniform() < 0.75;
  i.errors = random.uniform() < 0.4;
  i.scope = DegradationScope(random.below(4));
  i.size = i.errors ? random.log_between(0.03, 0.2) : random.log_between(1.6, 4);
  i.from = 2 * kBlocksPerDay + std::int64_t(random.below(std::size_t(kBlocksPerDay)));
  i.to = i.from + std::int64_t(random.between(12, 72));
  if (i.scope == DegradationScope::host) i.name = fmt::format("h{}", random.below(w.script.hosts));
  if (i.scope == DegradationScope::worker) i.name = fmt::format("w{}", random.below(w.script.workers));
  if (i.scope == DegradationScope::version) i.name = "1.4.4";
  return w;
}

bool is_of(const Incident& i, const ScriptWorker& w) {
  return i.scope == DegradationScope::pool || i.name == w.host || i.name == w.id || i.name == w.version;
}

ScriptEffect effect_on(const World& world, const ScriptWorker& worker, std::int64_t block) {
  ScriptEffect e;
  if (block == world.burst) e.slower = 3;
  if (block >= world.rush && block < world.rush + 24) e.more_tasks = 2;
  const Incident& i = world.incident;
  if (!i.any || block < i.from || block >= i.to || !is_of(i, worker)) return e;
  if (i.errors)
    e.more_errors = i.size;
  else
    e.slower *= i.size;
  return e;
}

void run(std::uint64_t seed) {
  TaskRandom random(seed);
  const World world = make_world(random);
  const Incident& incident = world.incident;
  ScriptedPool pool(world.script, seed + 1'000'000);
  DegradationFinder finder;
  std::string told;
  for (std::int64_t b = 0; b < kBlocks; ++b) {
    const bool version = incident.any && incident.scope == DegradationScope::version;
    for (std::size_t k = 0; k < pool.workers.size(); ++k) {
      if (b == world.rollout) pool.workers[k].version = "1.4.3";
      // A canary of a quarter of the workers, spread over the hosts; taken back at the end.
      if (version && b == incident.from && k % 4 == (k / 4) % 4) pool.workers[k].version = "1.4.4";
      if (version && b == incident.to && pool.workers[k].version == "1.4.4") pool.workers[k].version = "1.4.3";
    }
    pool.block(finder, b, [&](const ScriptWorker& w, std::int64_t at) { return effect_on(world, w, at); });
    for (const TaskDegradation& d : finder.take_changes()) {
      if (d.state != DegradationState::holds) continue;
      const bool errors = d.what == TaskMeasure::error_ratio;
      const double since = double((d.since - ScriptedPool::kStart) / kTaskBlock);
      told += fmt::format(
          R"({}{{"errors":{},"scope":"{}","name":"{}","since":{},"block":{},"before":{:.4g},"after":{:.4g},"what":"{}","words":"{}"}})",
          told.empty() ? "" : ",", errors, to_string(d.scope), d.name, since, b, d.before, d.after, to_string(d.what),
          d.words(d.told_at));
    }
  }
  fmt::print(
      R"({{"seed":{},"workers":{},"tasks":{:.1f},"spread":{:.2f},"base_errors":{},"incident":{},"errors":{},"scope":"{}","name":"{}","size":{:.3f},"from":{},"to":{},"burst":{},"told":[{}]}})"
      "\n",
      seed, world.script.workers, world.script.tasks, world.script.spread, world.script.errors, incident.any,
      incident.errors, to_string(incident.scope), incident.name, incident.size, incident.from, incident.to, world.burst,
      told);
}

// µs per worker and block, and bytes per worker: 10 000 workers of one type.
void cost() {
  constexpr std::size_t kWorkers = 10'000;
  ScriptedPool pool({.workers = kWorkers, .hosts = 40, .tasks = 20}, 1);
  DegradationFinder finder;
  double seconds = 0, worst = 0;
  constexpr std::int64_t kWarm = 20, kMeasured = 10;
  std::vector<TaskIncrease> more(1, TaskIncrease{.type = "resize", .completed = 2});
  for (std::int64_t b = 0; b < kWarm; ++b) pool.block(finder, b);
  for (std::int64_t b = kWarm; b < kWarm + kMeasured; ++b) {
    pool.block(finder, b);
    const auto begin = std::chrono::steady_clock::now();
    finder.advance(ScriptedPool::at(b + 1));
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    seconds += took;
    worst = std::max(worst, took);
  }
  std::size_t bytes = 0;
  for (const auto& key : finder.keys()) bytes += finder.encode(key, ScriptedPool::at(kWarm + kMeasured)).size();
  fmt::print(
      R"({{"close_ms":{:.2f},"close_ms_worst":{:.2f},"us_per_worker_block":{:.3f},"bytes_per_worker_type":{},"state_bytes_per_worker_type":{:.0f}}})"
      "\n",
      1e3 * seconds / kMeasured, 1e3 * worst, 1e6 * seconds / kMeasured / kWorkers, sizeof(WorkerWindow),
      double(bytes) / kWorkers);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return cost(), 0;
  for (int seed = std::atoi(argv[1]); seed <= std::atoi(argv[2]); ++seed) run(std::uint64_t(seed));
  return 0;
}
