// Microsoft Teams by a Workflows URL: one adaptive card per message.
#include <cstdlib>

#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kCard = 27'000;  // Teams refuses above 28 KB
constexpr std::size_t kHeadline = 500, kLine = 500, kValue = 300;

void text_block(wire::JsonWriter& w, const std::string& text, std::string_view color = {}, bool big = false,
                bool small = false) {
  w.begin_object().field("type", "TextBlock").field("text", text).field("wrap", true);
  if (big) w.field("size", "Large").field("weight", "Bolder");
  if (small) w.field("isSubtle", true).field("size", "Small");
  if (!color.empty()) w.field("color", color);
  w.end_object();
}

std::string_view card_color(const Notification& n) {
  if (n.kind == NotificationKind::resolved) return "Good";
  return n.severity == Severity::critical ? "Attention" : n.severity == Severity::warning ? "Warning" : "Accent";
}

void write_card(wire::JsonWriter& w, const Notification& n, const Message& m, std::size_t lines) {
  w.begin_object().field("$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
  w.field("type", "AdaptiveCard").field("version", "1.4").key("body").begin_array();
  text_block(w, escaped_cut(m.headline, escape_markdown, kHeadline), card_color(n), true);
  for (std::size_t i = 0; i < std::min(lines, m.lines.size()); ++i)
    text_block(w, escaped_cut(m.lines[i], escape_markdown, kLine));
  if (lines < m.lines.size()) text_block(w, fmt::format("and {} more lines", m.lines.size() - lines));
  w.begin_object().field("type", "FactSet").key("facts").begin_array();
  for (const Fact& fact : m.facts)
    w.begin_object()
        .field("title", fact.name)
        .field("value", escaped_cut(fact.value, escape_markdown, kValue))
        .end_object();
  w.end_array().end_object();
  text_block(w, escaped_cut(m.footer, escape_markdown, kLine), {}, false, true);
  w.end_array().key("actions").begin_array();
  for (const Link& link : m.links)
    w.begin_object().field("type", "Action.OpenUrl").field("title", link.text).field("url", link.url).end_object();
  w.end_array().end_object();
}

std::string body_of(const Notification& n, const SendContext& context) {
  const Message m = describe(n, context);
  std::size_t lines = m.lines.size();
  while (true) {
    std::string out;
    wire::JsonWriter w(out);
    w.begin_object().field("type", "message").key("attachments").begin_array().begin_object();
    w.field("contentType", "application/vnd.microsoft.card.adaptive").key("content");
    write_card(w, n, m, lines);
    w.end_object().end_array().end_object();
    if (out.size() <= kCard || lines == 0) return out;
    lines /= 2;
  }
}

// Old connectors told failures inside a 200: "Webhook message delivery failed with error: … returned HTTP error 429".
void judge_text(Exchange& e) {
  constexpr std::string_view kFailed = "delivery failed", kStatus = "HTTP error ";
  if (e.result.verdict != SendVerdict::delivered || e.body.find(kFailed) == std::string::npos) return;
  const auto at = e.body.find(kStatus);
  const int status = at == std::string::npos ? 0 : std::atoi(e.body.substr(at + kStatus.size(), 3).c_str());
  e.result.verdict = status >= 400 ? verdict_of_status(status) : SendVerdict::retry;
}

class Teams final : public HttpChannel {
 public:
  Teams(Secret url, std::string destination, std::unique_ptr<HttpWay> way)
      : HttpChannel(std::move(destination), std::move(way)), url_(std::move(url)) {}

  bool wants(NotificationKind kind) const override { return kind != NotificationKind::acknowledged; }
  bool can_digest() const override { return true; }

  SendResult send(const Notification& n, const SendContext& context) override {
    const auto url = read_url(url_);
    if (!url) return not_sent(url.error());
    Exchange e = post(json_post(*url, body_of(n, context)), context);
    judge_text(e);
    return std::move(e.result);
  }

 private:
  const Secret url_;
};

}  // namespace

std::unique_ptr<Channel> make_teams(ParamsReader& r, const Ways& ways) {
  Secret url = read_secret(r, "url", true);
  const CurlOptions http = read_http_options(r);
  std::string where = host_of_secret(url, "teams workflow");
  return std::make_unique<Teams>(std::move(url), std::move(where), ways.http(http));
}

}  // namespace paramedic::notify
