// Which anomaly of a worker is told to people, if any: one rule, for the monitor and for a look back over stored days.
// Pure; any thread.
#pragma once
#include "model/analysis_view.h"

namespace paramedic {

// It must last so long. Of 40 simulated workers with ten bursts of CPU a week each, which decay within five minutes,
// 0.64 alerts per worker-week came without this, 0.29 with 3 min, 0.06 with 5 and none with 10; without bursts none.
inline constexpr Duration kTellAnomalyAfter = 5min;

// Null = nothing. `told`: an alert of the worker holds already; it begins with the rare (level critical) and ends when
// nothing unusual lasts. Points into `view`.
const Anomaly* anomaly_to_tell(const WorkerAnalysisView& view, bool told);

}  // namespace paramedic
