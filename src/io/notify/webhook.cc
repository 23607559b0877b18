// Any HTTP endpoint, by Standard Webhooks: webhook-id (the notification's id, the same for every try), a timestamp of
// each try, and one signature per secret. The body is the notification as JSON, or a template of the operator's.
#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/notify/template.h"
#include "io/outgoing/answer.h"
#include "io/outgoing/standard_webhooks.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMaxData = 19u << 10;  // Standard Webhooks: keep below 20 KB
constexpr std::size_t kMaxHeaders = 16;

struct Options {
  std::string url;
  Secret secret_url, secret, token;
  std::map<std::string, std::string> headers;
  std::string content_type = "application/json";
  std::optional<Template> body;
};

// "type" of the event: parts of [a-zA-Z0-9_] joined by dots.
std::string event_body(const Notification& n, const SendContext& context) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("type", fmt::format("alert.{}", to_string(n.kind))).field("timestamp", n.at);
  const std::string url = incident_url(context, n);
  std::size_t links = url.size();
  w.key("data").begin_object().field_if("incident_url", url);
  w.key("approval_urls").begin_array();
  for (const std::string& yes_or_no : approval_urls(context, n)) {
    w.value(yes_or_no);
    links += yes_or_no.size();
  }
  w.end_array();
  w.key("notification").raw(notification_json(n, kMaxData - std::min(links, kMaxData / 2)));
  w.end_object().end_object();
  return out;
}

class Webhook final : public HttpChannel {
 public:
  Webhook(Options options, std::string destination, std::unique_ptr<HttpWay> way)
      : HttpChannel(std::move(destination), std::move(way)), options_(std::move(options)) {}

  bool wants(NotificationKind kind) const override { return kind != NotificationKind::acknowledged; }
  bool can_digest() const override { return false; }  // programs follow each story by its group_key

  SendResult send(const Notification& n, const SendContext& context) override {
    HttpPost request;
    request.url = options_.url;
    if (options_.secret_url.given()) {
      const auto url = read_url(options_.secret_url);
      if (!url) return not_sent(url.error());
      request.url = *url;
    }
    request.body = options_.body ? options_.body->fill(n, context) : event_body(n, context);
    request.headers = {{"Content-Type", options_.content_type}};
    for (const auto& [name, value] : options_.headers) request.headers.emplace_back(name, value);
    if (options_.token.given()) {
      const auto token = options_.token.read();
      if (!token) return not_sent(token.error());
      request.headers.emplace_back("Authorization", "Bearer " + *token);
    }
    if (auto failed = sign_standard(request, n.id, context.now, options_.secret)) return not_sent(*failed);
    Exchange e = post(std::move(request), context);
    if (e.result.http_status == 410)
      e.result.answer = cut_bytes("the endpoint is gone for good: " + e.result.answer, 500);
    return std::move(e.result);
  }

 private:
  const Options options_;
};

void read_headers(ParamsReader& r, Options& o) {
  static const std::set<std::string> kOwn = {
      "authorization",     "connection", "content-length", "content-type",      "expect",           "host",
      "transfer-encoding", "user-agent", "webhook-id",     "webhook-timestamp", "webhook-signature"};
  r.read("headers", o.headers);
  if (o.headers.size() > kMaxHeaders) r.problem("headers", fmt::format("at most {}", kMaxHeaders));
  for (const auto& [name, value] : o.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '-' || c == '_';
    });
    const bool text = std::all_of(value.begin(), value.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
    if (!token || !text)
      r.problem("headers", fmt::format("'{}' is no header name, or its value no line of text", name));
    if (lower == "authorization")
      r.problem("headers", "a credential belongs into token_file or token_variable");
    else if (kOwn.contains(lower))
      r.problem("headers", fmt::format("'{}' is set by the channel", name));
  }
}

void read_body(ParamsReader& r, Options& o) {
  std::string text;
  r.read("content_type", o.content_type);
  r.read("template", text);
  if (o.content_type.empty() || one_line(o.content_type) != o.content_type)
    r.problem("content_type", "must be a media type, as application/json");
  if (text.empty()) {
    if (r.has("content_type")) r.problem("content_type", "belongs to a template: without one the body is JSON");
    return;
  }
  auto parsed = Template::parse(text, o.content_type.find("json") != std::string::npos);
  if (!parsed) return r.problem("template", parsed.error().message);
  o.body = std::move(*parsed);
}

}  // namespace

std::unique_ptr<Channel> make_webhook(ParamsReader& r, const Ways& ways) {
  Options o;
  r.read("url", o.url);
  o.secret_url = read_secret(r, "url", false);
  if (o.url.empty() == !o.secret_url.given())
    r.problem("url", "is missing: one of url, url_file and url_variable is needed");
  if (!o.url.empty()) check_url(r, "url", o.url);
  o.secret = read_secret(r, "secret", false);
  o.token = read_secret(r, "token", false);
  read_headers(r, o);
  read_body(r, o);
  const CurlOptions http = read_http_options(r);
  std::string where = o.url.empty() ? host_of_secret(o.secret_url, "webhook") : host_of_url(o.url);
  return std::make_unique<Webhook>(std::move(o), std::move(where), ways.http(http));
}

}  // namespace paramedic::notify
