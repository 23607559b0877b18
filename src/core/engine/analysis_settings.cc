#include "core/engine/analysis_settings.h"

#include <fmt/format.h>

namespace paramedic {

namespace {

// A percentage may be 100, seconds a week; a limit of 0 would be no limit.
constexpr double kLeastLimit = 1e-6, kMostLimit = 1e9;

void read_limits(ParamsReader reader, std::map<std::string, double, std::less<>>& limits) {
  for (std::size_t i = 0; i < kEnumCount<ForecastKind>; ++i) {
    const std::string metric(forecast_kind_info(ForecastKind(i)).metric);
    std::optional<double> limit;
    reader.read(metric, limit, kLeastLimit, kMostLimit);
    if (limit) limits[metric] = *limit;
  }
  reader.finish();
}

}  // namespace

AnalysisConfig parse_analysis_config(const Params* node, std::string path, Problems& problems) {
  AnalysisConfig out;
  ParamsReader reader(node, std::move(path), problems);
  reader.read("enabled", out.enabled);
  reader.read_bytes("max_memory", out.max_memory, std::uint64_t{1} << 20, std::uint64_t{64} << 30);
  reader.finish();
  return out;
}

AnalysisSettings parse_analysis_settings(ParamsReader&& reader) {
  AnalysisSettings out;
  reader.read("enabled", out.enabled);
  reader.read("watch", out.watch);
  if (out.watch.size() > WorkerAnalysis::kMaxFull)
    reader.problem("watch", fmt::format("names {} metrics; at most {} of a worker are watched in full",
                                        out.watch.size(), WorkerAnalysis::kMaxFull));
  read_limits(reader.child("limits"), out.limits);
  reader.finish();
  return out;
}

}  // namespace paramedic
