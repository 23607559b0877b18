#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Keys keys() { return {{"token_variable", secret("TELEGRAM", "110201543:AAHdqTcvCH1vG")}, {"chat_id", "-1001234"}}; }
const char* const kSent = R"({"ok":true,"result":{"message_id":77,"date":1,"text":"x"}})";

// What Telegram refuses (interop.md 2.6): also tags that are not closed, and markup that it does not know.
void check_message(const HttpCall& call) {
  const json::value body = body_of(call);
  const std::string text = text_at(body, "/text");
  EXPECT_FALSE(text.empty());
  EXPECT_LE(utf16_units(text), 4096u);
  EXPECT_EQ(text_at(body, "/parse_mode"), "HTML");
  EXPECT_EQ(text_at(body, "/chat_id"), "-1001234");
  std::string open;
  for (std::size_t at = text.find('<'); at != text.npos; at = text.find('<', at + 1)) {
    const std::string tag = text.substr(at, text.find('>', at) - at + 1);
    const bool known = tag == "<b>" || tag == "</b>" || tag == "</a>" || tag.starts_with("<a href=\"http");
    EXPECT_TRUE(known) << tag;
    open = tag.starts_with("</") ? "" : tag;
  }
  EXPECT_EQ(open, "") << "each tag is closed";
  for (std::size_t at = text.find('&'); at != text.npos; at = text.find('&', at + 1))
    EXPECT_THAT(text.substr(at, 6), ::testing::AnyOf(HasSubstr("&amp;"), HasSubstr("&lt;"), HasSubstr("&gt;"),
                                                     HasSubstr("&quot;"), HasSubstr("&#39;")));
}

TEST(Telegram, sends_html_and_replies_to_the_first_message) {
  Script script;
  script.answers = {answer(200, kSent)};
  const auto telegram = channel(script, "telegram", keys());
  const SendResult first = telegram->send(notification(), context());
  EXPECT_EQ(first.verdict, SendVerdict::delivered) << first.answer;
  EXPECT_EQ(first.remote_id, "77");
  EXPECT_EQ(script.calls[0].url, "https://api.telegram.org/bot110201543:AAHdqTcvCH1vG/sendMessage");
  check_message(script.calls[0]);
  EXPECT_FALSE(body_of(script.calls[0]).as_object().contains("reply_to_message_id"));
  const SendResult end = telegram->send(notification(NotificationKind::resolved), context("77"));
  EXPECT_EQ(end.remote_id, "77");
  EXPECT_EQ(body_of(script.calls[1]).at("reply_to_message_id").to_number<int>(), 77);
}

TEST(Telegram, keeps_its_limits_whatever_is_told) {
  Script script;
  script.answers = {answer(200, kSent)};
  channel(script, "telegram", keys())->send(huge_notification(), context("nonsense"));
  check_message(script.calls[0]);
}

TEST(Telegram, answers_are_judged) {
  const std::string wait = R"({"ok":false,"error_code":429,"parameters":{"retry_after":17}})";
  const std::vector<std::pair<HttpResponse, SendVerdict>> cases = {
      {answer(200, kSent), SendVerdict::delivered},
      {answer(429, wait), SendVerdict::retry},
      {answer(200, wait), SendVerdict::retry},
      {answer(200, R"({"ok":false,"error_code":400,"description":"chat not found"})"), SendVerdict::permanent},
      {answer(200, "<html>"), SendVerdict::retry},
      {answer(400, R"({"ok":false,"error_code":400})"), SendVerdict::permanent},
      {answer(401, "bot110201543:AAHdqTcvCH1vG"), SendVerdict::permanent},
  };
  for (const auto& [response, verdict] : cases) {
    Script script;
    script.answers = {response};
    const SendResult result = channel(script, "telegram", keys())->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << result.answer;
    if (response.body == wait) {
      EXPECT_EQ(result.retry_after, Duration(17s));
    }
    EXPECT_THAT(result.answer, Not(HasSubstr("AAHdqTcvCH1vG")));
  }
}

TEST(Telegram, keys_that_do_not_fit_are_named) {
  EXPECT_THAT(refused("telegram", {{"token_file", "/a"}}), HasSubstr("chat_id"));
  EXPECT_THAT(refused("telegram", {{"chat_id", "1"}}), HasSubstr("token_file"));
}

}  // namespace
}  // namespace paramedic::notify
