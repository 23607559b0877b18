// What a restart now would do to the tasks in flight. Pure.
//
// With a drain (a worker that is well, restarted by its agent) a task that usually ends within `drain` is safe: usually
// = 99 % of its type do, as its pool learned. Whatever may still run when the worker is stopped ends with it, and then
// it depends on when the pool's workers acknowledge: late = the broker hands it out again, early = it is lost.
#pragma once
#include "core/recovery/policy.h"
#include "core/recovery/recovery.h"

namespace paramedic {

LossForecast forecast_losses(const RecoveryWorkerFacts& facts, RemedyKind kind, const RecoveryPolicy& policy,
                             const Now& now);
// "2 tasks in flight, 1 safe, 1 lost: resize t1 (running 41 s, lost), …"
std::string in_words(const LossForecast& forecast);

}  // namespace paramedic
