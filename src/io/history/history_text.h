// History of one worker as text, for `paramedic export` and `import`: CSV and OpenMetrics. Layout: docs/data-care.md.
// Pure; any thread. Task counts have no text form. The readers trust nothing: errors name the line, memory is bounded
// by kMaxTextRows and kMaxTextCells.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/history_row.h"

namespace paramedic {

inline constexpr std::size_t kMaxTextRows = 2'000'000;    // 23 days of one a second
inline constexpr std::size_t kMaxTextCells = 50'000'000;  // rows times metrics

// All names that any of the rows has.
MetricNames metric_names_of(const std::vector<HistoryRow>& rows);

// REQUIRES: rows of one worker, oldest first. Hands out the text in pieces: `put(std::string_view)`, each some 64 KiB.
using PutText = void (*)(void* to, std::string_view piece);
void write_history_csv(const std::vector<HistoryRow>& rows, PutText put, void* to);
void write_history_openmetrics(const std::vector<HistoryRow>& rows, PutText put, void* to);

// Either format, told by the first character. Rows of one worker, oldest first, one shared set of names; of two rows of
// one instant the later line wins. Errors: invalid_argument ("line 12: …"), too_large.
Result<std::vector<HistoryRow>> parse_history_text(std::string_view text);

}  // namespace paramedic
