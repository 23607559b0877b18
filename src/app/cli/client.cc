// paramedic status, show, restart, drain, …: a table for people or the monitor's JSON for programs.
#include <fstream>
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "base/text.h"
#include "io/net/http_client.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

Result<HttpResponse> ask(const ClientOptions& client, std::string method, const std::string& path,
                         std::string body = {}) {
  HttpCall call{.method = std::move(method), .url = client.monitor + path, .body = std::move(body)};
  if (call.method != "GET") call.headers.emplace_back("Content-Type", "application/json");
  if (!client.token_file.empty()) {
    std::ifstream in(client.token_file);
    std::string token;
    if (!(in >> token)) return errno_error("cannot read --token-file " + client.token_file, errno ? errno : ENOENT);
    call.headers.emplace_back("Authorization", "Bearer " + token);
  }
  auto answer = http_request(std::move(call));
  if (!answer)
    return with_context(answer.error(),
                        "the monitor at " + client.monitor + " does not answer (--monitor names another)");
  return answer;
}

// The detail of a problem document, else the raw body.
Error refusal(const HttpResponse& answer) {
  Errc code = Errc::internal;
  for (const Errc one : {Errc::invalid_argument, Errc::not_found, Errc::conflict, Errc::unauthorized, Errc::forbidden,
                         Errc::too_large, Errc::too_many, Errc::unavailable, Errc::timeout})
    if (http_status(one) == answer.status) code = one;
  boost::system::error_code failed;
  const json::value document = json::parse(answer.body, failed);
  const json::value* detail = !failed && document.is_object() ? document.as_object().if_contains("detail") : nullptr;
  return {code, detail && detail->is_string() ? std::string(detail->as_string())
                                              : fmt::format("HTTP status {}", answer.status)};
}

Result<json::value> ask_json(const ClientOptions& client, const std::string& path) {
  const auto body = get_text(client, path);
  if (!body) return body.error();
  boost::system::error_code failed;
  json::value document = json::parse(*body, failed);
  if (failed) return Error{Errc::corrupt, "the monitor's answer is no JSON: " + failed.message()};
  return document;
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (!value || value->is_null()) return "-";
  if (value->is_string()) return std::string(value->as_string());
  if (value->is_number()) return format_short(value->to_number<double>(), 2);
  return json::serialize(*value);
}
std::string metric_of(const json::object& worker, std::string_view key) {
  const json::value* metrics = worker.if_contains("metrics");
  return metrics && metrics->is_object() ? text_of(metrics->as_object(), key) : "-";
}
std::string first_issue(const json::object& worker) {
  const json::value* issues = worker.if_contains("issues");
  if (!issues || !issues->is_array() || issues->as_array().empty()) return "";
  const json::array& all = issues->as_array();
  return std::string(all[0].as_string()) + (all.size() > 1 ? fmt::format(" (+{} more)", all.size() - 1) : "");
}

}  // namespace

std::string worker_path(const std::string& id) { return "/health/workers/" + percent_encode(id); }

Result<std::string> get_text(const ClientOptions& client, const std::string& path) {
  auto answer = ask(client, "GET", path);
  if (!answer) return answer.error();
  if (answer->status != 200) return refusal(*answer);
  return std::move(answer->body);
}

int status(const ClientOptions& client) {
  const auto answer = ask_json(client, "/health/workers");
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  const json::object& fleet = answer->as_object();
  fmt::print("{} workers: {} healthy, {} warning, {} critical, {} unknown; {} inactive\n",
             text_of(fleet, "total_workers"), text_of(fleet, "healthy_workers"), text_of(fleet, "warning_workers"),
             text_of(fleet, "critical_workers"), text_of(fleet, "unknown_workers"), text_of(fleet, "inactive_workers"));
  fmt::print("{:<24} {:<12} {:<9} {:<12} {:>6} {:>7} {:>9}  {}\n", "WORKER", "POOL", "STATUS", "STATE", "SCORE",
             "CPU %", "MEM MiB", "ISSUE");
  for (const json::value& value : fleet.at("workers").as_array()) {
    const json::object& w = value.as_object();
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
  const json::object& w = answer->as_object();
  for (const char* key : {"worker_id", "pool", "host", "pid", "version", "incarnation", "state", "status",
                          "health_score", "confidence", "last_report", "alive_at", "crashes"})
    fmt::print("{:<14} {}\n", key, text_of(w, key));
  if (const json::value* held = w.if_contains("held"); held && held->is_object())
    fmt::print("{:<14} {}\n", "held back", text_of(held->as_object(), "text"));
  if (const json::value* findings = w.if_contains("findings"); findings && findings->is_array())
    for (const json::value& finding : findings->as_array())
      fmt::print("{:<18} {:<14} {}\n", text_of(finding.as_object(), "check_name"),
                 text_of(finding.as_object(), "status"), text_of(finding.as_object(), "message"));
  return 0;
}

int act(const ClientOptions& client, const ActOptions& options) {
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
  const auto answer = ask(client, forget ? "DELETE" : "POST", path, forget ? std::string() : body);
  if (!answer) return fail(answer.error());
  if (!client.json || answer->status >= 300) return report_answer(*answer);
  std::cout << answer->body << '\n';
  return 0;
}

int reload(const ClientOptions& client) {
  const auto answer = ask(client, "POST", "/config/reload", "{}");
  if (!answer) return fail(answer.error());
  if (!client.json || answer->status >= 300) return report_answer(*answer);
  std::cout << answer->body << '\n';
  return 0;
}

int report_answer(const HttpResponse& answer) {
  if (answer.status >= 300) return fail(refusal(answer));
  boost::system::error_code failed;
  const json::value document = json::parse(answer.body, failed);
  std::cout << (!failed && document.is_object() ? text_of(document.as_object(), "message") : std::string("done"))
            << '\n';
  return 0;
}

}  // namespace paramedic::cli
