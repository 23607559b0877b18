#include "io/history/remote_write/split_plan.h"

namespace paramedic::remote_write {

SplitPlan::SplitPlan(std::size_t samples) {
  if (samples > 0) parts_.push_back({0, samples});
}

std::optional<SplitPlan::Part> SplitPlan::next() const {
  if (parts_.empty()) return std::nullopt;
  return parts_.back();
}

void SplitPlan::taken() {
  if (!parts_.empty()) parts_.pop_back();
  give_up_at_ = 1;
  in_row_ = 0;
}

std::optional<SplitPlan::Part> SplitPlan::refused() {
  if (parts_.empty()) return std::nullopt;
  const Part part = parts_.back();
  parts_.pop_back();
  ++refusals_;
  if (part.size() > give_up_at_ && refusals_ < kMaxRequests) {
    const std::size_t middle = part.begin + part.size() / 2;
    parts_.push_back({middle, part.end});
    parts_.push_back({part.begin, middle});
    return std::nullopt;
  }
  if (++in_row_ >= kRow) {
    in_row_ = 0;
    give_up_at_ *= 2;
  }
  return part;
}

}  // namespace paramedic::remote_write
