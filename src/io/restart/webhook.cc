// A web service of the operator's that restarts workers: a POST of the job as JSON, signed by Standard Webhooks. The
// action_id is webhook-id, the same for every try, so that the service performs it once. 2xx = it is under way or done;
// the new incarnation's report is the proof. No connection, 408, 425, 429 and 5xx are tried again within the timeout,
// at the pace that Retry-After asks for; anything else is a refusal, told in the service's words.
#include <algorithm>

#include <fmt/format.h>

#include "io/outgoing/standard_webhooks.h"
#include "io/restart/cancellation.h"
#include "io/restart/executor_kind.h"
#include "io/wire/json_writer.h"

namespace paramedic::restart {

namespace {

constexpr Duration kFirstPause = 1s, kLongestPause = 15s;

struct Options {
  std::string url;
  outgoing::Secret secret_url, secret, token;
  std::vector<std::string> allow;
  CurlOptions http;
  Duration timeout = 60s;
};

// An entry allows itself and what lies below it: "https://ops.example.org" allows "https://ops.example.org/restart".
bool allowed(const std::vector<std::string>& allow, std::string_view url) {
  if (url.find("/..") != url.npos) return false;  // would climb out of what the entry names
  return std::any_of(allow.begin(), allow.end(), [&](const std::string& entry) {
    const std::string base = outgoing::base_url(entry);
    if (base.empty() || !url.starts_with(base)) return false;
    return url.size() == base.size() || url[base.size()] == '/' || url[base.size()] == '?';
  });
}

std::string event_body(const Job& job, WallTime now) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("type", "worker.restart").field("timestamp", now);
  w.key("data").raw(job_json(job)).end_object();
  return out;
}

WallTime wall_now() { return std::chrono::system_clock::now(); }

class WebhookAttempt final : public Attempt {
 public:
  WebhookAttempt(const Options& options, Job job)
      : options_(options), job_(std::move(job)), way_(outgoing::curl_http_way(options.http)) {}

  Outcome run() override {
    const SteadyTime end = std::chrono::steady_clock::now() + options_.timeout;
    for (Duration pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
      const auto request = make_request();
      if (!request) return {false, "not sent: " + request.error().message};
      const Duration left = std::max<Duration>(end - std::chrono::steady_clock::now(), 1ms);
      const outgoing::SendResult result = outgoing::exchange(*way_, *request, left, wall_now()).result;
      if (result.verdict == outgoing::SendVerdict::delivered) return {true, result.answer};
      if (result.verdict == outgoing::SendVerdict::permanent) return {false, result.answer};
      const SteadyTime again = std::chrono::steady_clock::now() + result.retry_after.value_or(pause);
      if (again >= end && !cancellation_.cancelled())
        return {false, fmt::format("no success within {:g} s: {}", to_seconds(options_.timeout), result.answer)};
      if (cancellation_.wait_until(again)) return {false, "cancelled: " + result.answer};
    }
  }

  void cancel() override {
    cancellation_.cancel();
    way_->cancel();
  }

 private:
  // Anew for each try: secrets may be rotated, and the signature holds the time.
  Result<outgoing::HttpPost> make_request() const {
    std::string url = options_.url;
    if (options_.secret_url.given()) {
      auto read = outgoing::read_url(options_.secret_url);
      if (!read) return read.error();
      url = std::move(*read);
      if (!allowed(options_.allow, url))
        return Error{Errc::forbidden, "the URL is not allowed: add its host to executors.webhook.allow"};
    }
    const WallTime now = wall_now();
    outgoing::HttpPost out = outgoing::json_post(std::move(url), event_body(job_, now));
    if (options_.token.given()) {
      const auto token = options_.token.read();
      if (!token) return token.error();
      out.headers.emplace_back("Authorization", "Bearer " + *token);
    }
    if (auto failed = outgoing::sign_standard(out, job_.ladder.action_id, now, options_.secret)) return *failed;
    return out;
  }

  const Options options_;
  const Job job_;
  const std::unique_ptr<outgoing::HttpWay> way_;
  Cancellation cancellation_;
};

class Webhook final : public Executor {
 public:
  explicit Webhook(Options options) : options_(std::move(options)) {}
  std::unique_ptr<Attempt> prepare(const Job& job) const override {
    return std::make_unique<WebhookAttempt>(options_, job);
  }

 private:
  const Options options_;
};

}  // namespace

std::shared_ptr<const Executor> make_webhook(ParamsReader& r, const KindContext& context) {
  Options o;
  o.timeout = context.timeout;
  o.allow = context.allow;
  r.read("url", o.url);
  o.secret_url = outgoing::read_secret(r, "url", false);
  if (o.url.empty() == !o.secret_url.given())
    r.problem("url", "is missing: one of url, url_file and url_variable is needed");
  if (!o.url.empty()) outgoing::check_url(r, "url", o.url);
  if (!o.url.empty() && !allowed(o.allow, o.url))
    r.problem("url", fmt::format("{} is not allowed: add it to executors.webhook.allow", o.url));
  o.secret = outgoing::read_secret(r, "secret", false);
  o.token = outgoing::read_secret(r, "token", false);
  o.http = outgoing::read_http_options(r);
  return std::make_shared<Webhook>(std::move(o));
}

}  // namespace paramedic::restart
