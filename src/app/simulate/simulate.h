// A simulated fleet under the real engine: engine only, no sockets, no ledger, a simulated clock. Pure: the same
// scenario gives the same result on every run.
#pragma once
#include "app/simulate/result.h"
#include "app/simulate/scenario.h"

namespace paramedic::simulate {

// REQUIRES: at least one worker, pool, broker and worker per host; no more pools than workers.
SimulationResult simulate(const Scenario& scenario);

}  // namespace paramedic::simulate
