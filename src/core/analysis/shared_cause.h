// Shared-cause finder: several workers turned ill at about the same time; do they have something in common that the
// healthy ones lack? Host, pool, version, source, queue, broker, GPU or a label of their own. Then one incident tells
// it, and (recovery) nothing is stopped for it.
//
// How: explanations of who turned ill in the last five minutes are weighed against each other (cause_odds.h): each
// trait (label = value), chance, and a cause that everybody shares. Traits that exactly the same workers have are one
// explanation, named by the nearest (kTraitOrder). One is told when it weighs at least 60 % of all together, and what
// it says would be no lie either: at least three workers with it are fresh, they are 60 % of all that are, a tenth of
// its workers are ill, and at least twice as often as others:
//   lift = (ill with + 1/2) / (all with + 10)  :  (ill without + 1/2) / (all without + 10)
// If everybody's cause weighs 60 %, the nearest trait that all have is told, once half are ill. What is explained is
// taken out, and the rest is looked at again.
//   Example: 5 of 5 workers on h1 are ill, 1 of 25 elsewhere: lift (5.5/15) : (1.5/35) = 8.6, and of the weights nearly
//   all is the host's. 3 of 4 on one of two hosts and nobody on the other: chance weighs more than half of it, so wait.
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
  static constexpr double kSure = 0.6, kMinShare = 0.5, kLeastShare = 0.1, kMinCover = 0.6, kMinLift = 2;

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
