#include "app/agent/proc_parse.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic::agent {
namespace {

constexpr std::string_view kStat =
    "4711 (weird ) (name) R) S 12 4711 4711 0 -1 4194560 100 200 0 0 31 11 5 7 20 0 9 0 123456 22585344 1536 1844 1 1 "
    "0\n";

TEST(ParseStat, splits_after_the_last_parenthesis) {
  const auto stat = parse_stat(kStat);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ppid, 12);
  EXPECT_EQ(stat->pgrp, 4711);
  EXPECT_EQ(stat->cpu_ticks, 42u);
  EXPECT_EQ(stat->children_cpu_ticks, 12u);
  EXPECT_EQ(stat->threads, 9);
  EXPECT_EQ(stat->start_ticks, 123456u);
  EXPECT_EQ(stat->rss_pages, 1536u);
}

TEST(ParseStat, refuses_a_cut_off_line) {
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("4711 (x"));
  EXPECT_FALSE(parse_stat(kStat.substr(0, 70)));
}

RC_GTEST_PROP(ParseStat, survives_any_bytes, (const std::string& text)) {
  parse_stat(text);
  parse_stat("1 (x) " + text);
  cgroup_path(text, "");
  cgroup_path(text, "cpu");
  find_count(text, "oom_kill");
  parse_cpu_max(text);
  std::vector<int> pids;
  parse_pids(text, pids);
  for (const int pid : pids) RC_ASSERT(pid > 0);
}

TEST(ParsePids, reads_until_the_first_thing_that_is_no_pid) {
  std::vector<int> pids;
  parse_pids("12 345 \n", pids);
  parse_pids("7 x 8", pids);
  parse_pids("-5", pids);
  EXPECT_EQ(pids, (std::vector<int>{12, 345, 7}));
}

TEST(CgroupPath, finds_the_v2_and_the_v1_lines) {
  constexpr std::string_view kHybrid = "5:memory:/jobs/a\n3:cpu,cpuacct:/jobs/b\n0::/user.slice\nbroken line\n";
  EXPECT_EQ(cgroup_path(kHybrid, ""), "/user.slice");
  EXPECT_EQ(cgroup_path(kHybrid, "memory"), "/jobs/a");
  EXPECT_EQ(cgroup_path(kHybrid, "cpu"), "/jobs/b");
  EXPECT_FALSE(cgroup_path(kHybrid, "cpuset"));
}

TEST(Counts, are_numbers_and_nothing_else) {
  EXPECT_EQ(parse_count("1048576\n"), 1048576u);
  EXPECT_FALSE(parse_count("max\n"));
  EXPECT_FALSE(parse_count("-1\n"));
  EXPECT_FALSE(parse_count("1 2"));
  EXPECT_EQ(find_count("oom 3\noom_kill 2\n", "oom_kill"), 2u);
  EXPECT_EQ(find_count("VmRSS:\t  512 kB\n", "VmRSS"), 512u);
  EXPECT_FALSE(find_count("oom 3\n", "oom_kill"));
}

TEST(CpuMax, is_quota_by_period) {
  EXPECT_EQ(parse_cpu_max("50000 100000\n"), 0.5);
  EXPECT_FALSE(parse_cpu_max("max 100000\n"));
  EXPECT_FALSE(parse_cpu_max("50000 0"));
}

}  // namespace
}  // namespace paramedic::agent
