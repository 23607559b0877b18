// History: what each worker was like, point by point, for at least 7 days.
// Threads: append, flush, retain and close belong to one writer thread (HistoryWriter). read and stats may be called
// from any thread; they block on the disk, never on the writer (own read-only connections, rows copied out before they
// return). kill -9 loses what was not flushed: at most 1 s with HistoryWriter.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/history_columns.h"
#include "model/saved_state.h"

namespace paramedic {

struct HistoryQuery {
  std::string worker_id;
  WallTime from{}, to{};             // [from, to]
  Duration step{};                   // 0 = raw rows, else at least 1 ms
  std::vector<std::string> metrics;  // empty = all
  bool p95 = false;                  // with a step: NAME_p95 as well
  std::size_t max_rows = 100'000;    // of the answer; more is refused with the step that would fit
};

struct TaskHistoryQuery {
  std::string worker_id;
  WallTime from{}, to{};           // [from, to]
  Duration step = 10min;           // at least 1 ms
  std::string type;                // empty = all
  std::size_t max_rows = 100'000;  // points · types of the answer
};

struct HistoryStats {
  std::uint64_t rows = 0, flushes = 0, failures = 0, deleted = 0, reads = 0, rows_read = 0;
  std::uint64_t dropped = 0;   // rows given up because the disk refused them for too long
  std::uint64_t buffered = 0;  // waiting for the next flush
  std::uint64_t file_bytes = 0, workers = 0;
  std::uint64_t open_rows = 0, open_bytes = 0;       // newest rows, compressed in memory
  std::uint64_t folds = 0, merges = 0, damaged = 0;  // chunks written; chunks and log entries that do not decode
  std::uint64_t chunks_read = 0, columns_read = 0;   // decoded for readers
  std::uint64_t names_refused = 0;                   // metrics and task types beyond max_names
  std::uint64_t states = 0, states_refused = 0;      // of the analysis: written; beyond a bound
  bool degraded = false;                             // the latest flush failed
  bool fenced = false;            // of a shared store: another monitor took it over, nothing is stored any more
  std::string weaker_durability;  // of a shared store: what it does not promise, in words; empty = all
};

// Bounds of what is kept for the analysis.
inline constexpr std::size_t kMaxSavedState = 16 << 20;      // bytes of one; a larger one is refused and counted
inline constexpr std::size_t kMaxSavedStates = 100'000;      // names; further ones are refused and counted
inline constexpr std::size_t kMaxSavedStateName = 512;       // bytes of a name, as above

struct RetainResult {
  std::uint64_t deleted = 0;
  bool more = false;  // stopped at the batch limit: call again soon
};

class History {
 public:
  virtual ~History() = default;

  // Takes rows into the buffer; cheap, no disk. Rows may be out of order and older than what is stored: a later write
  // wins for the same worker and instant (milliseconds). Beyond the buffer's bound the oldest waiting rows are dropped
  // and counted.
  virtual void append(std::vector<HistoryRow> rows) = 0;
  // One durable transaction with all that was appended. On failure the rows stay in the buffer for the next flush.
  // Errors: unavailable (disk full), forbidden, io, corrupt: each names the file and the remedy.
  virtual Result<void> flush() = 0;
  // Takes states into a buffer of the newest per name, written by the next flush() in transactions of their own after
  // the rows: states that the disk refuses wait, and never keep rows from being written. They go with retain() when
  // they are older than the raw rows, since then they say nothing of today.
  virtual void append_states(std::vector<SavedState> states) = 0;
  // All stored states, in no order. The writer's thread, or before there is one.
  using EachState = std::function<void(std::string_view name, WallTime as_of, std::string_view bytes)>;
  virtual Result<void> read_states(const EachState& each) = 0;
  // One retention pass (base/retention.h), in batches of bounded length. Call each minute.
  virtual Result<RetainResult> retain(Now now) = 0;

  // Oldest first. An unknown worker or an empty range is an empty list. With a step: one row per step that has any,
  // stamped with the start of the step (multiples of the step since 1970); status = the worst, score = the lowest; each
  // metric NAME is the mean and comes with NAME_min and NAME_max, so that a short peak survives zooming out. A step is
  // computed from raw rows as far back as there are any, before that from roll-ups of 10 min, then of 1 h; without a
  // step only raw rows are given. A row's `tasks` are not: ask read_tasks. Errors: invalid_argument (to < from),
  // too_large, io, corrupt.
  virtual Result<std::vector<HistoryRow>> read(const HistoryQuery& query) = 0;
  // The same points as columns, several times cheaper: for answers of many points.
  virtual Result<HistoryColumns> read_columns(const HistoryQuery& query) = 0;
  // Oldest first, only steps in which something happened. Reaches as far back as roll-ups do. Errors as read.
  virtual Result<std::vector<TaskHistoryPoint>> read_tasks(const TaskHistoryQuery& query) = 0;
  // Everybody of whom anything is stored, also those that are gone; sorted. Any thread.
  virtual std::vector<std::string> worker_ids() const = 0;
  virtual HistoryStats stats() const = 0;
};

struct HistoryOptions {
  std::string data_dir;  // history.db lives here; locked by the ledger
  Duration retention = 24h * 7;
  Duration keep_ten_minutes = 24h * 30, keep_hours = 24h * 90;  // roll-ups; 0 = none are made
  std::uint64_t max_bytes = 0;         // of the file; beyond it the oldest goes, whatever its age; 0 = no cap
  std::size_t max_buffered = 200'000;  // rows
  std::size_t retain_batch = 200'000;  // rows per pass
  std::size_t max_names = 100'000;     // metrics, and as many task types, over all time
  std::uint64_t max_pages = 0;         // tests only: PRAGMA max_page_count; 0 = unlimited
  // With less free on the file system rows wait in memory: the rest is the ledger's, whose reserve would go to history
  // else. Twice that reserve. 0 = take all there is.
  std::uint64_t leave_free_bytes = 8 << 20;
};
// Creates the directory and file when missing. Errors as Ledger's.
Result<std::unique_ptr<History>> open_sqlite_history(const HistoryOptions& options);

}  // namespace paramedic
