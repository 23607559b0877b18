// The reading half of RedisChunkStore: what is stored, at the start and for readers.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "io/history/redis_chunk_store.h"
#include "io/history/redis_fields.h"

namespace paramedic::history {

namespace {

constexpr std::size_t kPerCall = 16;         // chunks of one reply: a few MiB at most
constexpr std::size_t kLogsPerCall = 16;     // log entries: up to 1 MiB each
constexpr std::size_t kStatesPerCall = 64;   // states of the analysis: some 16 KiB each
constexpr std::size_t kWorkersPerCall = 64;  // heads at the start

}  // namespace

std::string RedisChunkStore::chunks_key(std::int64_t worker) const {
  return fmt::format("{}chunks:{}", prefix_, worker);
}

std::string RedisChunkStore::name_key(NameTable table) const {
  constexpr const char* kTables[] = {"worker", "schema", "metric", "task_type"};
  return prefix_ + kTables[std::size_t(table)];
}

// Whole, by number.
Result<RedisChunkStore::Numbered> RedisChunkStore::hash(const std::string& key) {
  auto all = redis_list(writer_->call(RedisCommand{"HGETALL", key}));
  if (!all) return all.error();
  return parse_numbered(std::move(*all));
}

Result<void> RedisChunkStore::names(NameTable table, const EachName& each) {
  const auto all = hash(name_key(table));
  if (!all) return all.error();
  for (const auto& [no, text] : *all)
    if (auto done = each(no, text); !done) return done;
  return {};
}

Result<void> RedisChunkStore::folded(const EachNumber& each) {
  const auto all = hash(prefix_ + "folded");
  if (!all) return all.error();
  for (const auto& [no, text] : *all)
    if (const auto log = parse_number(text)) each(no, *log);
  return {};
}

Result<void> RedisChunkStore::log(const EachLog& each) {
  const auto fields = redis_list(writer_->call(RedisCommand{"HKEYS", prefix_ + "log"}));
  if (!fields) return fields.error();
  log_ids_ = parse_ids(*fields);
  for (auto next = log_ids_.begin(); next != log_ids_.end();) {
    RedisCommand command{"HMGET", prefix_ + "log"};
    std::vector<std::int64_t> ids;
    for (; next != log_ids_.end() && ids.size() < kLogsPerCall; ++next) {
      ids.push_back(*next);
      command.push_back(std::to_string(*next));
    }
    const auto values = redis_list(writer_->call(std::move(command)));
    if (!values) return values.error();
    for (std::size_t i = 0; i < std::min(ids.size(), values->items.size()); ++i) each(ids[i], values->items[i].text);
  }
  return {};
}

Result<std::optional<std::int64_t>> RedisChunkStore::meta(std::string_view key) {
  const auto reply = writer_->call(RedisCommand{"HGET", prefix_ + "meta", std::string(key)});
  if (!reply) return reply.error();
  const auto value = redis_number(reply->text);
  return value && *value >= -kMaxInstant && *value <= kMaxInstant ? value : std::nullopt;
}

Result<void> RedisChunkStore::states(const EachState& each) {
  const auto fields = redis_list(writer_->call(RedisCommand{"HKEYS", prefix_ + "state"}));
  if (!fields) return fields.error();
  for (std::size_t first = 0; first < fields->items.size(); first += kStatesPerCall) {
    const std::size_t last = std::min(fields->items.size(), first + kStatesPerCall);
    RedisCommand command{"HMGET", prefix_ + "state"};
    for (std::size_t i = first; i < last; ++i) command.push_back(fields->items[i].text);
    const auto values = redis_list(writer_->call(std::move(command)));
    if (!values) return values.error();
    for (std::size_t i = first; i < std::min(last, first + values->items.size()); ++i)
      if (const auto state = parse_state(values->items[i - first].text))
        each(fields->items[i].text, state->first, state->second);
  }
  return {};
}

// Of all workers: once, at the start; it also learns the next id and what all chunks weigh.
Result<void> RedisChunkStore::bounds(std::optional<std::int64_t> worker, const EachBound& each) {
  std::vector<std::int64_t> workers;
  if (worker) {
    workers.push_back(*worker);
  } else {
    bytes_ = 0;
    const auto all = hash(name_key(NameTable::worker));
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
  const auto fields = redis_list(client.call(RedisCommand{"HKEYS", chunks_key(worker)}));
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
    const auto values = redis_list(client.call(std::move(command)));
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

}  // namespace paramedic::history
