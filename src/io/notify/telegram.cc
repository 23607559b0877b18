// Telegram by a bot's token: sendMessage in HTML; what follows replies to the first message of the story.
#include <charconv>

#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kText = 4096, kHead = 500, kTail = 1200;

struct Options {
  Secret token;
  std::string chat_id;
  int topic = 0;  // message_thread_id of a group with topics
  std::string api = "https://api.telegram.org";
};

std::string text_of(const Notification& n, const SendContext& context) {
  const Message m = describe(n, context);
  std::string tail;
  for (const Fact& fact : m.facts) tail += escaped_cut(fact.name + ": " + fact.value, escape_html, 100) + "\n";
  std::string links;  // short ones: a link that does not fit is left out whole
  for (const Link& link : m.links) {
    const std::string line = fmt::format("<a href=\"{}\">{}</a>\n", escaped(link.url, escape_html), link.text);
    if (links.size() + line.size() <= kTail - 100) links += line;
  }
  tail += links + escaped_cut(m.footer, escape_html, 100);
  std::string out = "<b>" + escaped_cut(m.headline, escape_html, kHead) + "</b>\n";
  std::string lines;
  for (const std::string& line : m.lines) lines += line + "\n";
  const std::size_t used = utf16_units(out) + utf16_units(tail) + 1;
  if (used < kText) out += escaped_cut(lines, escape_html, kText - used);
  return out + "\n" + tail;
}

std::string body_of(const Options& o, const Notification& n, const SendContext& context) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("chat_id", o.chat_id).field("text", text_of(n, context)).field("parse_mode", "HTML");
  w.field("disable_web_page_preview", true);
  if (o.topic > 0) w.field("message_thread_id", o.topic);
  std::int64_t first = 0;
  const std::string& id = context.remote_id;
  const auto [end, failed] = std::from_chars(id.data(), id.data() + id.size(), first);
  if (failed == std::errc{} && end == id.data() + id.size() && first > 0)
    w.field("reply_to_message_id", first).field("allow_sending_without_reply", true);
  w.end_object();
  return out;
}

class Telegram final : public HttpChannel {
 public:
  Telegram(Options options, std::unique_ptr<HttpWay> way)
      : HttpChannel(host_of_url(options.api), std::move(way)), options_(std::move(options)) {}

  bool wants(NotificationKind kind) const override { return kind != NotificationKind::acknowledged; }
  bool can_digest() const override { return true; }

  SendResult send(const Notification& n, const SendContext& context) override {
    const auto token = options_.token.read();
    if (!token) return not_sent(token.error());
    HttpPost request =
        json_post(fmt::format("{}/bot{}/sendMessage", options_.api, *token), body_of(options_, n, context));
    request.secrets = {*token};
    Exchange e = post(std::move(request), context);
    judge_answer(e);
    if (e.result.verdict == SendVerdict::delivered) {
      const std::string sent = AnswerObject(e.body).id("result", "message_id");
      e.result.remote_id = context.remote_id.empty() ? sent : context.remote_id;
      e.result.answer = "HTTP 200: message " + (sent.empty() ? "taken" : sent);
    }
    return std::move(e.result);
  }

 private:
  static void judge_answer(Exchange& e) {
    const AnswerObject answer(e.body);
    if (e.result.http_status == 429)
      if (const auto seconds = answer.number("parameters", "retry_after"))
        e.result.retry_after = retry_after_seconds(*seconds);
    if (e.result.verdict != SendVerdict::delivered || answer.boolean("ok") == true) return;
    const auto code = answer.number("error_code");
    const bool known = answer.boolean("ok") == false && code && *code >= 400 && *code < 600;
    e.result.verdict = known ? verdict_of_status(int(*code)) : SendVerdict::retry;
    if (const auto seconds = answer.number("parameters", "retry_after"))
      e.result.retry_after = retry_after_seconds(*seconds);
    e.result.answer = answer_text("not Telegram's ok: " + e.result.answer, e.secrets);
  }

  const Options options_;
};

}  // namespace

std::unique_ptr<Channel> make_telegram(ParamsReader& r, const Ways& ways) {
  Options o;
  o.token = read_secret(r, "token", true);
  r.read("chat_id", o.chat_id);
  if (o.chat_id.empty() || o.chat_id.size() > 64 || one_line(o.chat_id) != o.chat_id)
    r.problem("chat_id", "is missing: a number as \"-1001234567890\", or \"@channelname\"");
  r.read("topic", o.topic, 1, 2'000'000'000);
  r.read("api_url", o.api);
  check_url(r, "api_url", o.api);
  o.api = base_url(o.api);
  const CurlOptions http = read_http_options(r);
  return std::make_unique<Telegram>(std::move(o), ways.http(http));
}

}  // namespace paramedic::notify
