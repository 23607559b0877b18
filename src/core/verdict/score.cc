#include <algorithm>
#include <array>
#include <cmath>

#include "core/verdict/verdict.h"

namespace paramedic {

namespace {

// Multiplied in sorted order: a product of doubles depends on the order otherwise, in the last bit.
class Product {
 public:
  void multiply(double factor) {
    if (count_ < factors_.size()) factors_[count_++] = factor;
  }
  double value() {
    std::sort(factors_.begin(), factors_.begin() + std::ptrdiff_t(count_));
    double out = 1;
    for (std::size_t i = 0; i < count_; ++i) out *= factors_[i];
    return out;
  }

 private:
  std::array<double, 32> factors_{};  // one per check; the list has six
  std::size_t count_ = 0;
};

bool is_known(FindingStatus status) { return status == FindingStatus::healthy || badness(status) > 0; }

}  // namespace

double Weights::of(std::string_view check) const {
  if (check == "heartbeat") return heartbeat;
  if (check == "queue_connection") return queue_connection;
  if (check == "model_loading") return model_loading;
  if (check == "task_performance") return task_performance;
  if (check == "resources") return resources;
  if (check == "disk_space") return disk_space;
  return 0.5;
}

Weights Weights::parse(ParamsReader& reader) {
  Weights w;
  reader.read("heartbeat", w.heartbeat, kMinWeight, kMaxWeight);
  reader.read("queue_connection", w.queue_connection, kMinWeight, kMaxWeight);
  reader.read("model_loading", w.model_loading, kMinWeight, kMaxWeight);
  reader.read("task_performance", w.task_performance, kMinWeight, kMaxWeight);
  reader.read("resources", w.resources, kMinWeight, kMaxWeight);
  reader.read("disk_space", w.disk_space, kMinWeight, kMaxWeight);
  reader.finish();
  return w;
}

double health_score(std::span<const Finding> findings, const Weights& weights) {
  Product warnings, criticals;
  for (const Finding& finding : findings) {
    const double w = weights.of(finding.check);
    if (finding.status == FindingStatus::warning) warnings.multiply(1 - 0.25 * w);
    if (finding.status == FindingStatus::critical) criticals.multiply(1 - w);
  }
  const double score = std::max(0.70, warnings.value()) * criticals.value();
  return std::round(score * 10'000) / 10'000;
}

std::optional<double> confidence(std::span<const Finding> findings, const Weights& weights) {
  double known = 0, applicable = 0;
  for (const Finding& finding : findings) {
    if (finding.status == FindingStatus::not_applicable) continue;
    applicable += weights.of(finding.check);
    if (is_known(finding.status)) known += weights.of(finding.check);
  }
  if (applicable <= 0) return std::nullopt;
  return std::round(known / applicable * 10'000) / 10'000;
}

Status status_of(std::span<const Finding> findings, double score) {
  bool known = false, warned = false;
  for (const Finding& finding : findings) {
    known = known || is_known(finding.status);
    warned = warned || finding.status == FindingStatus::warning || finding.status == FindingStatus::error;
  }
  if (!known) return Status::unknown;
  if (score < kUnhealthyBelow) return Status::critical;
  return warned ? Status::warning : Status::healthy;
}

}  // namespace paramedic
