#include "core/fleet/metric_schemas.h"

#include <algorithm>
#include <array>

namespace paramedic {

namespace {
constexpr std::array<std::string_view, kStandardMetrics> kNames = {
    "avg_duration_seconds", "completed_tasks",    "cpu_percent",     "disk_percent",           "error_rate",
    "failed_tasks",         "gpu_memory_percent", "gpu_utilization", "last_heartbeat_seconds", "memory_mb",
    "memory_percent",       "tasks_per_minute",   "total_tasks"};
static_assert(std::is_sorted(kNames.begin(), kNames.end()));
}  // namespace

std::string_view standard_metric_name(std::size_t index) { return kNames[index]; }

void MetricSchemas::purge() {
  if (size() < purge_at_) return;
  std::erase_if(schemas_, [](const auto& e) { return e.second.expired(); });
  std::erase_if(names_, [](const auto& e) { return e.second.expired(); });
  purge_at_ = std::max<std::size_t>(256, 2 * size());
}

std::shared_ptr<const MetricNames> MetricSchemas::intern(MetricNames names) {
  if (names.empty()) return nullptr;
  if (const auto found = names_.find(names); found != names_.end())
    if (auto alive = found->second.lock()) return alive;
  purge();
  auto made = std::make_shared<const MetricNames>(std::move(names));
  names_[*made] = made;
  return made;
}

std::shared_ptr<const MetricSchema> MetricSchemas::schema(std::uint32_t mask,
                                                          const std::shared_ptr<const MetricNames>& custom) {
  const auto key = std::make_pair(mask, custom.get());
  if (const auto found = schemas_.find(key); found != schemas_.end())
    if (auto alive = found->second.lock()) return alive;
  auto made = std::make_shared<MetricSchema>();
  made->custom = custom;
  std::vector<std::pair<std::string_view, std::int16_t>> all;
  for (std::size_t i = 0; i < kStandardMetrics; ++i)
    if (mask >> i & 1) all.emplace_back(kNames[i], std::int16_t(i));
  if (custom)
    for (std::size_t i = 0; i < custom->size(); ++i) all.emplace_back((*custom)[i], std::int16_t(~std::int16_t(i)));
  // A custom metric that is called like a standard one gives way to it.
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  all.erase(std::unique(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
            all.end());
  MetricNames names;
  for (const auto& [name, from] : all) {
    names.emplace_back(name);
    made->from.push_back(from);
  }
  made->names = intern(std::move(names));
  purge();
  schemas_[key] = made;
  return made;
}

}  // namespace paramedic
