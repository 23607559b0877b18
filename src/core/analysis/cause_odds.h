// How well an explanation fits who turned ill: ln of the likelihood of exactly these workers, times how often such an
// explanation comes. Each says how large the share of ill workers is, not exactly but as a beta distribution, which is
// integrated out, so a vague explanation pays for everything else that it would have allowed:
//   a trait     any share of its workers (1, 1); elsewhere about 5 %, as 10 imagined workers (0.5, 9.5)
//   chance      few of all (1, 15): three of a fleet now and then, ten of twenty hardly. It weighs 1 for each ten
//   workers everybody   any share of all (1, 1), a cause that all share. It weighs 1/20
// All traits together weigh 1: every label the same, and of a label every value.
//   Example: 4 of the 5 workers of one host of two are ill, 10 workers in all. The host: 1/30 for these of its own,
//   0.81 for nobody else, halved, as its label has two values: 1/74. Chance: 1/17 700. Everybody: 1/46 200.
#pragma once

namespace paramedic {

struct CauseCounts {
  int ill_with = 0, with = 0;  // workers with the trait
  int ill = 0, all = 0;        // the fleet
};

double ln_fit_of_trait(const CauseCounts& c);  // without its share of the weight
double ln_fit_of_chance(int ill, int all);
double ln_fit_of_everybody(int ill, int all);

}  // namespace paramedic
