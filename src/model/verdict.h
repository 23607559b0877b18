// Verdict: the health of one worker after one round. Made by core/verdict.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "model/finding.h"

namespace paramedic {

// A score below this is unhealthy and is handled (design section 3).
inline constexpr double kUnhealthyBelow = 0.7;

struct Verdict {
  Status status = Status::unknown;
  std::optional<double> score;       // 0…1, four decimals; none while unknown
  std::optional<double> confidence;  // weight known / weight applicable; none if no check applies
  std::vector<Finding> findings;     // effective, in the order of the check list
  std::vector<Pending> pending;
};

// Unknown, without a finding: what a worker has before its first round.
std::shared_ptr<const Verdict> no_verdict();

}  // namespace paramedic
