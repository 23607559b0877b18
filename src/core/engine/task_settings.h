// What a pool says of its tasks (key `tasks`): what a death makes of them, and when one is named poison. A plain value.
#pragma once
#include "base/params.h"
#include "core/analysis/poison.h"
#include "model/task_fate.h"

namespace paramedic {

struct TaskSettings {
  Acknowledge acknowledge = Acknowledge::unknown;  // late: done again after a death; early: lost by it
  PoisonLimits poison;                             // keys poison_deaths (2 to 100), poison_window (1 min to 7 days)
};
TaskSettings parse_task_settings(ParamsReader&& reader);

}  // namespace paramedic
