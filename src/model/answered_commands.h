// The latest successful answers by idempotency key: a command that is sent twice is done once. One strand.
#pragma once
#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "model/effects.h"

namespace paramedic {

class AnsweredCommands {
 public:
  static constexpr std::size_t kKept = 1000;

  // Null when it is not known, or has no key.
  const CommandResult* find(const CommandInput& command) const {
    const std::string& key = command.idempotency_key;
    const auto it = std::find_if(kept_.begin(), kept_.end(), [&](const auto& a) { return a.first == key; });
    return key.empty() || it == kept_.end() ? nullptr : &it->second;
  }
  void keep(const CommandInput& command, const CommandResult& result) {
    if (command.idempotency_key.empty() || !result.success) return;
    kept_.emplace_back(command.idempotency_key, result);
    if (kept_.size() > kKept) kept_.pop_front();
  }

 private:
  std::deque<std::pair<std::string, CommandResult>> kept_;  // latest last
};

}  // namespace paramedic
