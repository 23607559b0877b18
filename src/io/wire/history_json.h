// GET /health/workers/{id}/history: stored points as JSON, in two forms (docs/api.md). Pure; any thread. Written from
// columns straight into the text: an answer may hold a hundred thousand numbers.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/history_columns.h"

namespace paramedic::wire {

// One object per point. nullopt: longer than `most` bytes.
std::optional<std::string> history_rows_json(const HistoryColumns& columns, std::size_t most);
// {worker_id, timestamps_ms, status, health_score, transitions, backlog, metrics}: one list per metric; status as
// [place, word] wherever it changes, transitions and backlog as places. nullopt: longer than `most` bytes.
std::optional<std::string> history_columns_json(std::string_view worker_id, const HistoryColumns& columns,
                                                std::size_t most);

}  // namespace paramedic::wire
