// Inside io/history only: the SQLite form of History (layout: docs/formats/history.md).
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/history/chain.h"
#include "io/history/history.h"
#include "io/history/row_codec.h"
#include "io/sqlite/database.h"

namespace paramedic::history {

struct SchemaEntry {
  std::int64_t no = 0;
  Schema schema;
};
using SchemaRef = std::shared_ptr<const SchemaEntry>;

// One read-only connection with its statement.
struct Reader {
  sqlite::Database db;
  sqlite::Statement get;
};

// A row as it stands in the log, still packed.
struct StoredRow {
  std::int64_t id = 0, worker = 0, at = 0;
  Link link;
  std::int64_t state = 0;
  std::optional<std::int64_t> score;
  std::int64_t schema = 0;
};

class SqliteHistory final : public History {
 public:
  SqliteHistory(HistoryOptions options, std::string file, sqlite::Database writer);
  ~SqliteHistory() override;  // flushes and checkpoints

  Result<void> start();
  void append(std::vector<HistoryRow> rows) override;
  Result<void> flush() override;
  Result<RetainResult> retain(Now now) override;
  Result<std::vector<HistoryRow>> read(const HistoryQuery& query) override;
  HistoryStats stats() const override;

 private:
  // What one flush changes in memory, kept apart until its transaction is durable.
  struct Batch {
    std::unordered_map<std::string, ChainHead> heads;
    std::unordered_map<std::string, SchemaRef> schemas;
    std::unordered_map<std::int64_t, std::int64_t> schema_last;
    std::int64_t next_id = 0, next_worker = 0, next_schema = 0;
  };

  Result<void> load_heads();
  Result<void> load_schemas();
  Result<void> replay_tail(std::int64_t checkpoint);
  Result<void> write(Batch& batch);
  Result<void> write_row(const HistoryRow& row, Batch& batch);
  Result<ChainHead*> head_for(const std::string& worker, Batch& batch);
  Result<SchemaRef> schema_for(const MetricSet& metrics, Batch& batch);
  void publish(Batch& batch);
  Result<void> checkpoint();
  Result<std::int64_t> expired_until(Now now);
  Result<void> forget_before(std::int64_t id);
  std::unique_ptr<Reader> take_reader();
  Result<std::unique_ptr<Reader>> open_reader();
  void give_back(std::unique_ptr<Reader> reader);
  Result<std::vector<HistoryRow>> collect(Reader& reader, std::int64_t head, const HistoryQuery& query);
  SchemaRef find_schema(std::int64_t no) const;

  const HistoryOptions options_;
  const std::string file_;

  // The writer thread's own.
  sqlite::Database writer_;
  sqlite::Statement insert_row_, insert_worker_, insert_schema_;
  std::vector<HistoryRow> buffer_;
  std::int64_t next_id_ = 1, next_worker_ = 1, next_schema_ = 1;
  std::int64_t saved_ = 0;  // rows up to this id are covered by the heads on disk
  int flushes_since_checkpoint_ = 0;
  std::optional<SteadyTime> last_retain_;
  std::optional<WallTime> deleted_to_;
  Duration allowance_{};  // how much data time retention may still delete

  // Shared with readers.
  mutable std::mutex mutex_;
  std::unordered_map<std::string, ChainHead> heads_;    // changed by the writer only
  std::unordered_map<std::string, SchemaRef> schemas_;  // by text
  std::unordered_map<std::int64_t, SchemaRef> schemas_by_no_;
  std::unordered_map<std::int64_t, std::int64_t> schema_last_;  // latest row that uses it
  std::vector<std::unique_ptr<Reader>> idle_readers_;

  std::atomic<std::uint64_t> rows_ = 0, flushes_ = 0, failures_ = 0, deleted_ = 0, reads_ = 0, rows_read_ = 0,
                             dropped_ = 0, buffered_ = 0;
  std::atomic<bool> degraded_ = false;
};

}  // namespace paramedic::history
