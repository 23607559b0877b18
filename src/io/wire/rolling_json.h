// Rolling restarts as JSON, for the API and the ledger. Pure, any thread.
#pragma once
#include "io/wire/json_writer.h"
#include "model/rolling.h"

namespace paramedic::wire {

void write_rolling(JsonWriter& w, const RollingRecord& rolling);
// Without the notes: for the event stream.
void write_rolling_short(JsonWriter& w, const RollingRecord& rolling);
void write_rolling_target(JsonWriter& w, const RollingTarget& target);

}  // namespace paramedic::wire
