#include "io/history/remote_write/series.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace paramedic::remote_write {

namespace {

constexpr std::string_view kPrefix = "paramedic_worker_";
constexpr std::string_view kScore = "worker_health_score";
constexpr std::string_view kStatus = "paramedic_worker_status";
constexpr std::uint64_t kStaleBits = 0x7ff0000000000002;

// Families of /metrics about a worker that are no metric of the worker itself.
constexpr std::array<std::string_view, 7> kTaken = {
    "crashes", "info",  "last_heartbeat_timestamp_seconds", "last_report_timestamp_seconds", "remedy_held",
    "state",   "status"};

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

Shape make_shape(const std::shared_ptr<const MetricNames>& names) {
  Shape shape;
  shape.names = names;
  Columns all;
  all.push_back({std::string(kScore)});
  for (std::size_t s = 0; s < kEnumCount<Status>; ++s)
    all.push_back({std::string(kStatus), "status", std::string(to_string(static_cast<Status>(s)))});
  std::vector<std::string> mapped;
  if (names)
    for (const std::string& name : *names) mapped.push_back(metric_series_name(name));
  for (const std::string& metric : mapped) all.push_back({metric});
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  const auto index_of = [&](const Column& column) {
    return std::size_t(std::lower_bound(all.begin(), all.end(), column) - all.begin());
  };
  shape.score = index_of({std::string(kScore)});
  for (std::size_t s = 0; s < kEnumCount<Status>; ++s)
    shape.status[s] = index_of({std::string(kStatus), "status", std::string(to_string(static_cast<Status>(s)))});
  std::vector<bool> used(all.size());
  for (const std::string& metric : mapped) {
    const std::size_t column = index_of({metric});
    shape.from.push_back(used[column] ? -1 : std::int32_t(column));
    shape.collisions += used[column];
    used[column] = true;
  }
  shape.columns = std::make_shared<const Columns>(std::move(all));
  return shape;
}

}  // namespace

double stale_marker() { return std::bit_cast<double>(kStaleBits); }
bool is_stale_marker(double value) { return std::bit_cast<std::uint64_t>(value) == kStaleBits; }
bool is_absent(double value) { return std::isnan(value) && !is_stale_marker(value); }

std::size_t Row::samples() const {
  return std::size_t(std::count_if(values.begin(), values.end(), [](double v) { return !is_absent(v); }));
}

std::string metric_series_name(std::string_view metric) {
  if (metric == "cpu_percent") return "worker_cpu_percent";
  if (metric == "memory_mb") return "worker_memory_mb";
  std::string out(kPrefix);
  if (std::find(kTaken.begin(), kTaken.end(), metric) != kTaken.end()) out += "custom_";
  for (const char c : metric.substr(0, kMaxMetricName - out.size())) out += name_character(c) ? c : '_';
  return out;
}

const Shape& Shapes::of(const std::shared_ptr<const MetricNames>& names) {
  if (const auto found = shapes_.find(names.get()); found != shapes_.end()) return found->second;
  if (shapes_.size() >= purge_at_) {
    // Nobody else holds these names any more: no row can come with them.
    std::erase_if(shapes_, [](const auto& entry) { return entry.second.names.use_count() <= 1; });
    purge_at_ = std::max<std::size_t>(256, 2 * shapes_.size());
  }
  return shapes_.emplace(names.get(), make_shape(names)).first->second;
}

}  // namespace paramedic::remote_write
