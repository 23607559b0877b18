#include "app/cli/monitor_client.h"

#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "base/text.h"
#include "io/net/http_client.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

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

}  // namespace

Result<HttpResponse> ask(const ClientOptions& client, std::string method, const std::string& path, std::string body) {
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

Result<std::string> get_text(const ClientOptions& client, const std::string& path) {
  auto answer = ask(client, "GET", path);
  if (!answer) return answer.error();
  if (answer->status != 200) return refusal(*answer);
  return std::move(answer->body);
}

Result<json::object> ask_json(const ClientOptions& client, const std::string& path) {
  const auto body = get_text(client, path);
  if (!body) return body.error();
  boost::system::error_code failed;
  json::value document = json::parse(*body, failed);
  if (failed || !document.is_object())
    return make_error(Errc::corrupt, client.monitor + path + " did not answer with a JSON object: is it a monitor?");
  return std::move(document.get_object());
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (!value || value->is_null()) return "-";
  if (value->is_string()) return std::string(value->as_string());
  if (value->is_number()) return format_short(value->to_number<double>(), 2);
  return json::serialize(*value);
}

const json::array& items_of(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const json::value* value = object.if_contains(key);
  return value && value->is_array() ? value->get_array() : kNone;
}

int command(const ClientOptions& client, std::string method, const std::string& path, std::string body) {
  const auto answer = ask(client, std::move(method), path, std::move(body));
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
