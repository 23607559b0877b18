// The lines of the agent's journal, both ways. Pure.
#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "app/agent/journal.h"

namespace paramedic::agent {

inline constexpr int kJournalVersion = 1;

struct JournalHeader {
  int version = kJournalVersion;
};
struct JournalAck {
  std::string action_id;
};
struct JournalForget {
  std::string worker_id;
};
struct JournalClean {};
using JournalRecord =
    std::variant<JournalHeader, JournalWorker, JournalStart, JournalLadder, JournalAck, JournalForget, JournalClean>;

// Without the line end.
std::string journal_line(const JournalRecord& record);
// Errors: corrupt.
Result<JournalRecord> parse_journal_line(std::string_view line);

}  // namespace paramedic::agent
