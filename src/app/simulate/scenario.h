// Scenario of a simulation: how large the fleet is, how often its workers fall ill, and what befalls it as a whole.
// Plain values; every instant of the week is a share of its length, so that a short run meets the same events.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/engine/engine_config.h"

namespace paramedic::simulate {

// A broker that nobody reaches. Its workers notice within kNoticeWithin.
struct BrokerOutage {
  double at = 0;  // share of the whole time
  Duration lasts = 30min;
  int broker = 0;
};
// Restarts the workers of a pool one after the other with `version`; each says so before (stop notice "deploy").
struct Deploy {
  double at = 0;
  Duration after{};     // `at` and so much
  int pool = -1;        // -1 = all pools at once
  Duration every = 5s;  // from one worker of the pool to the next
  std::string version;
};
// The monitor comes to its inputs only every 3 to 10 s.
struct MonitorLag {
  double at = 0;
  Duration lasts = 30min;
};

// The monitor is killed and begins anew with what its ledger kept; its agents are alone meanwhile, some for longer than
// their leases hold.
struct MonitorRestart {
  double at = 0;
  Duration away = 10s;
  bool with_order = false;  // not before an order is written down, which then is not sent
};

// Timers of the engine and frames of agents wait for the next half second, so that one step serves many: the monitor is
// never more than this late. What is urgent has a step of its own at once.
inline constexpr Duration kStepGrid = 500ms;
inline constexpr Duration kNoticeWithin = 10s;  // a worker sees that its broker went or came back

struct Scenario {
  int workers = 1000, pools = 10, workers_per_host = 10, brokers = 2;
  double days = 7;
  std::uint64_t seed = 1;
  // Far from events a report each 5 s says the same six times: agents report every 30 s, and at once what is urgent.
  Duration report_period = 30s;

  // Illnesses of one worker per day, each at a random instant, alone.
  double crashes = 0.5;
  double hangs = 0.3;              // silent for good, half of them deaf to TERM
  double lost_connections = 0.02;  // its own connection to the broker, for good
  double stalls = 1;               // silent for stall_mean on average, then well by itself
  Duration stall_mean = 8s;

  std::string version = "1.0", bad_version = "1.2";
  Duration bad_crash_mean = 15min, bad_hang_mean = 30min;  // of a worker with bad_version, from its start on
  std::vector<BrokerOutage> outages{{0.2, 20min, 0}, {0.75, 40min, 1}};
  std::vector<Deploy> deploys{{.at = 0.3, .version = "1.1"},
                              {.at = 0.45, .pool = 0, .version = "1.2"},
                              {.at = 0.45, .after = 45min, .pool = 0, .every = 2s, .version = "1.1"}};
  std::vector<MonitorLag> lags{{0.6, 30min}};
  std::vector<MonitorRestart> restarts;  // in order of time

  Duration length() const { return from_seconds(days * 86400); }
  Duration share(double at) const { return from_seconds(days * 86400 * at); }
};

// So many at random instants, every other one with an order; away for 1 to 120 s.
std::vector<MonitorRestart> random_restarts(int count, std::uint64_t seed);

// Defaults of the product but for what the longer report period would move: a worker is silent after 60 s. All
// messages of severity warning and above go to one channel.
EngineConfig engine_config(const Scenario& scenario);

}  // namespace paramedic::simulate
