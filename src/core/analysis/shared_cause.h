// Shared-cause finder: several workers turned ill at about the same time; do they have something in common that the
// healthy ones lack? Host, pool, version, source, queue, broker, GPU or a label of their own. Then one incident tells
// it, and (recovery) nothing is stopped for it.
//
// How: for each trait (label = value) the share of ill workers with it is set against the share of ill ones without it:
//   lift = (ill with + 1/2) / (all with + 10)  :  (ill without + 1/2) / (all without + 10)
// Ten imagined workers at 5 % on either side keep small numbers from looking like proof. A trait explains when at least
// three workers with it are ill, it covers 60 % of all that recently turned ill, its lift is at least 3, and either
// half of its workers are ill and the evidence is at least 4, or a tenth of them and the evidence is at least 8 plus
// ln(traits looked at). Evidence = ln of the likelihood ratio of two shares (turned ill with and without the trait)
// against one; by chance it is 4 in about 1 of 200 looks, 8 in 1 of 16 000. A trait that everybody has
// cannot be compared and needs no evidence. The highest lift wins; within a tenth of it the nearer cause wins
// (kTraitOrder). What it explains is taken out, and the rest is looked at again.
//   Example: 5 of 5 workers on h1 are ill, 1 of 25 elsewhere: (5.5/15) : (1.5/35) = 8.6, evidence 10.8, so the host
//   explains it. 12 of 40 workers with version 2.0 and none of 60 others: less than half, but evidence 12.2 is more
//   than 8 + ln 50. 3 of 4 on one of two hosts and nobody on the other: evidence 3.0, may be chance.
// How good it is: docs/analysis-causes.md.
//
// A cause that was found holds until fewer than two of its workers are ill, or less than a quarter of them and less
// than half as many as at its worst. Pure; one thread. The cost of update() is one look-up per worker and trait, so
// call it only when somebody turned ill or well.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace paramedic {

// The views live as long as the call.
struct CauseTrait {
  std::string_view label, value;
};
struct CauseSubject {
  std::string_view id;
  bool ill = false;
  SteadyTime ill_since{};          // only with `ill`
  std::vector<CauseTrait> traits;  // REQUIRES: distinct
};

struct SharedCause {
  std::string label, value;
  int ill = 0, all = 0;             // workers with the trait
  int ill_without = 0, others = 0;  // the rest of the fleet, and how many of them are ill
  double lift = 0;
  std::vector<std::string> workers;  // ill ones, by id
  SteadyTime since{};                // the earliest of them
  std::string key() const { return "cause/" + label + "/" + value; }
};

// May it hold stops of its workers? It must say something of the world outside of them: at least three workers without
// the trait are well, and the trait is no other name of one whole pool (its own brake is the freeze). A host or a GPU
// is a thing of its own, whoever runs on it.
bool may_hold_stops(const SharedCause& cause, const std::vector<CauseSubject>& workers);

class SharedCauseFinder {
 public:
  static constexpr Duration kWindow = 5min;  // who turned ill within it counts towards a new cause
  static constexpr int kMinIll = 3, kMaxCauses = 4;
  static constexpr double kMinShare = 0.5, kLeastShare = 0.1, kMinCover = 0.6, kMinLift = 3;
  static constexpr double kMinEvidence = 4, kStrongEvidence = 8;

  // Causes that hold now, by key.
  std::vector<SharedCause> update(const std::vector<CauseSubject>& workers, const Now& now);
  // One that held when the monitor went down; it holds until proven otherwise.
  void restore(std::string label, std::string value);
  bool any() const { return !held_.empty(); }

 private:
  struct Held {
    std::string label, value;
    int most = 0;  // ill at its worst
  };
  std::map<std::string, Held> held_;  // by key
};

}  // namespace paramedic
