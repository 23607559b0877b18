// µs per round: snapshot, six checks and verdict of one worker, over a fleet of WORKERS with queue, tasks, model, disk
// and metrics. Also the whole engine step per report. Usage: bench_round [WORKERS]. Prints one line of JSON.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "core/engine/engine.h"

using namespace paramedic;

namespace {

Report make_report(int worker, int turn) {
  Report r;
  r.worker_id = fmt::format("w-{:05}", worker);
  r.pool = fmt::format("pool-{}", worker % 5);
  r.host = fmt::format("h-{}", worker % 40);
  r.incarnation = "1";
  r.seq = std::uint64_t(turn);
  r.period = 5s;
  r.capabilities = Capabilities{true, true, true, true, true};
  r.state = WorkerState::running;
  r.process = ProcessPart{.pid = 100 + worker, .state = 'S', .threads = 4};
  r.resources =
      ResourcesPart{.cpu_percent = 40.0 + worker % 20, .cpu_cores = 1, .memory_percent = 30, .memory_mb = 512};
  r.disks = {{.mount = "/", .used_percent = 60, .free_bytes = 90'000'000'000ULL, .inodes_used_percent = 10}};
  TaskPart task{.type = "resize", .started = std::uint64_t(turn * 5), .completed = std::uint64_t(turn * 5)};
  task.durations.emplace();
  for (int i = 0; i < 5 * turn; ++i) task.durations->observe(0.2);
  r.tasks = {task};
  r.in_flight.emplace();
  r.queues = {{.broker = "redis-a",
               .name = r.pool,
               .connected = true,
               .rtt_ms = 0.8,
               .ready = 14,
               .consumed = std::uint64_t(turn * 5)}};
  r.models = {{.name = "clip", .state = ModelState::ready, .load_seconds = 8.0}};
  for (int i = 0; i < 8; ++i) r.metrics.emplace_back(fmt::format("custom_{}", i), worker * 0.5 + i);
  return r;
}

}  // namespace

int main(int argc, char** argv) {
  const int workers = argc > 1 ? std::atoi(argv[1]) : 10'000;
  ManualClock clock;
  Fleet fleet({.limits = {.max_workers = 200'000, .new_ids_per_second = 1e9}}, clock.now());
  EngineConfig config;
  config.limits = {.max_workers = 200'000, .new_ids_per_second = 1e9};
  Engine engine(config, clock.now());
  Effects effects;
  const auto source = [&] {
    return SourceInput{.source = "agent/a", .host = "h", .can_restart = true, .received = clock.now().steady};
  };
  (void)fleet.apply(source(), clock.now());
  std::vector<Input> inputs{Input(source())};
  engine.step(inputs, Duration{0}, clock.now(), effects);

  double step_us = 0;
  std::uint64_t reports = 0;
  for (int turn = 1; turn <= 6; ++turn) {
    clock.advance(5s);
    std::vector<Input> batch;
    for (int w = 0; w < workers; ++w) {
      Report report = make_report(w, turn);
      report.sent_at = report.alive_at = clock.now().wall;
      ReportInput input{std::move(report), "agent/a", clock.now().steady};
      (void)fleet.apply(input, clock.now());
      batch.emplace_back(std::move(input));
    }
    effects.clear();
    const auto begin = std::chrono::steady_clock::now();
    engine.step(batch, Duration{0}, clock.now(), effects);
    if (turn > 2) {
      step_us += std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
      reports += batch.size();
    }
  }

  const CheckSet checks;
  const Weights weights;
  std::vector<VerdictState> memory(std::size_t(workers) + 1);
  std::vector<Finding> raw;
  std::uint64_t failed = 0, healthy = 0, rounds = 0;
  const auto all = fleet.workers();
  const auto begin = std::chrono::steady_clock::now();
  for (int pass = 0; pass < 10; ++pass) {
    for (const WorkerHandle worker : all) {
      const Snapshot snapshot = fleet.snapshot(worker, clock.now());
      run_checks(checks, snapshot, raw, failed);
      const Judgement judgement = judge(memory[worker], raw, snapshot.worker.period, clock.now(), weights);
      healthy += judgement.verdict.status == Status::healthy;
      ++rounds;
    }
  }
  const double round_us =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / double(rounds);
  std::printf("{\"workers\":%d,\"rounds\":%llu,\"healthy\":%llu,\"round_us\":%.3f,\"step_us_per_report\":%.3f}\n",
              workers, static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(healthy), round_us,
              step_us / double(reports));
  return healthy == rounds ? 0 : 1;
}
