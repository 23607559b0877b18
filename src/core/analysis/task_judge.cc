#include "core/analysis/task_judge.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

namespace {
constexpr std::array kMeasures{TaskMeasure::duration_p50, TaskMeasure::duration_p95, TaskMeasure::error_ratio};
constexpr double kSmallPart = 0.05;  // of all: then all are as good as the others
constexpr double kTailTasks = 60;    // three above the p95
constexpr double kRestEvidence = 2;  // a rest that moved at odds of 1 in 7 is not called well
constexpr double kHourTasks = 60;    // to learn the scatter of an hour
constexpr float kOwnForget = 1.0f / 416;

std::size_t index_of(TaskMeasure what) { return std::size_t(what); }
}  // namespace

double TaskCandidate::size() const {
  if (what == TaskMeasure::error_ratio) return reading.after - reading.usual.value;
  return reading.usual.value > 0 && reading.after > 0 ? std::log(reading.after / reading.usual.value) : 0;
}

TaskJudge::TaskJudge(const TaskWindows& windows, const NoiseTable& noise)
    : windows_(windows), noise_(noise), groups_(windows) {
  if (groups_.pool.usual.finished > 0)
    borrowed_.add(groups_.pool.usual, float(kBorrowed) / groups_.pool.usual.finished);
  for (const TaskMeasure what : kMeasures) {
    all_usual_[index_of(what)] = value_of(what, groups_.all.usual).value_or(0);
    for (std::size_t age = 0; age < kLookBlocks; ++age) {
      const TaskTally& now = groups_.all.newest[age];
      if (tasks_of(what, now) >= kMinTasks) all_now_[index_of(what)][age] = value_of(what, now);
    }
  }
}

const TaskSums& TaskJudge::sums(const TaskSubject& subject) const {
  if (subject.scope == DegradationScope::version) return groups_.versions[subject.number];
  if (subject.scope == DegradationScope::host) return groups_.hosts[subject.number];
  return groups_.pool;
}

bool TaskJudge::is_new(const TaskSubject& version) const {
  return version.scope == DegradationScope::version && sums(version).blocks.back().empty() &&
         !groups_.pool.blocks.back().empty();
}

std::optional<Usual> TaskJudge::base_of(TaskMeasure what, const TaskTally& own) const {
  TaskTally history = own;
  history.add(borrowed_);
  return usual_of(what, history);
}

TaskJudge::Siblings TaskJudge::siblings_of(TaskMeasure what, const TaskSums& own, std::size_t age) const {
  const std::size_t m = index_of(what);
  Siblings out{.usual = all_usual_[m], .now = all_now_[m][age]};
  const auto small = [&](const TaskTally& part, const TaskTally& all) {
    return tasks_of(what, part) < kSmallPart * tasks_of(what, all);
  };
  if (!small(own.newest[age], groups_.all.newest[age])) {
    TaskTally others = groups_.all.newest[age];
    others.take_away(own.newest[age]);
    out.now.reset();
    if (tasks_of(what, others) >= kMinTasks) out.now = value_of(what, others);
  }
  if (!small(own.usual, groups_.all.usual)) {
    TaskTally others = groups_.all.usual;
    others.take_away(own.usual);
    const auto base = base_of(what, others);
    if (base) out.usual = base->value;
  }
  return out;
}

bool TaskJudge::may_judge(TaskMeasure what, DegradationScope scope, const TaskTally& usual) const {
  if (tasks_of(what, groups_.pool.usual) < kLearnTasks) return false;
  if (scope == DegradationScope::pool) return windows_.blocks_known() >= kBlocksPerDay;
  return scope == DegradationScope::version || tasks_of(what, usual) >= kOwnTasks;
}

std::optional<TaskReading> TaskJudge::read(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums,
                                           std::size_t blocks) const {
  const TaskTally& now = sums.newest[blocks - 1];
  const auto after = value_of(what, now);
  const bool pool = subject.scope == DegradationScope::pool;
  const auto base = pool ? usual_of(what, sums.usual) : base_of(what, sums.usual);
  if (!after || !base) return std::nullopt;
  TaskReading out{.base = base->value, .usual = *base, .after = *after, .tasks = tasks_of(what, now)};
  if (pool) {
    if (const auto usual = windows_.pool_usual_now(what)) out.usual = *usual;
    return out;
  }
  const Siblings siblings = siblings_of(what, sums, blocks - 1);
  out.siblings = siblings.now;
  if (siblings.now) out.usual = moved(what, *base, siblings.usual, *siblings.now);
  return out;
}

std::optional<TaskCandidate> TaskJudge::judge(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums,
                                              double needed, float own_noise) const {
  if (!may_judge(what, subject.scope, sums.usual)) return std::nullopt;
  const bool pool = subject.scope == DegradationScope::pool;
  const auto base = pool ? windows_.pool_usual_now(what) : base_of(what, sums.usual);
  if (!base) return std::nullopt;
  // Most end here: siblings can only raise what is usual.
  const TaskTally& single = sums.single();
  if (tasks_above(what, single, *base) <= tasks_of(what, single) * share_line(what, *base)) return std::nullopt;
  std::array<Usual, kLookBlocks> usual;
  usual.fill(*base);
  for (std::size_t i = 0; !pool && i < kLookBlocks; ++i) {
    const Siblings siblings = siblings_of(what, sums, i);
    // Without siblings nothing is said of it alone: no line is out of reach of nobody.
    usual[i] = siblings.now ? moved(what, *base, siblings.usual, *siblings.now) : Usual{.value = 1e12, .mean = 1e12};
    if (!siblings.now && what == TaskMeasure::error_ratio) usual[i].value = 1;
  }
  Noise noise = noise_[std::size_t(subject.scope)][index_of(what)];
  noise.hour = std::max(noise.hour, own_noise);
  const auto shift = find_shift(what, sums.newest, usual, single, noise, needed);
  if (!shift) return std::nullopt;
  TaskCandidate out{.subject = subject, .what = what, .blocks = shift->blocks, .evidence = shift->evidence};
  const auto reading = read(what, subject, sums, shift->blocks);
  if (!reading) return std::nullopt;
  out.reading = *reading;
  return out;
}

void TaskJudge::judge_all(const TaskSubject& subject, const TaskSums& sums, bool errors, std::size_t peers,
                          const std::array<float, 3>& own_noise, std::vector<TaskCandidate>& out) const {
  // The more are looked at, the more chance finds among them.
  const double needed = kEvidence + std::log(double(std::max<std::size_t>(peers, 1)));
  std::optional<TaskCandidate> best;
  for (const TaskMeasure what : kMeasures) {
    if ((what == TaskMeasure::error_ratio) != errors) continue;
    auto candidate = judge(what, subject, sums, needed, own_noise[index_of(what)]);
    if (candidate && (!best || candidate->evidence > best->evidence)) best = std::move(candidate);
  }
  if (!best) return;
  // People know the p95; where it moved with the p50 it is what is told.
  if (best->what == TaskMeasure::duration_p50) {
    const auto tail = read(TaskMeasure::duration_p95, subject, sums, best->blocks);
    if (tail && tail->tasks >= kTailTasks && big_enough(TaskMeasure::duration_p95, tail->usual.value, tail->after)) {
      best->what = TaskMeasure::duration_p95;
      best->reading = *tail;
    }
  }
  out.push_back(std::move(*best));
}

template <typename Each>
void TaskJudge::each_group(const Each& each) const {
  constexpr std::array<float, 3> kNone{1, 1, 1};
  each(TaskSubject{}, groups_.pool, std::size_t{1}, kNone);
  for (std::uint16_t i = 1; i < groups_.versions.size(); ++i)
    each(TaskSubject{DegradationScope::version, i, {}}, groups_.versions[i], groups_.versions.size() - 1, kNone);
  for (std::uint16_t i = 1; i < groups_.hosts.size(); ++i)
    each(TaskSubject{DegradationScope::host, i, {}}, groups_.hosts[i], groups_.hosts.size() - 1, kNone);
}

std::vector<TaskCandidate> TaskJudge::changed(bool errors) const {
  std::vector<TaskCandidate> out;
  each_group([&](const TaskSubject& subject, const TaskSums& sums, std::size_t peers, const auto& own_noise) {
    judge_all(subject, sums, errors, peers, own_noise, out);
  });
  for (const auto& [id, window] : windows_.workers()) {
    if (window.usual.finished < float(kOwnTasks)) continue;
    judge_all(TaskSubject{DegradationScope::worker, 0, id}, sums_of(window, windows_), errors, groups_.all.workers,
              window.noise, out);
  }
  return out;
}

bool TaskJudge::is_only(const TaskCandidate& whole, std::span<const TaskSubject> out) const {
  const TaskMeasure what = whole.what;
  const TaskSums rest = sums_of(whole.subject, out, windows_);
  const TaskTally& now = rest.newest[whole.blocks - 1];
  const double tasks = tasks_of(what, now);
  auto usual = base_of(what, rest.usual);
  if (tasks < kMinTasks || !usual) return true;
  const TaskReading& told = whole.reading;
  if (what == TaskMeasure::error_ratio) {
    usual->value = std::clamp(usual->value + told.usual.value - told.base, 0.0, 1.0);
  } else if (told.base > 0) {
    usual->value *= told.usual.value / told.base;
  }
  TaskCandidate part{.what = what};
  part.reading.usual = *usual;
  part.reading.after = *value_of(what, now);
  if (!still_beyond(what, usual->value, part.reading.after) || part.size() < whole.size() / 2) return true;
  const Noise& noise = noise_[std::size_t(whole.subject.scope)][index_of(what)];
  const double above = tasks_above(what, now, *usual);
  return evidence_of(above, tasks, share_line(what, *usual)) / noise.over(whole.blocks) < kRestEvidence;
}

void TaskJudge::learn(NoiseTable& noise, TaskWindows& windows,
                      const std::function<bool(const TaskSubject&)>& held) const {
  struct Sum {
    double block = 0, hour = 0;
    int blocks = 0, hours = 0;
  };
  std::array<std::array<Sum, 3>, 4> sums{};
  const auto look = [&](const TaskSubject& subject, const TaskSums& own, std::array<float, 3>* own_noise) {
    if (held(subject)) return;
    for (const TaskMeasure what : kMeasures) {
      if (!may_judge(what, subject.scope, own.usual)) continue;
      Sum& sum = sums[std::size_t(subject.scope)][index_of(what)];
      if (const auto now = read(what, subject, own, 1))
        if (const auto z2 = scatter(what, own.newest[0], now->usual, kMinTasks))
          sum.block += std::min(*z2, double(Noise::kWildest)), ++sum.blocks;
      if (const auto now = read(what, subject, own, kLookBlocks))
        if (const auto z2 = scatter(what, own.newest.back(), now->usual, kHourTasks)) {
          const double bounded = std::min(*z2, double(Noise::kWildest));
          sum.hour += bounded, ++sum.hours;
          if (own_noise) (*own_noise)[index_of(what)] += kOwnForget * (float(bounded) - (*own_noise)[index_of(what)]);
        }
    }
  };
  each_group(
      [&](const TaskSubject& subject, const TaskSums& own, std::size_t, const auto&) { look(subject, own, nullptr); });
  for (auto& [id, window] : windows.workers()) {
    if (window.usual.finished < float(kOwnTasks) || window.ring[windows.slot_at(0)].empty()) continue;
    look(TaskSubject{DegradationScope::worker, 0, id}, sums_of(window, windows), &window.noise);
  }
  for (std::size_t scope = 0; scope < 4; ++scope)
    for (std::size_t m = 0; m < 3; ++m) {
      const Sum& s = sums[scope][m];
      Noise& n = noise[scope][m];
      n.learn(s.blocks ? s.block / s.blocks : double(n.block), s.hours ? s.hour / s.hours : double(n.hour));
    }
}

}  // namespace paramedic
