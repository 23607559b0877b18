// What the analysis of the fleet costs: ns of processor time per sample and bytes per worker, 20 metrics each (4
// watched in full, 16 in the small form; 4 of them forecast), peers compared in pools of 20. Prints one JSON object.
//   bench_detector [workers] [rounds]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/analysis/metric_forecast.h"
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
  std::vector<std::string> names{"memory_mb",      "avg_duration_seconds", "error_rate",
                                 "cpu_percent",    "memory_percent",       "disk_percent",
                                 "last_heartbeat_seconds"};
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
  // What every worker without a GPU has a limit for by itself.
  std::vector<std::size_t> forecast_metrics;
  std::vector<std::vector<MetricForecast>> forecasts(workers);
  for (std::size_t m = 0; m < kMetrics; ++m)
    if (const auto kind = forecast_kind_of(names[m]); kind && forecast_kind_info(*kind).limit > 0) {
      forecast_metrics.push_back(m);
      for (auto& of_worker : forecasts) of_worker.emplace_back(*kind, forecast_kind_info(*kind).limit);
    }
  std::vector<MetricValue> report(kMetrics);
  std::size_t next = 0, anomalies = 0;
  WallTime now{std::chrono::seconds(1'700'000'000)};
  const auto round = [&] {
    now += 10s;
    for (std::size_t w = 0; w < workers; ++w) {
      for (std::size_t m = 0; m < kMetrics; ++m) report[m] = {names[m], noise[next++ % noise.size()]};
      anomalies += fleet[w]->update(now, report, &pools[w / kPool]).anomalies.size();
      for (std::size_t f = 0; f < forecast_metrics.size(); ++f)
        forecasts[w][f].add(now, report[forecast_metrics[f]].value);
    }
  };
  for (int i = 0; i < 100; ++i) round();  // learned: from here on everything is scored
  const double start = processor_ns();
  for (int i = 0; i < rounds; ++i) round();
  const double ns = (processor_ns() - start) / (double(rounds) * double(workers) * kMetrics);
  std::size_t bytes = 0;
  for (const auto& worker : fleet) bytes = std::max(bytes, worker->bytes());
  bytes += forecast_metrics.size() * sizeof(MetricForecast);
  std::printf(
      "{\"ns_per_sample\":%.1f,\"full_ns\":%.1f,\"light_ns\":%.1f,\"bytes_per_worker\":%zu,\"full\":%zu,"
      "\"series\":%zu,\"forecasts\":%zu,\"workers\":%zu,\"anomalies\":%zu}\n",
      ns, full_ns, light_ns, bytes, fleet[0]->full_series(), fleet[0]->series(), forecast_metrics.size(), workers, anomalies);
  return 0;
}
