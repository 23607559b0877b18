// A task that was in flight at several deaths, with the evidence. Made by core/analysis, shown by API and page.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"

namespace paramedic {

struct PoisonDeath {
  std::string worker_id, host, incarnation, how;
  bool stopped = false;  // a ladder ended it because it was ill
  WallTime at{};
  Duration ran{};       // the task, until the death
  Duration told_ago{};  // how old the worker's last word was
  int living_with = 0, living = 0;
};

struct PoisonTask {
  static constexpr std::size_t kMaxEvidence = 20;
  std::string pool, type, args_digest;
  int seen = 0;    // deaths at which it was in flight
  int deaths = 0;  // of the pool, since the first of them
  int living_with = 0, living = 0;
  std::vector<PoisonDeath> evidence;  // the latest last, at most kMaxEvidence

  std::string key() const;    // of its alert: "pool/<pool>/poison_task/<hash>"
  std::string name() const;   // "resize 3f2a90b1…"
  std::string words() const;  // "task resize 3f2a90b1… was in flight at 3 of 3 deaths"
};

}  // namespace paramedic
