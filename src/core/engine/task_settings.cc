#include "core/engine/task_settings.h"

namespace paramedic {

TaskSettings parse_task_settings(ParamsReader&& reader) {
  TaskSettings settings;
  reader.read_enum("acknowledge", settings.acknowledge);
  reader.read("poison_deaths", settings.poison.deaths, 2, 100);
  reader.read("poison_window", settings.poison.window, 1min, 24h * 7);
  reader.finish();
  return settings;
}

}  // namespace paramedic
