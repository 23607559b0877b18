// `paramedic analyze`: the shipped anomaly detector over a series of anybody's, as CSV in and CSV out, so that its
// promises can be checked on own data and on public benchmarks. Streaming: a line is scored before the next is read,
// and written at the latest when the input has nothing more to offer.
#pragma once
#include <cstdint>
#include <istream>
#include <optional>
#include <ostream>
#include <string>

#include "base/result.h"
#include "core/analysis/forecast_kinds.h"

namespace paramedic::analyze {

struct Analyzed {
  std::uint64_t samples = 0;
  std::uint64_t unusable = 0;  // empty, not a number, or beyond 1e30: scored 0
};

// A forecast beside the score: when does the series reach its limit?
struct AnalyzeForecast {
  double limit = 0;                        // finite, > 0
  ForecastKind kind = ForecastKind::disk;  // how the series degrades (core/analysis/forecast_kinds.h)
};

// Writes `timestamp,value,anomaly_score` to `out`; the score is AnomalyReading::score (docs/analysis.md). With a
// forecast the columns of core/analysis/forecast_columns.h follow. `name` is the file's, for errors. What was scored
// before an error is written.
Result<Analyzed> analyze_csv(std::istream& in, const std::string& name, std::ostream& out,
                             const std::optional<AnalyzeForecast>& forecast = std::nullopt);

}  // namespace paramedic::analyze
