// For the collectors' tests: a setup over fixture folders.
#pragma once
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "app/agent/collectors/collector.h"

namespace paramedic::agent {

class CollectorFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/collector_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    roots_.proc = folder_ + "/proc";
    roots_.cgroup = folder_ + "/cg";
    host_.memory_bytes = 1000 * kMiB;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void put(const std::string& path, const std::string& text) const {
    const auto full = std::filesystem::path(folder_) / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  CollectorSetup setup() {
    cgroup_ = Cgroup(roots_, pid_);
    return CollectorSetup{spec_, roots_, host_, cgroup_, pid_};
  }
  static TreeSample alive(std::uint64_t cpu_ticks = 0, std::uint64_t rss_pages = 0) {
    TreeSample sample;
    sample.alive = true;
    sample.state = 'S';
    sample.threads = 3;
    sample.open_files = 12;
    sample.cpu_ticks = cpu_ticks;
    sample.rss_pages = rss_pages;
    return sample;
  }

  static constexpr std::uint64_t kMiB = 1024 * 1024;
  std::string folder_;
  KernelRoots roots_;
  HostFacts host_;
  Cgroup cgroup_;
  config::WorkerSpec spec_;
  int pid_ = ::getpid();
};

}  // namespace paramedic::agent
