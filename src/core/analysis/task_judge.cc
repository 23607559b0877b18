#include "core/analysis/task_judge.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paramedic {

namespace {
constexpr std::array kMeasures{TaskMeasure::duration_p50, TaskMeasure::duration_p95, TaskMeasure::error_ratio};
constexpr double kSmallPart = 0.05;      // of all: then all are as good as the others
constexpr std::size_t kFewWorkers = 64;  // of more one alone does not move the pool
constexpr double kHourTasks = 60;        // to learn the scatter of an hour

std::size_t index_of(TaskMeasure what) { return std::size_t(what); }
}  // namespace

double size_of(TaskMeasure what, const TaskReading& reading) {
  if (what == TaskMeasure::error_ratio) return reading.after - reading.usual.value;
  return reading.usual.value > 0 && reading.after > 0 ? std::log(reading.after / reading.usual.value) : 0;
}

double TaskCandidate::size() const { return size_of(what, reading); }

TaskJudge::TaskJudge(const TaskWindows& windows, const NoiseTable& noise, std::array<std::size_t, 2> fresh)
    : windows_(windows), noise_(noise), fresh_(fresh), groups_(windows) {
  if (groups_.pool.usual.finished > 0)
    borrowed_.add(groups_.pool.usual, float(kBorrowed) / groups_.pool.usual.finished);
  groups_.pool = known(groups_.pool);
  for (auto* groups : {&groups_.versions, &groups_.hosts})
    for (TaskSums& sums : *groups) sums = known(sums);
  for (const TaskMeasure what : kMeasures) {
    all_usual_[index_of(what)] = usual_of(what, groups_.all.usual).value_or(Usual{});
    for (std::size_t age = 0; age < kLookBlocks; ++age) {
      const TaskTally& now = groups_.all.newest[age];
      if (tasks_of(what, now) >= kMinTasks) all_now_[index_of(what)][age] = usual_of(what, now);
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
    if (tasks_of(what, others) >= kMinTasks) out.now = usual_of(what, others);
  }
  if (!small(own.usual, groups_.all.usual)) {
    TaskTally others = groups_.all.usual;
    others.take_away(own.usual);
    const auto base = base_of(what, others);
    if (base) out.usual = *base;
  }
  return out;
}

bool TaskJudge::may_judge(TaskMeasure what, DegradationScope scope, const TaskTally& usual) const {
  if (tasks_of(what, groups_.pool.usual) < kLearnTasks) return false;
  if (scope == DegradationScope::pool) return windows_.blocks_known() >= kBlocksPerDay;
  return windows_.blocks_known() >= kLearnBlocks &&
         (scope == DegradationScope::version || tasks_of(what, usual) >= kOwnTasks);
}

std::optional<TaskReading> TaskJudge::read(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums,
                                           std::size_t blocks) const {
  const TaskTally& now = sums.newest[blocks - 1];
  const auto after = value_of(what, now);
  const bool pool = subject.scope == DegradationScope::pool;
  const auto& base = sums.past[index_of(what)];
  if (!after || !base) return std::nullopt;
  TaskReading out{.base = base->value, .usual = *base, .after = *after, .tasks = tasks_of(what, now)};
  if (pool) {
    if (const auto usual = windows_.pool_usual_now(what)) out.usual = *usual;
    return out;
  }
  const Siblings siblings = siblings_of(what, sums, blocks - 1);
  if (siblings.now) out.siblings = siblings.now->value;
  if (siblings.now) out.usual = moved(what, *base, siblings.usual, *siblings.now);
  return out;
}

std::optional<TaskCandidate> TaskJudge::judge(TaskMeasure what, const TaskSubject& subject, const TaskSums& sums,
                                              double needed, float own_noise) const {
  if (!may_judge(what, subject.scope, sums.usual)) return std::nullopt;
  const bool pool = subject.scope == DegradationScope::pool;
  const auto base = pool ? windows_.pool_usual_now(what) : sums.past[index_of(what)];
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
  const std::size_t n = fresh_[what == TaskMeasure::error_ratio];
  const auto shift = find_shift(what, std::span(sums.blocks).first(n), std::span(sums.newest).first(n),
                                std::span(usual).first(n), noise, needed);
  if (!shift) return std::nullopt;
  const auto reading = read(what, subject, sums, shift->blocks);
  if (!reading) return std::nullopt;
  TaskCandidate out{.subject = subject, .what = what, .blocks = shift->blocks, .evidence = shift->evidence};
  out.tested = what;
  out.reading = out.tested_reading = *reading;
  return out;
}

void TaskJudge::judge_all(const TaskSubject& subject, const TaskSums& sums, std::size_t peers,
                          const std::array<float, 3>& own_noise, Look& out) const {
  // The more are looked at, the more chance finds among them.
  const double needed = kEvidence + std::log(double(std::max<std::size_t>(peers, 1)));
  const auto judged = [&](TaskMeasure what) { return judge(what, subject, sums, needed, own_noise[index_of(what)]); };
  if (auto errors = judged(TaskMeasure::error_ratio)) out.errors.push_back(std::move(*errors));
  auto best = judged(TaskMeasure::duration_p50);
  auto tail = judged(TaskMeasure::duration_p95);
  if (tail && (!best || tail->evidence > best->evidence)) best = std::move(tail);
  if (!best) return;
  // People know the p95; where it moved with the p50 it is what is told.
  const auto now = read(TaskMeasure::duration_p95, subject, sums, best->blocks);
  if (now && now->tasks >= kMinTailTasks && big_enough(TaskMeasure::duration_p95, now->usual.value, now->after)) {
    best->what = TaskMeasure::duration_p95;
    best->reading = *now;
  }
  out.durations.push_back(std::move(*best));
}

// Sums of z² per scope and measure: of the newest block, and of the newest hour.
struct TaskJudge::Scatter {
  struct Sum {
    double z2 = 0;
    int of = 0;
    void add(double more) { z2 += more, ++of; }
    double mean_or(float otherwise) const { return of ? z2 / of : double(otherwise); }
  };
  std::array<std::array<std::array<Sum, 2>, 3>, 4> sums{};
};

void TaskJudge::add_scatter(const TaskSubject& subject, const TaskSums& sums, Scatter& scatter_of,
                            std::array<float, 3>* own_noise) const {
  for (const TaskMeasure what : kMeasures) {
    if (!may_judge(what, subject.scope, sums.usual)) continue;
    auto& sum = scatter_of.sums[std::size_t(subject.scope)][index_of(what)];
    const auto z2_of = [&](std::size_t blocks, double min_tasks) -> std::optional<double> {
      if (tasks_of(what, sums.newest[blocks - 1]) < min_tasks) return std::nullopt;
      const auto now = read(what, subject, sums, blocks);
      // Without siblings it moves with the day, which is no noise.
      if (!now || (subject.scope != DegradationScope::pool && !now->siblings)) return std::nullopt;
      const auto z2 = scatter(what, sums.newest[blocks - 1], now->usual, min_tasks);
      return z2 ? std::optional(std::min(*z2, double(Noise::kWildest))) : std::nullopt;
    };
    if (const auto z2 = z2_of(1, kMinTasks)) sum[0].add(*z2);
    if (const auto z2 = z2_of(kLookBlocks, kHourTasks)) {
      sum[1].add(*z2);
      if (own_noise) (*own_noise)[index_of(what)] += Noise::kForget * (float(*z2) - (*own_noise)[index_of(what)]);
    }
  }
}

TaskJudge::Look TaskJudge::look(TaskWindows& windows, std::span<const TaskSubject> held) const {
  constexpr std::array<float, 3> kNone{1, 1, 1};
  Look out{.noise = noise_};
  Scatter scatter_of;
  const auto is_held = [&](const TaskSubject& s) { return std::find(held.begin(), held.end(), s) != held.end(); };
  const bool pool_held = is_held(TaskSubject{});
  const auto group = [&](const TaskSubject& subject, const TaskSums& sums, std::size_t peers) {
    judge_all(subject, sums, peers, kNone, out);
    // The pool's own scatter is not learned while a part of it is ill.
    const bool ill = pool_held || (subject.scope == DegradationScope::pool ? !held.empty() : is_held(subject));
    if (!ill) add_scatter(subject, sums, scatter_of, nullptr);
  };
  group(TaskSubject{}, groups_.pool, 1);
  for (std::uint16_t i = 1; i < groups_.versions.size(); ++i)
    group(TaskSubject{DegradationScope::version, i, {}}, groups_.versions[i], groups_.versions.size() - 1);
  for (std::uint16_t i = 1; i < groups_.hosts.size(); ++i)
    group(TaskSubject{DegradationScope::host, i, {}}, groups_.hosts[i], groups_.hosts.size() - 1);
  for (auto& [id, window] : windows.workers()) {
    if (window.usual.finished < float(kOwnTasks)) continue;
    const TaskSubject subject{DegradationScope::worker, 0, id};
    const TaskSums sums = known(sums_of(window, windows));
    judge_all(subject, sums, groups_.all.workers, window.noise, out);
    if (!pool_held && !sums.blocks[0].empty() && !is_held(subject))
      add_scatter(subject, sums, scatter_of, &window.noise);
  }
  for (std::size_t scope = 0; scope < 4; ++scope)
    for (std::size_t m = 0; m < 3; ++m) {
      Noise& noise = out.noise[scope][m];
      const auto& sum = scatter_of.sums[scope][m];
      noise.learn(sum[0].mean_or(noise.block), sum[1].mean_or(noise.hour));
    }
  return out;
}

std::optional<TaskReading> TaskJudge::part_of(const TaskCandidate& whole, const TaskSums& part) const {
  const TaskMeasure what = whole.tested;
  const TaskReading& told = whole.tested_reading;
  const TaskTally& now = part.newest[whole.blocks - 1];
  auto usual = base_of(what, part.usual);
  if (tasks_of(what, now) < kMinTasks || !usual) return std::nullopt;
  if (what == TaskMeasure::error_ratio)
    usual->value = std::clamp(usual->value + told.usual.value - told.base, 0.0, 1.0);
  else if (told.base > 0)
    usual->value *= told.usual.value / told.base;
  return TaskReading{.usual = *usual, .after = *value_of(what, now)};
}

bool TaskJudge::is_only(const TaskCandidate& whole, std::span<const TaskCandidate> out) const {
  std::vector<TaskSubject> subjects;
  bool held = false;
  // A whole of ill and well ones moved less than the ill did.
  double size = std::numeric_limits<double>::infinity();
  for (const TaskCandidate& c : out) {
    subjects.push_back(c.subject);
    held = held || c.held;
    size = std::min(size, size_of(c.tested, c.tested_reading));
  }
  size = std::max(size, size_of(whole.tested, whole.tested_reading));
  const auto rest = part_of(whole, sums_of(whole.subject, subjects, windows_));
  if (!rest || !still_beyond(whole.tested, rest->usual.value, rest->after)) return true;
  if (size_of(whole.tested, *rest) < size / 2) return !whole.held;
  return held && !whole.held && !big_enough(whole.tested, rest->usual.value, rest->after);
}

bool TaskJudge::may_be_shared(const TaskCandidate& whole, const TaskSubject& out) const {
  const TaskSums rest = sums_of(whole.subject, std::span(&out, 1), windows_);
  if (rest.newest[whole.blocks - 1].empty()) return false;
  const auto part = part_of(whole, rest);
  return !part || (still_beyond(whole.tested, part->usual.value, part->after) &&
                   size_of(whole.tested, *part) >= size_of(whole.tested, whole.tested_reading) / 2);
}

bool TaskJudge::one_might_be_all(const TaskCandidate& pool) const {
  const std::size_t i = pool.blocks - 1;
  const auto might = [&](const TaskSums& one) {
    TaskSums rest;
    rest.usual = groups_.all.usual;
    rest.usual.take_away(one.usual);
    rest.newest[i] = groups_.all.newest[i];
    rest.newest[i].take_away(one.newest[i]);
    const auto its = part_of(pool, one), others = part_of(pool, rest);
    return its && others && size_of(pool.tested, *others) < size_of(pool.tested, *its) / 2;
  };
  if (std::any_of(groups_.versions.begin() + 1, groups_.versions.end(), might)) return true;
  if (std::any_of(groups_.hosts.begin() + 1, groups_.hosts.end(), might)) return true;
  if (windows_.workers().size() > kFewWorkers) return false;
  return std::any_of(windows_.workers().begin(), windows_.workers().end(),
                     [&](const auto& worker) { return might(sums_of(worker.second, windows_)); });
}

TaskSums TaskJudge::known(TaskSums sums) const {
  TaskTally history = sums.usual;
  history.add(borrowed_);
  for (const TaskMeasure what : kMeasures) sums.past[index_of(what)] = usual_of(what, history);
  return sums;
}

}  // namespace paramedic
