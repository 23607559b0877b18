#include "model/input.h"

namespace paramedic {

bool is_urgent(const Input& input) {
  if (const auto* report = std::get_if<ReportInput>(&input)) {
    if (report->backlog) return false;
    const Report& r = report->report;
    return (r.process && r.process->exit) || r.stop || r.state == WorkerState::stopped ||
           r.state == WorkerState::starting;
  }
  return !std::holds_alternative<SourceFrameInput>(input);
}

}  // namespace paramedic
