// paramedic rolling start|status|pause|resume|abort: restarts of a whole pool or of the fleet, one after the other.
#include <chrono>
#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"
#include "base/text.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

constexpr auto kAskEvery = std::chrono::seconds(1);

std::string target_of(const json::object& r) {
  std::string out = text_of(r, "pool") == "-" ? "the fleet" : text_of(r, "pool");
  for (const char* filter : {"version", "host"})
    if (text_of(r, filter) != "-") out += fmt::format(", {} {}", filter, text_of(r, filter));
  return out;
}

std::string names_of(const json::object& r) {
  std::string out;
  for (const json::value& name : items_of(r, "now"))
    if (name.is_string()) out += (out.empty() ? "" : ", ") + std::string(name.get_string());
  return out;
}

std::string progress_of(const json::object& r) {
  std::string out = text_of(r, "done") + " of " + text_of(r, "total");
  for (const char* what : {"skipped", "failed"})
    if (text_of(r, what) != "0") out += fmt::format(", {} {}", text_of(r, what), what);
  return out;
}

// Why nothing happens, or how it ended.
std::string words_of(const json::object& r) {
  if (text_of(r, "state") == "running") return text_of(r, "held") == "-" ? names_of(r) : text_of(r, "held");
  return text_of(r, "text") == "-" ? "" : text_of(r, "text");
}

void print_row(const json::object& r) {
  fmt::print("{:<22} {:<18} {:<9} {:<26} {:<25} {}\n", text_of(r, "id"), target_of(r), text_of(r, "state"),
             progress_of(r), text_of(r, "started_at"), words_of(r));
}

void print_one(const json::object& r) {
  for (const char* key : {"id", "state", "reason", "actor", "started_at", "ended_at", "changed_by", "text", "held"})
    fmt::print("{:<12} {}\n", key, text_of(r, key));
  fmt::print("{:<12} {}\n{:<12} {}\n", "workers", progress_of(r), "now", names_of(r));
  for (const json::value& value : items_of(r, "notes")) {
    if (!value.is_object()) continue;
    const json::object& n = value.get_object();
    fmt::print("{}  {:<24} {:<8} {}\n", text_of(n, "at"), text_of(n, "worker_id"), text_of(n, "state"),
               text_of(n, "text"));
  }
}

int exit_of(const json::object& r) {
  const bool good = text_of(r, "state") == "finished" && text_of(r, "failed") == "0";
  return good ? 0 : exit_code(Errc::conflict);
}

// Until it is over or paused, with a line for each change.
int wait_for(const ClientOptions& client, const std::string& id) {
  std::string said;
  while (true) {
    const auto answer = ask_json(client, "/restarts/rolling/" + percent_encode(id));
    if (!answer) return fail(answer.error());
    const std::string state = text_of(*answer, "state");
    const std::string line = fmt::format("{}: {}; {}", state, progress_of(*answer), words_of(*answer));
    if (line != said && !client.json) std::cout << line << std::endl;
    said = line;
    if (state != "running") {
      if (client.json) std::cout << json::serialize(*answer) << '\n';
      return exit_of(*answer);
    }
    std::this_thread::sleep_for(kAskEvery);
  }
}

}  // namespace

int rolling_status(const ClientOptions& client, const RollingOptions& options) {
  if (options.wait && !options.id.empty()) return wait_for(client, options.id);
  const auto answer =
      ask_json(client, options.id.empty() ? "/restarts/rolling" : "/restarts/rolling/" + percent_encode(options.id));
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  if (!options.id.empty()) {
    print_one(*answer);
    return 0;
  }
  const json::array& items = items_of(*answer, "rolling_restarts");
  if (items.empty())
    std::cout << "no rolling restart\n";
  else
    fmt::print("{:<22} {:<18} {:<9} {:<26} {:<25} {}\n", "ROLLING RESTART", "OF", "STATE", "DONE", "SINCE", "NOW");
  for (const json::value& value : items)
    if (value.is_object()) print_row(value.get_object());
  return 0;
}

int rolling_start(const ClientOptions& client, const RollingOptions& options) {
  if (options.pool.empty() == !options.all)
    return fail(make_error(Errc::invalid_argument, "name a pool, or --all for the whole fleet"));
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field_if("pool", options.pool).field_if("reason", options.reason);
  if (options.all) w.field("all", true);
  w.field_if("version", options.version).field_if("host", options.host);
  if (options.at_once.ends_with('%'))
    w.field("at_once", options.at_once);
  else if (!options.at_once.empty())
    w.key("at_once").raw(options.at_once);
  if (options.go_on) w.field("pause_on_failure", false);
  w.end_object();
  if (!options.wait) return command(client, "POST", "/restarts/rolling", std::move(body));
  const auto answer = ask(client, "POST", "/restarts/rolling", std::move(body));
  if (!answer) return fail(answer.error());
  if (answer->status >= 300) return report_answer(*answer);
  boost::system::error_code failed;
  const json::value document = json::parse(answer->body, failed);
  if (failed || !document.is_object()) return fail(make_error(Errc::corrupt, "the monitor did not answer with JSON"));
  if (!client.json) std::cout << text_of(document.get_object(), "message") << std::endl;
  return wait_for(client, text_of(document.get_object(), "id"));
}

int rolling_change(const ClientOptions& client, const RollingOptions& options) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field_if("reason", options.reason).end_object();
  return command(client, "POST", "/restarts/rolling/" + percent_encode(options.id) + "/" + options.verb,
                 std::move(body));
}

}  // namespace paramedic::cli
