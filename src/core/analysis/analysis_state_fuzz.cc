// Any bytes as a saved analysis: what is taken is written the same again, stays within its memory, and goes on without
// a number that is none.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "core/analysis/worker_analysis.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  AnalysisBudget budget;
  WorkerAnalysis analysis("w", budget);
  const auto as_of = analysis.load(bytes);
  if (!as_of) return 0;
  if (analysis.save(*as_of) != bytes) std::abort();
  if (analysis.bytes() > WorkerAnalysis::kMaxBytes) std::abort();
  PoolPeers peers;
  for (int i = 1; i <= 5; ++i) {
    const MetricValue values[] = {{"a", double(i)}, {"memory_mb", 1e9 / i}, {"b_total", double(i * i)}};
    const WallTime at{std::chrono::seconds(1'795'000'000 + 10 * i)};
    const auto reading = analysis.update(at, values, &peers);
    if (!std::isfinite(reading.score.score)) std::abort();
    for (const Anomaly& a : reading.anomalies)
      if (!std::isfinite(a.score) || !std::isfinite(a.expected_low) || !std::isfinite(a.expected_high)) std::abort();
  }
  return 0;
}
