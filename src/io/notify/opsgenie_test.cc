#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Keys keys() { return {{"api_key_variable", secret("OPSGENIE", "genie-key-1")}, {"tags", list({"workers"})}}; }
const char* const kTaken = R"({"result":"Request will be processed","took":0.3,"requestId":"43a29c5c-3dbf"})";

// What Opsgenie refuses (interop.md 2.6).
void check_create(const HttpCall& call) {
  EXPECT_EQ(header_of(call, "Authorization"), "GenieKey genie-key-1");
  const json::value body = body_of(call);
  EXPECT_FALSE(text_at(body, "/message").empty());
  EXPECT_LE(utf16_units(text_at(body, "/message")), 130u);
  EXPECT_LE(text_at(body, "/alias").size(), 512u);
  EXPECT_LE(utf16_units(text_at(body, "/description")), 15'000u);
  EXPECT_THAT(text_at(body, "/priority"), ::testing::MatchesRegex("P[1-5]"));
  EXPECT_LE(body.at("tags").as_array().size(), 20u);
  EXPECT_LE(json::serialize(body.at("details")).size(), 8600u);
  for (const auto& detail : body.at("details").as_object()) EXPECT_TRUE(detail.value().is_string());
}

TEST(Opsgenie, one_alert_per_story_is_made_acknowledged_and_closed) {
  Script script;
  script.answers = {answer(202, kTaken)};
  const auto opsgenie = channel(script, "opsgenie", keys());
  EXPECT_EQ(opsgenie->send(notification(), context()).verdict, SendVerdict::delivered);
  opsgenie->send(notification(NotificationKind::acknowledged), context());
  opsgenie->send(notification(NotificationKind::resolved), context());
  ASSERT_EQ(script.calls.size(), 3u);
  check_create(script.calls[0]);
  EXPECT_EQ(script.calls[0].url, "https://api.opsgenie.com/v2/alerts");
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/alias"), "ops/pool=thumbs");
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/priority"), "P1");
  const std::string of_story = "https://api.opsgenie.com/v2/alerts/ops%2Fpool%3Dthumbs/";
  EXPECT_EQ(script.calls[1].url, of_story + "acknowledge?identifierType=alias");
  EXPECT_EQ(text_at(body_of(script.calls[1]), "/user"), "ann");
  EXPECT_EQ(script.calls[2].url, of_story + "close?identifierType=alias");
}

TEST(Opsgenie, keeps_its_limits_and_a_test_is_closed) {
  Script script;
  script.answers = {answer(202, kTaken)};
  const auto opsgenie = channel(script, "opsgenie", keys());
  opsgenie->send(huge_notification(NotificationKind::test), context());
  ASSERT_EQ(script.calls.size(), 2u);
  check_create(script.calls[0]);
  EXPECT_THAT(script.calls[1].url, HasSubstr("/close?"));
}

TEST(Opsgenie, answers_are_judged) {
  const std::vector<std::pair<int, SendVerdict>> cases = {{202, SendVerdict::delivered},
                                                          {401, SendVerdict::permanent},
                                                          {422, SendVerdict::permanent},
                                                          {429, SendVerdict::retry},
                                                          {503, SendVerdict::retry}};
  for (const auto& [status, verdict] : cases) {
    Script script;
    script.answers = {answer(status, "GenieKey genie-key-1")};
    const SendResult result = channel(script, "opsgenie", keys())->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict);
    EXPECT_THAT(result.answer, Not(HasSubstr("genie-key-1")));
  }
  Script unknown;
  unknown.answers = {answer(404)};
  EXPECT_EQ(channel(unknown, "opsgenie", keys())->send(notification(NotificationKind::resolved), context()).verdict,
            SendVerdict::delivered)
      << "closed is closed";
}

TEST(Opsgenie, region_and_keys) {
  Script script;
  Keys eu = keys();
  eu.emplace_back("region", "eu");
  EXPECT_EQ(channel(script, "opsgenie", eu)->destination(), "api.eu.opsgenie.com");
  EXPECT_THAT(refused("opsgenie", {{"tags", list({std::string(51, 'x')})}}), HasSubstr("tags"));
  EXPECT_THAT(refused("opsgenie", {}), HasSubstr("api_key_file"));
}

}  // namespace
}  // namespace paramedic::notify
