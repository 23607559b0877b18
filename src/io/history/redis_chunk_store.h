// Inside io/history only: the ChunkStore on Redis. All keys share one hash tag, so that a transaction is one script
// that first checks the lease. Layout: docs/formats/history-redis.md. What Redis answers is not trusted
// (redis_fields.h). Two files share the class: redis_chunk_store.cc (start, writing), redis_chunk_store_read.cc.
#pragma once
#include <atomic>
#include <set>
#include <unordered_map>

#include "base/log.h"
#include "io/history/chunk_store.h"
#include "io/history/redis_history.h"
#include "io/net/redis/redis_durability.h"
#include "io/net/redis/redis_lease.h"

namespace paramedic::history {

inline constexpr int kRedisHistoryFormat = 1;

class RedisChunkStore final : public ChunkStore {
 public:
  RedisChunkStore(const RedisHistoryOptions& options, Logger& log);
  ~RedisChunkStore() override;  // gives the lease up
  Result<void> start(const RedisHistoryOptions& options);

  Result<void> names(NameTable table, const EachName& each) override;
  Result<void> folded(const EachNumber& each) override;
  Result<void> log(const EachLog& each) override;
  Result<std::optional<std::int64_t>> meta(std::string_view key) override;
  Result<void> bounds(std::optional<std::int64_t> worker, const EachBound& each) override;
  Result<std::vector<ChunkHead>> heads(std::int64_t worker, std::int64_t from, std::int64_t to) override;
  Result<void> raw_chunks(std::int64_t worker, std::int64_t from, std::int64_t to, const EachChunk& each) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  Result<void> states(const EachState& each) override;
  Result<void> begin() override;
  Result<void> commit() override;
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
  bool full() const override;
  Result<void> idle() override;
  bool take_lost() override { return std::exchange(lost_, false); }
  Result<std::uint64_t> bytes_in_use() override { return bytes(); }
  std::uint64_t bytes() const override { return std::uint64_t(std::max<std::int64_t>(0, bytes_)); }
  const std::string& where() const override { return where_; }
  bool fenced() const override { return is_fenced_; }
  std::string weaker_durability() const override { return promises_->weaker(); }

 private:
  class View;
  using Numbered = std::vector<std::pair<std::int64_t, std::string>>;
  std::string chunks_key(std::int64_t worker) const;
  std::string name_key(NameTable table) const;
  Result<Numbered> hash(const std::string& key);
  Result<std::vector<ChunkHead>> all_heads(RedisClient& client, std::int64_t worker);
  Result<void> fetch(RedisClient& client, std::int64_t worker, std::vector<ChunkHead> wanted, const EachChunk& each);
  void set(const std::string& key, std::string field, std::string_view value);
  void erase(const std::string& key, std::string field);
  std::string key_index(const std::string& key);
  Result<void> judge(const Result<RedisLeases::Applied>& applied);

  const std::string prefix_, where_;
  Logger& log_;
  std::unique_ptr<RedisClient> writer_, reader_;  // long answers to readers do not stand in the way of a commit
  std::unique_ptr<RedisLeases> leases_;
  std::unique_ptr<RedisScript> write_;
  std::unique_ptr<RedisPromises> promises_;
  RedisLease lease_;
  std::optional<Error> fenced_;
  std::atomic<bool> is_fenced_ = false;
  bool lost_ = false;
  std::chrono::steady_clock::time_point renewed_{};

  // The running transaction.
  std::vector<std::string> keys_, operations_;
  std::unordered_map<std::string, std::string> index_of_;
  std::size_t pending_bytes_ = 0;
  std::int64_t pending_change_ = 0;      // of bytes_
  std::int64_t pending_next_chunk_ = 1;  // ids of a commit that failed are used again: it may have been performed
  std::optional<std::int64_t> erased_before_;

  std::int64_t next_chunk_ = 1;
  std::set<std::int64_t> log_ids_;
  std::atomic<std::int64_t> bytes_ = 0;  // of all chunks
};

}  // namespace paramedic::history
