// What active probes say: a probe is down after 3 misses in a row within 10 s, and up again with its first success.
// One probe that is down suffices to call its broker down; the monitor itself is cut off when all probes of its own
// connectivity are down. Pure; engine's strand. Bounded: at most kMaxProbes names are kept.
#pragma once
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/input.h"

namespace paramedic {

struct ProbeState {
  static constexpr int kMisses = 3;
  static constexpr Duration kWithin = 10s;

  std::string broker;  // empty = the monitor's own connectivity
  bool down = false;
  int missed = 0;                           // in a row
  std::array<SteadyTime, kMisses> begun{};  // of the latest misses, oldest first
  std::string text;                         // why it is down: "the probe redis-a missed 3 times in 9 s: …"
  SteadyTime since{};                       // when `down` took its value
};

struct BrokerDown {
  std::string broker, text;
  SteadyTime since{};
};

class ProbeTable {
 public:
  static constexpr std::size_t kMaxProbes = 64;

  // True when the probe went down or came back.
  bool apply(const ProbeInput& input, SteadyTime now);

  bool broker_down(std::string_view broker) const;
  std::vector<BrokerDown> brokers_down() const;  // by name, each once; the texts of several probes joined
  // Why the monitor's own network counts as gone; empty = it does not. `name` of the first such probe.
  std::string cut_off() const;
  std::string cut_off_probe() const;
  const std::map<std::string, ProbeState, std::less<>>& states() const { return probes_; }

 private:
  std::map<std::string, ProbeState, std::less<>> probes_;
};

}  // namespace paramedic
