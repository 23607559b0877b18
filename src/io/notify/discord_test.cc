#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Keys keys() {
  return {{"url_variable", secret("DISCORD", "https://discord.com/api/webhooks/123456789012345678/SecretTokenOfIt")}};
}

// What Discord refuses (interop.md 2.6).
void check_message(const HttpCall& call) {
  const json::value body = body_of(call);
  EXPECT_LE(utf16_units(text_at(body, "/content")), 2000u);
  ASSERT_LE(body.at("embeds").as_array().size(), 10u);
  const json::value& embed = body.at("embeds").at(0);
  std::size_t sum = 0;
  const auto part = [&](std::string_view at, std::size_t max) {
    const std::size_t units = utf16_units(text_at(embed, at));
    EXPECT_LE(units, max) << at;
    sum += units;
  };
  part("/title", 256);
  part("/description", 4096);
  part("/footer/text", 2048);
  EXPECT_LE(embed.at("fields").as_array().size(), 25u);
  for (const auto& field : embed.at("fields").as_array()) {
    EXPECT_FALSE(text_at(field, "/value").empty());
    EXPECT_LE(utf16_units(text_at(field, "/name")), 256u);
    EXPECT_LE(utf16_units(text_at(field, "/value")), 1024u);
    sum += utf16_units(text_at(field, "/name")) + utf16_units(text_at(field, "/value"));
  }
  EXPECT_LE(sum, 6000u);
  EXPECT_TRUE(body.at("allowed_mentions").at("parse").as_array().empty()) << "a worker's name must not ping people";
}

TEST(Discord, sends_an_embed_and_remembers_the_message) {
  Script script;
  script.answers = {answer(200, R"({"id":"987654321"})")};
  const auto discord = channel(script, "discord", keys());
  const SendResult result = discord->send(notification(), context());
  EXPECT_EQ(result.verdict, SendVerdict::delivered);
  EXPECT_EQ(result.remote_id, "987654321");
  EXPECT_EQ(script.calls[0].url, "https://discord.com/api/webhooks/123456789012345678/SecretTokenOfIt?wait=true");
  check_message(script.calls[0]);
  EXPECT_EQ(discord->destination(), "discord.com");
}

TEST(Discord, keeps_its_limits_whatever_is_told) {
  Script script;
  script.answers = {answer(204)};
  EXPECT_EQ(channel(script, "discord", keys())->send(huge_notification(), context()).verdict, SendVerdict::delivered);
  check_message(script.calls[0]);
}

TEST(Discord, its_own_retry_after_counts) {
  Script script;
  script.answers = {answer(429, R"({"message":"You are being rate limited.","retry_after":0.65,"global":false})",
                           {{"Retry-After", "1"}})};
  const SendResult result = channel(script, "discord", keys())->send(notification(), context());
  EXPECT_EQ(result.verdict, SendVerdict::retry);
  EXPECT_EQ(result.retry_after, Duration(650ms));
  Script gone;
  gone.answers = {answer(404, R"({"message":"Unknown Webhook SecretTokenOfIt","code":10015})")};
  const SendResult refusal = channel(gone, "discord", keys())->send(notification(), context());
  EXPECT_EQ(refusal.verdict, SendVerdict::permanent);
  EXPECT_THAT(refusal.answer, HasSubstr("Unknown Webhook"));
  EXPECT_THAT(refusal.answer, Not(HasSubstr("SecretTokenOfIt")));
}

TEST(Discord, its_url_is_a_secret) { EXPECT_THAT(refused("discord", {}), HasSubstr("url_file: is missing")); }

}  // namespace
}  // namespace paramedic::notify
