// How rare is this value of a statistic, seen by the statistic's own past? A streaming estimate of its upper tail.
//
// 32 bins of a quarter octave each (a bin is a quarter of the way to the double), from 1/4 to 64; smaller values share
// the lowest bin (and are not told apart), larger ones the highest. What is asked for comes back as -log10 of the tail
// probability:
//   rarity(x) = -log10((above + part of the own bin that lies above x + 1/2) / (n + 1))
// so 3 = "one in a thousand was as large". The 1/2 is the usual correction for a count of nothing: after n values no
// rarity above log10(2 (n + 1)) is claimed, a young histogram is modest by itself.
// Beyond the largest value seen lately (it is forgotten by 0.04 % per value) the tail is extended as that of a power
// law: +1 for each doubling, p ~ x^-3.3. That is the tail of Student's t with about three degrees of freedom: a usual
// shape for metrics of services, and slow enough that one wild value claims no fantastic rarity. A largest of less than
// 1, the size of a usual value, is nothing to be far beyond: a record after a week without one is no disaster.
//
// What was anomalous is counted, too, and makes the next look usual. rarity_by_bulk() asks the nine tenths instead that
// anomalies cannot reach: from the values that one in ten and one in a hundred exceed it draws the tail on. It needs
// 3 000 values (thirty beyond the second point) and stays within a hundredfold of the count.
//
// At 20 000 values all counts are halved: old ones fade, and what is counted fits 16 bits. Pure; no allocation; one
// thread.
//   Example: 999 values near 1, then 8: above = 0, so p = 0.5/1000 (3.3), and three doublings beyond the largest: 6.3.
#pragma once
#include <array>
#include <cstdint>

namespace paramedic {

class TailHistogram {
 public:
  static constexpr int kBins = 32;
  static constexpr int kMaxValues = 20000;
  static constexpr float kLowest = 0.25F, kForgetMaximum = 0.0004F, kTailSlope = 1.0F;
  static constexpr float kLeastMaximum = 1;  // what the tail is extended from is at least a usual value
  static constexpr float kMaxRarity = 30;    // whatever comes, nobody claims more
  static constexpr int kEnoughForBulk = 3000;
  static constexpr float kSteepest = 4,
                         kFromCount = 2;  // of the tail drawn on: per doubling; its distance from the count

  // 0 before the first value. REQUIRES: x >= 0, finite.
  float rarity(float x) const;
  // The same, but what the bulk of the values says of one beyond all but a hundredth of them.
  float rarity_by_bulk(float x) const;
  void add(float x);
  // The value that the given share (0..1) of all stays below, to a quarter of an octave; 0 when nothing was counted.
  float quantile(float share) const;
  int values() const { return total_ / kWeight; }

  // Invariants of a decoded state: the counts add up and the maximum is no fantasy.
  bool is_sane() const;
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    for (auto& count : self.counts_) archive(count);
    archive(self.maximum_);
    archive(self.total_);
  }

 private:
  static constexpr std::uint16_t kWeight = 2;  // of one value: a single one outlives one halving, not two
  void halve();
  // Where, in bins from the lowest edge, the given share of all values lies above.
  float place_above(float share) const;

  std::array<std::uint16_t, kBins> counts_{};
  float maximum_ = 0;
  std::uint16_t total_ = 0;  // = sum of counts_
};
static_assert(sizeof(TailHistogram) == 72, "it is what the memory of a detector is made of");

}  // namespace paramedic
