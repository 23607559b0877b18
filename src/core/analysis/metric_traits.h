// What the analysis knows of a metric by its name alone: whether it counts, what of it is no news, and how interesting
// it is. Pure; any thread.
#pragma once
#include <string_view>

namespace paramedic {

struct MetricTraits {
  bool counter = false;  // it only grows: its rate per second is looked at
  // Changes below it are no news, in its unit (a counter's per second): a point of a percentage, a megabyte, one event
  // a minute, the last decimal that is kept of anything else.
  float floor = 0;
  // Which series of a worker are watched in full: 0 first. What usually tells first that a worker goes bad: memory,
  // how long its tasks take, how many fail, processor, memory of the GPU, throughput; then all others alike.
  int rank = 0;
};
inline constexpr int kOrdinaryRank = 6;

MetricTraits metric_traits(std::string_view name);

}  // namespace paramedic
