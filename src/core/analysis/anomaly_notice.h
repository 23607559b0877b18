// Which anomaly of a worker is told to people, if any: one rule, for the monitor and for a look back over stored days.
// Pure; any thread.
#pragma once
#include "model/analysis_view.h"

namespace paramedic {

// It must last so long: bursts of a minute or two come several times a week to workers that are well
// (docs/analysis.md, "Measured").
inline constexpr Duration kTellAnomalyAfter = 5min;

// Null = nothing. `told`: an alert of the worker holds already; it begins with the rare (level critical) and ends when
// nothing unusual lasts. Points into `view`.
const Anomaly* anomaly_to_tell(const WorkerAnalysisView& view, bool told);

}  // namespace paramedic
