// What the configuration says of the analysis: key `analysis` of the monitor and of each pool. Plain values.
#pragma once
#include "base/params.h"
#include "core/analysis/fleet_analysis.h"

namespace paramedic {

// Of the monitor.
struct AnalysisConfig {
  bool enabled = true;
  std::uint64_t max_memory = AnalysisBudget::kDefaultBytes;  // bytes for the whole fleet: 1 MiB to 64 GiB
};
AnalysisConfig parse_analysis_config(const Params* node, std::string path, Problems& problems);

// Of a pool: enabled, watch (at most WorkerAnalysis::kMaxFull metrics), limits (metric: number > 0).
AnalysisSettings parse_analysis_settings(ParamsReader&& reader);

}  // namespace paramedic
