// paramedic restarts: what was done to workers, newest first, with every step and how long it took.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"
#include "base/text.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

void print_action(const json::object& a) {
  fmt::print("{:<25} {:<24} {:<14} {:<16} {:<14} {}\n", text_of(a, "requested_at"), text_of(a, "worker_id"),
             text_of(a, "kind"), text_of(a, "state"), text_of(a, "actor"), text_of(a, "text"));
  for (const json::value& value : items_of(a, "steps")) {
    if (!value.is_object()) continue;
    const json::object& step = value.get_object();
    const std::string took = text_of(step, "duration_seconds");
    fmt::print("    {:<24}  {:<12} {:>9}  {}\n", text_of(step, "at"), text_of(step, "step"),
               took == "-" ? took : took + " s", text_of(step, "message"));
  }
}

}  // namespace

int restarts(const ClientOptions& client, const RestartsOptions& options) {
  std::string path = fmt::format("/restarts?limit={}", options.limit);
  if (!options.worker.empty()) path += "&worker_id=" + percent_encode(options.worker);
  if (!options.pool.empty()) path += "&pool=" + percent_encode(options.pool);
  const auto answer = ask_json(client, path);
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  const json::array& items = items_of(*answer, "restarts");
  if (items.empty())
    std::cout << "nothing was done to any worker\n";
  else
    fmt::print("{:<25} {:<24} {:<14} {:<16} {:<14} {}\n", "ASKED", "WORKER", "KIND", "STATE", "BY", "WHY");
  for (const json::value& value : items)
    if (value.is_object()) print_action(value.get_object());
  return 0;
}

}  // namespace paramedic::cli
