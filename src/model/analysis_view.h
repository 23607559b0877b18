// What the analysis says of one worker now, for readers. Made by core/analysis with each history row, shared with the
// published views. Immutable; any thread.
#pragma once
#include <vector>

#include "model/anomaly.h"
#include "model/forecast.h"

namespace paramedic {

struct WorkerAnalysisView {
  WallTime at{};              // the sample it rests on
  bool scored = false;        // false: still learning
  double score = 0;           // -log10 of how often its own past looked like this
  double health = 100;        // 100 at one in a hundred and more often, 0 at one in a million
  AnomalyLevel level = AnomalyLevel::usual;
  std::vector<Anomaly> anomalies;   // those that last, most evidence first
  std::vector<Forecast> forecasts;  // of metrics with a trend towards their limit, the earliest first
};

}  // namespace paramedic
