#include "io/notify/notify_test_support.h"
#include "io/outgoing/encode.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

std::string signature(const HttpCall& call, const std::string& whsec) {
  const std::string text = header_of(call, "webhook-id") + "." + header_of(call, "webhook-timestamp") + "." + call.body;
  return "v1," + base64(hmac_sha256(base64_decode(whsec.substr(6)).value(), text));
}

TEST(Webhook, the_signature_of_the_standards_test_vector) {
  const std::string text = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
  EXPECT_EQ(base64(hmac_sha256(base64_decode(kSecret.substr(6)).value(), text)),
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Webhook, sends_a_signed_event) {
  Script script;
  script.answers = {answer(204)};
  const auto webhook = channel(script, "webhook",
                               {{"url", "https://hooks.example.org/alerts"},
                                {"secret_variable", secret("WEBHOOK", kSecret)},
                                {"token_variable", secret("WEBHOOK_T", "bearer-1")},
                                {"headers", Params::map().set("X-Team", Params::of("ops"))}});
  SendContext later = context();
  EXPECT_EQ(webhook->send(notification(), context()).verdict, SendVerdict::delivered);
  later.now += 5min;
  webhook->send(notification(), later);
  for (const HttpCall& call : script.calls) {
    EXPECT_EQ(header_of(call, "webhook-id"), "0123456789abcdef") << "the same for every try";
    EXPECT_EQ(header_of(call, "webhook-signature"), signature(call, kSecret));
    EXPECT_EQ(header_of(call, "Content-Type"), "application/json");
    EXPECT_EQ(header_of(call, "Authorization"), "Bearer bearer-1");
    EXPECT_EQ(header_of(call, "X-Team"), "ops");
  }
  EXPECT_EQ(header_of(script.calls[0], "webhook-timestamp"), "1795921200");
  EXPECT_EQ(header_of(script.calls[1], "webhook-timestamp"), "1795921500") << "new for each try";
  const json::value body = body_of(script.calls[0]);
  EXPECT_EQ(text_at(body, "/type"), "alert.firing");
  EXPECT_EQ(text_at(body, "/timestamp"), "2026-11-29T03:00:00.000Z");
  EXPECT_EQ(text_at(body, "/data/notification/group_key"), "ops/pool=thumbs");
  EXPECT_EQ(text_at(body, "/data/incident_url"), "https://paramedic.example/#/incidents/inc-1");
  EXPECT_FALSE(webhook->wants(NotificationKind::acknowledged));
}

TEST(Webhook, signs_with_each_secret_while_one_replaces_another) {
  Script script;
  script.answers = {answer(200)};
  const std::string other = "whsec_" + base64(std::string(32, 'k'));
  channel(script, "webhook",
          {{"url", "http://127.0.0.1:1/x"}, {"secret_variable", secret("WEBHOOK", kSecret + "\n" + other)}})
      ->send(notification(), context());
  EXPECT_EQ(header_of(script.calls[0], "webhook-signature"),
            signature(script.calls[0], kSecret) + " " + signature(script.calls[0], other));
  for (const auto* bad : {"hunter2", "whsec_!!!", "whsec_c2hvcnQ="}) {
    const auto unusable =
        channel(script, "webhook", {{"url", "http://127.0.0.1:1/x"}, {"secret_variable", secret("WEBHOOK", bad)}});
    const SendResult result = unusable->send(notification(), context());
    EXPECT_EQ(result.verdict, SendVerdict::permanent);
    EXPECT_THAT(result.answer, Not(HasSubstr(bad)));
  }
  EXPECT_EQ(script.calls.size(), 1u) << "nothing goes out unsigned";
}

TEST(Webhook, stays_below_20_kB) {
  Script script;
  script.answers = {answer(200)};
  const auto webhook = channel(script, "webhook", {{"url", "http://127.0.0.1:1/x"}});
  Notification many = huge_notification();
  many.group_key = "short";
  webhook->send(many, context());
  EXPECT_LE(script.calls[0].body.size(), 20u << 10);
  EXPECT_EQ(body_of(script.calls[0]).at("data").at("notification").at("alert_count").as_int64(), 5000);
}

TEST(Webhook, a_template_makes_the_body) {
  Script script;
  script.answers = {answer(200)};
  const auto webhook = channel(
      script, "webhook",
      {{"url", "http://127.0.0.1:1/x"},
       {"template", R"({"msg":"{{ headline }}","pool":"{{label.pool}}","none":"{{label.x}}","n":{{alert_count}}})"}});
  Notification n = notification();
  n.title = "a \"quoted\"\ntitle";
  webhook->send(n, context());
  const json::value body = body_of(script.calls[0]);
  EXPECT_EQ(text_at(body, "/msg"), "[CRITICAL] a \"quoted\" title");
  EXPECT_EQ(text_at(body, "/pool"), "thumbs");
  EXPECT_EQ(text_at(body, "/none"), "");
  EXPECT_EQ(body.at("n").as_int64(), 1);
  const auto plain = channel(
      script, "webhook", {{"url", "http://127.0.0.1:1/x"}, {"content_type", "text/plain"}, {"template", "{{title}}!"}});
  plain->send(notification(), context());
  EXPECT_EQ(script.calls[1].body, "Worker w-17 is silent!");
  EXPECT_EQ(header_of(script.calls[1], "Content-Type"), "text/plain");
}

TEST(Webhook, answers_are_judged) {
  const std::vector<std::pair<int, SendVerdict>> cases = {
      {200, SendVerdict::delivered}, {204, SendVerdict::delivered}, {301, SendVerdict::permanent},
      {400, SendVerdict::permanent}, {404, SendVerdict::permanent}, {408, SendVerdict::retry},
      {410, SendVerdict::permanent}, {429, SendVerdict::retry},     {500, SendVerdict::retry},
      {502, SendVerdict::retry},     {504, SendVerdict::retry}};
  for (const auto& [status, verdict] : cases) {
    Script script;
    script.answers = {answer(status)};
    const SendResult result =
        channel(script, "webhook", {{"url", "http://127.0.0.1:1/x"}})->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << status;
    if (status == 410) {
      EXPECT_THAT(result.answer, HasSubstr("gone for good"));
    }
  }
}

TEST(Webhook, keys_that_do_not_fit_are_named) {
  const auto with = [](std::string key, Params value) {
    return Keys{{"url", "http://127.0.0.1:1/x"}, {std::move(key), std::move(value)}};
  };
  EXPECT_THAT(refused("webhook", {}), HasSubstr("url: is missing"));
  EXPECT_THAT(refused("webhook", {{"url", "ftp://x"}}), HasSubstr("http or https"));
  EXPECT_THAT(refused("webhook", {{"url", "http://ann:pass@x/"}}), Not(HasSubstr("pass@")));
  EXPECT_THAT(refused("webhook", with("url_file", Params::of("/x"))), HasSubstr("url"));
  EXPECT_THAT(refused("webhook", with("template", Params::of("{{ nonsense }}"))),
              HasSubstr("'nonsense' must be one of"));
  EXPECT_THAT(refused("webhook", with("template", Params::of("{{ title"))), HasSubstr("no '}}'"));
  const auto header = [&](const char* name, const char* value) {
    return with("headers", Params::map().set(name, Params::of(value)));
  };
  EXPECT_THAT(refused("webhook", header("Authorization", "x")), HasSubstr("token_file"));
  EXPECT_THAT(refused("webhook", header("webhook-id", "x")), HasSubstr("set by the channel"));
  EXPECT_THAT(refused("webhook", header("X-A", "b\r\nc: d")), HasSubstr("no header name"));
  EXPECT_THAT(refused("webhook", with("proxy", Params::of("nonsense"))), HasSubstr("proxy"));
}

}  // namespace
}  // namespace paramedic::notify
