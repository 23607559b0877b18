// What is usual at this time of the day: a mean for each half hour (UTC), and between their middles a straight line.
// Each visit of a half hour counts as one: its mean goes in when the next half hour begins, with a ninth (days before
// the last fortnight count little), in the first days with an equal share. Pure; no allocation; one thread.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

namespace paramedic {

class DailyProfile {
 public:
  static constexpr int kBins = 48;
  static constexpr float kRate = 0.11F;
  static constexpr int kVisitsBeforeUse = 72;  // a day and a half: from then on most half hours were seen before

  // Unknown in the first day and a half, and beside a half hour that was never visited.
  std::optional<float> expected(double seconds) const {
    const Place at = place_of(seconds);
    if (visits_ < kVisitsBeforeUse || !was_visited(at.left) || !was_visited(at.right)) return std::nullopt;
    return means_[std::size_t(at.left)] * (1 - at.weight) + means_[std::size_t(at.right)] * at.weight;
  }

  void add(double seconds, float x) {
    const int bin = int(of_day(seconds) / kBinSeconds) % kBins;
    if (bin != bin_) finish_visit();
    bin_ = std::int8_t(bin);
    count_ = std::min(count_ + 1, 60000);
    visit_mean_ += (x - visit_mean_) / float(count_);
  }
  void forget() { *this = {}; }

  bool is_sane() const {
    const auto is_value = [](float x) { return std::fabs(x) <= 1e31F; };
    return bin_ >= -1 && bin_ < kBins && count_ >= 0 && count_ <= 60000 && is_value(visit_mean_) &&
           std::all_of(means_.begin(), means_.end(), is_value);
  }
  template <class Self, class Archive>
  static void fields(Self& self, Archive& archive) {
    for (auto& mean : self.means_) archive(mean);
    archive(self.visited_);
    archive(self.visit_mean_);
    archive(self.count_);
    archive(self.visits_);
    archive(self.bin_);
  }

 private:
  static constexpr double kBinSeconds = 1800;
  struct Place {
    int left, right;
    float weight;  // of the right one
  };
  static double of_day(double seconds) { return seconds - 86400 * std::floor(seconds / 86400); }
  static Place place_of(double seconds) {
    const double at = of_day(seconds) / kBinSeconds + kBins - 0.5;
    const int left = int(at);
    return {left % kBins, (left + 1) % kBins, float(at - left)};
  }
  bool was_visited(int bin) const { return (visited_ >> bin & 1) != 0; }
  void finish_visit() {
    if (bin_ < 0 || count_ == 0) return;
    const int bin = bin_, days = visits_ / kBins;  // whole ones
    float& mean = means_[std::size_t(bin)];
    const float rate = was_visited(bin) ? std::max(kRate, 1 / float(days + 1)) : 1;
    mean += rate * (visit_mean_ - mean);
    visited_ |= std::uint64_t{1} << bin;
    visits_ = std::uint16_t(std::min(visits_ + 1, 60000));
    visit_mean_ = 0;
    count_ = 0;
  }

  std::array<float, kBins> means_{};
  std::uint64_t visited_ = 0;  // a bit per half hour
  float visit_mean_ = 0;       // mean of the visit that lasts
  std::int32_t count_ = 0;     // its samples
  std::uint16_t visits_ = 0;
  std::int8_t bin_ = -1;  // -1 = none yet
};

}  // namespace paramedic
