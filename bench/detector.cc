// What the analysis of the fleet costs: ns of processor time per sample and bytes per worker, 20 metrics each (4
// watched in full, 16 in the small form), peers compared in pools of 20. Prints one JSON object.
//   bench_detector [workers] [rounds]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/analysis/worker_analysis.h"

namespace {

using namespace paramedic;
constexpr std::size_t kMetrics = 20, kPool = 20;

// The values come from a table, so that drawing them is not measured.
std::vector<double> table_of_noise() {
  std::mt19937 dice(1);
  std::normal_distribution<double> normal(50, 2);
  std::vector<double> out(1 << 16);
  for (double& value : out) value = normal(dice);
  return out;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names{"memory_mb", "avg_duration_seconds", "error_rate", "cpu_percent"};
  while (names.size() < kMetrics) names.push_back("metric_" + std::to_string(names.size()));
  return names;
}

// Processor time, so that others on the machine do not count.
double processor_ns() { return double(std::clock()) * (1e9 / CLOCKS_PER_SEC); }

// One detector over one series.
template <class Observe>
double ns_alone(const std::vector<double>& noise, Observe observe) {
  constexpr int kSamples = 1'000'000;
  WallTime at{std::chrono::seconds(1'700'000'000)};
  float sum = 0;
  const double start = processor_ns();
  for (int i = 0; i < kSamples; ++i) sum += observe(at += 10s, noise[std::size_t(i) % noise.size()]);
  const double ns = (processor_ns() - start) / kSamples;
  return sum < 0 ? 0 : ns;  // the sum is used, so that nothing is left out
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t workers = argc > 1 ? std::size_t(std::atoi(argv[1])) : 200;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 400;
  const auto noise = table_of_noise();
  const auto names = metric_names();
  AnomalyDetector full;
  LightDetector light;
  const double full_ns = ns_alone(noise, [&](WallTime at, double x) { return full.observe(at, x).evidence; });
  const double light_ns = ns_alone(noise, [&](WallTime at, double x) { return light.observe(at, x, 0).evidence; });

  AnalysisBudget budget;
  std::vector<PoolPeers> pools((workers + kPool - 1) / kPool);
  std::vector<std::unique_ptr<WorkerAnalysis>> fleet;
  for (std::size_t w = 0; w < workers; ++w)
    fleet.push_back(std::make_unique<WorkerAnalysis>("worker-" + std::to_string(w), budget));
  // The state of the forecasts joins here: one per worker, updated in the same round.
  std::vector<MetricValue> report(kMetrics);
  std::size_t next = 0, anomalies = 0;
  WallTime now{std::chrono::seconds(1'700'000'000)};
  const auto round = [&] {
    now += 10s;
    for (std::size_t w = 0; w < workers; ++w) {
      for (std::size_t m = 0; m < kMetrics; ++m) report[m] = {names[m], noise[next++ % noise.size()]};
      anomalies += fleet[w]->update(now, report, &pools[w / kPool]).anomalies.size();
    }
  };
  for (int i = 0; i < 100; ++i) round();  // learned: from here on everything is scored
  const double start = processor_ns();
  for (int i = 0; i < rounds; ++i) round();
  const double ns = (processor_ns() - start) / (double(rounds) * double(workers) * kMetrics);
  std::size_t bytes = 0;
  for (const auto& worker : fleet) bytes = std::max(bytes, worker->bytes());
  std::printf(
      "{\"ns_per_sample\":%.1f,\"full_ns\":%.1f,\"light_ns\":%.1f,\"bytes_per_worker\":%zu,\"full\":%zu,"
      "\"series\":%zu,\"workers\":%zu,\"anomalies\":%zu}\n",
      ns, full_ns, light_ns, bytes, fleet[0]->full_series(), fleet[0]->series(), workers, anomalies);
  return 0;
}
