// ProcessTree: one worker process and all its descendants, measured from /proc with files kept open. One reading of a
// single-threaded worker without children costs two preads. The agent's thread only.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/agent/kernel_file.h"
#include "app/agent/proc_parse.h"
#include "base/clock.h"

namespace paramedic::agent {

// What one reading saw. Sums are over the tree; state and threads are of the worker process itself.
struct TreeSample {
  bool alive = false;  // the worker process exists (it may be a zombie)
  char state = 0;
  int threads = 0;
  int processes = 0;
  // User and system ticks of all processes of the tree plus those of ended children that were waited for: grows
  // steadily, since the kernel moves a child's time to its parent when it is reaped.
  std::uint64_t cpu_ticks = 0;
  std::uint64_t rss_pages = 0;
  std::optional<int> open_files;
};

class ProcessTree {
 public:
  // `start_ticks` tells the process from a later one with the same pid.
  ProcessTree(std::string proc_root, int pid, std::uint64_t start_ticks);

  TreeSample read(SteadyTime now);
  int pid() const { return pid_; }
  // The worker or a descendant, as of the last reading.
  bool contains(int pid) const { return nodes_.contains(pid); }

 private:
  struct Node {
    KernelFile stat;
    KernelFile children;  // of the main thread
    bool seen = false;
  };
  void visit(int pid, bool walk_threads, TreeSample& sample, int depth);
  void find_children(int pid, const Node& node, int threads, bool walk_threads, std::vector<int>& out) const;
  std::optional<int> count_open_files() const;

  std::string proc_root_;
  int pid_;
  std::uint64_t start_ticks_;
  std::map<int, Node> nodes_;
  SteadyTime last_thread_walk_{};
};

// Identity of a process: nullopt when it does not exist.
std::optional<ProcStat> read_stat(const std::string& proc_root, int pid);

// True while a living (not zombie) process of this group exists. Slow (reads all of /proc): only when in doubt.
bool group_has_living_member(const std::string& proc_root, int pgid);

}  // namespace paramedic::agent
