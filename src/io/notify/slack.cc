// Slack, two ways: an incoming webhook (each message stands alone), or a bot token (chat.postMessage: what follows goes
// into the thread of the first message, which chat.update turns green at the end). Slack cannot de-duplicate.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

// Limits of Slack, kept with some room: blocks of about 13 KB together were refused.
constexpr std::size_t kText = 3000, kSection = 3000, kField = 300, kFields = 10, kButton = 75, kContext = 500;

struct Options {
  Secret url, token;
  std::string channel, api = "https://slack.com/api";
};

void write_text(wire::JsonWriter& w, std::string_view type, const std::string& text) {
  w.begin_object().field("type", type).field("text", text).end_object();
}

void write_blocks(wire::JsonWriter& w, const Message& m) {
  w.key("blocks").begin_array();
  std::string lines;
  for (const std::string& line : m.lines) lines += line + "\n";
  if (!lines.empty()) {
    w.begin_object().field("type", "section");
    write_text(w.key("text"), "mrkdwn", escaped_cut(lines, escape_slack, kSection));
    w.end_object();
  }
  if (!m.facts.empty()) {
    w.begin_object().field("type", "section").key("fields").begin_array();
    for (std::size_t i = 0; i < std::min(m.facts.size(), kFields); ++i)
      write_text(w, "mrkdwn",
                 "*" + escaped_cut(m.facts[i].name, escape_slack, 50) + "*\n" +
                     escaped_cut(m.facts[i].value, escape_slack, kField));
    w.end_array().end_object();
  }
  if (!m.links.empty()) {
    w.begin_object().field("type", "actions").key("elements").begin_array();
    for (const Link& link : m.links) {
      write_text(w.begin_object().field("type", "button").key("text"), "plain_text", cut_units(link.text, kButton));
      w.field("url", link.url).end_object();
    }
    w.end_array().end_object();
  }
  w.begin_object().field("type", "context").key("elements").begin_array();
  write_text(w, "mrkdwn", escaped_cut(m.footer, escape_slack, kContext));
  w.end_array().end_object().end_array();
}

// Of a posted message of the story: "C024BE91L/1503435956.000247".
struct Posted {
  std::string channel, ts;
};
Posted parse_posted(const std::string& remote_id) {
  const auto slash = remote_id.find('/');
  if (slash == remote_id.npos || slash == 0 || slash + 1 == remote_id.size()) return {};
  return {remote_id.substr(0, slash), remote_id.substr(slash + 1)};
}

struct Address {
  std::string channel, thread, update;  // thread, update: a message's ts
};

std::string body_of(const Notification& n, const SendContext& context, const Address& to) {
  const Message m = describe(n, context);
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field_if("channel", to.channel).field_if("thread_ts", to.thread).field_if("ts", to.update);
  w.field("text", "*" + escaped_cut(m.headline, escape_slack, kText) + "*");
  w.field("unfurl_links", false).field("unfurl_media", false).key("attachments").begin_array();
  w.begin_object().field("color", color_of(n)).field("fallback", escaped_cut(m.headline, escape_slack, kText));
  write_blocks(w, m);
  w.end_object().end_array().end_object();
  return out;
}

// 200 with ok:false is how the API refuses.
void judge_api(const AnswerObject& answer, Exchange& e) {
  if (e.result.http_status < 200 || e.result.http_status >= 300) return;
  static constexpr auto kLater = std::to_array<std::string_view>(
      {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
       "team_added_to_org", "accesslimited", "message_limit_exceeded"});
  const auto ok = answer.boolean("ok");
  if (ok && *ok) {
    e.result.answer = "HTTP 200: ok";
    return;
  }
  if (!ok) {
    e.result.verdict = SendVerdict::retry;
    e.result.answer = answer_text("not Slack's answer: " + e.result.answer, e.secrets);
    return;
  }
  const std::string error = answer.text("error");
  const bool later = error.empty() || std::find(kLater.begin(), kLater.end(), error) != kLater.end();
  e.result.verdict = later ? SendVerdict::retry : SendVerdict::permanent;
  e.result.answer = answer_text("HTTP 200, but refused: " + (error.empty() ? "no reason" : error), e.secrets);
}

// An incoming webhook says "ok"; compatible servers say it in JSON. A captive portal says something else with 200.
void judge_webhook(Exchange& e) {
  if (e.result.http_status < 200 || e.result.http_status >= 300) return;
  if (one_line(e.body) == "ok" || e.body.empty()) return;
  const AnswerObject answer(e.body);
  if (answer.boolean("success") == true) return;
  judge_api(answer, e);
}

class Slack final : public HttpChannel {
 public:
  Slack(Options options, std::string destination, std::unique_ptr<HttpWay> way)
      : HttpChannel(std::move(destination), std::move(way)), options_(std::move(options)) {}

  bool wants(NotificationKind kind) const override {
    return kind != NotificationKind::acknowledged || options_.token.given();
  }
  bool can_digest() const override { return true; }
  SendResult send(const Notification& n, const SendContext& context) override {
    return options_.token.given() ? send_as_bot(n, context) : send_to_webhook(n, context);
  }

 private:
  SendResult send_to_webhook(const Notification& n, const SendContext& context) {
    const auto url = read_url(options_.url);
    if (!url) return not_sent(url.error());
    Exchange e = post(json_post(*url, body_of(n, context, {})), context);
    judge_webhook(e);
    return std::move(e.result);
  }

  Exchange call(std::string_view method, const std::string& token, std::string body, const SendContext& context,
                Duration timeout) {
    HttpPost request = json_post(fmt::format("{}/{}", options_.api, method), std::move(body));
    request.headers.emplace_back("Authorization", "Bearer " + token);
    Exchange e = exchange(way(), std::move(request), timeout, context.now);
    judge_api(AnswerObject(e.body), e);
    return e;
  }

  SendResult send_as_bot(const Notification& n, const SendContext& context) {
    const auto token = options_.token.read();
    if (!token) return not_sent(token.error());
    const Posted first = parse_posted(context.remote_id);
    const TimeLeft time(context.timeout);
    std::string note;
    // The update first: repeated after a failure of the second call it changes nothing, while a post would come twice.
    if (n.kind == NotificationKind::resolved && !first.ts.empty()) {
      const Address of_first{first.channel, {}, first.ts};
      const Exchange e = call("chat.update", *token, body_of(n, context, of_first), context, time.share(2));
      if (e.result.verdict == SendVerdict::retry) return e.result;
      // Too old to be edited, or deleted: the thread tells it all the same.
      if (e.result.verdict == SendVerdict::permanent) note = "; the first message stays as it is: " + e.result.answer;
    }
    Address to{options_.channel, {}, {}};
    if (!first.ts.empty()) to = {first.channel, first.ts, {}};
    Exchange e = call("chat.postMessage", *token, body_of(n, context, to), context, time.share());
    e.result.answer = cut_bytes(e.result.answer + note, 500);
    if (e.result.verdict == SendVerdict::delivered) e.result.remote_id = remote_id(e.body, context.remote_id);
    return std::move(e.result);
  }

  // The first message stands for the story.
  static std::string remote_id(std::string_view body, const std::string& known) {
    if (!known.empty()) return known;
    const AnswerObject answer(body);
    const std::string channel = answer.id({}, "channel"), ts = answer.id({}, "ts");
    return channel.empty() || ts.empty() || channel.find('/') != channel.npos ? std::string() : channel + "/" + ts;
  }

  const Options options_;
};

}  // namespace

std::unique_ptr<Channel> make_slack(ParamsReader& r, const Ways& ways) {
  Options o;
  o.url = read_secret(r, "url", false);
  o.token = read_secret(r, "token", false);
  r.read("channel", o.channel);
  r.read("api_url", o.api);
  check_url(r, "api_url", o.api);
  o.api = base_url(o.api);
  if (o.url.given() == o.token.given())
    r.problem("url_file", "one of two is needed: url_file (incoming webhook), or token_file and channel (bot)");
  if (o.token.given() && o.channel.empty())
    r.problem("channel", "is missing: where the bot writes, as C024BE91L or #ops");
  if (o.url.given() && !o.channel.empty()) r.problem("channel", "belongs to a bot: a webhook has its own channel");
  const CurlOptions http = read_http_options(r);
  std::string where = o.token.given() ? host_of_url(o.api) + " " + o.channel : host_of_secret(o.url, "hooks.slack.com");
  return std::make_unique<Slack>(std::move(o), std::move(where), ways.http(http));
}

}  // namespace paramedic::notify
