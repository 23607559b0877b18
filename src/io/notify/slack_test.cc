#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHook = "https://hooks.slack.com/services/T0123/B0456/aVerySecretTail";

Keys webhook() { return {{"url_variable", secret("SLACK_URL", kHook)}}; }
Keys bot() { return {{"token_variable", secret("SLACK_TOKEN", "xoxb-1-secret")}, {"channel", "#ops"}}; }
const char* const kPosted = R"({"ok":true,"channel":"C024BE91L","ts":"1503435956.000247"})";

// What Slack refuses (interop.md 2.1).
void check_block(const json::object& block) {
  const std::string type = text_at(block, "/type");
  if (type == "section") {
    if (const auto* text = block.if_contains("text")) {
      EXPECT_EQ(text_at(*text, "/type"), "mrkdwn");
      EXPECT_LE(utf16_units(text_at(*text, "/text")), 3000u);
      EXPECT_FALSE(text_at(*text, "/text").empty());
    }
    if (const auto* fields = block.if_contains("fields")) {
      EXPECT_LE(fields->as_array().size(), 10u);
      for (const auto& field : fields->as_array()) EXPECT_LE(utf16_units(text_at(field, "/text")), 2000u);
    }
  } else if (type == "actions") {
    EXPECT_LE(block.at("elements").as_array().size(), 25u);
    for (const auto& button : block.at("elements").as_array()) {
      EXPECT_EQ(text_at(button, "/text/type"), "plain_text");
      EXPECT_LE(text_at(button, "/text/text").size(), 75u);
      EXPECT_LE(text_at(button, "/url").size(), 3000u);
    }
  } else {
    EXPECT_EQ(type, "context");
    EXPECT_LE(block.at("elements").as_array().size(), 10u);
  }
}
void check_message(const HttpCall& call) {
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(header_of(call, "Content-Type"), "application/json; charset=utf-8");
  const json::value body = body_of(call);
  const std::string text = text_at(body, "/text");
  EXPECT_FALSE(text.empty());
  EXPECT_LE(utf16_units(text), 4000u);
  const auto& blocks = body.at("attachments").at(0).at("blocks").as_array();
  EXPECT_LE(blocks.size(), 50u);
  EXPECT_LE(json::serialize(blocks).size(), 13'000u);
  for (const auto& block : blocks) check_block(block.as_object());
  EXPECT_THAT(call.body, Not(HasSubstr("<b>"))) << "& < > must be escaped";
}

TEST(Slack, a_webhook_gets_a_message_with_text_blocks_and_links) {
  Script script;
  script.answers = {answer(200, "ok")};
  const auto slack = channel(script, "slack", webhook());
  const SendResult result = slack->send(notification(), context());
  EXPECT_EQ(result.verdict, SendVerdict::delivered) << result.answer;
  ASSERT_EQ(script.calls.size(), 1u);
  EXPECT_EQ(script.calls[0].url, kHook);
  check_message(script.calls[0]);
  const json::value body = body_of(script.calls[0]);
  EXPECT_EQ(text_at(body, "/text"), "*[CRITICAL] Worker w-17 is silent*");
  EXPECT_EQ(text_at(body, "/attachments/0/color"), "#e01e5a");
  EXPECT_THAT(script.calls[0].body, HasSubstr("https://paramedic.example/#/incidents/inc-1"));
  EXPECT_THAT(script.calls[0].body, HasSubstr("https://runbooks.example/silent"));
  EXPECT_FALSE(body.as_object().contains("channel"));
  EXPECT_EQ(slack->destination(), "hooks.slack.com");
  EXPECT_FALSE(slack->wants(NotificationKind::acknowledged));
}

TEST(Slack, keeps_its_limits_whatever_is_told) {
  for (const Keys& keys : {webhook(), bot()}) {
    Script script;
    script.answers = {answer(200, kPosted)};
    const auto slack = channel(script, "slack", keys);
    for (const auto kind : {NotificationKind::firing, NotificationKind::digest, NotificationKind::acknowledged})
      slack->send(huge_notification(kind), context());
    ASSERT_EQ(script.calls.size(), 3u);
    for (const HttpCall& call : script.calls) check_message(call);
  }
}

TEST(Slack, what_a_webhook_answers_is_judged) {
  const std::vector<std::pair<HttpResponse, SendVerdict>> cases = {
      {answer(200, "ok"), SendVerdict::delivered},
      {answer(200, R"({"success":true})"), SendVerdict::delivered},
      {answer(200, "<html>Please log in</html>"), SendVerdict::retry},
      {answer(200, R"({"ok":false,"error":"invalid_blocks"})"), SendVerdict::permanent},
      {answer(400, "invalid_payload"), SendVerdict::permanent},
      {answer(403, "action_prohibited"), SendVerdict::permanent},
      {answer(404, "no_service"), SendVerdict::permanent},
      {answer(410, "channel_is_archived"), SendVerdict::permanent},
      {answer(429, "", {{"Retry-After", "30"}}), SendVerdict::retry},
      {answer(500, "rollup_error"), SendVerdict::retry},
  };
  for (const auto& [response, verdict] : cases) {
    Script script;
    script.answers = {response};
    const SendResult result = channel(script, "slack", webhook())->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << result.answer;
    EXPECT_EQ(result.http_status, response.status);
    EXPECT_THAT(result.answer, Not(HasSubstr("aVerySecretTail")));
    if (response.status == 429) {
      EXPECT_EQ(result.retry_after, Duration(30s));
    }
  }
}

TEST(Slack, a_bot_keeps_the_story_in_one_thread_and_turns_it_green) {
  Script script;
  script.answers = {answer(200, kPosted)};
  const auto slack = channel(script, "slack", bot());
  EXPECT_EQ(slack->destination(), "slack.com #ops");
  EXPECT_TRUE(slack->wants(NotificationKind::acknowledged));
  const SendResult first = slack->send(notification(), context());
  ASSERT_EQ(first.verdict, SendVerdict::delivered) << first.answer;
  EXPECT_EQ(first.remote_id, "C024BE91L/1503435956.000247");
  const SendResult update = slack->send(notification(NotificationKind::update), context(first.remote_id));
  EXPECT_EQ(update.remote_id, first.remote_id) << "the first message stands for the story";
  slack->send(notification(NotificationKind::resolved), context(first.remote_id));
  ASSERT_EQ(script.calls.size(), 4u);
  for (const HttpCall& call : script.calls) {
    check_message(call);
    EXPECT_EQ(header_of(call, "Authorization"), "Bearer xoxb-1-secret");
  }
  EXPECT_EQ(script.calls[0].url, "https://slack.com/api/chat.postMessage");
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/channel"), "#ops");
  EXPECT_EQ(text_at(body_of(script.calls[1]), "/channel"), "C024BE91L");
  EXPECT_EQ(text_at(body_of(script.calls[1]), "/thread_ts"), "1503435956.000247");
  EXPECT_EQ(script.calls[2].url, "https://slack.com/api/chat.update");
  EXPECT_EQ(text_at(body_of(script.calls[2]), "/ts"), "1503435956.000247");
  EXPECT_EQ(text_at(body_of(script.calls[2]), "/attachments/0/color"), "#2eb67d");
  EXPECT_EQ(script.calls[3].url, "https://slack.com/api/chat.postMessage");
  EXPECT_EQ(text_at(body_of(script.calls[3]), "/thread_ts"), "1503435956.000247");
}

TEST(Slack, a_bot_is_refused_inside_a_200) {
  const std::vector<std::pair<std::string, SendVerdict>> cases = {
      {R"({"ok":false,"error":"not_in_channel"})", SendVerdict::permanent},
      {R"({"ok":false,"error":"invalid_auth"})", SendVerdict::permanent},
      {R"({"ok":false,"error":"msg_too_long"})", SendVerdict::permanent},
      {R"({"ok":false,"error":"ratelimited"})", SendVerdict::retry},
      {R"({"ok":false,"error":"internal_error"})", SendVerdict::retry},
      {R"({"ok":false})", SendVerdict::retry},
      {R"({"ok":"true"})", SendVerdict::retry},
      {"ok", SendVerdict::retry},
      {"", SendVerdict::retry},
  };
  for (const auto& [body, verdict] : cases) {
    Script script;
    script.answers = {answer(200, body)};
    const SendResult result = channel(script, "slack", bot())->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << body;
    EXPECT_TRUE(result.remote_id.empty());
  }
}

TEST(Slack, an_end_is_told_though_the_first_message_cannot_be_edited) {
  Script script;
  script.answers = {answer(200, R"({"ok":false,"error":"message_not_found"})"), answer(200, kPosted)};
  const auto slack = channel(script, "slack", bot());
  const SendResult result = slack->send(notification(NotificationKind::resolved), context("C1/2.3"));
  EXPECT_EQ(result.verdict, SendVerdict::delivered);
  EXPECT_THAT(result.answer, HasSubstr("message_not_found"));
  EXPECT_EQ(script.calls.size(), 2u);
}

TEST(Slack, a_failed_update_is_tried_again_before_the_thread_is_told) {
  Script script;
  script.answers = {answer(503)};
  const auto slack = channel(script, "slack", bot());
  EXPECT_EQ(slack->send(notification(NotificationKind::resolved), context("C1/2.3")).verdict, SendVerdict::retry);
  EXPECT_EQ(script.calls.size(), 1u) << "a message in the thread would come twice";
}

TEST(Slack, keys_that_do_not_fit_are_named) {
  EXPECT_THAT(refused("slack", {}), HasSubstr("url_file"));
  EXPECT_THAT(refused("slack", {{"url_file", "/a"}, {"token_file", "/b"}, {"channel", "x"}}), HasSubstr("one of two"));
  EXPECT_THAT(refused("slack", {{"token_file", "/b"}}), HasSubstr("channels.there.channel: is missing"));
  EXPECT_THAT(refused("slack", {{"url_file", "/b"}, {"channel", "x"}}), HasSubstr("belongs to a bot"));
  EXPECT_THAT(refused("slack", {{"url", kHook}}), HasSubstr("unknown key"));
}

}  // namespace
}  // namespace paramedic::notify
