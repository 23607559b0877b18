// The half of ColumnarHistory that keeps the file small: hours are folded into chunks, days merged and rolled up, what
// is too old goes. Writer thread only. Each step is one transaction; memory follows when it is durable.
#include <cstdlib>

#include <fmt/format.h>

#include "base/retention.h"
#include "io/history/codec/chunk.h"
#include "io/history/columnar_history.h"
#include "io/history/frame_merge.h"
#include "io/history/rollup.h"
#include "io/history/series.h"

namespace paramedic::history {

namespace {

constexpr std::size_t kChunkRows = 65'536;   // a day of one row per second is two chunks
constexpr std::size_t kFoldsPerPass = 2048;  // of workers that fell silent
constexpr std::size_t kMergesPerPass = 128;  // 2 ms each for 20 metrics at 30 s
constexpr std::int64_t kMergeSpread = 4 * kHour;
constexpr std::int64_t kFuture = kHour;  // further ahead than this, a row's clock was wrong
constexpr std::int64_t kMaxGap = 3 * kHour;
constexpr std::int64_t kSaveEvery = 15 * kMinute;
constexpr Duration kMaxAllowance = 24h;

// Spreads work over time by worker: consecutive numbers fall far apart.
std::int64_t phase(std::int64_t worker, std::int64_t width) {
  return std::int64_t((std::uint64_t(worker) * 0x9E3779B97F4A7C15u) >> 33) % width;
}

// When the oldest day of it that is not merged yet will be.
std::int64_t merge_at(const WorkerState& worker) {
  return worker.unmerged == kNever ? kNever : worker.unmerged + kDay + phase(worker.no, kMergeSpread);
}

const char* meta_key(Tier tier) {
  return tier == Tier::raw ? "raw_from" : tier == Tier::ten_minutes ? "ten_minutes_from" : "hours_from";
}

}  // namespace

std::int64_t ColumnarHistory::hour_of(std::int64_t worker, std::int64_t at) const {
  return floor_to(at - phase(worker, kHour), kHour);
}

Duration ColumnarHistory::keep(Tier tier) const {
  return tier == Tier::raw           ? options_.retention
         : tier == Tier::ten_minutes ? options_.keep_ten_minutes
                                     : options_.keep_hours;
}

// ---- folding ----

Result<void> ColumnarHistory::put_chunk(std::int64_t worker, Kind kind, const Frame& frame) {
  const ChunkHead head{
      .id = 0, .kind = kind, .t0 = frame.at.front(), .t1 = frame.at.back(), .rows = std::int64_t(frame.rows())};
  return store_->put_chunk(worker, head, encode_chunk(frame));
}

// The whole open hour becomes chunks, none of which crosses midnight (UTC). Runs inside the caller's transaction;
// memory follows by folded().
Result<ColumnarHistory::Fold> ColumnarHistory::fold(WorkerState& worker) {
  Fold out{&worker};
  Frame frame = worker.open.frame(schema_of(), [](SeriesId) { return true; });
  // What came so late that its day has left already would only spoil that day's roll-ups.
  if (const auto kept = kept_from_[std::size_t(Tier::raw)];
      kept && !frame.empty() && frame.at.front() < floor_to(*kept, kDay)) {
    out.dropped = frame.rows();
    cut(frame, floor_to(*kept, kDay), kNever);
    out.dropped -= frame.rows();
  }
  for (std::size_t i = 0; i < frame.rows();) {
    const std::int64_t day = floor_to(frame.at[i], kDay);
    std::int64_t end = day + kDay;
    if (i + kChunkRows < frame.rows()) end = std::min(end, frame.at[i + kChunkRows]);
    const Frame part = part_of(frame, frame.at[i], end);
    if (auto done = put_chunk(worker.no, Kind::fresh, part); !done) return done.error();
    out.oldest = std::min(out.oldest, part.at.front());
    out.newest = std::max(out.newest, part.at.back());
    out.first_day = std::min(out.first_day, day);
    i += part.rows();
  }
  if (auto done = store_->set_folded(worker.no, next_log_ - 1); !done) return done.error();
  return out;
}

void ColumnarHistory::folded(const Fold& fold) {
  WorkerState& worker = *fold.worker;
  const std::lock_guard lock(mutex_);
  worker.open = OpenHour();
  worker.hour = kNever;
  worker.folded = next_log_ - 1;
  auto& oldest = worker.oldest[std::size_t(Tier::raw)];
  oldest = std::min(oldest, fold.oldest);
  worker.newest = std::max(worker.newest, fold.newest);
  worker.unmerged = std::min(worker.unmerged, fold.first_day);
  dropped_ += fold.dropped;
  ++folds_;
}

// Workers that fell silent fold here, all others when their next hour begins.
Result<bool> ColumnarHistory::fold_stale(std::int64_t now) {
  std::vector<WorkerState*> stale;
  bool more = false;
  for (auto& [name, worker] : workers_) {
    if (worker->open.empty() || worker->hour == hour_of(worker->no, now)) continue;
    if ((more = stale.size() >= kFoldsPerPass)) break;
    stale.push_back(worker.get());
  }
  if (stale.empty()) return false;
  std::vector<Fold> folds;
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun().error();
  for (WorkerState* worker : stale) {
    if (store_->full()) {
      more = true;
      break;
    }
    auto done = fold(*worker);
    if (!done) return done.error();
    folds.push_back(*done);
  }
  if (auto done = transaction.commit(); !done) return done.error();
  for (const Fold& f : folds) folded(f);
  return more;
}

// ---- merging ----

Result<std::vector<StoredChunk>> ColumnarHistory::raw_chunks(std::int64_t worker, std::int64_t from, std::int64_t to) {
  std::vector<StoredChunk> out;
  auto done = store_->raw_chunks(worker, from, to, [&](const ChunkHead& head, std::string_view data) -> Result<void> {
    auto frame = decode_chunk(data);
    if (!frame) ++damaged_;
    out.push_back({head, frame ? std::move(*frame) : Frame{}});
    return {};
  });
  if (!done) return done.error();
  return out;
}

// The fresh chunks of one day, and what was merged of it before, become one chunk and the day's roll-ups. A chunk that
// does not decode stays as it is until it expires, so that a repair is possible.
Result<void> ColumnarHistory::merge_day(WorkerState& worker) {
  const std::int64_t day = worker.unmerged;
  auto chunks = raw_chunks(worker.no, day, day + kDay);
  if (!chunks) return chunks.error();
  FrameMerge merge;
  for (StoredChunk& chunk : *chunks) {
    if (!chunk.frame.empty()) {
      merge.add(std::move(chunk.frame));
      if (auto done = store_->erase_chunk(worker.no, chunk.head); !done) return done;
    } else if (auto done = store_->set_kind(worker.no, chunk.head, Kind::day); !done) {
      return done;
    }
  }
  const Frame whole = merge.finish();
  for (std::size_t i = 0; i < whole.rows(); i += kChunkRows) {
    const std::int64_t end = i + kChunkRows < whole.rows() ? whole.at[i + kChunkRows] : kNever;
    if (auto done = put_chunk(worker.no, Kind::day, part_of(whole, whole.at[i], end)); !done) return done;
  }
  ++merges_;
  return whole.empty() ? Result<void>() : put_rollups(worker.no, whole, day);
}

Result<void> ColumnarHistory::put_rollups(std::int64_t worker, const Frame& day, std::int64_t from) {
  const auto before = store_->heads(worker, from, from + kDay);
  if (!before) return before.error();
  for (const ChunkHead& head : *before)
    if (head.kind >= Kind::ten_minutes)
      if (auto done = store_->erase_chunk(worker, head); !done) return done;
  RollUpOptions options{.p95 = true, .decimals = [this](std::uint32_t metric) {
                          return metric < metric_names_.size() ? metric_decimals(metric_names_[metric]) : 3;
                        }};
  const auto put = [&](Kind kind, std::int64_t step, Duration keep) -> Result<void> {
    if (keep.count() <= 0) return {};
    options.step = step;
    return put_chunk(worker, kind, roll_up(std::span(&day, 1), options));
  };
  auto done = put(Kind::ten_minutes, 10 * kMinute, options_.keep_ten_minutes);
  return done ? put(Kind::hours, kHour, options_.keep_hours) : done;
}

Result<bool> ColumnarHistory::merge_due(std::int64_t now) {
  std::vector<WorkerState*> due;
  bool more = false;
  for (auto& [name, worker] : workers_) {
    if (merge_at(*worker) > now) continue;
    if ((more = due.size() >= kMergesPerPass)) break;
    due.push_back(worker.get());
  }
  if (due.empty()) return false;
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun().error();
  std::size_t merged = 0;
  for (; merged < due.size() && !store_->full(); ++merged)
    if (auto done = merge_day(*due[merged]); !done) return done.error();
  more = more || merged < due.size();
  due.resize(merged);
  if (auto done = transaction.commit(); !done) return done.error();
  for (WorkerState* worker : due) {
    if (auto done = refresh_bounds(*worker); !done) return done.error();
    more = more || merge_at(*worker) <= now;
  }
  return more;
}

Result<void> ColumnarHistory::refresh_bounds(WorkerState& worker) {
  WorkerState fresh;
  auto done = store_->bounds(
      worker.no, [&](std::int64_t, Kind kind, std::int64_t t0, std::int64_t t1) { add_bound(fresh, kind, t0, t1); });
  if (!done) return done;
  const std::lock_guard lock(mutex_);
  worker.oldest = fresh.oldest;
  worker.newest = fresh.newest;
  worker.unmerged = fresh.unmerged;
  return {};
}

// ---- retention ----

Result<RetainResult> ColumnarHistory::retain(Now now) {
  const Duration passed = last_retain_ ? std::max(Duration{0}, now.steady - *last_retain_) : Duration{0};
  last_retain_ = now.steady;
  const std::int64_t wall = to_millis(now.wall);
  // How far retention has come goes back with a clock that had been ahead, or rows of today would count as too old.
  for (const Tier tier : {Tier::raw, Tier::ten_minutes, Tier::hours})
    if (auto& kept = kept_from_[std::size_t(tier)]) kept = std::min(*kept, to_millis(now.wall - keep(tier)));
  RetainResult out;
  // These two need space before they free some.
  const bool room = store_->room().has_value();
  const auto folding = room ? fold_stale(wall) : false;
  if (!folding) return folding.error();
  const auto merging = room ? merge_due(wall) : false;
  if (!merging) return merging.error();
  for (const Tier tier : {Tier::raw, Tier::ten_minutes, Tier::hours})
    if (auto done = expire(tier, now, passed, out); !done) return done.error();
  auto done = expire_future(now, passed, out);
  if (done) done = cap(out);
  if (done) done = trim_log();
  if (done) done = forget_empty();
  if (done) done = expire_states(now.wall);
  if (done) done = store_->give_back_space();
  if (!done) return done.error();
  deleted_ += out.deleted;
  out.more = out.more || *folding || *merging;
  return out;
}

// How far back a tier reaches moves on by at most twice the monotonic time that passed, and is remembered over a
// restart: a wall clock that jumps ahead costs hours of data. A gap in the data costs 3 h at most, or an old island
// would stay for as long as the gap is wide. Whole chunks leave: a day of one worker.
Result<void> ColumnarHistory::expire(Tier tier, Now now, Duration passed, RetainResult& out) {
  const std::size_t index = std::size_t(tier);
  const std::int64_t wall = to_millis(now.wall);
  std::int64_t oldest = kNever;
  for (const auto& [name, worker] : workers_)
    if (worker->oldest[index] <= wall + kFuture) oldest = std::min(oldest, worker->oldest[index]);
  if (oldest == kNever) return {};
  const std::int64_t before = std::max(kept_from_[index].value_or(oldest), oldest - kMaxGap);
  const std::int64_t from = to_millis(retention_cutoff(from_millis(before), now.wall, keep(tier), passed));
  const bool any = std::any_of(workers_.begin(), workers_.end(),
                               [&](const auto& entry) { return entry.second->oldest[index] < from; });
  // Remembered now and then: a crash in between costs a few minutes of progress.
  if (!any && saved_from_[index] && std::abs(from - *saved_from_[index]) < kSaveEvery) {
    kept_from_[index] = from;
    return {};
  }
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun();
  std::vector<WorkerState*> changed;
  for (auto& [name, worker] : workers_) {
    if (worker->oldest[index] >= from) continue;
    if (out.deleted >= options_.retain_batch) break;
    // Before a day is rolled up, its rows stay.
    const std::int64_t bound = tier == Tier::raw ? std::min(from, worker->unmerged) : from;
    const auto deleted = drop(
        *worker, bound, [&](const ChunkHead& head) { return tier_of(head.kind) == tier && head.t1 < bound; },
        options_.retain_batch - out.deleted);
    if (!deleted) return deleted.error();
    if (*deleted == 0) continue;
    out.deleted += *deleted;
    changed.push_back(worker.get());
  }
  if (auto done = store_->set_meta(meta_key(tier), from); !done) return done;
  if (auto done = transaction.commit(); !done) return done;
  kept_from_[index] = saved_from_[index] = from;
  for (WorkerState* worker : changed)
    if (auto done = refresh_bounds(*worker); !done) return done;
  out.more = out.more || out.deleted >= options_.retain_batch;
  return {};
}

// Rows stamped in the future (the clock was wrong when they came) would stay for years. They leave in passes of their
// own, again at twice the monotonic time: a clock that is wrong now, and finds all else in the future, wipes nothing.
Result<void> ColumnarHistory::expire_future(Now now, Duration passed, RetainResult& out) {
  future_allowance_ = std::min(kMaxAllowance, future_allowance_ + 2 * passed);
  const std::int64_t bound = to_millis(now.wall) + kFuture;
  const bool any =
      std::any_of(workers_.begin(), workers_.end(), [&](const auto& entry) { return entry.second->newest > bound; });
  if (!any || out.deleted > 0) return {};
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun();
  std::vector<WorkerState*> changed;
  for (auto& [name, worker] : workers_) {
    if (worker->newest <= bound) continue;
    const auto heads = store_->heads(worker->no, bound + 1, kNever);
    if (!heads) return heads.error();
    bool any_gone = false;
    for (const ChunkHead& head : *heads) {
      if (tier_of(head.kind) != Tier::raw) continue;
      const Duration price = std::chrono::milliseconds(std::max(kMinute, head.t1 - head.t0));
      if (price > future_allowance_ || out.deleted >= options_.retain_batch) break;
      future_allowance_ -= price;
      out.deleted += std::uint64_t(head.rows);
      if (auto done = store_->erase_chunk(worker->no, head); !done) return done;
      any_gone = true;
    }
    if (any_gone) changed.push_back(worker.get());
  }
  if (changed.empty()) return {};
  if (auto done = transaction.commit(); !done) return done;
  for (WorkerState* worker : changed)
    if (auto done = refresh_bounds(*worker); !done) return done;
  return {};
}

// Deletes chunks of one worker that begin before `bound`, the oldest first, until `most` rows are gone. Returns how
// many went.
Result<std::uint64_t> ColumnarHistory::drop(WorkerState& worker, std::int64_t bound,
                                            const std::function<bool(const ChunkHead&)>& which, std::size_t most) {
  const auto heads = store_->heads(worker.no, -kNever, bound);
  if (!heads) return heads.error();
  std::uint64_t rows = 0;
  for (const ChunkHead& head : *heads) {
    if (rows >= most) break;
    if (!which(head)) continue;
    if (auto done = store_->erase_chunk(worker.no, head); !done) return done.error();
    rows += std::uint64_t(head.rows);
  }
  return rows;
}

// The byte cap: the oldest day of all workers goes (within the newest two days: the oldest hour), whatever its age and
// kind, until the pages in use fit.
Result<void> ColumnarHistory::cap(RetainResult& out) {
  if (options_.max_bytes == 0) return {};
  const auto used = store_->bytes_in_use();
  if (!used) return used.error();
  if (*used <= options_.max_bytes) return {};
  std::int64_t oldest = kNever, newest = -kNever;
  for (const auto& [name, worker] : workers_) {
    for (const std::int64_t bound : worker->oldest) oldest = std::min(oldest, bound);
    newest = std::max(newest, worker->newest);
  }
  if (oldest == kNever) return {};
  const std::int64_t day = floor_to(oldest, kDay) + kDay;
  const std::int64_t bound = day <= newest - 2 * kDay ? day : floor_to(oldest, kHour) + 2 * kHour;
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun();
  std::vector<WorkerState*> changed;
  std::uint64_t gone = 0;
  for (auto& [name, worker] : workers_) {
    if (*std::min_element(worker->oldest.begin(), worker->oldest.end()) >= bound) continue;
    // A chunk of a whole day that begins before the bound goes as a whole.
    const auto deleted = drop(
        *worker, bound, [](const ChunkHead&) { return true; }, options_.retain_batch);
    if (!deleted) return deleted.error();
    gone += *deleted;
    changed.push_back(worker.get());
    if (gone >= options_.retain_batch) break;
  }
  if (auto done = transaction.commit(); !done) return done;
  for (WorkerState* worker : changed)
    if (auto done = refresh_bounds(*worker); !done) return done;
  out.deleted += gone;
  out.more = out.more || gone > 0;
  return {};
}

// Log entries whose rows are all in chunks, and metric shapes that no row needs any more.
Result<void> ColumnarHistory::trim_log() {
  std::int64_t first = next_log_;
  for (const auto& [name, worker] : workers_)
    if (!worker->open.empty()) first = std::min(first, worker->open.first_log());
  if (first == trimmed_) return {};
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun();
  if (auto done = store_->erase_log(first); !done) return done;
  std::vector<SchemaRef> unused;
  for (const auto& [text, entry] : schemas_by_text_) {
    const auto last = schema_last_.find(entry->no);
    if (last == schema_last_.end() || last->second < first) unused.push_back(entry);
  }
  if (!buffer_.empty() || !unsaved_.empty()) unused.clear();  // a flush that failed may need them again
  for (const auto& entry : unused)
    if (auto done = store_->erase_name(NameTable::schema, entry->no, schema_text(entry->schema)); !done) return done;
  if (auto done = transaction.commit(); !done) return done;
  trimmed_ = first;
  if (unused.empty()) return {};
  schema_cache_.clear();
  const std::lock_guard lock(mutex_);
  for (const auto& entry : unused) {
    schemas_by_text_.erase(schema_text(entry->schema));
    schemas_.erase(entry->no);
    schema_last_.erase(entry->no);
  }
  return {};
}

Result<void> ColumnarHistory::forget_empty() {
  if (!buffer_.empty() || !unsaved_.empty()) return {};
  std::vector<std::string> empty;
  for (const auto& [name, worker] : workers_)
    if (worker->open.empty() && worker->oldest == std::array{kNever, kNever, kNever}) empty.push_back(name);
  if (empty.empty()) return {};
  Writing transaction(*store_);
  if (!transaction.begun()) return transaction.begun();
  for (const auto& name : empty)
    if (auto done = store_->erase_name(NameTable::worker, workers_[name]->no, name); !done) return done;
  if (auto done = transaction.commit(); !done) return done;
  const std::lock_guard lock(mutex_);
  for (const auto& name : empty) workers_.erase(name);
  return {};
}

}  // namespace paramedic::history
