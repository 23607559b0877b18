// ntfy: JSON to the server's root, since its headers cannot carry UTF-8.
#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/outgoing/encode.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMessage = 4000, kTitle = 250;  // 4096 bytes; beyond it the text becomes an attachment

struct Options {
  std::string url = "https://ntfy.sh", topic, username;
  Secret token, password;
};

int priority_of(const Notification& n) {
  if (n.kind == NotificationKind::resolved) return 3;
  return n.severity == Severity::critical ? 5 : n.severity == Severity::warning ? 4 : 2;
}

std::string_view tag_of(const Notification& n) {
  if (n.kind == NotificationKind::resolved) return "white_check_mark";
  return n.severity == Severity::critical  ? "rotating_light"
         : n.severity == Severity::warning ? "warning"
                                           : "information_source";
}

std::string body_of(const Options& o, const Notification& n, const SendContext& context) {
  const Message m = describe(n, context);
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("topic", o.topic).field("title", cut_bytes(m.headline, kTitle));
  w.field("message", cut_bytes(plain_text(m, false), kMessage)).field("priority", priority_of(n));
  w.key("tags").begin_array().value(tag_of(n)).end_array();
  if (!m.links.empty()) {
    w.field("click", m.links[0].url).key("actions").begin_array();
    for (const Link& link : m.links)
      w.begin_object().field("action", "view").field("label", link.text).field("url", link.url).end_object();
    w.end_array();
  }
  w.end_object();
  return out;
}

class Ntfy final : public HttpChannel {
 public:
  Ntfy(Options options, std::unique_ptr<HttpWay> way)
      : HttpChannel(host_of_url(options.url), std::move(way)), options_(std::move(options)) {}

  bool wants(NotificationKind kind) const override { return kind != NotificationKind::acknowledged; }
  bool can_digest() const override { return true; }

  SendResult send(const Notification& n, const SendContext& context) override {
    HttpPost request = json_post(options_.url + "/", body_of(options_, n, context));
    if (options_.token.given() || options_.password.given()) {
      const bool basic = options_.password.given();
      const auto secret = basic ? options_.password.read() : options_.token.read();
      if (!secret) return not_sent(secret.error());
      request.secrets = {*secret};
      request.headers.emplace_back("Authorization",
                                   basic ? "Basic " + base64(options_.username + ":" + *secret) : "Bearer " + *secret);
    }
    Exchange e = post(std::move(request), context);
    if (e.result.verdict == SendVerdict::delivered) {
      const std::string id = AnswerObject(e.body).id({}, "id");
      if (id.empty()) {  // a portal or another server: ntfy names the message
        e.result.verdict = SendVerdict::retry;
        e.result.answer = answer_text("not ntfy's answer: " + e.result.answer, e.secrets);
      } else {
        e.result.answer = "HTTP 200: message " + id;
        e.result.remote_id = id;
      }
    }
    return std::move(e.result);
  }

 private:
  const Options options_;
};

}  // namespace

std::unique_ptr<Channel> make_ntfy(ParamsReader& r, const Ways& ways) {
  Options o;
  r.read("url", o.url);
  check_url(r, "url", o.url);
  o.url = base_url(o.url);
  r.read("topic", o.topic);
  const bool good = !o.topic.empty() && o.topic.size() <= 64 &&
                    std::all_of(o.topic.begin(), o.topic.end(),
                                [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
  if (!good) r.problem("topic", "must have 1 to 64 of A-Z a-z 0-9 _ -");
  o.token = read_secret(r, "token", false);
  r.read("username", o.username);
  o.password = read_secret(r, "password", false);
  if (o.username.empty() == o.password.given())
    r.problem("username", "username and password_file (or password_variable) belong together");
  if (o.token.given() && o.password.given()) r.problem("token_file", "cannot stand beside a password: one credential");
  const CurlOptions http = read_http_options(r);
  return std::make_unique<Ntfy>(std::move(o), ways.http(http));
}

}  // namespace paramedic::notify
