// FolderSize: bytes below a folder, walked a little at a time, so that a million files never hold up the agent.
// The agent's thread only. Symbolic links are not followed, other file systems are not entered, hard links count once
// each.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <dirent.h>
#include <sys/types.h>

#include "base/clock.h"

namespace paramedic::agent {

class FolderSize {
 public:
  struct Limits {
    int entries_per_step = 2000;
    std::size_t max_depth = 64;
    Duration walk_every = 10s;  // a finished walk is believed for so long
  };
  explicit FolderSize(std::string folder);
  FolderSize(std::string folder, Limits limits) : folder_(std::move(folder)), limits_(limits) {}

  // Goes on with the walk by one step; the size found by the latest finished walk, nullopt before the first one ends.
  std::optional<std::uint64_t> bytes(SteadyTime now);

 private:
  struct Closer {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  using Dir = std::unique_ptr<DIR, Closer>;
  void begin();
  void step();
  void enter(int parent, const char* name);

  std::string folder_;
  Limits limits_;
  std::vector<Dir> open_;  // the path of the walk, innermost last
  dev_t device_ = 0;
  std::uint64_t sum_ = 0;
  std::optional<std::uint64_t> result_;
  SteadyTime next_walk_{};
};

}  // namespace paramedic::agent
