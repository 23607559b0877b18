// Discord by a webhook URL: one embed per message; nobody is pinged by a worker's name.
#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kContent = 2000, kTitle = 256, kDescription = 2500, kFields = 25, kName = 100, kValue = 180;
constexpr std::size_t kFooter = 200;
// title, description, fields and footer together: at most 6000
static_assert(kTitle + kDescription + 10 * (kName + kValue) + kFooter <= 6000);

int color_number(const Notification& n) { return int(std::stoul(std::string(color_of(n).substr(1)), nullptr, 16)); }

std::string body_of(const Notification& n, const SendContext& context) {
  const Message m = describe(n, context);
  std::string lines;
  for (const std::string& line : m.lines) lines += line + "\n";
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("content", escaped_cut(m.headline, escape_markdown, kContent));
  w.key("embeds").begin_array().begin_object().field("title", cut_units(m.headline, kTitle));
  w.field("description", escaped_cut(lines, escape_markdown, kDescription)).field("color", color_number(n));
  if (!m.links.empty()) w.field("url", m.links[0].url);
  w.field("timestamp", n.at).key("fields").begin_array();
  for (std::size_t i = 0; i < std::min(m.facts.size(), kFields); ++i)
    w.begin_object()
        .field("name", cut_units(m.facts[i].name, kName))
        .field("value", escaped_cut(m.facts[i].value, escape_markdown, kValue))
        .field("inline", true)
        .end_object();
  w.end_array().key("footer").begin_object().field("text", cut_units(m.footer, kFooter)).end_object();
  w.end_object().end_array().key("allowed_mentions").begin_object().key("parse").begin_array().end_array().end_object();
  w.end_object();
  return out;
}

class Discord final : public HttpChannel {
 public:
  Discord(Secret url, std::string destination, std::unique_ptr<HttpWay> way)
      : HttpChannel(std::move(destination), std::move(way)), url_(std::move(url)) {}

  bool wants(NotificationKind kind) const override { return kind != NotificationKind::acknowledged; }
  bool can_digest() const override { return true; }

  SendResult send(const Notification& n, const SendContext& context) override {
    const auto url = read_url(url_);
    if (!url) return not_sent(url.error());
    // With wait=true the answer names the message that was made; without it Discord says 204 before it has looked.
    Exchange e = post(
        json_post(*url + (url->find('?') == url->npos ? "?wait=true" : "&wait=true"), body_of(n, context)), context);
    const AnswerObject answer(e.body);
    if (e.result.http_status == 429)
      if (const auto seconds = answer.number("retry_after")) e.result.retry_after = retry_after_seconds(*seconds);
    if (e.result.verdict == SendVerdict::delivered) {
      e.result.remote_id = answer.id({}, "id");
      e.result.answer = fmt::format("HTTP {}: message {}", e.result.http_status,
                                    e.result.remote_id.empty() ? "taken" : e.result.remote_id);
    }
    return std::move(e.result);
  }

 private:
  const Secret url_;
};

}  // namespace

std::unique_ptr<Channel> make_discord(ParamsReader& r, const Ways& ways) {
  Secret url = read_secret(r, "url", true);
  const CurlOptions http = read_http_options(r);
  std::string where = host_of_secret(url, "discord.com");
  return std::make_unique<Discord>(std::move(url), std::move(where), ways.http(http));
}

}  // namespace paramedic::notify
