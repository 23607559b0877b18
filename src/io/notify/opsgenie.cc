// Opsgenie Alert API: one alert per story (alias), acknowledged and closed by it. Answers are 202: taken, not yet done.
#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMessage = 130, kAlias = 512, kDescription = 15'000, kTags = 20, kTag = 50, kDetails = 8000;
constexpr std::size_t kShort = 100, kNote = 25'000;

struct Options {
  Secret key;
  std::string url = "https://api.opsgenie.com";
  std::vector<std::string> tags;
};

std::string_view priority_of(Severity severity) {
  return severity == Severity::critical ? "P1" : severity == Severity::warning ? "P3" : "P5";
}

std::string create_body(const Notification& n, const SendContext& context, const Options& o) {
  Message m = describe(n, context);
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("message", cut_units(m.headline, kMessage)).field("alias", story_key(n, kAlias));
  w.field("description", cut_units(plain_text(m), kDescription)).field("priority", priority_of(n.severity));
  w.field("source", cut_units("paramedic", kShort)).field("entity", cut_units(source_of(n), kAlias));
  w.key("tags").begin_array();
  for (const std::string& tag : o.tags) w.value(tag);
  w.end_array().key("details").begin_object();
  std::size_t used = 0;
  for (const Fact& fact : m.facts) {
    const std::string value = cut_units(fact.value, 500);
    if ((used += fact.name.size() + value.size()) <= kDetails) w.field(fact.name, value);
  }
  for (const Link& link : m.links)
    if ((used += link.text.size() + link.url.size()) <= kDetails) w.field(link.text, link.url);
  w.end_object().end_object();
  return out;
}

std::string note_body(const Notification& n, const SendContext& context) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object()
      .field("source", "paramedic")
      .field("user", n.actor.empty() ? "paramedic" : cut_units(one_line(n.actor), kShort));
  w.field("note", cut_units(plain_text(describe(n, context)), kNote)).end_object();
  return out;
}

class Opsgenie final : public HttpChannel {
 public:
  Opsgenie(Options options, std::unique_ptr<HttpWay> way)
      : HttpChannel(host_of_url(options.url), std::move(way)), options_(std::move(options)) {}

  bool wants(NotificationKind) const override { return true; }
  bool can_digest() const override { return false; }

  SendResult send(const Notification& n, const SendContext& context) override {
    const auto key = options_.key.read();
    if (!key) return not_sent(key.error());
    const TimeLeft time(context.timeout);
    if (n.kind == NotificationKind::resolved) return call(n, "close", *key, context, time.share());
    if (n.kind == NotificationKind::acknowledged) return call(n, "acknowledge", *key, context, time.share());
    const bool test = n.kind == NotificationKind::test;
    SendResult result = call(n, "", *key, context, time.share(test ? 2 : 1));
    if (!test || result.verdict != SendVerdict::delivered) return result;
    return call(n, "close", *key, context, time.share());  // a test leaves nobody paged
  }

 private:
  SendResult call(const Notification& n, std::string_view verb, const std::string& key, const SendContext& context,
                  Duration timeout) {
    std::string url = options_.url + "/v2/alerts";
    if (!verb.empty()) url += fmt::format("/{}/{}?identifierType=alias", percent_encode(story_key(n, kAlias)), verb);
    HttpPost request =
        json_post(std::move(url), verb.empty() ? create_body(n, context, options_) : note_body(n, context));
    request.headers.emplace_back("Authorization", "GenieKey " + key);
    Exchange e = exchange(way(), std::move(request), timeout, context.now);
    // A story that Opsgenie does not know is as closed as it can be.
    if (!verb.empty() && e.result.http_status == 404) e.result.verdict = SendVerdict::delivered;
    if (e.result.verdict == SendVerdict::delivered) e.result.remote_id = AnswerObject(e.body).text("requestId");
    return std::move(e.result);
  }

  const Options options_;
};

}  // namespace

std::unique_ptr<Channel> make_opsgenie(ParamsReader& r, const Ways& ways) {
  Options o;
  Region region = Region::us;
  o.key = read_secret(r, "api_key", true);
  r.read_enum("region", region);
  if (region == Region::eu) o.url = "https://api.eu.opsgenie.com";
  r.read("url", o.url);
  check_url(r, "url", o.url);
  o.url = base_url(o.url);
  r.read("tags", o.tags);
  if (o.tags.size() > kTags) r.problem("tags", fmt::format("at most {}", kTags));
  for (const std::string& tag : o.tags)
    if (tag.empty() || utf16_units(tag) > kTag) r.problem("tags", fmt::format("each of 1 to {} characters", kTag));
  const CurlOptions http = read_http_options(r);
  return std::make_unique<Opsgenie>(std::move(o), ways.http(http));
}

}  // namespace paramedic::notify
