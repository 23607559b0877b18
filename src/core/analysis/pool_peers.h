// What the workers of one pool do at the same time: a load peak or a deploy that all of them see is not the fault of
// one. Compared are not the values (workers of one pool may live on different levels) but how far each is from what is
// usual for itself, in its own spreads (AnomalyReading::deviation), and its evidence.
//
// Per metric the latest word of up to 64 workers, of larger pools those whose identity falls on different places (a
// fair sample, always the same). Median and median absolute deviation are taken anew at most every two seconds of
// `now`. Bounded: kMaxMetrics metrics, what comes beyond is not compared. Pure; one thread.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/anomaly.h"

namespace paramedic {

class PoolPeers {
 public:
  static constexpr std::size_t kMaxWorkers = 64, kMaxMetrics = 64;
  static constexpr int kEnough = 5;             // fewer cannot tell what is common
  static constexpr double kFreshSeconds = 180;  // three reports of a minute
  // As many spreads of the peers away from their median as a normal sample is once in 400 times, and one of its own.
  static constexpr float kFarSpreads = 3, kFarOwn = 1;

  // `worker`: a hash of its identity.
  void tell(std::string_view metric, std::uint64_t worker, float deviation, float evidence, WallTime now);
  // Of a worker that deviates so much: do its peers?
  PeerOpinion opinion(std::string_view metric, float deviation, float evidence, WallTime now);
  std::size_t bytes() const;

 private:
  struct Word {
    std::uint64_t worker = 0;
    double at = 0;
    float deviation = 0, evidence = 0;
  };
  struct Common {
    float median = 0, spread = 0;
  };
  struct Table {
    std::string metric;
    std::array<Word, kMaxWorkers> words{};
    double judged_at = -1;
    int fresh = 0;
    Common deviation, evidence;
  };
  Table* find(std::string_view metric);
  static void judge(Table& table, double now);
  static bool is_far(float own, const Common& common);

  std::vector<Table> tables_;  // sorted by metric
};

}  // namespace paramedic
