// The history of one remedy: each step once, with its time and words. Pure; the caller persists the record.
#pragma once
#include <string_view>

#include "model/remedy.h"

namespace paramedic {

// Adds the step, or the words that were still missing to one that stands there. True when the record changed.
bool note_step(ActionRecord& action, ActionMoment step, WallTime at, std::string_view message = {});

ActionMoment moment_of(LadderStep step);

}  // namespace paramedic
