#include "io/restart/kube_api.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.h"
#include "io/outgoing/answer.h"
#include "io/outgoing/secret.h"
#include "io/wire/json_reader.h"

namespace paramedic::restart {

namespace {

constexpr Duration kFirstPause = 1s, kLongestPause = 15s, kOneTry = 15s;
constexpr std::size_t kMaxMetadata = 1u << 20;
constexpr std::size_t kMaxLabels = 256;

const wire::json::object* object_of(const wire::json::object& in, std::string_view key) {
  const auto* found = in.if_contains(key);
  return found ? found->if_object() : nullptr;
}

std::string text_of(const wire::json::object& in, std::string_view key) {
  const auto* found = in.if_contains(key);
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::string(wire::view(*text)) : std::string();
}

// A static pod is owned by its node, which makes another one at once; the API server's copy of it changes nothing.
std::string controller_of(const wire::json::object& metadata) {
  const auto* found = metadata.if_contains("ownerReferences");
  const auto* owners = found ? found->if_array() : nullptr;
  if (!owners) return "";
  for (const auto& one : *owners) {
    const auto* owner = one.if_object();
    const auto* flag = owner ? owner->if_contains("controller") : nullptr;
    const bool controls = flag && flag->is_bool() && flag->get_bool();
    if (controls && text_of(*owner, "kind") != "Node") return text_of(*owner, "kind") + "/" + text_of(*owner, "name");
  }
  return "";
}

outgoing::Secret file(std::string path) {
  outgoing::Secret out;
  out.file = std::move(path);
  return out;
}

CurlOptions curl_options(const KubeOptions& o) {
  CurlOptions out;
  out.ca_file = o.ca_file.empty() ? o.service_account + "/ca.crt" : o.ca_file;
  return out;
}

}  // namespace

std::optional<KubePod> parse_pod(std::string_view body) {
  wire::Document document;
  const auto parsed = document.parse(body);
  const auto* root = parsed ? (*parsed)->if_object() : nullptr;
  const auto* metadata = root ? object_of(*root, "metadata") : nullptr;
  if (!metadata) return std::nullopt;
  KubePod out;
  out.uid = text_of(*metadata, "uid");
  if (out.uid.empty() || out.uid.size() > 128) return std::nullopt;
  out.controller = controller_of(*metadata);
  const std::string deletion = text_of(*metadata, "deletionTimestamp");
  out.terminating = !deletion.empty();
  if (const auto at = parse_time(deletion)) out.ends_at = *at;
  if (const auto* labels = object_of(*metadata, "labels"))
    for (const auto& label : *labels)
      if (const auto* value = label.value().if_string(); value && out.labels.size() < kMaxLabels)
        out.labels[std::string(label.key().data(), label.key().size())] = std::string(wire::view(*value));
  return out;
}

KubeApi::KubeApi(KubeOptions options, std::string agent)
    : options_(std::move(options)), agent_(std::move(agent)), way_(outgoing::curl_http_way(curl_options(options_))) {}

void KubeApi::cancel() {
  cancellation_.cancel();
  way_->cancel();
}

Result<std::string> KubeApi::name_space() const {
  if (!options_.name_space.empty()) return options_.name_space;
  return file(options_.service_account + "/namespace").read();
}

Result<std::string> KubeApi::base() const {
  if (!options_.url.empty()) return outgoing::base_url(options_.url);
  const char* const host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* const port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (!host || !*host)
    return Error{Errc::invalid_argument,
                 "KUBERNETES_SERVICE_HOST is not set, so the monitor runs in no pod: set `url`, `ca_file` and "
                 "`token_file` of the executor"};
  const bool v6 = std::string_view(host).find(':') != std::string_view::npos;
  std::string url = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port && *port ? port : "443");
  if (!outgoing::good_url(url))
    return Error{Errc::invalid_argument, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT make no URL"};
  return url;
}

// The token is read for each request: it is replaced about once per hour.
Result<HttpCall> KubeApi::request(const KubeCall& call) {
  const auto url = base();
  if (!url) return url.error();
  auto token = file(options_.token_file.empty() ? options_.service_account + "/token" : options_.token_file).read();
  if (!token) return token.error();
  token_ = std::move(*token);
  HttpCall out;
  out.method = call.method;
  out.url = *url + call.path;
  out.body = call.body;
  out.response_limit = call.wants_metadata ? kMaxMetadata : outgoing::kMaxAnswerBytes;
  out.headers = {{"Authorization", "Bearer " + token_}, {"User-Agent", agent_}};
  out.headers.emplace_back(
      "Accept", call.wants_metadata ? "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json"
                                    : "application/json");
  if (!call.body.empty()) out.headers.emplace_back("Content-Type", "application/json");
  return out;
}

void KubeApi::begin(Duration timeout) {
  timeout_ = timeout;
  end_ = std::chrono::steady_clock::now() + timeout;
}

Result<HttpResponse> KubeApi::call(const KubeCall& call) {
  lost_an_answer_ = false;
  bool read_anew = false;
  for (Duration pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    auto request = this->request(call);
    if (!request) return request.error();
    request->timeout = std::clamp<Duration>(end_ - std::chrono::steady_clock::now(), 1ms, kOneTry);
    auto answer = way_->send(*request);
    if (answer && answer->status == 401 && !std::exchange(read_anew, true)) continue;
    const int status = answer ? answer->status : 0;
    const bool later = status == 0 || status == 408 || status >= 500 || (status == 429 && !call.too_many_is_an_answer);
    if (answer && !later) return answer;
    if (!answer && answer.error().code == Errc::invalid_argument) return answer.error();
    lost_an_answer_ = lost_an_answer_ || status == 0 || status == 504;
    const std::string last = answer ? words(*answer) : outgoing::answer_text(answer.error().message, {token_});
    const auto asked_for =
        answer ? outgoing::retry_after(answer->headers, std::chrono::system_clock::now()) : std::nullopt;
    const SteadyTime again = std::chrono::steady_clock::now() + asked_for.value_or(pause);
    if (again >= end_ && !cancellation_.cancelled())
      return Error{Errc::timeout, fmt::format("no success within {:g} s: {}", to_seconds(timeout_), last)};
    if (cancellation_.wait_until(again)) return Error{Errc::unavailable, "cancelled: " + last};
  }
}

std::string KubeApi::words(const HttpResponse& answer) const {
  const outgoing::AnswerObject status(answer.body);
  const std::string said = status.text("message");
  return outgoing::answer_text(
      fmt::format("HTTP {} {}: {}", answer.status, status_reason(answer.status), said.empty() ? answer.body : said),
      {token_});
}

}  // namespace paramedic::restart
