// Backlog: frames that could not be sent, oldest first, bounded in age and bytes (design section 10: ≤ 1 h, ≤ 64 MiB).
// The oldest go first. Pure; the agent's thread.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"

namespace paramedic::agent {

class Backlog {
 public:
  struct Limits {
    Duration age = 1h;
    std::size_t bytes = 64u << 20;
  };
  struct Entry {
    SteadyTime at{};  // when it was measured
    std::string frame;
  };
  Backlog();
  explicit Backlog(Limits limits) : limits_(limits) {}

  void push(std::string frame, SteadyTime now);
  std::optional<Entry> pop(SteadyTime now);
  // Puts back what could not be sent after all.
  void restore(Entry entry);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  void trim(SteadyTime now);
  void drop_oldest();

  Limits limits_;
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace paramedic::agent
