// Inside io/history only: History as rows in a log, open hours in memory and columnar chunks (docs/formats/history.md),
// in whatever ChunkStore keeps them. Four files share the class: columnar_history.cc (start, flush),
// columnar_history_care.cc (fold, merge, retain), columnar_history_read.cc (readers), columnar_history_states.cc (what
// the analysis has learned).
#pragma once
#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/history/chunk_store.h"
#include "io/history/history.h"
#include "io/history/open_hour.h"
#include "io/history/row_codec.h"

namespace paramedic::history {

enum class Tier { raw, ten_minutes, hours };  // what is kept for a time of its own
inline constexpr std::size_t kTiers = 3;

// One worker, as the writer knows it.
struct WorkerState {
  std::int64_t no = 0;
  OpenHour open;                                                    // read by readers, under the mutex
  std::int64_t hour = kNever;                                       // its own hour of the newest live row in `open`
  std::int64_t folded = 0;                                          // log entries up to this one are in chunks
  std::int64_t unmerged = kNever;                                   // day of its oldest fresh chunk, Unix ms
  std::array<std::int64_t, kTiers> oldest{kNever, kNever, kNever};  // t0 of the oldest chunk; under the mutex
  std::int64_t newest = -kNever;                                    // t1 of the newest raw chunk
};

// A stored chunk as the writer meets it again.
struct StoredChunk {
  ChunkHead head;
  Frame frame;
};

class ColumnarHistory final : public History {
 public:
  ColumnarHistory(HistoryOptions options, std::unique_ptr<ChunkStore> store);
  ~ColumnarHistory() override;  // flushes

  Result<void> start();
  void append(std::vector<HistoryRow> rows) override;
  Result<void> flush() override;
  void append_states(std::vector<SavedState> states) override;
  Result<void> read_states(const EachState& each) override;
  Result<RetainResult> retain(Now now) override;
  Result<std::vector<HistoryRow>> read(const HistoryQuery& query) override;
  Result<HistoryColumns> read_columns(const HistoryQuery& query) override;
  Result<std::vector<TaskHistoryPoint>> read_tasks(const TaskHistoryQuery& query) override;
  std::vector<std::string> worker_ids() const override;
  HistoryStats stats() const override;

 private:
  // A number that memory already uses and the file does not know yet: written with the next commit.
  struct Unsaved {
    NameTable table;
    std::int64_t no = 0;
    std::string text;
  };
  struct PendingRow {
    WorkerState* worker = nullptr;
    std::size_t offset = 0, size = 0;  // in packed_
    std::int64_t log = 0, hour = 0;
    bool backlog = false;
  };
  // A worker whose open hour has become chunks in the running transaction.
  struct Fold {
    WorkerState* worker = nullptr;
    std::int64_t oldest = kNever, newest = -kNever, first_day = kNever;
    std::uint64_t dropped = 0;  // rows that came too late for their day
  };
  struct CachedSchema {
    std::shared_ptr<const MetricNames> names;  // keeps the address from being used again
    SchemaRef schema;
  };
  // What answers are made of.
  struct Selection {
    std::vector<std::uint32_t> metrics;  // sorted; empty with `all`
    bool all = true, tasks = false;
    std::optional<std::uint32_t> task_type;
    bool wants(SeriesId id) const;
  };

  // columnar_history.cc
  Result<void> flush_rows();
  Result<void> load_names();
  Result<void> load_bounds();
  static void add_bound(WorkerState& worker, Kind kind, std::int64_t t0, std::int64_t t1);
  Result<void> load_log();
  void load_log_entry(std::int64_t id, std::string_view bytes,
                      const std::unordered_map<std::uint64_t, WorkerState*>& by_no);
  Result<void> move_v1();
  Result<bool> move_v1_batch(std::size_t batch);
  Result<void> write(std::int64_t old_rows, std::vector<Fold>& folds);
  void forget_saved();
  Result<void> refresh_all_bounds();
  Result<void> write_log();
  Result<void> save_names();
  void pack();
  void publish(const std::vector<Fold>& folds);
  WorkerState& worker_for(const std::string& name);
  SchemaRef schema_for(const MetricSet& metrics);
  SchemaRef find_schema(std::int64_t no) const;  // any thread
  std::uint32_t metric_for(const std::string& name);
  std::uint32_t task_type_for(const std::string& name);
  SchemaOf schema_of() const {
    return [this](std::int64_t no) { return find_schema(no); };
  }

  // columnar_history_states.cc
  Result<void> load_states();
  Result<void> write_states();
  Result<void> expire_states(WallTime now);

  // columnar_history_care.cc
  Result<Fold> fold(WorkerState& worker);
  void folded(const Fold& fold);
  Result<void> put_chunk(std::int64_t worker, Kind kind, const Frame& frame);
  Result<std::vector<StoredChunk>> raw_chunks(std::int64_t worker, std::int64_t from, std::int64_t to);
  Result<void> merge_day(WorkerState& worker);
  Result<void> put_rollups(std::int64_t worker, const Frame& day, std::int64_t from);
  Result<void> refresh_bounds(WorkerState& worker);
  Result<bool> fold_stale(std::int64_t now);
  Result<bool> merge_due(std::int64_t now);
  Result<void> expire(Tier tier, Now now, Duration passed, RetainResult& out);
  Result<void> expire_future(Now now, Duration passed, RetainResult& out);
  Result<std::uint64_t> drop(WorkerState& worker, std::int64_t bound,
                             const std::function<bool(const ChunkHead&)>& which, std::size_t most);
  Result<void> cap(RetainResult& out);
  Result<void> trim_log();
  Result<void> forget_empty();
  Duration keep(Tier tier) const;
  std::int64_t hour_of(std::int64_t worker, std::int64_t at) const;

  // columnar_history_read.cc
  Selection select(const HistoryQuery& query) const;
  Result<std::vector<Frame>> collect(const std::string& worker, std::int64_t from, std::int64_t to,
                                     const Selection& selection, bool rollups);
  Result<std::vector<Frame>> collect_once(const std::string& worker, std::int64_t from, std::int64_t to,
                                          const Selection& selection, bool rollups);
  Result<std::vector<Frame>> collect_tier(ChunkStore::Snapshot& view, std::int64_t worker, Tier tier, std::int64_t from,
                                          std::int64_t to, const Selection& selection, Frame* open);
  std::vector<std::pair<std::string, SeriesId>> named_columns(std::span<const Frame> parts) const;
  HistoryColumns columns_of(std::span<const Frame> parts) const;

  const HistoryOptions options_;
  const std::unique_ptr<ChunkStore> store_;

  // The writer thread's own.
  std::vector<HistoryRow> buffer_;
  std::unordered_map<std::string, SavedState> new_states_;   // the newest per name, to be written
  std::unordered_map<std::string, std::int64_t> stored_states_;  // name → as of, Unix ms
  std::string packed_, log_entry_;                            // scratch of one flush
  std::vector<PendingRow> pending_;
  std::vector<Unsaved> unsaved_;
  std::unordered_map<const MetricNames*, CachedSchema> schema_cache_;
  std::unordered_map<std::string, SchemaRef> schemas_by_text_;
  std::unordered_map<std::int64_t, std::int64_t> schema_last_;  // log entry that used it last
  std::int64_t next_log_ = 1, next_worker_ = 1, next_schema_ = 1;
  std::optional<SteadyTime> last_retain_;
  std::array<std::optional<std::int64_t>, kTiers> kept_from_, saved_from_;  // how far retention has come, Unix ms
  std::int64_t trimmed_ = 0;                                                // log entries before it are gone
  Duration future_allowance_{};
  bool lost_ = false;  // the store forgot what it had acknowledged

  // Shared with readers: changed by the writer only, under the mutex.
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<WorkerState>> workers_;
  std::unordered_map<std::int64_t, SchemaRef> schemas_;
  std::vector<std::string> metric_names_, task_types_;  // by number
  std::unordered_map<std::string, std::uint32_t> metric_numbers_, task_numbers_;

  std::atomic<std::uint64_t> rows_ = 0, flushes_ = 0, failures_ = 0, deleted_ = 0, reads_ = 0, rows_read_ = 0,
                             dropped_ = 0, buffered_ = 0, folds_ = 0, merges_ = 0, damaged_ = 0, chunks_read_ = 0,
                             columns_read_ = 0, names_refused_ = 0, states_ = 0, states_refused_ = 0;
  std::atomic<bool> degraded_ = false;
};

Tier tier_of(Kind kind);

}  // namespace paramedic::history
