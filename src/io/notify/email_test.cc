#include <sstream>

#include "io/notify/notify_test_support.h"
#include "io/outgoing/encode.h"

namespace paramedic::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Keys keys() {
  return {{"server", "smtp.example.org"},
          {"username", "paramedic"},
          {"password_variable", secret("MAIL", "mail-pass-1")},
          {"from", "Paramedic Überwachung <paramedic@example.org>"},
          {"to", list({"ops@example.org", "boss@example.org"})}};
}
MailAnswer reply(int code, std::string text, std::vector<std::string> refused = {}) {
  MailAnswer out;
  out.code = code;
  out.text = std::move(text);
  out.refused = std::move(refused);
  return out;
}

struct Mail {
  std::map<std::string, std::string> headers;  // unfolded
  std::vector<std::string> parts;              // decoded bodies
};
// What RFC 5322 and MIME ask: CRLF everywhere, lines of at most 998 bytes (78 in what we make), ASCII headers.
Mail read_mail(const std::string& text) {
  Mail out;
  std::string unfolded, boundary;
  bool body = false;
  std::string part;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.ends_with('\r')) << line;
    if (line.ends_with('\r')) line.pop_back();
    EXPECT_EQ(line.find('\r'), std::string::npos);
    EXPECT_LE(line.size(), 998u);
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; })) << line;
    if (!body && line.empty()) {
      body = true;
      const std::string type = out.headers["Content-Type"];
      boundary = "--" + type.substr(type.find('"') + 1, type.rfind('"') - type.find('"') - 1);
    } else if (!body && line[0] == ' ') {
      out.headers[unfolded] += line;
    } else if (!body) {
      unfolded = line.substr(0, line.find(':'));
      EXPECT_FALSE(out.headers.contains(unfolded)) << "twice: " << line;
      out.headers[unfolded] = line.substr(line.find(':') + 2);
    } else if (line == boundary || line == boundary + "--") {
      if (!part.empty()) out.parts.push_back(base64_decode(part).value());
      part.clear();
    } else if (line.find(':') == std::string::npos) {
      part += line;
    }
  }
  return out;
}

TEST(Email, is_a_valid_mail_of_text_and_html) {
  Script script;
  script.mail_answers = {reply(250, "250 2.0.0 Ok: queued as 4B1C")};
  const auto email = channel(script, "email", keys());
  const SendResult result = email->send(notification(), context());
  EXPECT_EQ(result.verdict, SendVerdict::delivered);
  EXPECT_THAT(result.answer, HasSubstr("queued as 4B1C"));
  EXPECT_EQ(email->destination(), "smtp.example.org:587");
  EXPECT_EQ(script.servers[0].tls, MailTls::starttls);
  EXPECT_TRUE(script.servers[0].verify);
  EXPECT_EQ(script.mails[0].from, "paramedic@example.org");
  EXPECT_THAT(script.mails[0].to, ElementsAre("ops@example.org", "boss@example.org"));
  EXPECT_EQ(script.mails[0].password, "mail-pass-1");
  Mail mail = read_mail(script.mails[0].message);
  EXPECT_EQ(mail.headers["Date"], "Sun, 29 Nov 2026 03:00:00 +0000");
  EXPECT_EQ(mail.headers["Subject"], "[CRITICAL] Worker w-17 is silent");
  EXPECT_THAT(mail.headers["From"], ::testing::AllOf(HasSubstr("=?UTF-8?B?"), HasSubstr("<paramedic@example.org>")));
  EXPECT_EQ(mail.headers["To"], "ops@example.org, boss@example.org");
  EXPECT_EQ(mail.headers["MIME-Version"], "1.0");
  EXPECT_EQ(mail.headers["Auto-Submitted"], "auto-generated");
  EXPECT_THAT(mail.headers["Content-Type"], HasSubstr("multipart/alternative"));
  EXPECT_EQ(mail.headers["Message-ID"], result.remote_id);
  EXPECT_FALSE(mail.headers.contains("In-Reply-To"));
  ASSERT_EQ(mail.parts.size(), 2u);
  EXPECT_THAT(mail.parts[0], HasSubstr("Open the incident: https://paramedic.example/#/incidents/inc-1"));
  EXPECT_THAT(mail.parts[1], HasSubstr("<a href=\"https://paramedic.example/#/incidents/inc-1\">"));
}

TEST(Email, a_story_is_a_thread_and_a_repeated_mail_has_the_same_id) {
  Script script;
  script.mail_answers = {reply(250, "250 ok")};
  const auto email = channel(script, "email", keys());
  const SendResult first = email->send(notification(), context());
  email->send(notification(), context());
  Notification end = notification(NotificationKind::resolved);
  end.id = "another";
  const SendResult last = email->send(end, context(first.remote_id));
  EXPECT_EQ(last.remote_id, first.remote_id);
  Mail mails[3];
  for (int i = 0; i < 3; ++i) mails[i] = read_mail(script.mails[std::size_t(i)].message);
  EXPECT_EQ(mails[0].headers["Message-ID"], mails[1].headers["Message-ID"]);
  EXPECT_NE(mails[0].headers["Message-ID"], mails[2].headers["Message-ID"]);
  EXPECT_EQ(mails[2].headers["In-Reply-To"], first.remote_id);
  EXPECT_EQ(mails[2].headers["References"], first.remote_id);
  EXPECT_THAT(mails[2].headers["Subject"], HasSubstr("[RESOLVED]"));
}

TEST(Email, no_name_of_a_worker_becomes_a_header_or_markup) {
  Script script;
  script.mail_answers = {reply(250, "250 ok")};
  channel(script, "email", keys())->send(huge_notification(), context("<a@b>\r\nBcc: evil@example.org"));
  Mail mail = read_mail(script.mails[0].message);
  EXPECT_FALSE(mail.headers.contains("X-Injected"));
  EXPECT_FALSE(mail.headers.contains("Bcc"));
  EXPECT_FALSE(mail.headers.contains("In-Reply-To")) << "what is no Message-ID is left out";
  ASSERT_EQ(mail.parts.size(), 2u);
  EXPECT_THAT(mail.parts[1], Not(HasSubstr("<b>")));
}

TEST(Email, replies_are_judged) {
  const std::vector<std::pair<Result<MailAnswer>, SendVerdict>> cases = {
      {reply(250, "250 ok"), SendVerdict::delivered},
      {reply(250, "250 ok", {"550 5.1.1 boss: no such user"}), SendVerdict::delivered},
      {reply(421, "421 too many"), SendVerdict::retry},
      {reply(451, "451 greylisted"), SendVerdict::retry},
      {reply(535, "535 5.7.8 mail-pass-1 is wrong"), SendVerdict::permanent},
      {reply(550, "550 no"), SendVerdict::permanent},
      {reply(0, ""), SendVerdict::retry},
      {Error{Errc::timeout, "no answer"}, SendVerdict::retry},
      {Error{Errc::unavailable, "refused"}, SendVerdict::retry},
      {Error{Errc::forbidden, "no STARTTLS"}, SendVerdict::permanent},
      {Error{Errc::unauthorized, "login"}, SendVerdict::permanent},
  };
  for (const auto& [answered, verdict] : cases) {
    Script script;
    script.mail_answers = {answered};
    const SendResult result = channel(script, "email", keys())->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << result.answer;
    EXPECT_THAT(result.answer, Not(HasSubstr("mail-pass-1")));
    if (answered && !answered->refused.empty()) {
      EXPECT_THAT(result.answer, HasSubstr("boss: no such user"));
    }
  }
}

TEST(Email, keys_that_do_not_fit_are_named) {
  EXPECT_THAT(refused("email", {}), ::testing::AllOf(HasSubstr("server"), HasSubstr("from"), HasSubstr("to")));
  Keys clear = keys();
  clear.emplace_back("tls", "none");
  EXPECT_THAT(refused("email", clear), HasSubstr("in clear"));
  const Keys evil = {{"server", "smtp.example.org/evil:25"}, {"from", "a@b"}, {"to", list({"a@b\r\nRCPT TO:<c@d>"})}};
  EXPECT_THAT(refused("email", evil), ::testing::AllOf(HasSubstr("server"), HasSubstr("to")));
  Script script;
  channel(script, "email", {{"server", "[::1]:465"}, {"from", "a@b"}, {"to", list({"c@d"})}});
  EXPECT_EQ(script.servers[0].tls, MailTls::implicit) << "465 is the port of implicit TLS";
  EXPECT_EQ(script.servers[0].host, "::1");
}

}  // namespace
}  // namespace paramedic::notify
