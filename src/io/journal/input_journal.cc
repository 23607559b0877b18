#include "io/journal/input_journal.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/ids.h"
#include "io/journal/input_codec.h"

namespace paramedic::journal {

namespace {

constexpr std::size_t kStatePart = 1 << 20;
constexpr Duration kLogEvery = 1min;

// Tells the lives of monitors apart, also those of one second on one machine.
std::string new_run() {
  std::random_device device;
  return hash_hex(hash_mix(std::uint64_t(device()) << 32 | device(), 1));
}

}  // namespace

InputJournal::InputJournal(JournalOptions options, Logger& log)
    : options_(std::move(options)), log_(log), store_(options_.store) {
  header_.run = new_run();
  header_.build_id = options_.build_id;
  header_.config_hash = options_.config_hash;
  header_.shape = shape_of_inputs();
  thread_ = std::thread([this] { run(); });
}

InputJournal::~InputJournal() { stop(); }

// ---- the engine's thread --------------------------------------------------------------------------------------------

bool InputJournal::add(Block& block, const Now& now, const RecordBody& body) {
  if (!append_record(block.frames, now, body)) return false;
  if (block.records++ == 0) block.first = now;
  block.last = now;
  return true;
}

void InputJournal::begin(const LedgerState& state, const Now& now) {
  const std::string bytes = encode_state(state);
  if (bytes.size() > kMaxState) return note_gap(GapReason::too_large, 0, now);
  const std::uint64_t parts = std::max<std::size_t>(1, (bytes.size() + kStatePart - 1) / kStatePart);
  Block block;
  for (std::uint64_t i = 0; i < parts; ++i)
    add(block, now, StatePart{i, parts, bytes.substr(i * kStatePart, kStatePart)});
  push(std::move(block), true);
}

void InputJournal::analysis(std::string_view name, std::string_view bytes, const Now& now) {
  Block block;
  add_gap(block, now);
  if (!add(block, now, AnalysisRecord{std::string(name), std::string(bytes)}))
    return note_gap(GapReason::too_large, 0, now);
  push(std::move(block), true);
}

void InputJournal::step(std::span<const Input> inputs, Duration oldest_wait, const Now& now) {
  Block block;
  block.frames.reserve(last_size_ + last_size_ / 4);
  add_gap(block, now);
  add(block, now, StepRecord{oldest_wait, inputs.size()});
  for (const Input& input : inputs) {
    if (!append_input(block.frames, now, input)) return note_gap(GapReason::too_large, inputs.size(), now);
    ++block.records;
  }
  block.inputs = inputs.size();
  last_size_ = block.frames.size();
  if (!push(std::move(block), false)) note_gap(GapReason::queue_full, inputs.size(), now);
}

void InputJournal::reload(std::string config_hash, const Now& now) {
  Block block;
  add_gap(block, now);
  add(block, now, ReloadRecord{config_hash});
  block.config_hash = std::move(config_hash);
  push(std::move(block), true);
}

void InputJournal::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

// What is missing stands before what is there again.
void InputJournal::add_gap(Block& block, const Now& now) {
  if (gap_) add(block, now, *gap_);
}

void InputJournal::note_gap(GapReason reason, std::uint64_t inputs, const Now& now) {
  if (!gap_) gap_ = GapRecord{.reason = reason, .since = now};
  // A disk that is slightly too slow opens a gap many times a second.
  if (!gap_logged_ || now.steady - *gap_logged_ >= kLogEvery) {
    gap_logged_ = now.steady;
    log_.warning("inputs_not_recorded",
                 {{"reason", to_string(reason)}, {"effect", "a replay of this time will not be exact"}});
  }
  ++gap_->steps;
  gap_->inputs += inputs;
  const std::lock_guard lock(mutex_);
  stats_.dropped_inputs += inputs;
}

bool InputJournal::push(Block block, bool always) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || (!always && stats_.queued_bytes + block.frames.size() > options_.queue_bytes)) return false;
    stats_.queued_bytes += block.frames.size();
    queue_.push_back(std::move(block));
    // The writer gathers what comes within a tenth of a second: woken by the first, and when much waits.
    if (queue_.size() == 1 || stats_.queued_bytes > options_.queue_bytes / 4) wake_.notify_one();
  }
  gap_.reset();
  return true;
}

// ---- the journal's thread -------------------------------------------------------------------------------------------

// False: stopped, and nothing comes after `batch`.
bool InputJournal::wait_for_work(std::deque<Block>& batch) {
  const auto ready = [this] { return stopping_ || !queue_.empty(); };
  const auto much = [this] { return stopping_ || stats_.queued_bytes > options_.queue_bytes / 4; };
  std::unique_lock lock(mutex_);
  if (store_.unsynced())
    wake_.wait_for(lock, options_.sync_every, ready);
  else
    wake_.wait(lock, ready);
  if (!queue_.empty()) wake_.wait_for(lock, options_.gather, much);
  batch.swap(queue_);
  return !stopping_;
}

void InputJournal::run() {
  for (bool more = true; more;) {
    std::deque<Block> batch;
    more = wait_for_work(batch);
    write_all(std::move(batch));
    if (more) sync_if_due();
  }
  if (gave_up_) return;
  Block end;
  add_gap(end, last_);
  add(end, last_, EndRecord{});
  // Nothing was written: there is no run to end.
  if (header_.first_record > 0 && write(end)) told(store_.sync());
}

void InputJournal::write_all(std::deque<Block> batch) {
  for (Block& block : batch) {
    const std::size_t size = block.frames.size();
    if (!gave_up_ && !write(block)) gave_up_ = true;
    const std::lock_guard lock(mutex_);
    if (gave_up_) stats_.dropped_inputs += block.inputs;
    stats_.queued_bytes -= size;
  }
}

// Tries until it succeeds or the journal is stopped.
bool InputJournal::write(Block& block) {
  seal_frames(block.frames);
  if (block.config_hash) header_.config_hash = *block.config_hash;
  header_.at = block.first;
  for (;;) {
    const auto done = store_.append(block.frames, header_, block.last.wall);
    told(done);
    std::unique_lock lock(mutex_);
    if (done) {
      header_.first_record += block.records;
      last_ = block.last;
      stats_.records += block.records;
      stats_.written_bytes += block.frames.size();
      return true;
    }
    if (wake_.wait_for(lock, options_.retry, [this] { return stopping_; })) return false;
  }
}

void InputJournal::sync_if_due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < synced_ + options_.sync_every) return;
  synced_ = now;
  told(store_.sync());
}

// Logs transitions only.
void InputJournal::told(const Result<void>& result) {
  const std::lock_guard lock(mutex_);
  if (result) {
    if (std::exchange(stats_.degraded, false)) log_.info("input_journal_recovered");
    stats_.problem.clear();
    return;
  }
  ++stats_.errors;
  stats_.problem = result.error().message;
  if (!std::exchange(stats_.degraded, true))
    log_.warning("input_journal_degraded",
                 {{"reason", stats_.problem}, {"effect", "the monitor goes on; what it is given is not recorded"}});
}

JournalStats InputJournal::stats() const {
  JournalStats out;
  {
    const std::lock_guard lock(mutex_);
    out = stats_;
  }
  out.size_bytes = store_.bytes();
  return out;
}

}  // namespace paramedic::journal
