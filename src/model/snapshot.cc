#include "model/snapshot.h"

#include <algorithm>

namespace paramedic {

Duration fresh_for(Duration period) { return std::max<Duration>(3 * period, 90s); }

std::optional<double> VoiceFacts::cores_while_silent() const {
  if (silent_cores_count == 0) return std::nullopt;
  return double(silent_cores_sum) / double(silent_cores_count);
}

std::optional<SteadyTime> QueueContext::sibling_take(WorkerHandle me) const {
  for (const Take& take : takes)
    if (take.worker != kNoWorker && take.worker != me) return take.at;
  return std::nullopt;
}

const LearnedLoad* PoolContext::find_load(std::string_view model) const {
  const auto found = std::find_if(loads.begin(), loads.end(), [&](const LearnedLoad& l) { return l.model == model; });
  return found == loads.end() ? nullptr : &*found;
}

}  // namespace paramedic
