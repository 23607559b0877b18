#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kRoutingKey = "0123456789abcdef0123456789abcdef";
Keys keys() { return {{"routing_key_variable", secret("PAGERDUTY", kRoutingKey)}}; }
const char* const kTaken = R"({"status":"success","message":"Event processed","dedup_key":"ops/pool=thumbs"})";

// What PagerDuty refuses (interop.md 2.2).
void check_event(const HttpCall& call) {
  EXPECT_EQ(call.method, "POST");
  EXPECT_LE(call.body.size(), 512u << 10);
  const json::value body = body_of(call);
  EXPECT_EQ(text_at(body, "/routing_key"), kRoutingKey);
  const std::string action = text_at(body, "/event_action"), key = text_at(body, "/dedup_key");
  EXPECT_TRUE(action == "trigger" || action == "acknowledge" || action == "resolve") << action;
  EXPECT_FALSE(key.empty());
  EXPECT_LE(key.size(), 255u);
  if (action != "trigger") return;
  const std::string summary = text_at(body, "/payload/summary"), severity = text_at(body, "/payload/severity");
  EXPECT_FALSE(summary.empty());
  EXPECT_LE(utf16_units(summary), 1024u);
  EXPECT_FALSE(text_at(body, "/payload/source").empty());
  EXPECT_TRUE(severity == "critical" || severity == "warning" || severity == "error" || severity == "info");
}

TEST(PagerDuty, triggers_acknowledges_and_resolves_by_one_key) {
  Script script;
  script.answers = {answer(202, kTaken)};
  const auto pagerduty = channel(script, "pagerduty", keys());
  const std::vector<std::pair<NotificationKind, std::string>> story = {{NotificationKind::firing, "trigger"},
                                                                       {NotificationKind::update, "trigger"},
                                                                       {NotificationKind::escalation, "trigger"},
                                                                       {NotificationKind::acknowledged, "acknowledge"},
                                                                       {NotificationKind::resolved, "resolve"}};
  for (const auto& [kind, action] : story) {
    EXPECT_TRUE(pagerduty->wants(kind));
    const SendResult result = pagerduty->send(notification(kind), context());
    EXPECT_EQ(result.verdict, SendVerdict::delivered) << result.answer;
    EXPECT_EQ(text_at(body_of(script.calls.back()), "/event_action"), action);
    EXPECT_EQ(text_at(body_of(script.calls.back()), "/dedup_key"), "ops/pool=thumbs");
    check_event(script.calls.back());
  }
  const json::value first = body_of(script.calls[0]);
  EXPECT_EQ(script.calls[0].url, "https://events.pagerduty.com/v2/enqueue");
  EXPECT_EQ(text_at(first, "/payload/source"), "w-17");
  EXPECT_EQ(text_at(first, "/payload/group"), "thumbs");
  EXPECT_EQ(text_at(first, "/payload/class"), "WorkerSilent");
  EXPECT_EQ(text_at(first, "/payload/timestamp"), "2026-11-29T03:00:00.000Z");
  EXPECT_EQ(text_at(first, "/client_url"), "https://paramedic.example/#/incidents/inc-1");
  EXPECT_FALSE(pagerduty->can_digest());
}

TEST(PagerDuty, keeps_its_limits_whatever_is_told) {
  Script script;
  script.answers = {answer(202, kTaken)};
  const auto pagerduty = channel(script, "pagerduty", keys());
  pagerduty->send(huge_notification(), context());
  pagerduty->send(huge_notification(NotificationKind::resolved), context());
  for (const HttpCall& call : script.calls) check_event(call);
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/dedup_key"), text_at(body_of(script.calls[1]), "/dedup_key"));
}

TEST(PagerDuty, a_test_pages_nobody_for_long) {
  Script script;
  script.answers = {answer(202, kTaken)};
  EXPECT_EQ(channel(script, "pagerduty", keys())->send(notification(NotificationKind::test), context()).verdict,
            SendVerdict::delivered);
  ASSERT_EQ(script.calls.size(), 2u);
  EXPECT_THAT(script.calls[0].body, HasSubstr("[TEST]"));
  EXPECT_EQ(text_at(body_of(script.calls[1]), "/event_action"), "resolve");
}

TEST(PagerDuty, answers_are_judged) {
  const std::vector<std::pair<HttpResponse, SendVerdict>> cases = {
      {answer(202, kTaken), SendVerdict::delivered},
      {answer(200, "<html>proxy</html>"), SendVerdict::retry},
      {answer(202, ""), SendVerdict::retry},
      {answer(400, R"({"status":"invalid event","message":"Event object is invalid","errors":["x"]})"),
       SendVerdict::permanent},
      {answer(403), SendVerdict::permanent},
      {answer(429), SendVerdict::retry},
      {answer(500), SendVerdict::retry},
  };
  for (const auto& [response, verdict] : cases) {
    Script script;
    script.answers = {response};
    const SendResult result = channel(script, "pagerduty", keys())->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << result.answer;
    if (response.status == 429) {
      EXPECT_EQ(result.retry_after, Duration(60s)) << "back off for minutes";
    }
  }
  Script echo;
  echo.answers = {answer(400, "bad key " + kRoutingKey)};
  EXPECT_THAT(channel(echo, "pagerduty", keys())->send(notification(), context()).answer, Not(HasSubstr(kRoutingKey)));
}

TEST(PagerDuty, region_and_keys) {
  Script script;
  Keys eu = keys();
  eu.emplace_back("region", "eu");
  EXPECT_EQ(channel(script, "pagerduty", eu)->destination(), "events.eu.pagerduty.com");
  EXPECT_THAT(refused("pagerduty", {}), HasSubstr("routing_key_file: is missing"));
  EXPECT_THAT(refused("pagerduty", {{"routing_key_file", "/a"}, {"region", "moon"}}), HasSubstr("region"));
}

}  // namespace
}  // namespace paramedic::notify
