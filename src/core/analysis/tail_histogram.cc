#include "core/analysis/tail_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace paramedic {

namespace {

struct Place {
  int bin;
  float within;  // 0..1: where in its bin
};

// The bin is read off the bits of the number: the exponent gives the octave, the first two bits of the mantissa the
// quarter (equal steps within an octave instead of equal ratios: 1, 1.25, 1.5, 1.75, 2), the rest where in it.
Place place_of(float x) {
  if (!(x >= 1.25F * TailHistogram::kLowest)) return {0, 0.5F};
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const int octave = int(bits >> 23) - 127 + 2;  // 0 = from 1/4
  const int bin = octave * 4 + int((bits >> 21) & 3);
  if (bin >= TailHistogram::kBins) return {TailHistogram::kBins - 1, 1};
  return {bin, float(bits & 0x1FFFFF) / float(0x200000)};
}

constexpr float kHighest = 64;  // the upper edge of the last bin

// The lower edge of a bin.
float edge_of(int bin) { return std::ldexp(1 + 0.25F * float(bin % 4), bin / 4 - 2); }

}  // namespace

float TailHistogram::rarity(float x) const {
  if (total_ == 0) return 0;
  const Place at = place_of(x);
  int above = 0;
  for (int bin = at.bin + 1; bin < kBins; ++bin) above += counts_[std::size_t(bin)];
  const float own = float(counts_[std::size_t(at.bin)]) * (1 - at.within);
  const float p = (float(above) + own + 0.5F * kWeight) / float(total_ + kWeight);
  float rarity = -std::log10(p);
  const float largest = std::max(maximum_, kLeastMaximum);
  if (x > largest && maximum_ > 0) rarity += kTailSlope * std::log2(x / largest);
  return std::min(rarity, kMaxRarity);
}

float TailHistogram::place_above(float share) const {
  const float wanted = share * float(total_);
  float above = 0;
  for (int bin = kBins - 1; bin >= 0; --bin) {
    const float own = counts_[std::size_t(bin)];
    if (above + own >= wanted && own > 0) return float(bin + 1) - (wanted - above) / own;
    above += own;
  }
  return 0;
}

float TailHistogram::rarity_by_bulk(float x) const {
  constexpr float kMany = 0.1F, kFew = 0.01F;  // a decade apart: so much rarity lies between them
  const float counted = rarity(x);
  if (counted <= -std::log10(kFew) || values() < kEnoughForBulk) return counted;
  const float many = place_above(kMany), few = place_above(kFew);
  if (many < 1) return counted;  // in the lowest bin values are not told apart: no tail is seen there
  const Place at = place_of(x);
  const float place = x > kHighest ? kBins + 4 * std::log2(x / kHighest) : float(at.bin) + at.within;
  const float octaves = std::max(few - many, 0.1F) / 4;
  const float slope = std::clamp(1 / octaves, kTailSlope, kSteepest);
  const float claimed = -std::log10(kFew) + slope * (place - few) / 4;
  return std::min(std::clamp(claimed, counted - kFromCount, counted + kFromCount), kMaxRarity);
}

void TailHistogram::add(float x) {
  counts_[std::size_t(place_of(x).bin)] += kWeight;
  total_ += kWeight;
  // Below a quarter nothing is told apart, so no maximum is remembered there either.
  maximum_ = x > maximum_ ? x : maximum_ * (1 - kForgetMaximum);
  if (maximum_ < 0.01F * kLowest) maximum_ = 0;
  if (total_ >= kMaxValues * kWeight) halve();
}

void TailHistogram::halve() {
  for (auto& count : counts_) count /= 2;
  total_ = std::uint16_t(std::accumulate(counts_.begin(), counts_.end(), 0));
}

float TailHistogram::quantile(float share) const {
  if (total_ == 0) return 0;
  const float wanted = share * float(total_);
  float below = 0;
  for (int bin = 0; bin < kBins; ++bin) {
    const float own = counts_[std::size_t(bin)];
    if (below + own >= wanted && own > 0) {
      const float low = bin == 0 ? 0 : edge_of(bin);
      const float high = bin == kBins - 1 ? std::max(low, maximum_) : edge_of(bin + 1);
      return low + (high - low) * (wanted - below) / own;
    }
    below += own;
  }
  return maximum_;
}

bool TailHistogram::is_sane() const {
  const int sum = std::accumulate(counts_.begin(), counts_.end(), 0);
  return sum == total_ && total_ < kMaxValues * kWeight && maximum_ >= 0;
}

}  // namespace paramedic
