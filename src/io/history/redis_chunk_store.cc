#include "io/history/redis_chunk_store.h"

#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "io/history/codec/chunk.h"
#include "io/history/columnar_history.h"

namespace paramedic::history {

namespace {

constexpr std::size_t kPerCall = 16;               // chunks of one reply: a few MiB at most
constexpr std::size_t kLogsPerCall = 16;           // log entries: up to 1 MiB each
constexpr std::size_t kWorkersPerCall = 64;        // heads at the start
constexpr std::size_t kMaxItems = 1'000'000;       // of one reply: 100 000 names are read as one
constexpr std::size_t kFullBytes = 16u << 20;      // of a transaction
constexpr std::size_t kBytesPerSecond = 4u << 20;  // a slow Redis gets longer for a large one
constexpr const char* kTables[] = {"worker", "schema", "metric", "task_type"};

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

bool number(std::string_view text, std::int64_t& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size();
}

Result<RedisReply> array(Result<RedisReply> reply) {
  if (reply && reply->kind != RedisReply::Kind::array)
    return make_error(Errc::corrupt, "Redis answers with something else than a list");
  return reply;
}

std::vector<ChunkHead> parse_heads(const RedisReply& fields) {
  std::vector<ChunkHead> out;
  for (const RedisReply& field : fields.items)
    if (const auto head = parse_chunk_field(field.text)) out.push_back(*head);
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return std::tie(a.t0, a.id) < std::tie(b.t0, b.id); });
  return out;
}

}  // namespace

std::string chunk_field(const ChunkHead& h) {
  return fmt::format("{} {} {} {} {} {}", h.id, std::int64_t(h.kind), h.t0, h.t1, h.rows, h.bytes);
}

std::optional<ChunkHead> parse_chunk_field(std::string_view field) {
  std::int64_t n[6];
  for (int i = 0; i < 6; ++i) {
    const auto blank = i < 5 ? field.find(' ') : field.size();
    if (blank == field.npos || !number(field.substr(0, blank), n[i])) return std::nullopt;
    field.remove_prefix(std::min(blank + 1, field.size()));
  }
  constexpr std::int64_t kMost = std::int64_t{1} << 60;
  if (n[0] < 1 || n[0] > kMost || n[1] < 0 || n[1] > std::int64_t(Kind::hours) || n[2] < -kMost || n[3] > kMost ||
      n[2] > n[3] || n[4] < 1 || n[4] > std::int64_t(kMaxRows) || n[5] < 0 || n[5] > kMost)
    return std::nullopt;
  return ChunkHead{n[0], Kind(n[1]), n[2], n[3], n[4], n[5]};
}

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
  const auto promises = redis_durability(*writer_);
  if (!promises) return promises.error();
  std::int64_t major = 0;
  const std::string& version = promises->version;
  if (!number(std::string_view(version).substr(0, version.find('.')), major) || major < 7)
    return make_error(Errc::invalid_argument,
                      fmt::format("Redis '{}' is too old for the history; 7.0 or later", version));
  if (!promises->weaker.empty()) log_.warning("history_durability_weaker", {{"reason", promises->weaker}});
  leases_ = std::make_unique<RedisLeases>(*writer_, prefix_, "history", "history.redis.name", kRedisHistoryFormat);
  write_ = std::make_unique<RedisScript>(std::string(kRedisLeaseLua) + kWrite);
  return leases_->acquire(lease_);
}

RedisChunkStore::~RedisChunkStore() {
  if (writer_ && writer_->connected() && !fenced_ && lease_.epoch > 0) (void)leases_->release(lease_);
}

std::string RedisChunkStore::chunks_key(std::int64_t worker) const {
  return fmt::format("{}chunks:{}", prefix_, worker);
}

// Whole, by number; what has no number is no field of ours.
Result<RedisChunkStore::Pairs> RedisChunkStore::hash(const std::string& key) {
  const auto all = array(writer_->call(RedisCommand{"HGETALL", key}));
  if (!all) return all.error();
  Pairs out;
  for (std::size_t i = 0; i + 1 < all->items.size(); i += 2) {
    std::int64_t no = 0;
    if (number(all->items[i].text, no)) out.emplace_back(no, all->items[i + 1].text);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> RedisChunkStore::names(NameTable table, const EachName& each) {
  const auto all = hash(prefix_ + kTables[std::size_t(table)]);
  if (!all) return all.error();
  for (const auto& [no, text] : *all)
    if (auto done = each(no, text); !done) return done;
  return {};
}

Result<void> RedisChunkStore::folded(const EachNumber& each) {
  const auto all = hash(prefix_ + "folded");
  if (!all) return all.error();
  for (const auto& [no, text] : *all) {
    std::int64_t log = 0;
    if (number(text, log)) each(no, log);
  }
  return {};
}

Result<void> RedisChunkStore::log(const EachLog& each) {
  const auto fields = array(writer_->call(RedisCommand{"HKEYS", prefix_ + "log"}));
  if (!fields) return fields.error();
  for (const RedisReply& field : fields->items) {
    std::int64_t id = 0;
    if (number(field.text, id) && id > 0) log_ids_.insert(id);
  }
  for (auto next = log_ids_.begin(); next != log_ids_.end();) {
    RedisCommand command{"HMGET", prefix_ + "log"};
    std::vector<std::int64_t> ids;
    for (; next != log_ids_.end() && ids.size() < kLogsPerCall; ++next) {
      ids.push_back(*next);
      command.push_back(std::to_string(*next));
    }
    const auto values = array(writer_->call(std::move(command)));
    if (!values) return values.error();
    for (std::size_t i = 0; i < std::min(ids.size(), values->items.size()); ++i) each(ids[i], values->items[i].text);
  }
  return {};
}

Result<std::optional<std::int64_t>> RedisChunkStore::meta(std::string_view key) {
  const auto reply = writer_->call(RedisCommand{"HGET", prefix_ + "meta", std::string(key)});
  if (!reply) return reply.error();
  std::int64_t value = 0;
  return number(reply->text, value) ? std::optional(value) : std::nullopt;
}

// Of all workers: once, at the start; it also learns the next id and what all chunks weigh.
Result<void> RedisChunkStore::bounds(std::optional<std::int64_t> worker, const EachBound& each) {
  std::vector<std::int64_t> workers;
  if (worker) {
    workers.push_back(*worker);
  } else {
    bytes_ = 0;
    const auto all = hash(prefix_ + "worker");
    if (!all) return all.error();
    for (const auto& [no, name] : *all) workers.push_back(no);
  }
  for (std::size_t first = 0; first < workers.size(); first += kWorkersPerCall) {
    const std::size_t last = std::min(workers.size(), first + kWorkersPerCall);
    std::vector<RedisCommand> commands;
    for (std::size_t i = first; i < last; ++i) commands.push_back({"HKEYS", chunks_key(workers[i])});
    const auto replies = writer_->call(std::move(commands));
    if (!replies) return replies.error();
    for (std::size_t i = first; i < last; ++i) {
      const RedisReply& reply = (*replies)[i - first];
      if (reply.is_error()) return redis_error(reply);
      for (const ChunkHead& head : parse_heads(reply)) {
        each(workers[i], head.kind, head.t0, head.t1);
        if (!worker) bytes_ += head.bytes;
        next_chunk_ = std::max(next_chunk_, head.id + 1);
      }
    }
  }
  return {};
}

// ---- chunks ----

Result<std::vector<ChunkHead>> RedisChunkStore::all_heads(RedisClient& client, std::int64_t worker) {
  const auto fields = array(client.call(RedisCommand{"HKEYS", chunks_key(worker)}));
  if (!fields) return fields.error();
  return parse_heads(*fields);
}

Result<std::vector<ChunkHead>> RedisChunkStore::heads(std::int64_t worker, std::int64_t from, std::int64_t to) {
  auto all = all_heads(*writer_, worker);
  if (all) std::erase_if(*all, [&](const ChunkHead& h) { return h.t0 < from || h.t0 >= to; });
  return all;
}

Result<void> RedisChunkStore::fetch(RedisClient& client, std::int64_t worker, std::vector<ChunkHead> wanted,
                                    const EachChunk& each) {
  std::sort(wanted.begin(), wanted.end(), [](auto& a, auto& b) { return std::tie(a.id, a.t0) < std::tie(b.id, b.t0); });
  for (std::size_t first = 0; first < wanted.size(); first += kPerCall) {
    const std::size_t last = std::min(wanted.size(), first + kPerCall);
    RedisCommand command{"HMGET", chunks_key(worker)};
    for (std::size_t i = first; i < last; ++i) command.push_back(chunk_field(wanted[i]));
    const auto values = array(client.call(std::move(command)));
    if (!values) return values.error();
    for (std::size_t i = first; i < last; ++i) {
      if (i - first >= values->items.size() || values->items[i - first].is_nil())
        return make_error(Errc::conflict, "a chunk was merged or expired meanwhile; ask again");
      if (auto done = each(wanted[i], values->items[i - first].text); !done) return done;
    }
  }
  return {};
}

Result<void> RedisChunkStore::raw_chunks(std::int64_t worker, std::int64_t from, std::int64_t to,
                                         const EachChunk& each) {
  auto all = heads(worker, from, to);
  if (!all) return all.error();
  std::erase_if(*all, [&](const ChunkHead& h) { return h.kind > Kind::day; });
  return fetch(*writer_, worker, std::move(*all), each);
}

// The heads are read once: a chunk that goes afterwards is missed when it is fetched, and the reader begins again.
class RedisChunkStore::View final : public Snapshot {
 public:
  explicit View(RedisChunkStore& store) : store_(store) {}
  Result<void> chunks(std::int64_t worker, Kind first, Kind last, std::int64_t from, std::int64_t to,
                      const EachChunk& each) override {
    if (worker != worker_) {
      auto heads = store_.all_heads(*store_.reader_, worker);
      if (!heads) return heads.error();
      heads_ = std::move(*heads);
      worker_ = worker;
    }
    std::vector<ChunkHead> wanted;
    for (const ChunkHead& h : heads_)
      if (h.kind >= first && h.kind <= last && h.t0 <= to && h.t1 >= from) wanted.push_back(h);
    return store_.fetch(*store_.reader_, worker, std::move(wanted), each);
  }
  Result<void> end() override { return {}; }

 private:
  RedisChunkStore& store_;
  std::optional<std::int64_t> worker_;
  std::vector<ChunkHead> heads_;
};

Result<std::unique_ptr<ChunkStore::Snapshot>> RedisChunkStore::snapshot() {
  return std::unique_ptr<Snapshot>(std::make_unique<View>(*this));
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
  const auto reply = write_->run(*writer_, keys_, std::move(arguments),
                                 seconds > 0 ? Duration(std::chrono::seconds(2 + seconds)) : Duration{0});
  const auto done = judge(reply ? leases_->judge(*reply) : Result<RedisLeases::Applied>(reply.error()));
  if (done) {
    next_chunk_ = pending_next_chunk_;
    bytes_ += pending_change_;
    if (erased_before_) log_ids_.erase(log_ids_.begin(), log_ids_.lower_bound(*erased_before_));
  }
  rollback();
  return done;
}

// A fence is for good. A lost lease is taken again, and what memory knows is written anew (take_lost).
Result<void> RedisChunkStore::judge(const Result<RedisLeases::Applied>& applied) {
  if (!applied) {
    if (applied.error().code == Errc::conflict && !fenced_) {
      fenced_ = applied.error();
      log_.error("history_fenced_off", {{"reason", fenced_->message}});
    }
    return applied.error();
  }
  renewed_ = std::chrono::steady_clock::now();
  if (*applied == RedisLeases::Applied::done) return {};
  if (auto taken = leases_->acquire(lease_); !taken) return judge(taken.error());
  lost_ = true;
  bytes_ = 0;
  const Error why = make_error(Errc::unavailable, "Redis lost history that it had acknowledged");
  log_.error("history_lost_rows",
             {{"epoch", lease_.epoch}, {"reason", why.message}, {"remedy", "appendonly yes, appendfsync always"}});
  return why;
}

Result<void> RedisChunkStore::idle() {
  if (fenced_) return *fenced_;
  if (std::chrono::steady_clock::now() - renewed_ < lease_.ttl / 5) {
    if (writer_->connected()) return {};
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
  set(prefix_ + kTables[std::size_t(table)], std::to_string(no), text);
  return {};
}

Result<void> RedisChunkStore::erase_name(NameTable table, std::int64_t no, std::string_view) {
  erase(prefix_ + kTables[std::size_t(table)], std::to_string(no));
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
