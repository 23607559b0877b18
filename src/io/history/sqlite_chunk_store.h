// Inside io/history only: history.db, the ChunkStore of one machine. Layout: docs/formats/history.md.
#pragma once
#include <mutex>

#include "io/history/chunk_store.h"
#include "io/sqlite/database.h"

namespace paramedic::history {

class SqliteChunkStore final : public ChunkStore {
 public:
  SqliteChunkStore(std::string file, sqlite::Database writer, std::uint64_t leave_free_bytes)
      : file_(std::move(file)), leave_free_bytes_(leave_free_bytes), writer_(std::move(writer)) {}
  Result<void> start();

  Result<void> names(NameTable table, const EachName& each) override;
  Result<void> folded(const EachNumber& each) override;
  Result<void> log(const EachLog& each) override;
  Result<std::optional<std::int64_t>> meta(std::string_view key) override;
  Result<void> bounds(std::optional<std::int64_t> worker, const EachBound& each) override;
  Result<std::vector<ChunkHead>> heads(std::int64_t worker, std::int64_t from, std::int64_t to) override;
  Result<void> raw_chunks(std::int64_t worker, std::int64_t from, std::int64_t to, const EachChunk& each) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  Result<void> states(const EachState& each) override;
  Result<void> room() override;
  Result<void> begin() override { return writer_.run("BEGIN IMMEDIATE"); }
  Result<void> commit() override { return writer_.run("COMMIT"); }
  void rollback() override;
  Result<void> put_name(NameTable table, std::int64_t no, std::string_view text) override;
  Result<void> erase_name(NameTable table, std::int64_t no, std::string_view text) override;
  Result<void> set_folded(std::int64_t worker, std::int64_t log) override;
  Result<void> put_log(std::int64_t id, std::string_view bytes) override;
  Result<void> erase_log(std::int64_t before) override;
  Result<void> put_chunk(std::int64_t worker, ChunkHead head, std::string_view data) override;
  Result<void> erase_chunk(std::int64_t worker, const ChunkHead& head) override;
  Result<void> set_kind(std::int64_t worker, const ChunkHead& head, Kind kind) override;
  Result<void> put_state(std::string_view name, std::int64_t at, std::string_view bytes) override;
  Result<void> erase_state(std::string_view name) override;
  Result<void> set_meta(std::string_view key, std::int64_t value) override;
  Result<std::uint64_t> bytes_in_use() override;
  Result<void> give_back_space() override;
  std::uint64_t bytes() const override { return sqlite::file_bytes(file_); }
  const std::string& where() const override { return file_; }
  Result<std::int64_t> old_rows(std::size_t batch, const std::function<void(const OldRow&)>& each) override;
  Result<void> erase_old_rows(std::int64_t last) override;
  Result<void> end_old_rows() override;

 private:
  class View;
  // One read-only connection with its statement.
  struct Reader {
    sqlite::Database db;
    sqlite::Statement get;
  };
  Result<void> each_row(const char* sql, const std::function<Result<void>(sqlite::Statement&)>& take);
  Result<void> done(sqlite::Statement& bound);
  Result<std::unique_ptr<Reader>> open_reader();
  std::unique_ptr<Reader> take_reader();
  void give_back(std::unique_ptr<Reader> reader);

  const std::string file_;
  const std::uint64_t leave_free_bytes_;
  sqlite::Database writer_;
  sqlite::Statement insert_log_, insert_chunk_, insert_worker_, insert_schema_, insert_metric_, insert_task_type_,
      set_folded_, delete_chunk_, put_state_, delete_state_;
  std::mutex mutex_;  // guards idle_readers_
  std::vector<std::unique_ptr<Reader>> idle_readers_;
};

}  // namespace paramedic::history
