// Has a share of tasks changed for the worse, since when, and can it be noise? The statistics of degradation.h, of
// counts alone: no time, no names.
//
// One question serves all three measures. A quantile at level τ has grown beyond x when more than 1 − τ of the tasks
// take longer than x, and an error ratio is a share as it is. So each is a share of tasks above a line, set against the
// share that would be no news:
//   p50: half of the tasks longer than 1.25 × the usual p50;  p95: 5 % of them longer than 1.25 × the usual p95;
//   errors: 1.5 × the usual ratio, at least one point more than it.
// What lies below that line is ordinary wander and never evidence, however many tasks there are. The evidence of the
// newest m blocks is the log-likelihood ratio of the binomial, one-sided, of the a of n tasks above the line:
//   a/n > p0:  n [ r ln(r/p0) + (1 − r) ln((1 − r)/(1 − p0)) ] / noise,   r = a/n
// `noise` is how many times more the past scattered than a binomial does (at least 1), learned for one block and for
// twelve: durations of one minute resemble each other, and that is corrected where it shows. The split with the most
// evidence is the change point. It counts from kEvidence on: exp(−10), a normal of 4.5 standard deviations, once in
// 22 000 looks at pure noise that sits on the line, and far less where it sits below.
//   Example: usual p50 0.4 s. Of 100 tasks in two blocks 75 took longer than 0.5 s: 100 (0.75 ln 1.5 + 0.25 ln 0.5) =
//   13.1, a change. 60 of 100: 2.0, none yet.
//
// Quantiles come from doubling buckets; between the bounds ln(F / (1 − F)) is taken as a line over ln(duration), as it
// is for a log-logistic distribution, which fits wide and narrow ones. Still a very narrow one that moves over the
// bound of a bucket looks as if it had doubled, so where the usual p95 is below four times the usual p50 the mean has
// to agree. Pure; any thread.
#pragma once
#include <array>
#include <optional>
#include <span>

#include "model/histogram.h"
#include "model/task_degradation.h"

namespace paramedic {

inline constexpr std::size_t kLookBlocks = 12;  // an hour of blocks of 5 minutes: older changes are not looked for
// Sizes below these are told to nobody.
inline constexpr double kMinFactor = 1.5, kMinErrorFactor = 2, kMinErrorPoints = 0.02;
inline constexpr double kMinTasks = 20, kMinFailures = 3;
inline constexpr double kMinTailTasks = 60;  // three above the p95, for a p95 that is told or ends a statement
// The line between wander and change: halfway to the smallest size that is told.
inline constexpr double kWanderFactor = 1.25, kWanderErrorFactor = 1.5, kWanderErrorPoints = 0.01;
inline constexpr double kEvidence = 10;

// Counts of some tasks. Fractions come from forgetting; never negative, never NaN.
struct TaskTally {
  std::array<float, kDurationBuckets> counts{};
  float finished = 0, failed = 0;  // completed or failed; failed
  float seconds = 0;               // sum over the measured

  void add(const TaskTally& other, float weight = 1);
  void take_away(const TaskTally& other);  // stops at zero: rounding must not leave negatives
  void scale(float factor);
  double measured() const;  // with a duration
  bool empty() const;
  std::optional<double> quantile(double q) const;  // seconds
  double longer_than(double seconds) const;        // tasks, interpolated
  std::optional<double> mean() const;
  double error_ratio() const { return finished > 0 ? double(failed) / double(finished) : 0; }
};

// What would be usual for the tasks that are judged.
struct Usual {
  double value = 0;     // seconds, or a ratio
  double mean = 0;      // seconds, of the same tasks; 0 for errors
  bool narrow = false;  // p95 below four times p50
};

// How many times the scatter of a binomial the past had, over one block and over twelve.
struct Noise {
  float block = 1, hour = 1;
  std::uint16_t looks = 0;
  double over(std::size_t blocks) const;
  // z² = (a − n p)² / (n p (1 − p)) of the newest block and of the newest twelve, averaged over those who share it.
  // Forgets with a half-life of a day, at first an average that begins as an hour of plain binomials. One wild block
  // counts as kWildest at most.
  void learn(double z2_block, double z2_hour);
  static constexpr float kWildest = 25, kForget = 1.0f / 416;
  static constexpr std::uint16_t kBegin = 12, kLooks = 416 - kBegin;
};

double tasks_of(TaskMeasure what, const TaskTally& tally);
std::optional<double> value_of(TaskMeasure what, const TaskTally& tally);
// Of `history` itself: value, mean, width. nullopt when it is empty.
std::optional<Usual> usual_of(TaskMeasure what, const TaskTally& history);
// The usual of one who should move as its siblings moved: at least what it was.
Usual moved(TaskMeasure what, Usual usual, const Usual& siblings_usual, const Usual& siblings_now);

double share_line(TaskMeasure what, const Usual& usual);  // p0
double tasks_above(TaskMeasure what, const TaskTally& tally, const Usual& usual);
double evidence_of(double above, double tasks, double p0);
// z² of `tally` against what is usual itself (not the line): what Noise learns from. nullopt below `min_tasks`.
std::optional<double> scatter(TaskMeasure what, const TaskTally& tally, const Usual& usual, double min_tasks);

// Is `now` far enough from `usual` to be told of?
bool big_enough(TaskMeasure what, double usual, double now);
// Still beyond the line of wander: a statement holds until it is not.
bool still_beyond(TaskMeasure what, double usual, double now);

struct Shift {
  std::size_t blocks = 0;  // the newest so many are after the change
  double evidence = 0, usual = 0, after = 0, tasks = 0;
};

// blocks: by age, the newest first; newest[i]: the newest i + 1 of them together; usual[i]: what would be usual for
// those. REQUIRES: all three of one length. nullopt = no change, or not provably. It must show in the newest block that
// has tasks, and without the block that stands out most: one block alone is a burst.
std::optional<Shift> find_shift(TaskMeasure what, std::span<const TaskTally> blocks, std::span<const TaskTally> newest,
                                std::span<const Usual> usual, const Noise& noise, double needed);

}  // namespace paramedic
