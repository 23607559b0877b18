// What a pool learns from its workers: durations per task type, the gap between takes, load times per model. Engine's
// strand.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/snapshot.h"

namespace paramedic {

inline constexpr std::string_view kOtherType = "__other__";
inline constexpr std::size_t kMaxModelsPerPool = 64;

class PoolMemory {
 public:
  // Index of a task type; makes it. Beyond 512 types per pool (or when `full`, beyond the worker's 64) it is __other__.
  std::uint32_t type_index(std::string_view type, bool full = false);
  std::optional<std::uint32_t> find_type(std::string_view type) const;
  const std::string& type_name(std::uint32_t index) const { return durations_[index].type; }
  // `more`: durations that were not learned before.
  void learn_durations(std::uint32_t type, const DurationHistogram& more);
  void learn_take_gap(Duration gap);
  void learn_load(std::string_view model, double seconds);

  std::span<const LearnedDuration> durations() const { return durations_; }
  std::span<const LearnedLoad> loads() const { return loads_; }
  Duration take_gap_p95() const { return take_gap_p95_; }
  std::uint64_t take_gap_count() const { return take_gaps_.count(); }

 private:
  std::vector<LearnedDuration> durations_;
  std::vector<DurationHistogram> histograms_;  // parallel to durations_
  std::map<std::string, std::uint32_t, std::less<>> types_;
  DurationHistogram take_gaps_;
  Duration take_gap_p95_ = 60s;
  std::vector<LearnedLoad> loads_;
  std::vector<std::vector<double>> load_times_;  // parallel to loads_; the latest nine each
};

}  // namespace paramedic
