// For tests: small servers of 127.0.0.1, and a probe from keys in few words.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/net/redis/redis_test_support.h"
#include "io/probes/probe.h"

namespace paramedic::probes {

// For answers that are to come: no deadline is to pass.
inline constexpr Duration kLong = kPatience;
// For answers that never come.
inline constexpr Duration kShort = 50ms;

using Keys = std::vector<std::pair<std::string, std::string>>;

inline Params params_of(const Keys& keys) {
  Params out = Params::map();
  for (const auto& [key, value] : keys) out.set(key, Params::of(value));
  return out;
}
inline Params map_of(const std::string& name, const Params& probe) {
  Params out = Params::map();
  out.set(name, probe);
  return out;
}

inline std::string problems_text(const Problems& problems) {
  std::string out;
  for (const Problem& problem : problems) out += problem.to_string() + "\n";
  return out;
}

inline ProbeEntry probe_of(const std::string& type, Keys keys) {
  keys.emplace_back("type", type);
  keys.emplace_back("broker", "b");
  Problems problems;
  auto entries = read_probes(map_of("p", params_of(keys)), problems);
  EXPECT_TRUE(problems.empty()) << problems_text(problems);
  if (entries.empty() || !entries[0].probe) throw std::runtime_error("no probe");
  return std::move(entries[0]);
}

// What is wrong with these keys.
inline std::string refused(const std::string& type, Keys keys) {
  keys.emplace_back("type", type);
  keys.emplace_back("broker", "b");
  Problems problems;
  (void)read_probes(map_of("p", params_of(keys)), problems);
  return problems_text(problems);
}

// Nobody listens there.
inline std::string nobody() { return "127.0.0.1:" + std::to_string(free_tcp_port()); }

// What a miss says; empty = it was answered.
inline std::string miss(const Result<void>& result) { return result ? "" : result.error().message; }

// A run() that waits for an answer which never comes ends when it is cancelled.
inline void expect_cancel_ends(Probe& probe) {
  std::thread other([&] { probe.cancel(); });
  EXPECT_FALSE(probe.run(kLong));
  other.join();
  EXPECT_FALSE(probe.run(kLong)) << "for good";
}

}  // namespace paramedic::probes
