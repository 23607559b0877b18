#include "core/analysis/cause_odds.h"

#include <cmath>

namespace paramedic {

namespace {

struct Share {  // of ill workers: beta distribution
  double ill, well;
};
constexpr Share kAny{1, 1}, kFew{1, 15}, kElsewhere{0.5, 9.5};
constexpr double kWorkersPerChance = 10, kEverybody = 0.05;

double ln_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

// ln of the likelihood of certain `ill` of `all`.
double ln_fit(int ill, int all, Share share) {
  return ln_beta(ill + share.ill, all - ill + share.well) - ln_beta(share.ill, share.well);
}

}  // namespace

double ln_fit_of_trait(const CauseCounts& c) {
  return ln_fit(c.ill_with, c.with, kAny) + ln_fit(c.ill - c.ill_with, c.all - c.with, kElsewhere);
}

double ln_fit_of_chance(int ill, int all) {
  if (all <= 0) return 0;
  return std::log(all / kWorkersPerChance) + ln_fit(ill, all, kFew);
}

double ln_fit_of_everybody(int ill, int all) { return std::log(kEverybody) + ln_fit(ill, all, kAny); }

}  // namespace paramedic
