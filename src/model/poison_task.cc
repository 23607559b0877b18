#include "model/poison_task.h"

#include <fmt/format.h>

#include "base/ids.h"

namespace paramedic {

std::string PoisonTask::key() const {
  return fmt::format("pool/{}/poison_task/{:016x}", pool, stable_hash(type, stable_hash(args_digest)));
}

std::string PoisonTask::name() const {
  constexpr std::size_t kShown = 12;
  const std::string digest = args_digest.size() > kShown ? args_digest.substr(0, kShown) + "…" : args_digest;
  return type.empty() ? digest : type + " " + digest;
}

std::string PoisonTask::words() const {
  return fmt::format("task {} was in flight at {} of {} deaths", name(), seen, deaths);
}

}  // namespace paramedic
