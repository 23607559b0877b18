#include "io/ledger/redis_ledger.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/data_dir.h"
#include "base/ids.h"
#include "io/ledger/redis_reader.h"
#include "io/ledger/redis_store.h"
#include "io/ledger/spool.h"
#include "io/ledger/typed_ledger.h"
#include "io/net/redis/redis_durability.h"

namespace paramedic {

namespace {

constexpr int kChunk = 500;         // records per round trip
constexpr int kPruneBatches = 200;  // per pass: 100 000 records

class RedisLedger final : public TypedLedger {
 public:
  RedisLedger(RedisLedgerOptions options, DataDir dir, std::unique_ptr<Spool> spool, Logger& log)
      : options_(std::move(options)), dir_(std::move(dir)), spool_(std::move(spool)), log_(log) {}
  ~RedisLedger() override;

  Result<void> start();
  Result<void> commit(std::span<const LedgerEntry> entries) override;
  Result<PruneResult> prune(Now now) override;
  LedgerStats stats() const override;

 private:
  Result<void> each_body(LedgerKind kind, bool open_only, WallTime since, const EachBody& each) override {
    return reader_->each_body(kind, open_only, since, each);
  }
  Result<LedgerPage<std::string>> page_of(LedgerKind kind, const LedgerQuery& query,
                                          const LedgerCursor& from) override {
    return reader_->page(kind, query, from);
  }
  Result<std::optional<std::string>> body_of(LedgerKind kind, std::string_view key) override;

  // REQUIRES of these: write_mutex_ held.
  Result<void> send(const LedgerBatch& batch, bool older_loses);
  Result<void> take_lease_again();
  Result<void> spool(const LedgerBatch& batch, const Error& why);
  Result<bool> replay_one();
  void fence(const Error& why);

  Result<void> replay_all();
  void note_problem(std::optional<Error> why);
  void keep();
  void renew();
  Result<std::uint64_t> prune_kind(LedgerKind kind, WallTime cutoff, int& batches);

  RedisLedgerOptions options_;
  DataDir dir_;
  std::unique_ptr<Spool> spool_;
  Logger& log_;
  std::unique_ptr<RedisClient> client_;
  std::unique_ptr<RedisStore> store_;
  std::unique_ptr<RedisReader> reader_;
  std::unique_ptr<RedisPromises> promises_;  // keeper thread

  std::mutex write_mutex_;  // guards lease_, sequence_, spool_, so that commits and replay keep one order
  RedisLease lease_;
  std::uint64_t first_epoch_ = 0;  // of this life: batches of earlier ones may be older than what is stored
  std::uint64_t sequence_ = 0;
  RetentionFront fronts_[2];  // of the two classes of kinds  // thread of prune()

  mutable std::mutex text_mutex_;  // guards problem_
  std::string problem_;
  std::atomic<std::uint64_t> commits_ = 0, entries_ = 0, failures_ = 0, pruned_ = 0, spooled_ = 0, replayed_ = 0;
  std::atomic<bool> degraded_ = false, fenced_ = false, refusing_ = false;

  std::mutex keeper_mutex_;  // guards stopping_
  std::condition_variable keeper_wake_;
  bool stopping_ = false;
  std::thread keeper_;
};

// ---- start and end --------------------------------------------------------------------------------------------------

Result<void> RedisLedger::start() {
  auto owner = lease_owner_id(dir_.file("ledger.owner"));
  if (!owner) return owner.error();
  lease_ = {.owner = std::move(*owner), .holder = lease_holder_text(), .ttl = options_.lease_ttl};
  if (!spool_->repaired().empty()) log_.warning("ledger_spool_repaired", {{"what", spool_->repaired()}});
  auto client = RedisClient::open(options_.redis, log_);
  if (!client) return client.error();
  client_ = std::move(*client);
  store_ = std::make_unique<RedisStore>(*client_, options_.name);
  reader_ = std::make_unique<RedisReader>(*store_, unreadable_);
  promises_ = std::make_unique<RedisPromises>(*client_, log_, "ledger", "ledger.redis.address", options_.check_every);
  if (auto up = client_->wait_connected(options_.start_wait); !up)
    return with_context(up.error(),
                        "the ledger is on Redis, and without it the monitor does not know what it may do; start Redis, "
                        "or set ledger.store: sqlite");
  if (auto usable = promises_->check_at_start(); !usable) return usable;
  if (auto taken = store_->leases().acquire(lease_); !taken) return taken;
  first_epoch_ = lease_.epoch;
  if (auto done = replay_all(); !done)
    return with_context(done.error(), fmt::format("cannot bring {} to Redis", dir_.file("ledger.spool")));
  keeper_ = std::thread([this] { keep(); });
  return {};
}

RedisLedger::~RedisLedger() {
  {
    const std::lock_guard lock(keeper_mutex_);
    stopping_ = true;
    keeper_wake_.notify_all();
  }
  if (keeper_.joinable()) keeper_.join();
  if (client_ && client_->connected() && !fenced_ && lease_.epoch > 0) (void)store_->leases().release(lease_);
}

// ---- writing --------------------------------------------------------------------------------------------------------

Result<void> RedisLedger::commit(std::span<const LedgerEntry> entries) {
  if (entries.empty()) return {};
  LedgerBatch batch;
  for (const LedgerEntry& entry : entries) batch.rows.push_back(make_row(entry));
  const std::lock_guard lock(write_mutex_);
  batch.epoch = lease_.epoch;
  batch.sequence = ++sequence_;  // never used again: whether a failed attempt was performed is not known
  Result<void> done = make_error(Errc::unavailable, client_->stats().problem);
  // While older commits wait, or nobody is there, straight to the spool: no decision waits for a deadline.
  const bool direct = spool_->empty() && client_->connected() && !fenced_;
  if (direct) done = send(batch, false);
  if (!done && !fenced_) done = spool(batch, done.error());
  if (fenced_) {
    const std::lock_guard text(text_mutex_);
    done = make_error(Errc::conflict, problem_);
  }
  degraded_ = !done;
  if (!done) {
    ++failures_;
    return with_context(done.error(), "ledger cannot commit");
  }
  ++commits_;
  entries_ += entries.size();
  return {};
}

Result<void> RedisLedger::send(const LedgerBatch& batch, bool older_loses) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto applied = store_->commit(lease_, batch, older_loses);
    if (!applied) {
      if (applied.error().code == Errc::conflict) fence(applied.error());
      return applied.error();
    }
    if (*applied == RedisStore::Applied::done) return {};
    if (auto again = take_lease_again(); !again) return again;
  }
  return make_error(Errc::unavailable, "Redis forgets the lease of the ledger again and again");
}

// Redis restarted empty, or failed over to a replica that lags: what it had is gone. The records to come still count.
Result<void> RedisLedger::take_lease_again() {
  if (auto taken = store_->leases().acquire(lease_); !taken) {
    if (taken.error().code == Errc::conflict) fence(taken.error());
    return taken;
  }
  log_.error("ledger_lost_records", {{"epoch", lease_.epoch},
                                     {"reason", "Redis lost data that it had acknowledged"},
                                     {"remedy", "appendonly yes, appendfsync always"}});
  promises_->note_lost();
  return {};
}

Result<void> RedisLedger::spool(const LedgerBatch& batch, const Error& why) {
  const bool first = spool_->empty();
  const auto kept = spool_->append(encode_batch(batch));
  note_problem(why);
  if (!kept) return make_error(Errc::unavailable, fmt::format("{}; and {}", why.message, kept.error().message));
  ++spooled_;
  if (first)
    log_.warning("ledger_spooling",
                 {{"reason", why.message}, {"effect", "decisions are kept on local disk until Redis takes them"}});
  return {};
}

void RedisLedger::fence(const Error& why) {
  if (!fenced_.exchange(true)) log_.error("ledger_fenced_off", {{"reason", why.message}});
  const std::lock_guard lock(text_mutex_);
  problem_ = why.message;
}

// Nothing: all is well again. A fence is for good.
void RedisLedger::note_problem(std::optional<Error> why) {
  if (fenced_) return;
  refusing_ = why.has_value();
  const std::lock_guard lock(text_mutex_);
  problem_ = why ? why->message : "";
}

// ---- spool to Redis -------------------------------------------------------------------------------------------------

// False: nothing waits.
Result<bool> RedisLedger::replay_one() {
  const auto record = spool_->front();
  if (!record) return record.error();
  if (!*record) return false;
  const auto batch = decode_batch(**record);
  if (!batch) {
    ++unreadable_;
    log_.error("ledger_spool_record_skipped", {{"reason", batch.error().message}});
  } else {
    if (auto sent = send(*batch, batch->epoch < first_epoch_); !sent) return sent.error();
    ++replayed_;
  }
  if (auto popped = spool_->pop(); !popped) return popped.error();
  return true;
}

Result<void> RedisLedger::replay_all() {
  const std::uint64_t before = replayed_;
  while (true) {
    {
      const std::lock_guard lock(keeper_mutex_);
      if (stopping_) return {};
    }
    // Given up between two records, so that commits get their turn.
    const std::lock_guard lock(write_mutex_);
    const auto more = replay_one();
    if (!more) return more.error();
    if (!*more) break;
  }
  if (replayed_ > before) log_.info("ledger_caught_up", {{"commits", replayed_ - before}});
  return {};
}

void RedisLedger::keep() {
  const auto ticks_of = [this](Duration time) { return std::max<std::int64_t>(1, time / options_.tick); };
  for (std::int64_t tick = 1;; ++tick) {
    {
      std::unique_lock lock(keeper_mutex_);
      if (keeper_wake_.wait_for(lock, options_.tick, [this] { return stopping_; })) return;
    }
    if (fenced_) continue;
    if (!client_->connected()) {
      const std::string why = client_->stats().problem;
      if (!why.empty()) note_problem(Error{Errc::unavailable, why});
      continue;
    }
    bool waiting = false;
    {
      const std::lock_guard lock(write_mutex_);
      waiting = !spool_->empty();
    }
    if (waiting) {
      const auto done = replay_all();
      note_problem(done ? std::nullopt : std::optional(done.error()));
    } else if (refusing_ || tick % ticks_of(options_.lease_ttl / 5) == 0) {
      renew();
    }
    promises_->check_when_due();
  }
}

void RedisLedger::renew() {
  const std::lock_guard lock(write_mutex_);
  const auto renewed = store_->leases().renew(lease_);
  if (!renewed && renewed.error().code == Errc::conflict) return fence(renewed.error());
  if (!renewed) return note_problem(renewed.error());
  if (*renewed == RedisStore::Applied::lost)
    if (auto again = take_lease_again(); !again) return note_problem(again.error());
  note_problem(std::nullopt);
}

// ---- reading --------------------------------------------------------------------------------------------------------

Result<std::optional<std::string>> RedisLedger::body_of(LedgerKind kind, std::string_view key) {
  auto row = store_->row(kind, key);
  if (!row) return row.error();
  return *row ? std::optional(std::move((*row)->body)) : std::nullopt;
}

// ---- care -----------------------------------------------------------------------------------------------------------

Result<std::uint64_t> RedisLedger::prune_kind(LedgerKind kind, WallTime cutoff, int& batches) {
  const std::string prefix = index_prefix(IndexFamily::closed, kind);
  const IndexRange range{"[" + prefix, "(" + prefix + sortable(nanos(cutoff))};
  std::uint64_t total = 0;
  while (batches++ < kPruneBatches) {
    const auto members = store_->members(range, false, kChunk);
    if (!members) return members.error();
    if (members->empty()) break;
    RedisLease lease;
    {
      const std::lock_guard lock(write_mutex_);
      lease = lease_;
    }
    const auto removed = store_->remove(lease, *members);
    if (!removed) return removed.error();
    total += *removed;
    if (members->size() < std::size_t(kChunk)) break;
  }
  return total;
}

Result<PruneResult> RedisLedger::prune(Now now) {
  PruneResult result;
  int batches = 0;
  for (const bool inputs : {false, true}) {
    const auto oldest = reader_->oldest_closed(inputs);
    if (!oldest) return oldest.error();
    const WallTime cutoff =
        fronts_[inputs].cutoff(*oldest, now, inputs ? options_.input_retention : options_.retention);
    for (std::size_t kind = 0; kind < kEnumCount<LedgerKind>; ++kind) {
      if (is_input_class(LedgerKind(kind)) != inputs) continue;
      const auto removed = prune_kind(LedgerKind(kind), cutoff, batches);
      if (!removed) return removed.error();
      result.deleted += *removed;
    }
  }
  pruned_ += result.deleted;
  return result;
}

LedgerStats RedisLedger::stats() const {
  LedgerStats s;
  s.commits = commits_;
  s.entries = entries_;
  s.failures = failures_;
  s.pruned = pruned_;
  s.unreadable = unreadable_;
  s.degraded = degraded_;
  s.fenced = fenced_;
  s.spool_bytes = spool_->bytes();
  s.spool_waiting = spool_->waiting();
  s.spooled = spooled_;
  s.replayed = replayed_;
  s.store_away = !client_->connected() || refusing_ || s.spool_waiting > 0;
  s.weaker_durability = promises_->weaker();
  const std::lock_guard lock(text_mutex_);
  s.problem = problem_;
  return s;
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_redis_ledger(RedisLedgerOptions options, Logger& log) {
  auto dir = DataDir::open(options.data_dir);
  if (!dir) return dir.error();
  auto spool = Spool::open({.file = dir->file("ledger.spool"), .max_bytes = options.spool_max_bytes});
  if (!spool) return spool.error();
  auto ledger = std::make_unique<RedisLedger>(std::move(options), std::move(*dir), std::move(*spool), log);
  if (auto started = ledger->start(); !started) return started.error();
  return std::unique_ptr<Ledger>(std::move(ledger));
}

}  // namespace paramedic
