#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kFlow = "https://prod-01.example.logic.azure.com/workflows/abcdefghijkl/run?sig=SignatureSecret";
Keys keys() { return {{"url_variable", secret("TEAMS", kFlow)}}; }

// What Teams refuses (interop.md 2.6).
void check_card(const HttpCall& call) {
  EXPECT_LE(call.body.size(), 28u * 1000);
  const json::value body = body_of(call);
  EXPECT_EQ(text_at(body, "/type"), "message");
  EXPECT_EQ(text_at(body, "/attachments/0/contentType"), "application/vnd.microsoft.card.adaptive");
  EXPECT_EQ(text_at(body, "/attachments/0/content/type"), "AdaptiveCard");
  EXPECT_EQ(text_at(body, "/attachments/0/content/version"), "1.4");
  EXPECT_EQ(text_at(body, "/attachments/0/content/$schema"), "http://adaptivecards.io/schemas/adaptive-card.json");
  EXPECT_FALSE(text_at(body, "/attachments/0/content/body/0/text").empty());
}

TEST(Teams, sends_a_card_with_facts_and_links) {
  Script script;
  script.answers = {answer(202)};
  const auto teams = channel(script, "teams", keys());
  EXPECT_EQ(teams->send(notification(), context()).verdict, SendVerdict::delivered);
  EXPECT_EQ(script.calls[0].url, kFlow);
  check_card(script.calls[0]);
  EXPECT_THAT(script.calls[0].body, HasSubstr("Action.OpenUrl"));
  EXPECT_THAT(script.calls[0].body, HasSubstr("\"Attention\""));
  EXPECT_EQ(teams->destination(), "prod-01.example.logic.azure.com");
  teams->send(notification(NotificationKind::resolved), context());
  EXPECT_THAT(script.calls[1].body, HasSubstr("\"Good\""));
}

TEST(Teams, keeps_its_limits_whatever_is_told) {
  Script script;
  script.answers = {answer(202)};
  channel(script, "teams", keys())->send(huge_notification(), context());
  check_card(script.calls[0]);
}

TEST(Teams, errors_inside_a_200_are_seen) {
  const std::vector<std::pair<HttpResponse, SendVerdict>> cases = {
      {answer(202), SendVerdict::delivered},
      {answer(200, "1"), SendVerdict::delivered},
      {answer(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with"),
       SendVerdict::retry},
      {answer(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 403 with"),
       SendVerdict::permanent},
      {answer(200, "Webhook message delivery failed with error: HTTP error 9"), SendVerdict::retry},
      {answer(413), SendVerdict::permanent},
      {answer(429, "", {{"Retry-After", "2.5"}}), SendVerdict::retry},
  };
  for (const auto& [response, verdict] : cases) {
    Script script;
    script.answers = {response};
    const SendResult result = channel(script, "teams", keys())->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << result.answer;
    if (response.status == 429) {
      EXPECT_EQ(result.retry_after, Duration(2500ms));
    }
  }
}

TEST(Teams, its_url_is_a_secret) {
  Script script;
  script.answers = {answer(400, "no flow at " + kFlow + " with sig SignatureSecret")};
  EXPECT_THAT(channel(script, "teams", keys())->send(notification(), context()).answer,
              Not(HasSubstr("SignatureSecret")));
  EXPECT_THAT(refused("teams", {{"url", kFlow}}), HasSubstr("url_file: is missing"));
}

}  // namespace
}  // namespace paramedic::notify
