// E-mail over SMTP: STARTTLS or implicit TLS, AUTH, text and HTML. The mails of a story are a thread: the first one's
// Message-ID stands in In-Reply-To and References of those that follow. Message-ID derives from the notification's id,
// so that a mail that came twice is one to whoever looks at it.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/endpoint.h"
#include "base/ids.h"
#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/outgoing/encode.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMaxRecipients = 50, kSubject = 200, kMaxBody = 200'000;

struct Options {
  MailServer server;
  Secret password;
  std::string from, name;  // address and display name
  std::vector<std::string> to;
};

bool atom(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && std::string_view("<>()[],;:\\\"@").find(char(c)) == std::string_view::npos;
  });
}
bool good_address(std::string_view text) {
  const auto at = text.rfind('@');
  return at != text.npos && text.size() <= 254 && atom(text.substr(0, at)) && atom(text.substr(at + 1));
}

std::string message_id(std::string_view id, const Options& o) {
  return fmt::format("<{}{}@{}>", hash_hex(stable_hash(id)), hash_hex(stable_hash(id, 1)),
                     o.from.substr(o.from.rfind('@') + 1));
}

std::string date_header(WallTime t) {
  using std::chrono::floor;
  const auto day = floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{std::chrono::sys_days{day}};
  const std::chrono::hh_mm_ss clock{floor<std::chrono::seconds>(t - day)};
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat", kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const unsigned weekday = std::chrono::weekday{std::chrono::sys_days{day}}.c_encoding();
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays.substr(weekday * 3, 3), unsigned(date.day()),
                     kMonths.substr((unsigned(date.month()) - 1) * 3, 3), int(date.year()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string html_text(const Message& m, const Notification& n) {
  const auto safe = [](const std::string& text) { return escaped(text, escape_html); };
  std::string out = "<!DOCTYPE html><html><body style=\"font-family:sans-serif\">\n";
  out +=
      fmt::format("<h2 style=\"border-left:6px solid {};padding-left:8px\">{}</h2>\n", color_of(n), safe(m.headline));
  for (const std::string& line : m.lines) out += "<p>" + safe(line) + "</p>\n";
  out += "<table>\n";
  for (const Fact& fact : m.facts)
    out += "<tr><th align=\"left\">" + safe(fact.name) + "</th><td>" + safe(fact.value) + "</td></tr>\n";
  out += "</table>\n";
  for (const Link& link : m.links)
    out += fmt::format("<p><a href=\"{}\">{}</a></p>\n", safe(link.url), safe(link.text));
  return out + "<p><small>" + safe(m.footer) + "</small></p></body></html>\n";
}

void add_part(std::string& out, const std::string& boundary, std::string_view type, std::string text) {
  out += fmt::format("--{}\r\nContent-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n", boundary,
                     type);
  out += base64_lines(cut_bytes(std::move(text), kMaxBody));
}

bool good_message_id(std::string_view id) {
  return id.size() > 4 && id.size() <= 300 && id.front() == '<' && id.back() == '>' &&
         good_address(id.substr(1, id.size() - 2));
}

std::string mail_text(const Options& o, const Notification& n, const SendContext& context) {
  const Message m = describe(n, context);
  const std::string boundary = "=_paramedic_" + hash_hex(stable_hash(n.id, 2));
  std::string to;
  for (const std::string& address : o.to) to += (to.empty() ? "" : ",\r\n ") + address;
  std::string out = "Date: " + date_header(context.now) + "\r\n";
  out += "From: " + (o.name.empty() ? o.from : encoded_words(o.name, 6, true) + " <" + o.from + ">") + "\r\n";
  out += "To: " + to + "\r\nSubject: " + encoded_words(cut_bytes(m.headline, kSubject), 9) + "\r\n";
  out += "Message-ID: " + message_id(n.id, o) + "\r\n";
  if (good_message_id(context.remote_id))
    out += "In-Reply-To: " + context.remote_id + "\r\nReferences: " + context.remote_id + "\r\n";
  out += "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n";
  if (n.severity == Severity::critical && n.kind != NotificationKind::resolved) out += "Importance: high\r\n";
  out += "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  add_part(out, boundary, "text/plain", plain_text(m));
  add_part(out, boundary, "text/html", html_text(m, n));
  return out + "--" + boundary + "--\r\n";
}

class Email final : public Channel {
 public:
  Email(Options options, std::unique_ptr<MailWay> way)
      : options_(std::move(options)),
        destination_(fmt::format("{}:{}", options_.server.host, options_.server.port)),
        way_(std::move(way)) {}

  bool wants(NotificationKind kind) const override { return kind != NotificationKind::acknowledged; }
  bool can_digest() const override { return true; }
  const std::string& destination() const override { return destination_; }
  void cancel() override { way_->cancel(); }

  SendResult send(const Notification& n, const SendContext& context) override {
    MailCall call;
    if (options_.password.given()) {
      auto password = options_.password.read();
      if (!password) return not_sent(password.error());
      call.password = std::move(*password);
    }
    call.from = options_.from;
    call.to = options_.to;
    call.message = mail_text(options_, n, context);
    call.timeout = context.timeout;
    SendResult out = judged(way_->send(call), call.password);
    if (out.verdict == SendVerdict::delivered)
      out.remote_id = context.remote_id.empty() ? message_id(n.id, options_) : context.remote_id;
    return out;
  }

 private:
  static SendResult judged(const Result<MailAnswer>& answer, const std::string& password) {
    SendResult out;
    std::vector<std::string> secrets;
    if (!password.empty()) secrets.push_back(password);
    if (!answer) {
      const Errc code = answer.error().code;
      const bool never = code == Errc::unauthorized || code == Errc::forbidden || code == Errc::invalid_argument;
      out.verdict = never ? SendVerdict::permanent : SendVerdict::retry;
      out.answer = answer_text(answer.error().message, secrets);
      return out;
    }
    out.verdict = answer->code >= 200 && answer->code < 400   ? SendVerdict::delivered
                  : answer->code >= 500 && answer->code < 600 ? SendVerdict::permanent
                                                              : SendVerdict::retry;
    std::string text = "SMTP " + answer->text;
    if (out.verdict == SendVerdict::delivered)
      for (const std::string& refused : answer->refused) text += "; refused on the way: " + refused;
    out.answer = answer_text(std::move(text), secrets);
    return out;
  }

  const Options options_;
  const std::string destination_;
  const std::unique_ptr<MailWay> way_;
};

void read_server(ParamsReader& r, MailServer& s) {
  std::string text;
  r.read("server", text);
  r.read_enum("tls", s.tls);
  const auto server = Endpoint::parse(text, s.tls == MailTls::implicit ? "465" : "587");
  std::uint16_t port = 0;
  if (server) std::from_chars(server->port.data(), server->port.data() + server->port.size(), port);
  const bool name =
      server && !server->host.empty() && std::all_of(server->host.begin(), server->host.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == ':' || c == '_';
      });
  if (!server || server->unix_socket || !name || port == 0)
    return r.problem("server", "must be HOST or HOST:PORT, as smtp.example.org:587");
  s.host = server->host;
  s.port = port;
  if (port == 465 && !r.has("tls")) s.tls = MailTls::implicit;
  r.read("helo", s.helo);
  if (!s.helo.empty() && !atom(s.helo)) r.problem("helo", "must be a host name");
  r.read("ca_file", s.ca_file);
  r.read("tls_verify", s.verify);
}

// "paramedic@example.org" or "Paramedic <paramedic@example.org>"
void read_from(ParamsReader& r, Options& o) {
  r.read("from", o.from);
  const auto open = o.from.find('<');
  if (open != o.from.npos && o.from.ends_with('>')) {
    o.name = one_line(o.from.substr(0, open));
    o.from = o.from.substr(open + 1, o.from.size() - open - 2);
  }
  if (!good_address(o.from)) r.problem("from", "must be an address, as paramedic@example.org");
}

}  // namespace

std::unique_ptr<Channel> make_email(ParamsReader& r, const Ways& ways) {
  Options o;
  read_server(r, o.server);
  r.read("username", o.server.username);
  o.password = read_secret(r, "password", false);
  if (o.server.username.empty() == o.password.given())
    r.problem("username", "username and password_file (or password_variable) belong together");
  const bool near = o.server.host == "localhost" || o.server.host == "::1" || o.server.host.starts_with("127.");
  if (o.server.tls == MailTls::none && !o.server.username.empty() && !near)
    r.problem("tls", "none would send the password in clear; use starttls or implicit");
  read_from(r, o);
  r.read("to", o.to);
  if (o.to.empty() || o.to.size() > kMaxRecipients)
    r.problem("to", fmt::format("must be a list of 1 to {} addresses", kMaxRecipients));
  for (const std::string& address : o.to)
    if (!good_address(address)) r.problem("to", fmt::format("'{}' must be an address, as ops@example.org", address));
  auto way = ways.mail(o.server);
  return std::make_unique<Email>(std::move(o), std::move(way));
}

}  // namespace paramedic::notify
