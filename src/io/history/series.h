// Which series a column of a chunk is. Metrics and task types have numbers (tables `metric` and `task_type`); from
// these the ids are computed, so that a chunk holds no names. Pure.
#pragma once
#include "io/history/codec/frame.h"

namespace paramedic::history {

// Of a metric: its value; in a roll-up the mean, and three more.
enum class Stat : SeriesId { mean = 0, min = 1, max = 2, p95 = 3 };

// A roll-up row stands for that many rows.
inline constexpr SeriesId kWeight = 8;
inline constexpr std::uint32_t kFirstMetric = 2;  // number of the first metric: 0 and 1 would fall into the ids above

inline constexpr SeriesId kFirstTask = SeriesId{1} << 30;
inline constexpr std::uint32_t kMaxMetrics = (kFirstTask >> 3) - 1;
inline constexpr std::uint32_t kMaxTaskTypes = 1u << 24;

constexpr SeriesId metric_series(std::uint32_t metric, Stat stat = Stat::mean) {
  return metric << 3 | static_cast<SeriesId>(stat);
}
constexpr bool is_task(SeriesId id) { return id >= kFirstTask; }
constexpr bool is_metric(SeriesId id) { return id >= kFirstMetric << 3 && !is_task(id); }
constexpr std::uint32_t metric_of(SeriesId id) { return id >> 3; }
constexpr Stat stat_of(SeriesId id) { return static_cast<Stat>(id & 7); }

// Fields of a task type: five counts, the sum of durations in seconds, 24 histogram counts.
inline constexpr std::uint32_t kTaskFields = 32, kTaskCounts = 5, kTaskSum = 5, kTaskBucket = 8;
constexpr SeriesId task_series(std::uint32_t type, std::uint32_t field) {
  return kFirstTask + type * kTaskFields + field;
}
constexpr std::uint32_t task_type_of(SeriesId id) { return (id - kFirstTask) / kTaskFields; }
constexpr std::uint32_t task_field_of(SeriesId id) { return (id - kFirstTask) % kTaskFields; }

// Bits of a row's state: 0–1 the status, then two marks.
inline constexpr std::uint8_t kStatusBits = 3, kTransition = 4, kBacklog = 8;

}  // namespace paramedic::history
