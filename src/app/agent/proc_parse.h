// Parsers of kernel text: /proc/<pid>/stat, /proc/<pid>/cgroup, cgroup files. Pure; any thread; any bytes are survived.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paramedic::agent {

// The fields of /proc/<pid>/stat that are used here (proc(5)).
struct ProcStat {
  char state = 0;  // R S D T t Z X I
  int ppid = 0;
  int pgrp = 0;
  std::uint64_t cpu_ticks = 0;           // user + system of the process itself
  std::uint64_t children_cpu_ticks = 0;  // of children that ended and were waited for
  int threads = 0;
  std::uint64_t start_ticks = 0;  // since boot
  std::uint64_t rss_pages = 0;
};

// Splits after the last ')': the command name may hold blanks and parentheses. nullopt when fields are missing.
std::optional<ProcStat> parse_stat(std::string_view text);

// Blank-separated process ids (task/<tid>/children); stops at the first thing that is none.
void parse_pids(std::string_view text, std::vector<int>& out);

// The path of this process below the given hierarchy: controller "" = the v2 line "0::/path", else the v1 line that
// lists it.
std::optional<std::string> cgroup_path(std::string_view cgroup_file, std::string_view controller);

// The whole text is one number ("max" and anything else: nullopt).
std::optional<std::uint64_t> parse_count(std::string_view text);

// The number behind `key` in lines of "key number" (vmstat, memory.events, memory.oom_control, status with "Key:\t").
std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key);

// cpu.max: "50000 100000" = half a core; "max 100000" = no limit.
std::optional<double> parse_cpu_max(std::string_view text);

}  // namespace paramedic::agent
