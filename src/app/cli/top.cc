// paramedic top: the worst workers of the fleet, drawn anew every few seconds.
#include <chrono>
#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

std::string member_of(const json::object& worker, std::string_view part, std::string_view key) {
  const json::value* inner = worker.if_contains(part);
  return inner && inner->is_object() ? text_of(inner->get_object(), key) : "-";
}

std::string first_issue(const json::object& worker) {
  const json::array& all = items_of(worker, "issues");
  if (!all.empty() && all[0].is_string()) return std::string(all[0].get_string());
  const std::string held = member_of(worker, "held", "text");
  return held == "-" ? "" : held;
}

// Unknown and critical ones first: the order of the statuses.
int draw(const ClientOptions& client, const TopOptions& options) {
  const auto fleet = ask_json(client, fmt::format("/health/workers?sort=status&limit={}", options.rows));
  if (!fleet) return fail(fleet.error());
  if (isatty(STDOUT_FILENO)) std::cout << "\x1b[H\x1b[2J";
  fmt::print("{}  {} workers: {} healthy, {} warning, {} critical, {} unknown; {} inactive\n", text_of(*fleet, "at"),
             text_of(*fleet, "total_workers"), text_of(*fleet, "healthy_workers"), text_of(*fleet, "warning_workers"),
             text_of(*fleet, "critical_workers"), text_of(*fleet, "unknown_workers"),
             text_of(*fleet, "inactive_workers"));
  fmt::print("{:<24} {:<12} {:<9} {:<12} {:>6} {:>7} {:>9} {:>10}  {}\n", "WORKER", "POOL", "STATUS", "STATE", "SCORE",
             "CPU %", "MEM MiB", "TASKS/MIN", "ISSUE");
  for (const json::value& value : items_of(*fleet, "workers")) {
    if (!value.is_object()) continue;
    const json::object& w = value.get_object();
    fmt::print("{:<24} {:<12} {:<9} {:<12} {:>6} {:>7} {:>9} {:>10}  {}\n", text_of(w, "worker_id"), text_of(w, "pool"),
               text_of(w, "status"), text_of(w, "state"), text_of(w, "health_score"),
               member_of(w, "metrics", "cpu_percent"), member_of(w, "metrics", "memory_mb"),
               member_of(w, "metrics", "tasks_per_minute"), first_issue(w));
  }
  std::cout << std::flush;
  return 0;
}

}  // namespace

int top(const ClientOptions& client, const TopOptions& options) {
  for (int drawn = 1;; ++drawn) {
    if (const int failed = draw(client, options)) return failed;
    if (options.times > 0 && drawn >= options.times) return 0;
    std::this_thread::sleep_for(std::chrono::duration<double>(options.every_seconds));
  }
}

}  // namespace paramedic::cli
