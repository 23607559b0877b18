// paramedic restart WORKER --dry-run: what a restart would do to the tasks in flight.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

void print_tasks(const json::object& forecast) {
  const json::array& tasks = items_of(forecast, "tasks");
  if (tasks.empty()) return;
  fmt::print("{:<8} {:<24} {:<24} {:>9}  {}\n", "FATE", "TYPE", "TASK", "RUNNING", "WHY");
  for (const json::value& value : tasks) {
    if (!value.is_object()) continue;
    const json::object& task = value.get_object();
    const std::string seconds = text_of(task, "running_seconds");
    fmt::print("{:<8} {:<24} {:<24} {:>9}  {}\n", text_of(task, "fate"), text_of(task, "type"), text_of(task, "id"),
               seconds == "-" ? seconds : seconds + " s", text_of(task, "why"));
  }
  const std::string more = text_of(forecast, "tasks_left_out");
  if (more != "0" && more != "-") fmt::print("and {} more\n", more);
}

}  // namespace

int restart_forecast(const ClientOptions& client, const ActOptions& options) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field("dry_run", true);
  if (options.force) w.field("force", true);
  w.end_object();
  const auto answer = ask(client, "POST", worker_path(options.worker) + "/restart", std::move(body));
  if (!answer) return fail(answer.error());
  if (client.json && answer->status < 300) {
    std::cout << answer->body << '\n';
    return 0;
  }
  const int exit = report_answer(*answer);
  boost::system::error_code failed;
  const json::value document = json::parse(answer->body, failed);
  if (exit != 0 || failed || !document.is_object()) return exit;
  const json::value* forecast = document.get_object().if_contains("forecast");
  std::cout.flush();
  if (forecast && forecast->is_object()) print_tasks(forecast->get_object());
  return 0;
}

}  // namespace paramedic::cli
