#include "core/recovery/action_steps.h"

#include <algorithm>

#include "base/text.h"

namespace paramedic {

static_assert(kEnumCount<ActionMoment> <= kMaxActionSteps,
              "each moment is kept once, so that no executor can flood a record");

bool note_step(ActionRecord& action, ActionMoment step, WallTime at, std::string_view message) {
  auto& steps = action.steps;
  const auto known = std::find_if(steps.begin(), steps.end(), [&](const ActionStep& s) { return s.step == step; });
  if (known == steps.end()) {
    steps.push_back({step, at, cut_text(message, kMaxStepMessage)});
    return true;
  }
  if (message.empty() || !known->message.empty()) return false;
  known->message = cut_text(message, kMaxStepMessage);
  return true;
}

ActionMoment moment_of(LadderStep step) {
  switch (step) {
    case LadderStep::accepted:
      return ActionMoment::accepted;
    case LadderStep::diagnostics:
      return ActionMoment::diagnostics;
    case LadderStep::drain:
      return ActionMoment::drain;
    case LadderStep::term:
      return ActionMoment::term;
    case LadderStep::kill:
      return ActionMoment::kill;
    case LadderStep::start:
      return ActionMoment::start;
    case LadderStep::verify:
      break;
  }
  return ActionMoment::verify;
}

}  // namespace paramedic
