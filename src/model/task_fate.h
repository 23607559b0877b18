// What becomes of the tasks in a worker's hands when it is restarted. Plain values.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"
#include "model/remedy_kind.h"

namespace paramedic {

// When the workers of a pool acknowledge a task to their broker: after its end (a death gives it back), or when they
// take it (a death loses it).
enum class Acknowledge { unknown, late, early };
PARAMEDIC_ENUM_NAMES(Acknowledge, "unknown", "late", "early")

enum class TaskFate { safe, redone, lost, unknown };
PARAMEDIC_ENUM_NAMES(TaskFate, "safe", "redone", "lost", "unknown")

struct TaskForecast {
  std::string id, type;
  std::optional<WallTime> since;
  std::optional<double> running_seconds;
  TaskFate fate = TaskFate::unknown;
  std::string why;
};

struct LossForecast {
  static constexpr std::size_t kMaxTasks = 100;
  RemedyKind kind = RemedyKind::restart;  // what would run now
  bool known = false;                     // the worker tells its tasks
  std::vector<TaskForecast> tasks;        // the longest running first, at most kMaxTasks
  int left_out = 0;
};

}  // namespace paramedic
