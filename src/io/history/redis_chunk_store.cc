#include "io/history/redis_chunk_store.h"

#include <filesystem>

#include <fmt/format.h>

#include "io/history/columnar_history.h"
#include "io/history/redis_fields.h"

namespace paramedic::history {

namespace {

constexpr std::size_t kMaxItems = 1'000'000;       // of one reply: 100 000 names are read as one
constexpr std::size_t kFullBytes = 16u << 20;      // of a transaction
constexpr std::size_t kBytesPerSecond = 4u << 20;  // a slow Redis gets longer for a large one

// KEYS 4… the hashes. ARGV: epoch, owner, ttl in ms, then S, key, field, value or D, key, field.
constexpr const char* kWrite = R"lua(
local no = refused(ARGV[1], ARGV[2])
if no then return no end
redis.call('HSET', lease, 'until', string.format('%d', now_ms() + ARGV[3]))
local i = 4
while i <= #ARGV do
  local key = KEYS[tonumber(ARGV[i + 1])]
  if ARGV[i] == 'S' then
    redis.call('HSET', key, ARGV[i + 2], ARGV[i + 3])
    i = i + 4
  else
    redis.call('HDEL', key, ARGV[i + 2])
    i = i + 3
  end
end
return {'OK'}
)lua";

}  // namespace

// ---- start ----

RedisChunkStore::RedisChunkStore(const RedisHistoryOptions& options, Logger& log)
    : prefix_(fmt::format("{{paramedic:{}:history}}:", options.name)),
      where_(fmt::format("Redis {} {}", options.redis.address, prefix_)),
      log_(log) {}

Result<void> RedisChunkStore::start(const RedisHistoryOptions& options) {
  std::error_code ignored;  // a directory that cannot be made is told by the write below
  std::filesystem::create_directories(options.history.data_dir, ignored);
  auto owner = lease_owner_id(options.history.data_dir + "/history.owner");
  if (!owner) return owner.error();
  lease_.owner = std::move(*owner);
  lease_.holder = lease_holder_text();
  lease_.ttl = options.lease_ttl;
  for (auto* client : {&writer_, &reader_}) {
    RedisOptions redis = options.redis;
    redis.client_name = client == &writer_ ? "paramedic-history" : "paramedic-history-reader";
    redis.reply_limits.items = kMaxItems;
    auto opened = RedisClient::open(std::move(redis), log_);
    if (!opened) return opened.error();
    *client = std::move(*opened);
  }
  for (auto* client : {&writer_, &reader_})
    if (auto up = (*client)->wait_connected(options.start_wait); !up)
      return with_context(up.error(), "the history is on Redis; start it, or set history.store: sqlite");
  promises_ = std::make_unique<RedisPromises>(*writer_, log_, "history", "history.redis.address", options.check_every);
  if (auto usable = promises_->check_at_start(); !usable) return usable;
  leases_ = std::make_unique<RedisLeases>(*writer_, prefix_, "history", "history.redis.name", kRedisHistoryFormat);
  write_ = std::make_unique<RedisScript>(std::string(kRedisLeaseLua) + kWrite);
  return leases_->acquire(lease_);
}

RedisChunkStore::~RedisChunkStore() {
  if (writer_ && writer_->connected() && !fenced_ && lease_.epoch > 0) (void)leases_->release(lease_);
}

// ---- writing ----

Result<void> RedisChunkStore::begin() {
  rollback();
  if (fenced_) return *fenced_;
  for (const auto* key : {"lease", "meta", "applied"}) (void)key_index(prefix_ + key);
  pending_next_chunk_ = next_chunk_;
  return {};
}

void RedisChunkStore::rollback() {
  keys_.clear();
  index_of_.clear();
  operations_.clear();
  pending_bytes_ = 0;
  pending_change_ = 0;
  erased_before_.reset();
}

Result<void> RedisChunkStore::commit() {
  if (operations_.empty()) return {};
  std::vector<std::string> arguments{std::to_string(lease_.epoch), lease_.owner, std::to_string(lease_.ttl / 1ms)};
  arguments.insert(arguments.end(), std::make_move_iterator(operations_.begin()),
                   std::make_move_iterator(operations_.end()));
  const std::size_t seconds = pending_bytes_ / kBytesPerSecond;
  const auto reply =
      write_->run(*writer_, keys_, std::move(arguments), writer_->timeout() + std::chrono::seconds(seconds));
  const auto done = judge(reply ? leases_->judge(*reply) : Result<RedisLeases::Applied>(reply.error()));
  if (done) {
    next_chunk_ = pending_next_chunk_;
    bytes_ += pending_change_;
    if (erased_before_) log_ids_.erase(log_ids_.begin(), log_ids_.lower_bound(*erased_before_));
    promises_->check_when_due();
  }
  rollback();
  return done;
}

// A fence is for good. A lost lease is taken again, and what memory knows is written anew (take_lost).
Result<void> RedisChunkStore::judge(const Result<RedisLeases::Applied>& applied) {
  if (!applied) {
    if (applied.error().code == Errc::conflict && !fenced_) {
      fenced_ = applied.error();
      is_fenced_ = true;
      log_.error("history_fenced_off", {{"reason", fenced_->message}});
    }
    return applied.error();
  }
  renewed_ = std::chrono::steady_clock::now();
  if (*applied == RedisLeases::Applied::done) return {};
  if (auto taken = leases_->acquire(lease_); !taken) return judge(taken.error());
  lost_ = true;
  promises_->note_lost();
  bytes_ = 0;
  const Error why = make_error(Errc::unavailable, "Redis lost history that it had acknowledged");
  log_.error("history_lost_rows",
             {{"epoch", lease_.epoch}, {"reason", why.message}, {"remedy", "appendonly yes, appendfsync always"}});
  return why;
}

Result<void> RedisChunkStore::idle() {
  if (fenced_) return *fenced_;
  if (std::chrono::steady_clock::now() - renewed_ < lease_.ttl / 5) {
    if (writer_->connected()) return promises_->check_when_due(), Result<void>();
    const std::string why = writer_->stats().problem;
    return make_error(Errc::unavailable, why.empty() ? "Redis is not connected yet" : why);
  }
  const auto done = judge(leases_->renew(lease_));
  // The history begins anew with the next flush; that is no reason to call it broken.
  return lost_ ? Result<void>() : done;
}

bool RedisChunkStore::full() const { return pending_bytes_ >= kFullBytes; }

std::string RedisChunkStore::key_index(const std::string& key) {
  auto& index = index_of_[key];
  if (index.empty()) {
    keys_.push_back(key);
    index = std::to_string(keys_.size());
  }
  return index;
}

void RedisChunkStore::set(const std::string& key, std::string field, std::string_view value) {
  pending_bytes_ += field.size() + value.size();
  operations_.push_back("S");
  operations_.push_back(key_index(key));
  operations_.push_back(std::move(field));
  operations_.emplace_back(value);
}

void RedisChunkStore::erase(const std::string& key, std::string field) {
  pending_bytes_ += field.size();
  operations_.push_back("D");
  operations_.push_back(key_index(key));
  operations_.push_back(std::move(field));
}

Result<void> RedisChunkStore::put_name(NameTable table, std::int64_t no, std::string_view text) {
  set(name_key(table), std::to_string(no), text);
  return {};
}

Result<void> RedisChunkStore::erase_name(NameTable table, std::int64_t no, std::string_view) {
  erase(name_key(table), std::to_string(no));
  if (table == NameTable::worker) erase(prefix_ + "folded", std::to_string(no));
  return {};
}

Result<void> RedisChunkStore::set_folded(std::int64_t worker, std::int64_t log) {
  set(prefix_ + "folded", std::to_string(worker), std::to_string(log));
  return {};
}

Result<void> RedisChunkStore::put_log(std::int64_t id, std::string_view bytes) {
  log_ids_.insert(id);  // one that never arrives is erased in vain
  set(prefix_ + "log", std::to_string(id), bytes);
  return {};
}

Result<void> RedisChunkStore::erase_log(std::int64_t before) {
  for (const std::int64_t id : log_ids_) {
    if (id >= before) break;
    erase(prefix_ + "log", std::to_string(id));
  }
  erased_before_ = before;
  return {};
}

Result<void> RedisChunkStore::put_chunk(std::int64_t worker, ChunkHead head, std::string_view data) {
  head.id = pending_next_chunk_++;
  head.bytes = std::int64_t(data.size());
  pending_change_ += head.bytes;
  set(chunks_key(worker), chunk_field(head), data);
  return {};
}

Result<void> RedisChunkStore::erase_chunk(std::int64_t worker, const ChunkHead& head) {
  pending_change_ -= head.bytes;
  erase(chunks_key(worker), chunk_field(head));
  return {};
}

// Rare: of chunks that do not decode.
Result<void> RedisChunkStore::set_kind(std::int64_t worker, const ChunkHead& head, Kind kind) {
  const auto value = writer_->call(RedisCommand{"HGET", chunks_key(worker), chunk_field(head)});
  if (!value) return value.error();
  if (value->is_nil()) return {};
  ChunkHead other = head;
  other.kind = kind;
  erase(chunks_key(worker), chunk_field(head));
  set(chunks_key(worker), chunk_field(other), value->text);
  return {};
}

// The instant stands before the bytes.
Result<void> RedisChunkStore::put_state(std::string_view name, std::int64_t at, std::string_view bytes) {
  set(prefix_ + "state", std::string(name), fmt::format("{} {}", at, bytes));
  return {};
}

Result<void> RedisChunkStore::erase_state(std::string_view name) {
  erase(prefix_ + "state", std::string(name));
  return {};
}

Result<void> RedisChunkStore::set_meta(std::string_view key, std::int64_t value) {
  set(prefix_ + "meta", std::string(key), std::to_string(value));
  return {};
}

}  // namespace paramedic::history

namespace paramedic {

Result<std::unique_ptr<History>> open_redis_history(RedisHistoryOptions options, Logger& log) {
  auto store = std::make_unique<history::RedisChunkStore>(options, log);
  if (auto done = store->start(options); !done) return done.error();
  auto history = std::make_unique<history::ColumnarHistory>(std::move(options.history), std::move(store));
  if (auto done = history->start(); !done) return done.error();
  return std::unique_ptr<History>(std::move(history));
}

}  // namespace paramedic
