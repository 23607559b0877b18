// For tests: waiting for what another thread or process does, instead of for a time.
#pragma once
#include <chrono>
#include <functional>
#include <thread>

namespace paramedic {

// Whether it holds before a minute has passed, on a machine however busy.
inline bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace paramedic
