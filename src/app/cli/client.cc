// paramedic status, show, restart, drain, …: a table for people or the monitor's JSON for programs.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"
#include "base/text.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

std::string metric_of(const json::object& worker, std::string_view key) {
  const json::value* metrics = worker.if_contains("metrics");
  return metrics && metrics->is_object() ? text_of(metrics->as_object(), key) : "-";
}
std::string first_issue(const json::object& worker) {
  const json::array& all = items_of(worker, "issues");
  if (all.empty() || !all[0].is_string()) return "";
  return std::string(all[0].get_string()) + (all.size() > 1 ? fmt::format(" (+{} more)", all.size() - 1) : "");
}

}  // namespace

std::string worker_path(const std::string& id) { return "/health/workers/" + percent_encode(id); }

int status(const ClientOptions& client) {
  const auto answer = ask_json(client, "/health/workers");
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  const json::object& fleet = *answer;
  fmt::print("{} workers: {} healthy, {} warning, {} critical, {} unknown; {} inactive\n",
             text_of(fleet, "total_workers"), text_of(fleet, "healthy_workers"), text_of(fleet, "warning_workers"),
             text_of(fleet, "critical_workers"), text_of(fleet, "unknown_workers"), text_of(fleet, "inactive_workers"));
  fmt::print("{:<24} {:<12} {:<9} {:<12} {:>6} {:>7} {:>9}  {}\n", "WORKER", "POOL", "STATUS", "STATE", "SCORE",
             "CPU %", "MEM MiB", "ISSUE");
  for (const json::value& value : items_of(fleet, "workers")) {
    if (!value.is_object()) continue;
    const json::object& w = value.get_object();
    fmt::print("{:<24} {:<12} {:<9} {:<12} {:>6} {:>7} {:>9}  {}\n", text_of(w, "worker_id"), text_of(w, "pool"),
               text_of(w, "status"), text_of(w, "state"), text_of(w, "health_score"), metric_of(w, "cpu_percent"),
               metric_of(w, "memory_mb"), first_issue(w));
  }
  return 0;
}

int show(const ClientOptions& client, const std::string& worker) {
  const auto answer = ask_json(client, worker_path(worker));
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  const json::object& w = *answer;
  for (const char* key : {"worker_id", "pool", "host", "pid", "version", "incarnation", "state", "status",
                          "health_score", "confidence", "last_report", "alive_at", "crashes"})
    fmt::print("{:<14} {}\n", key, text_of(w, key));
  if (const json::value* held = w.if_contains("held"); held && held->is_object())
    fmt::print("{:<14} {}\n", "held back", text_of(held->as_object(), "text"));
  for (const json::value& finding : items_of(w, "findings"))
    if (finding.is_object())
      fmt::print("{:<18} {:<14} {}\n", text_of(finding.get_object(), "check_name"),
                 text_of(finding.get_object(), "status"), text_of(finding.get_object(), "message"));
  return 0;
}

int act(const ClientOptions& client, const ActOptions& options) {
  if (options.dry_run) return restart_forecast(client, options);
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field_if("reason", options.reason);
  if (options.force) w.field("force", true);
  w.end_object();
  const bool fleet_wide = options.verb == "freeze" || options.verb == "thaw";
  const bool forget = options.verb == "forget";
  const std::string path = fleet_wide ? "/recovery/" + options.verb
                           : forget   ? worker_path(options.worker)
                                      : worker_path(options.worker) + "/" + options.verb;
  return command(client, forget ? "DELETE" : "POST", path, forget ? std::string() : body);
}

int reload(const ClientOptions& client) { return command(client, "POST", "/config/reload", "{}"); }

}  // namespace paramedic::cli
