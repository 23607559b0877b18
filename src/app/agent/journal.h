// Journal: what the agent must not forget when it is killed: which processes are its workers (adoption), which starts
// it made and the monitor has not acknowledged, which ladders run or ended. `journal.jsonl` in data_dir; format in
// docs/agent.md. The agent's thread only; writing blocks for one fdatasync where durability is asked for.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "app/agent/unique_fd.h"
#include "base/log.h"
#include "base/result.h"
#include "io/wire/agent_protocol.h"
#include "model/remedy.h"
#include "model/report.h"

namespace paramedic::agent {

// The latest word on one worker.
struct JournalWorker {
  enum class Phase { starting, running, dead, stopped };
  std::string worker_id;
  Phase phase = Phase::starting;
  std::string incarnation;  // the living one, or the one that died last; empty before the first start
  int pid = 0;              // running: identity of the process is (boot_id, pid, start_ticks)
  std::uint64_t start_ticks = 0;
  std::string boot_id;
  int crashes = 0;  // in a row, the latest death included
  bool hold = false;
  std::string hold_reason;
  ExitInfo exit;  // of the last death
};
// A start made by the agent itself, until the monitor has acknowledged it.
struct JournalStart {
  wire::AgentStart start;
  WallTime at{};
};
struct JournalLadder {
  Ladder ladder;
  wire::AgentProgress progress;  // the latest
  // What its diagnostics step told, until its end is acknowledged: the monitor may be away while later steps are told.
  // put() keeps what an earlier record of the ladder had.
  std::string diagnosis;
  WallTime at{};
  bool acked = false;  // the end has been acknowledged; kept for idempotency
};

inline bool is_diagnosis(const wire::AgentProgress& p) { return p.step == LadderStep::diagnostics && !p.done; }

struct JournalState {
  std::map<std::string, JournalWorker> workers;
  std::map<std::string, JournalStart> starts;    // by action id, at most kMaxJournalStarts
  std::map<std::string, JournalLadder> ladders;  // by action id; ended ones at most kMaxJournalLadders
  bool clean = false;  // the agent ended its workers itself before it went: nothing to adopt, everything starts anew
};

inline constexpr std::size_t kMaxJournalStarts = 512;
inline constexpr std::size_t kMaxJournalLadders = 256;

class Journal {
 public:
  // Reads what is there; a torn last line is cut off, other broken lines are skipped and counted. Errors: io, corrupt
  // (written by a newer version: names both).
  // REQUIRES: the folder is locked (base/data_dir.h): one agent at a time.
  static Result<Journal> open(const std::string& folder, Logger& logger);

  const JournalState& state() const { return state_; }
  // Whether the last agent ended cleanly; stays as open() found it, while state().clean ends with the first record.
  bool opened_clean() const { return opened_clean_; }
  // How many lines were unreadable at open().
  int skipped() const { return skipped_; }

  // The last record of a key wins. Each is appended; nothing is durable before sync(). A failing disk is logged once
  // and remembered by memory alone: workers are started all the same.
  void put(const JournalWorker& worker);
  void put(const JournalStart& start);
  void put(const JournalLadder& ladder);
  void acknowledge(const std::string& action_id);
  void mark_clean();
  void forget_worker(const std::string& worker_id);
  void sync();
  // Rewrites the file with the state alone. Done by itself when the file has grown.
  void compact();

 private:
  Journal(std::string path, Logger& logger) : path_(std::move(path)), logger_(&logger) {}
  Result<void> load();
  void append(const std::string& line);
  void trim();
  void complain(const char* what);

  std::string path_;
  Logger* logger_;
  UniqueFd fd_;
  JournalState state_;
  std::size_t bytes_ = 0;
  std::size_t compact_at_ = 1 << 20;
  int skipped_ = 0;
  bool opened_clean_ = false;
  bool degraded_ = false;
};

}  // namespace paramedic::agent

namespace paramedic {
template <>
struct EnumNames<agent::JournalWorker::Phase> {
  static constexpr auto kNames = std::to_array<std::string_view>({"starting", "running", "dead", "stopped"});
};
}  // namespace paramedic
