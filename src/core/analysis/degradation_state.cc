// The state of one task type as bytes; docs/formats/degradation-state.md. Everything that decides later is in it, as
// the very floats, so that a restored finder goes on bit-equal, and each state has one form only. The decoder trusts
// nothing: every count is bounded by the bytes that are left, every number by what the finder could have written.
#include <bit>
#include <cmath>
#include <concepts>

#include <fmt/format.h>

#include "base/checksum.h"
#include "core/analysis/degradation.h"

namespace paramedic {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxName = 200;
constexpr double kMostSeconds = 1e15, kMostCount = 1e15;
constexpr Duration kTooOld = 7 * 24h, kClockAhead = 24h;
constexpr std::int64_t kMostBlocks = 100'000'000;  // the year 2920

class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T v) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out_ += char(v >> (8 * i));
  }
  void number(float v) { number(std::bit_cast<std::uint32_t>(v)); }
  void number(double v) { number(std::bit_cast<std::uint64_t>(v)); }
  void number(std::int64_t v) { number(std::uint64_t(v)); }
  void time(WallTime t) { number(std::int64_t(t.time_since_epoch().count())); }
  void text(std::string_view s) {
    number(std::uint16_t(s.size()));
    out_ += s;
  }
  std::string take() {
    put_checksum(out_);
    return std::move(out_);
  }

 private:
  std::string out_;
};

// After the first wrong byte everything reads as zero and good() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes), good_(take_checksum(left_)) {}
  bool good() const { return good_; }
  bool done() const { return good_ && left_.empty(); }
  void require(bool holds) { good_ = good_ && holds; }
  // A count of things of at least `each` bytes.
  std::size_t count(std::size_t most, std::size_t each) {
    const std::uint32_t n = number<std::uint32_t>();
    require(n <= most && std::uint64_t(n) * each <= left_.size());
    return good_ ? n : 0;
  }
  template <std::unsigned_integral T>
  T number() {
    require(left_.size() >= sizeof(T));
    if (!good_) return 0;
    T v = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) v = T(v | T(T(std::uint8_t(left_[i])) << (8 * i)));
    left_.remove_prefix(sizeof(T));
    return v;
  }
  template <std::unsigned_integral T>
  T below(std::size_t end) {
    const T v = number<T>();
    require(v < end);
    return good_ ? v : 0;
  }
  bool flag() { return below<std::uint8_t>(2) == 1; }
  // 0 … most; no NaN, no infinity, no negative.
  float small(double most) {
    const float v = std::bit_cast<float>(number<std::uint32_t>());
    require(v >= 0 && double(v) <= most && !std::signbit(v));
    return good_ ? v : 0;
  }
  double real(double most) {
    const double v = std::bit_cast<double>(number<std::uint64_t>());
    require(v >= 0 && v <= most);
    return good_ ? v : 0;
  }
  std::int64_t signed_number(std::int64_t low, std::int64_t high) {
    const auto v = std::int64_t(number<std::uint64_t>());
    require(v >= low && v <= high);
    return good_ ? v : 0;
  }
  WallTime time() { return WallTime{Duration{signed_number(0, std::int64_t{1} << 62)}}; }
  std::string text() {
    const std::size_t size = number<std::uint16_t>();
    require(size <= kMaxName && size <= left_.size());
    if (!good_) return "";
    std::string out(left_.substr(0, size));
    left_.remove_prefix(size);
    return out;
  }

 private:
  std::string_view left_;
  bool good_;
};

void put(Writer& w, const TaskTally& t) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) mask |= std::uint32_t(t.counts[i] != 0) << i;
  w.number(mask);
  for (const float count : t.counts)
    if (count != 0) w.number(count);
  w.number(t.finished);
  w.number(t.failed);
  w.number(t.seconds);
}

TaskTally get_tally(Reader& r) {
  TaskTally t;
  const auto mask = r.number<std::uint32_t>();
  r.require(mask < 1u << kDurationBuckets);
  for (std::size_t i = 0; i < kDurationBuckets; ++i)
    if (mask >> i & 1) {
      t.counts[i] = r.small(kMostCount);
      r.require(t.counts[i] != 0);
    }
  t.finished = r.small(kMostCount);
  t.failed = r.small(kMostCount);
  t.seconds = r.small(kMostSeconds);
  return t;
}

void put(Writer& w, const PackedBlock& b) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) mask |= std::uint32_t(b.counts[i] != 0) << i;
  w.number(std::uint8_t(b.spoiled | (b.empty() && mask == 0 ? 2 : 0)));
  w.number(b.version);
  if (b.empty() && mask == 0) return;
  w.number(b.shift);
  w.number(mask);
  for (const std::uint8_t count : b.counts)
    if (count != 0) w.number(count);
  w.number(b.finished);
  w.number(b.failed);
  w.number(b.seconds);
}

PackedBlock get_block(Reader& r, std::size_t versions) {
  PackedBlock b;
  const auto flags = r.below<std::uint8_t>(4);
  b.spoiled = flags & 1;
  b.version = r.below<std::uint16_t>(versions);
  if (flags & 2) return b;
  b.shift = r.below<std::uint8_t>(25);
  const auto mask = r.number<std::uint32_t>();
  r.require(mask < 1u << kDurationBuckets);
  for (std::size_t i = 0; i < kDurationBuckets; ++i)
    if (mask >> i & 1) {
      b.counts[i] = r.number<std::uint8_t>();
      r.require(b.counts[i] != 0);
    }
  b.finished = r.small(kMostCount);
  b.failed = r.small(kMostCount);
  b.seconds = r.small(kMostSeconds);
  r.require(mask != 0 || !b.empty());  // an empty one is written in three bytes
  return b;
}

void put(Writer& w, const WorkerWindow& window) {
  put(w, window.usual);
  put(w, window.open);
  for (const PackedBlock& block : window.ring) put(w, block);
  for (const float noise : window.noise) w.number(noise);
  w.number(window.host);
  w.number(window.version);
  w.number(window.idle_blocks);
}

WorkerWindow get_worker(Reader& r, std::size_t hosts, std::size_t versions) {
  WorkerWindow window;
  window.usual = get_tally(r);
  window.open = get_tally(r);
  for (PackedBlock& block : window.ring) block = get_block(r, versions);
  for (float& noise : window.noise) noise = r.small(double(Noise::kWildest));
  window.host = r.below<std::uint16_t>(hosts);
  window.version = r.below<std::uint16_t>(versions);
  window.idle_blocks = r.number<std::uint32_t>();
  return window;
}

void put(Writer& w, const NameTable& table) {
  w.number(std::uint32_t(table.names.size() - 1));
  for (std::size_t i = 1; i < table.names.size(); ++i) w.text(table.names[i]);
}

NameTable get_names(Reader& r, std::size_t most) {
  NameTable table;
  const std::size_t n = r.count(most, 2);
  for (std::size_t i = 0; i < n && r.good(); ++i) {
    table.names.push_back(r.text());
    r.require(!table.names.back().empty());
  }
  return table;
}

void put(Writer& w, const HeldDegradation& held) {
  const TaskDegradation& d = held.told;
  w.number(std::uint8_t(d.what));
  w.number(std::uint8_t(d.scope));
  w.text(d.name);
  w.number(d.before);
  w.number(d.after);
  w.number(std::uint8_t(d.siblings.has_value()));
  if (d.siblings) w.number(*d.siblings);
  w.time(d.since);
  w.time(d.told_at);
  w.number(std::uint64_t(d.tasks));
  w.number(d.rarity);
  w.number(std::uint8_t(held.tested));
  w.number(held.clear_blocks);
}

HeldDegradation get_held(Reader& r, const DegradationFinder::Key& key) {
  HeldDegradation held;
  TaskDegradation& d = held.told;
  d.pool = key.first;
  d.type = key.second;
  d.what = TaskMeasure(r.below<std::uint8_t>(3));
  d.scope = DegradationScope(r.below<std::uint8_t>(4));
  d.name = r.text();
  d.before = r.real(kMostSeconds);
  d.after = r.real(kMostSeconds);
  if (r.flag()) d.siblings = r.real(kMostSeconds);
  d.since = r.time();
  d.told_at = r.time();
  d.tasks = r.number<std::uint64_t>();
  d.rarity = r.real(1e9);
  r.require(d.rarity >= 1);
  held.tested = TaskMeasure(r.below<std::uint8_t>(3));
  held.clear_blocks = r.below<std::uint8_t>(DegradationFinder::kClearBlocks);
  return held;
}

}  // namespace

// Knows the members of TaskWindows in the order of the format.
struct TaskWindowsCodec {
  static void put_windows(Writer& w, const TaskWindows& t) {
    w.number(t.open_block_);
    w.number(t.first_block_);
    w.number(t.idle_blocks_);
    w.number(t.hour_no_);
    w.number(std::uint8_t(t.searched_names_));
    for (const TaskTally* tally : {&t.usual_, &t.open_, &t.hour_}) put(w, *tally);
    for (const TaskTally& block : t.ring_) put(w, block);
    for (const bool spoiled : t.spoiled_) w.number(std::uint8_t(spoiled));
    for (const HourSlot& slot : t.slots_) {
      w.number(slot.hour);
      if (slot.hour == 0) continue;
      for (const float v : {slot.tasks, slot.measured, slot.p50, slot.p95, slot.mean, slot.error_ratio}) w.number(v);
    }
    put(w, t.hosts_);
    put(w, t.versions_);
    w.number(std::uint32_t(t.workers_.size()));
    for (const auto& [id, window] : t.workers_) {
      w.text(id);
      put(w, window);
    }
  }

  static TaskWindows get_windows(Reader& r, const WindowLimits& limits, std::size_t room) {
    TaskWindows t;
    t.open_block_ = r.signed_number(-1, kMostBlocks);
    t.first_block_ = r.signed_number(-kMostBlocks, kMostBlocks);
    t.idle_blocks_ = r.signed_number(0, kMostBlocks);
    t.hour_no_ = r.signed_number(0, kMostBlocks);
    t.searched_names_ = r.flag();
    for (TaskTally* tally : {&t.usual_, &t.open_, &t.hour_}) *tally = get_tally(r);
    for (TaskTally& block : t.ring_) block = get_tally(r);
    for (bool& spoiled : t.spoiled_) spoiled = r.flag();
    for (HourSlot& slot : t.slots_) {
      slot.hour = r.number<std::uint32_t>();
      if (slot.hour == 0) continue;
      for (float* v : {&slot.tasks, &slot.measured, &slot.p50, &slot.p95, &slot.mean}) *v = r.small(kMostSeconds);
      slot.error_ratio = r.small(1);
    }
    t.hosts_ = get_names(r, limits.hosts);
    t.versions_ = get_names(r, limits.versions);
    const std::size_t workers = r.count(room, 2);
    for (std::size_t i = 0; i < workers && r.good(); ++i) {
      std::string id = r.text();
      // In ascending order, each once: so it was written.
      r.require(t.workers_.empty() || t.workers_.rbegin()->first < id);
      t.workers_.emplace_hint(t.workers_.end(), std::move(id),
                              get_worker(r, t.hosts_.names.size(), t.versions_.names.size()));
    }
    return t;
  }
};

std::string DegradationFinder::encode(const Key& key, WallTime as_of) const {
  const auto found = types_.find(key);
  if (found == types_.end()) return "";
  Writer w;
  w.number(kVersion);
  w.time(as_of);
  w.text(key.first);
  w.text(key.second);
  TaskWindowsCodec::put_windows(w, found->second.windows);
  for (const auto& scope : found->second.noise)
    for (const Noise& noise : scope) {
      w.number(noise.block);
      w.number(noise.hour);
      w.number(noise.looks);
    }
  for (const std::uint8_t fresh : found->second.fresh) w.number(fresh);
  w.number(std::uint32_t(found->second.held.size()));
  for (const HeldDegradation& held : found->second.held) put(w, held);
  return w.take();
}

Result<DegradationFinder::Key> DegradationFinder::restore(std::string_view blob, WallTime now) {
  Reader r(blob);
  if (!r.good()) return Error{Errc::corrupt, "degradation state: the checksum does not match"};
  if (const auto version = r.number<std::uint8_t>(); version != kVersion)
    return Error{Errc::corrupt, fmt::format("degradation state: version {} is not known here", version)};
  const WallTime as_of = r.time();
  if (r.good() && (as_of < now - kTooOld || as_of > now + kClockAhead))
    return Error{Errc::invalid_argument, "degradation state: older than a week, or from the future"};
  Key key;
  key.first = r.text();
  key.second = r.text();
  const auto known = types_.find(key);
  const std::size_t mine = known == types_.end() ? 0 : known->second.windows.workers().size();
  TaskTypeState state;
  const std::size_t most = limits_.windows.workers;
  state.windows = TaskWindowsCodec::get_windows(r, limits_.windows, most - std::min(most, use_.workers - mine));
  for (auto& scope : state.noise)
    for (Noise& noise : scope) {
      noise.block = r.small(double(Noise::kWildest));
      noise.hour = r.small(double(Noise::kWildest));
      noise.looks = r.below<std::uint16_t>(Noise::kLooks + 1u);
    }
  for (std::uint8_t& fresh : state.fresh) fresh = r.below<std::uint8_t>(kLookBlocks + 1);
  const std::size_t held = r.count(limits_.told_per_pool, 50);
  for (std::size_t i = 0; i < held && r.good(); ++i) state.held.push_back(get_held(r, key));
  if (!r.done()) return Error{Errc::corrupt, "degradation state: damaged, or beyond the limits"};
  if (known != types_.end()) forget(known);
  if (types_.size() >= limits_.types) return Error{Errc::too_large, "degradation state: no room for another task type"};
  use_.workers += state.windows.workers().size();
  ++types_of_pool_[key.first];
  types_.insert_or_assign(key, std::move(state));
  advanced_ = -1;
  return key;
}

}  // namespace paramedic
