// PagerDuty Events API v2: trigger, acknowledge, resolve by dedup_key = the story, so a repeated send changes nothing.
#include <fmt/format.h>

#include "base/text.h"
#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kKey = 255, kSummary = 1024, kDetails = 32'000, kLabels = 8'000, kField = 255;
constexpr Duration kThrottled = 60s;  // 429 without Retry-After: "back off minutes"

struct Options {
  Secret routing_key;
  std::string url = "https://events.pagerduty.com/v2/enqueue";
};

std::string_view action_of(NotificationKind kind) {
  if (kind == NotificationKind::resolved) return "resolve";
  return kind == NotificationKind::acknowledged ? "acknowledge" : "trigger";
}

void write_details(wire::JsonWriter& w, const Notification& n, const Message& m) {
  std::string lines;
  for (const std::string& line : m.lines) lines += line + "\n";
  w.key("custom_details").begin_object().field("text", cut_bytes(lines, kDetails));
  w.field("kind", n.kind).field("alerts", n.alert_count).field("firing", n.firing_count);
  w.field("workers", n.worker_count).field_if("incident", n.incident_id).field_if("route", n.route);
  w.key("labels").begin_object();
  std::size_t left = kLabels;  // of text; a control character takes six bytes in JSON
  for (const auto& [name, value] : n.common_labels) {
    if (name.size() + value.size() > left) break;
    left -= name.size() + value.size();
    w.field(name, value);
  }
  w.end_object().end_object();
}

void write_payload(wire::JsonWriter& w, const Notification& n, const Message& m) {
  const auto field = [](const std::string& text) { return cut_units(one_line(text), kField); };
  const std::string rule = n.alerts.empty()           ? std::string(to_string(n.kind))
                           : n.alerts[0].rule.empty() ? std::string(to_string(n.alerts[0].reason))
                                                      : n.alerts[0].rule;
  w.key("payload").begin_object().field("summary", cut_units(m.headline, kSummary));
  w.field("source", field(source_of(n))).field("severity", n.severity).field("timestamp", n.at);
  w.field("component", n.alerts.empty() || n.alerts[0].worker_id.empty() ? "fleet" : "worker");
  w.field_if("group", field(n.alerts.empty() ? find_label(n.common_labels, "pool") : n.alerts[0].pool));
  w.field_if("class", field(rule));
  write_details(w, n, m);
  w.end_object().field("client", "paramedic");
  if (m.links.empty()) return;
  w.field("client_url", m.links[0].url).key("links").begin_array();
  for (const Link& link : m.links) w.begin_object().field("href", link.url).field("text", link.text).end_object();
  w.end_array();
}

std::string body_of(const Notification& n, const SendContext& context, const std::string& routing_key,
                    std::string_view action) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("routing_key", routing_key).field("event_action", action);
  w.field("dedup_key", story_key(n, kKey));
  if (action == "trigger") write_payload(w, n, describe(n, context));
  w.end_object();
  return out;
}

class PagerDuty final : public HttpChannel {
 public:
  PagerDuty(Options options, std::unique_ptr<HttpWay> way)
      : HttpChannel(host_of_url(options.url), std::move(way)), options_(std::move(options)) {}

  bool wants(NotificationKind) const override { return true; }
  bool can_digest() const override { return false; }

  SendResult send(const Notification& n, const SendContext& context) override {
    const auto key = options_.routing_key.read();
    if (!key) return not_sent(key.error());
    const TimeLeft time(context.timeout);
    const bool test = n.kind == NotificationKind::test;
    SendResult result = call(n, context, *key, action_of(n.kind), time.share(test ? 2 : 1));
    if (!test || result.verdict != SendVerdict::delivered) return result;
    return call(n, context, *key, "resolve", time.share());  // a test leaves nobody paged
  }

 private:
  SendResult call(const Notification& n, const SendContext& context, const std::string& key, std::string_view action,
                  Duration timeout) {
    HttpPost request = json_post(options_.url, body_of(n, context, key, action));
    request.secrets = {key};
    Exchange e = exchange(way(), std::move(request), timeout, context.now);
    if (e.result.verdict == SendVerdict::delivered) {
      const AnswerObject answer(e.body);
      if (answer.text("status") != "success") {
        e.result.verdict = SendVerdict::retry;
        e.result.answer = answer_text("not PagerDuty's answer: " + e.result.answer, e.secrets);
      } else {
        e.result.remote_id = answer.text("dedup_key");
      }
    }
    if (e.result.http_status == 429 && !e.result.retry_after) e.result.retry_after = kThrottled;
    return std::move(e.result);
  }

  const Options options_;
};

}  // namespace

std::unique_ptr<Channel> make_pagerduty(ParamsReader& r, const Ways& ways) {
  Options o;
  Region region = Region::us;
  o.routing_key = read_secret(r, "routing_key", true);
  r.read_enum("region", region);
  if (region == Region::eu) o.url = "https://events.eu.pagerduty.com/v2/enqueue";
  r.read("url", o.url);
  check_url(r, "url", o.url);
  const CurlOptions http = read_http_options(r);
  return std::make_unique<PagerDuty>(std::move(o), ways.http(http));
}

}  // namespace paramedic::notify
