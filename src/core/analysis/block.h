// Turns samples of any spacing into blocks of five minutes, so that what follows costs and means the same whether a
// metric comes every second or every minute. Samples are averaged per minute; of up to five such means a block tells
// mean, median, lowest and highest. Five minutes: a disk that fills within an hour still gives twelve blocks, and the
// work behind a block, shared by its samples, is next to nothing.
//
// Plain values, no allocation; one thread. Used by class MetricForecast only.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

namespace paramedic {

inline constexpr std::int64_t kMinuteSeconds = 60;
inline constexpr int kBlockMinutes = 5;
inline constexpr std::int64_t kBlockSeconds = kMinuteSeconds * kBlockMinutes;
// Blocks from 1970 that are believed: the years 1732 to 2207. A time in nanoseconds holds no more, with room for what
// is forecast.
inline constexpr std::int64_t kMostBlockIndex = 25'000'000;

struct Block {
  std::int64_t index = 0;  // it began at index * kBlockSeconds, seconds of the wall clock
  double mean = 0, median = 0, low = 0, high = 0;
};

class BlockBuilder {
 public:
  // Takes a sample and gives the block that ended before it, if one did. Samples of a minute that is closed are
  // dropped, unless the clock went back by more than a block: then the open block is given up and the new time counts.
  // REQUIRES: a finite value.
  std::optional<Block> add(std::int64_t seconds, double value);
  // Gives up what is open.
  void clear() { *this = {}; }

  // All of its state, for forecast_state.cc.
  template <class Fields>
  void visit(Fields& f) {
    f(minute_);
    f(sum_);
    f(count_);
    f(closed_);
    for (float& mean : means_) f(mean);
  }
  bool valid() const;  // after visit() brought values from outside

 private:
  static constexpr std::int64_t kNone = INT64_MIN;
  void close_minute();
  Block finish() const;

  std::int64_t minute_ = kNone;  // the open one: seconds / 60
  double sum_ = 0;               // of its samples
  std::uint32_t count_ = 0;      // of its samples; > 0 unless minute_ is kNone
  std::uint8_t closed_ = 0;      // minutes of the open block that are closed
  std::array<float, kBlockMinutes> means_{};
};

}  // namespace paramedic
