#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Keys keys() { return {{"topic", "workers-x7"}, {"token_variable", secret("NTFY", "tk_secret123")}}; }
const char* const kSent = R"({"id":"sPs71M8A2T","time":1643935928,"event":"message","topic":"workers-x7"})";

// What ntfy refuses or turns into an attachment (interop.md 2.6).
void check_message(const HttpCall& call) {
  const json::value body = body_of(call);
  EXPECT_EQ(text_at(body, "/topic"), "workers-x7");
  EXPECT_LE(text_at(body, "/message").size(), 4096u);
  EXPECT_FALSE(text_at(body, "/title").empty());
  const auto priority = body.at("priority").to_number<int>();
  EXPECT_TRUE(priority >= 1 && priority <= 5);
  EXPECT_TRUE(body.at("tags").is_array());
  if (const auto* actions = body.as_object().if_contains("actions")) {
    EXPECT_LE(actions->as_array().size(), 3u);
  }
}

TEST(Ntfy, publishes_json_to_the_root) {
  Script script;
  script.answers = {answer(200, kSent)};
  const auto ntfy = channel(script, "ntfy", keys());
  const SendResult result = ntfy->send(notification(), context());
  EXPECT_EQ(result.verdict, SendVerdict::delivered);
  EXPECT_EQ(result.remote_id, "sPs71M8A2T");
  EXPECT_EQ(script.calls[0].url, "https://ntfy.sh/");
  EXPECT_EQ(header_of(script.calls[0], "Authorization"), "Bearer tk_secret123");
  check_message(script.calls[0]);
  EXPECT_EQ(body_of(script.calls[0]).at("priority").to_number<int>(), 5);
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/click"), "https://paramedic.example/#/incidents/inc-1");
}

TEST(Ntfy, keeps_its_limits_whatever_is_told) {
  Script script;
  script.answers = {answer(200, kSent)};
  channel(script, "ntfy", keys())->send(huge_notification(), context());
  check_message(script.calls[0]);
}

TEST(Ntfy, an_answer_of_somebody_else_is_no_delivery) {
  Script script;
  script.answers = {answer(200, "<html>welcome</html>"), answer(403, R"({"code":40301,"error":"forbidden"})")};
  const auto ntfy = channel(script, "ntfy", keys());
  EXPECT_EQ(ntfy->send(notification(), context()).verdict, SendVerdict::retry);
  EXPECT_EQ(ntfy->send(notification(), context()).verdict, SendVerdict::permanent);
}

TEST(Ntfy, credentials) {
  Script script;
  script.answers = {answer(400, "Basic YW5uOnBhc3M=")};
  const auto ntfy =
      channel(script, "ntfy", {{"topic", "t"}, {"username", "ann"}, {"password_variable", secret("NTFY_P", "pass")}});
  const SendResult result = ntfy->send(notification(), context());
  EXPECT_EQ(header_of(script.calls[0], "Authorization"), "Basic YW5uOnBhc3M=");
  EXPECT_THAT(result.answer, Not(HasSubstr("YW5uOnBhc3M=")));
  EXPECT_THAT(refused("ntfy", {{"topic", "a b"}}), HasSubstr("topic"));
  EXPECT_THAT(refused("ntfy", {{"topic", "t"}, {"username", "ann"}}), HasSubstr("belong together"));
}

}  // namespace
}  // namespace paramedic::notify
