#include "core/analysis/degradation.h"

#include <algorithm>
#include <cmath>

#include "core/analysis/degradation_causes.h"

namespace paramedic {

namespace {
constexpr double kRarest = 1e9;

bool is_error(TaskMeasure what) { return what == TaskMeasure::error_ratio; }

bool same(const HeldDegradation& held, const TaskCandidate& c, const TaskWindows& windows) {
  return held.told.scope == c.subject.scope && is_error(held.told.what) == is_error(c.what) &&
         held.told.name == name_of(c.subject, windows);
}

void worst_first(std::vector<TaskDegradation>& list) {
  std::sort(list.begin(), list.end(), [](const TaskDegradation& a, const TaskDegradation& b) {
    const double x = a.badness(), y = b.badness();
    return x != y
               ? x > y
               : std::tie(a.pool, a.type, a.scope, a.name, a.what) < std::tie(b.pool, b.type, b.scope, b.name, b.what);
  });
}

std::vector<TaskSubject> held_subjects(const TaskTypeState& state) {
  std::vector<TaskSubject> out;
  for (const HeldDegradation& h : state.held)
    if (auto subject = subject_named(h.told.scope, h.told.name, state.windows)) out.push_back(std::move(*subject));
  return out;
}

void mark_held(TaskTypeState& state) {
  const std::vector<TaskSubject> subjects = held_subjects(state);
  for (auto& [id, window] : state.windows.workers()) {
    window.held = false;
    for (const TaskSubject& s : subjects) window.held = window.held || s.has(id, window);
  }
}

bool pool_held(const TaskTypeState& state, bool errors) {
  return std::any_of(state.held.begin(), state.held.end(), [&](const HeldDegradation& h) {
    return h.told.scope == DegradationScope::pool && is_error(h.told.what) == errors;
  });
}

// What it did since the change never becomes what is usual.
void spoil(TaskTypeState& state, const TaskSubject& subject, std::size_t blocks) {
  for (auto& [id, window] : state.windows.workers())
    for (std::size_t age = 0; age < std::min(blocks, kLookBlocks); ++age) {
      PackedBlock& block = window.ring[state.windows.slot_at(age)];
      block.spoiled = block.spoiled || subject.has(id, window, block);
    }
  state.windows.spoil_pool(blocks);
}

void accept(TaskTypeState& state, const HeldDegradation& held) {
  const auto subject = subject_named(held.told.scope, held.told.name, state.windows);
  if (!subject) return;
  for (auto& [id, window] : state.windows.workers())
    if (subject->has(id, window)) TaskWindows::accept(window);
  // One worker of many does not change what is usual for its pool.
  if (subject->scope != DegradationScope::worker) state.windows.accept_pool();
}
}  // namespace

DegradationFinder::Types::iterator DegradationFinder::find_type(std::string_view pool, std::string_view type) {
  Key key{pool, type};
  if (const auto found = types_.find(key); found != types_.end()) return found;
  const auto counted = types_of_pool_.find(pool);
  if (counted != types_of_pool_.end() && counted->second >= limits_.types_per_pool && type != kOtherTaskType)
    return find_type(pool, kOtherTaskType);
  if (types_.size() >= limits_.types) {
    ++types_refused_;
    return types_.end();
  }
  ++types_of_pool_[key.first];
  return types_.emplace(std::move(key), TaskTypeState{}).first;
}

void DegradationFinder::forget(Types::iterator type) {
  type->second.windows.drop_workers(use_);
  const auto counted = types_of_pool_.find(type->first.first);
  if (--counted->second == 0) types_of_pool_.erase(counted);
  types_.erase(type);
}

void DegradationFinder::add(std::string_view pool, const WorkerTraits& worker, std::span<const TaskIncrease> more,
                            WallTime now) {
  for (const TaskIncrease& increase : more) {
    const auto type = find_type(pool, increase.type);
    if (type == types_.end()) continue;
    TaskWindows& windows = type->second.windows;
    if (windows.due(now)) close(type->first, type->second, now);
    windows.add(worker, increase, now, limits_.windows, use_);
  }
}

void DegradationFinder::advance(WallTime now) {
  if (TaskWindows::block_of(now) == advanced_) return;
  advanced_ = TaskWindows::block_of(now);
  for (auto it = types_.begin(); it != types_.end();) {
    const auto type = it++;
    if (type->second.windows.due(now)) close(type->first, type->second, now);
    if (type->second.windows.blocks_idle() >= kForgetBlocks) forget(type);
  }
}

void DegradationFinder::close(const Key& key, TaskTypeState& state, WallTime now) {
  mark_held(state);
  const bool quiet = state.held.empty() && state.windows.blocks_idle() > std::int64_t(kLookBlocks);
  state.windows.close(now, !state.held.empty(), limits_.windows, use_);
  if (!quiet) judge(key, state, now);
}

void DegradationFinder::judge(const Key& key, TaskTypeState& state, WallTime now) {
  for (std::uint8_t& fresh : state.fresh) fresh = std::uint8_t(std::min<std::size_t>(fresh + 1u, kLookBlocks));
  const TaskJudge judge(state.windows, state.noise, {state.fresh[0], state.fresh[1]});
  TaskJudge::Look look = judge.look(state.windows, held_subjects(state));
  for (const bool errors : {false, true}) {
    std::vector<TaskCandidate> candidates;
    look_at_held(state, judge, errors, now, candidates);
    auto& found = errors ? look.errors : look.durations;
    if (state.fresh[errors] == 0) found.clear();  // one just ended
    for (TaskCandidate& c : found) {
      const bool known = std::any_of(candidates.begin(), candidates.end(),
                                     [&](const TaskCandidate& k) { return k.subject == c.subject; });
      if (!known) candidates.push_back(std::move(c));
    }
    settle(key, state, errors, causes_of(judge, state.windows, std::move(candidates)), now);
  }
  state.noise = look.noise;
}

void DegradationFinder::look_at_held(TaskTypeState& state, const TaskJudge& judge, bool errors, WallTime now,
                                     std::vector<TaskCandidate>& out) {
  for (HeldDegradation& held : state.held) {
    if (is_error(held.told.what) != errors) continue;
    const auto subject = subject_named(held.told.scope, held.told.name, state.windows);
    const TaskMeasure what = held.told.what;
    const TaskSums sums =
        !subject ? TaskSums{}
        : subject->scope == DegradationScope::worker
            ? judge.known(sums_of(state.windows.workers().find(subject->worker)->second, state.windows))
            : judge.sums(*subject);
    if (!subject || sums.newest.back().empty()) {
      end(held, DegradationState::silent, now);
      continue;
    }
    if (now - held.told.told_at >= kNewUsual) {
      accept(state, held);
      end(held, DegradationState::accepted, now);
      state.fresh[errors] = 0;
      continue;
    }
    const double enough = held.tested == TaskMeasure::duration_p95 ? kMinTailTasks : kMinTasks;
    std::size_t blocks = kRecentBlocks;
    while (blocks < kLookBlocks && tasks_of(what, sums.newest[blocks - 1]) < enough) ++blocks;
    const auto now_is = judge.read(held.tested, *subject, sums, blocks);
    const bool bad =
        !now_is || now_is->tasks < kMinTasks || still_beyond(held.tested, now_is->usual.value, now_is->after);
    held.clear_blocks = bad ? 0 : std::uint8_t(held.clear_blocks + 1);
    if (held.clear_blocks >= kClearBlocks) {
      // Well only by comparison with siblings that are ill as well: that is the pool's statement now.
      const bool ill = still_beyond(held.tested, now_is->base, now_is->after) && pool_held(state, errors);
      end(held, ill ? DegradationState::merged : DegradationState::ended, now);
      if (!ill) state.fresh[errors] = 0;
      continue;
    }
    // Compared with others over all that it did since, which scatters less than its newest blocks.
    const auto since =
        std::size_t(std::max<std::int64_t>((state.windows.start_of(0) - held.told.since) / kTaskBlock, 0));
    TaskCandidate c{.subject = *subject, .what = what, .blocks = std::min(since + 1, kLookBlocks)};
    c.held = true;
    c.tested = held.tested;
    c.evidence = std::log(held.told.rarity);
    if (const auto all = judge.read(what, *subject, sums, c.blocks)) c.reading = *all;
    if (const auto all = judge.read(c.tested, *subject, sums, c.blocks)) c.tested_reading = *all;
    out.push_back(std::move(c));
  }
  std::erase_if(state.held, [](const HeldDegradation& h) { return h.told.state != DegradationState::holds; });
}

void DegradationFinder::settle(const Key& key, TaskTypeState& state, bool errors, std::vector<TaskCandidate> causes,
                               WallTime now) {
  const bool news = std::any_of(causes.begin(), causes.end(), [](const TaskCandidate& c) { return !c.held; });
  for (HeldDegradation& held : state.held) {
    if (is_error(held.told.what) != errors) continue;
    const bool stays = !news || std::any_of(causes.begin(), causes.end(), [&](const TaskCandidate& c) {
      return c.held && same(held, c, state.windows);
    });
    if (!stays) end(held, DegradationState::merged, now);
  }
  std::erase_if(state.held, [](const HeldDegradation& h) { return h.told.state != DegradationState::holds; });
  std::sort(causes.begin(), causes.end(), [](const TaskCandidate& a, const TaskCandidate& b) {
    return a.size() != b.size() ? a.size() > b.size() : a.subject.worker < b.subject.worker;
  });
  for (const TaskCandidate& c : causes)
    if (!c.held) begin(key, state, c, now);
}

void DegradationFinder::begin(const Key& key, TaskTypeState& state, const TaskCandidate& cause, WallTime now) {
  if (held_in(key.first) >= limits_.told_per_pool) {
    ++untold_;
    return;
  }
  HeldDegradation held;
  TaskDegradation& told = held.told;
  told.pool = key.first;
  told.type = key.second;
  told.what = cause.what;
  held.tested = cause.tested;
  told.scope = cause.subject.scope;
  told.name = name_of(cause.subject, state.windows);
  told.before = cause.reading.base;
  // The pool has no siblings: what is usual for it is what this time of day was.
  if (told.scope == DegradationScope::pool) told.before = cause.reading.usual.value;
  told.after = cause.reading.after;
  told.siblings = cause.reading.siblings;
  told.since = state.windows.start_of(cause.blocks - 1);
  told.told_at = now;
  told.tasks = std::uint64_t(cause.reading.tasks);
  told.rarity = std::min(kRarest, std::exp(std::min(cause.evidence, 50.0)));
  spoil(state, cause.subject, cause.blocks);
  note(told);
  state.held.push_back(std::move(held));
}

void DegradationFinder::end(HeldDegradation& held, DegradationState how, WallTime now) {
  held.told.state = how;
  held.told.until = now;
  note(held.told);
}

void DegradationFinder::note(const TaskDegradation& told) {
  if (changes_.size() >= kMaxChanges) changes_.erase(changes_.begin());
  changes_.push_back(told);
}

std::size_t DegradationFinder::held_in(std::string_view pool) const {
  std::size_t count = 0;
  for (auto it = types_.lower_bound(Key{pool, ""}); it != types_.end() && it->first.first == pool; ++it)
    count += it->second.held.size();
  return count;
}

std::vector<TaskDegradation> DegradationFinder::current(std::string_view pool) const {
  std::vector<TaskDegradation> out;
  for (auto it = types_.lower_bound(Key{pool, ""}); it != types_.end() && it->first.first == pool; ++it)
    for (const HeldDegradation& held : it->second.held) out.push_back(held.told);
  worst_first(out);
  return out;
}

std::vector<TaskDegradation> DegradationFinder::current() const {
  std::vector<TaskDegradation> out;
  for (const auto& [key, state] : types_)
    for (const HeldDegradation& held : state.held) out.push_back(held.told);
  worst_first(out);
  return out;
}

std::vector<TaskDegradation> DegradationFinder::take_changes() { return std::exchange(changes_, {}); }

std::vector<DegradationFinder::Key> DegradationFinder::keys() const {
  std::vector<Key> out;
  for (const auto& [key, state] : types_) out.push_back(key);
  return out;
}

}  // namespace paramedic
