// The metrics page of the monitor: the brief's families under the brief's names, everything else under paramedic_.
// docs/metrics.md has one row per family (exporter_test compares). Pure; any thread; megabytes for large fleets, so
// call it on the blocking pool.
#pragma once
#include <span>
#include <string>

#include "io/telemetry/metrics_writer.h"
#include "io/telemetry/monitor_stats.h"
#include "model/view.h"

namespace paramedic::telemetry {

// A gone worker's score is exported as 0 for this long; then its series end (design section 3).
inline constexpr Duration kGoneExportedFor = 15min;

// Ages are judged at `view.at`. An unknown worker has no score line.
std::string render(const FleetView& view, const MonitorStats& stats, PageFormat format);

// Every family that render() can write, in page order.
std::span<const MetricFamily> metric_catalogue();

}  // namespace paramedic::telemetry
