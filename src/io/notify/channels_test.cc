#include "io/notify/channel.h"
#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Channels, one_that_cannot_read_its_secret_sends_nothing) {
  Script script;
  const auto slack = channel(script, "slack", {{"url_file", "/nonexistent/slack-url"}});
  EXPECT_EQ(slack->destination(), "hooks.slack.com");
  const SendResult result = slack->send(notification(), context());
  EXPECT_EQ(result.verdict, SendVerdict::permanent);
  EXPECT_THAT(result.answer, HasSubstr("/nonexistent/slack-url"));
  const auto nonsense = channel(script, "slack", {{"url_variable", secret("NO_URL", "hunter2 hunter2")}});
  const SendResult refusal = nonsense->send(notification(), context());
  EXPECT_EQ(refusal.verdict, SendVerdict::permanent);
  EXPECT_THAT(refusal.answer, Not(HasSubstr("hunter2")));
  EXPECT_TRUE(script.calls.empty());
}

TEST(Channels, unknown_kinds_and_keys_are_named) {
  EXPECT_THAT(refused("pigeon", {}), HasSubstr("'pigeon' must be one of: slack, pagerduty, email"));
  EXPECT_THAT(refused("", {}), HasSubstr("is missing"));
  EXPECT_THAT(refused("webhook", {{"url", "http://x/"}, {"colour", "red"}}), HasSubstr("colour: unknown key"));
}

TEST(Channels, keys_of_http_reach_the_transport) {
  Script script;
  channel(script, "webhook",
          {{"url", "https://x/"}, {"proxy", "http://proxy:3128"}, {"ca_file", "/ca.pem"}, {"tls_verify", "false"}});
  EXPECT_EQ(script.options[0].proxy, "http://proxy:3128");
  EXPECT_EQ(script.options[0].ca_file, "/ca.pem");
  EXPECT_FALSE(script.options[0].verify);
  channel(script, "webhook", {{"url", "https://x/"}});
  EXPECT_TRUE(script.options[1].verify) << "by default";
}

}  // namespace
}  // namespace paramedic::notify
