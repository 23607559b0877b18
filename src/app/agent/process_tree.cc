#include "app/agent/process_tree.h"

#include <memory>

#include <dirent.h>
#include <sys/stat.h>

namespace paramedic::agent {
namespace {

// A fork bomb must not stall the agent: beyond this the tree is measured in part.
constexpr std::size_t kMaxNodes = 512;
constexpr int kMaxDepth = 32;
// Children of threads other than the main one are looked for at most this often: it costs one file per thread.
constexpr Duration kThreadWalkEvery = 5s;

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

// Calls `use` with each entry of `path` that is a number.
template <class F>
void for_each_number(const std::string& path, F use) {
  const Dir dir(::opendir(path.c_str()));
  while (dir) {
    const auto* entry = ::readdir(dir.get());
    if (!entry) break;
    std::vector<int> number;
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') parse_pids(entry->d_name, number);
    if (number.size() == 1 && !use(number[0])) break;
  }
}

}  // namespace

std::optional<ProcStat> read_stat(const std::string& proc_root, int pid) {
  char buffer[kKernelFileBytes];
  return parse_stat(KernelFile(proc_root + "/" + std::to_string(pid) + "/stat").read(buffer, sizeof buffer));
}

bool group_has_living_member(const std::string& proc_root, int pgid) {
  bool found = false;
  for_each_number(proc_root, [&](int pid) {
    const auto stat = read_stat(proc_root, pid);
    found = stat && stat->pgrp == pgid && stat->state != 'Z' && stat->state != 'X';
    return !found;
  });
  return found;
}

ProcessTree::ProcessTree(std::string proc_root, int pid, std::uint64_t start_ticks)
    : proc_root_(std::move(proc_root)), pid_(pid), start_ticks_(start_ticks) {}

TreeSample ProcessTree::read(SteadyTime now) {
  TreeSample sample;
  const bool walk_threads = last_thread_walk_ == SteadyTime{} || now - last_thread_walk_ >= kThreadWalkEvery;
  if (walk_threads) last_thread_walk_ = now;
  for (auto& [pid, node] : nodes_) node.seen = false;
  visit(pid_, walk_threads, sample, 0);
  std::erase_if(nodes_, [](const auto& entry) { return !entry.second.seen; });
  if (sample.alive) sample.open_files = count_open_files();
  return sample;
}

void ProcessTree::visit(int pid, bool walk_threads, TreeSample& sample, int depth) {
  auto it = nodes_.find(pid);
  if (it == nodes_.end()) {
    if (nodes_.size() >= kMaxNodes) return;
    const auto folder = proc_root_ + "/" + std::to_string(pid);
    Node node;
    node.stat = KernelFile(folder + "/stat");
    node.children = KernelFile(folder + "/task/" + std::to_string(pid) + "/children");
    it = nodes_.emplace(pid, std::move(node)).first;
  }
  auto& node = it->second;
  if (node.seen) return;
  char buffer[kKernelFileBytes];
  auto stat = parse_stat(node.stat.read(buffer, sizeof buffer));
  if (!stat) return;  // gone: erased at the end of this reading (a reused pid is opened anew by the next one)
  if (pid == pid_) {
    if (stat->start_ticks != start_ticks_) return;
    sample.alive = true;
    sample.state = stat->state;
    sample.threads = stat->threads;
  }
  node.seen = true;
  ++sample.processes;
  sample.cpu_ticks += stat->cpu_ticks + stat->children_cpu_ticks;
  sample.rss_pages += stat->rss_pages;
  if (depth >= kMaxDepth) return;
  std::vector<int> children;
  find_children(pid, node, stat->threads, walk_threads, children);
  for (const int child : children) visit(child, walk_threads, sample, depth + 1);
}

void ProcessTree::find_children(int pid, const Node& node, int threads, bool walk_threads,
                                std::vector<int>& out) const {
  char buffer[kKernelFileBytes];
  parse_pids(node.children.read(buffer, sizeof buffer), out);
  if (threads <= 1) return;
  if (walk_threads) {
    const auto tasks = proc_root_ + "/" + std::to_string(pid) + "/task";
    for_each_number(tasks, [&](int tid) {
      if (tid != pid)
        parse_pids(KernelFile(tasks + "/" + std::to_string(tid) + "/children").read(buffer, sizeof buffer), out);
      return out.size() < kMaxNodes;
    });
    return;
  }
  // Between two walks: what the last one found, as long as it is still a child.
  for (const auto& [known, other] : nodes_) {
    if (other.seen) continue;
    const auto stat = parse_stat(other.stat.read(buffer, sizeof buffer));
    if (stat && stat->ppid == pid) out.push_back(known);
  }
}

std::optional<int> ProcessTree::count_open_files() const {
  const auto folder = proc_root_ + "/" + std::to_string(pid_) + "/fd";
  struct ::stat info {};
  // Linux 6.2 and later tell the number of entries as the size.
  if (::stat(folder.c_str(), &info) == 0 && info.st_size > 0) return static_cast<int>(info.st_size);
  int count = 0;
  bool readable = false;
  for_each_number(folder, [&](int) {
    readable = true;
    ++count;
    return true;
  });
  return readable ? std::optional(count) : std::nullopt;
}

}  // namespace paramedic::agent
