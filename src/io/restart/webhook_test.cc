#include <gmock/gmock.h>

#include "io/outgoing/encode.h"
#include "io/restart/restart_test_support.h"

namespace paramedic::restart {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

std::string variable(const std::string& name, const std::string& value) {
  ::setenv(("PARAMEDIC_TEST_" + name).c_str(), value.c_str(), 1);
  return "PARAMEDIC_TEST_" + name;
}

Outcome call(HookServer& server, Keys keys = {}) {
  keys.emplace_back("url", Params::of(server.url() + "/restart"));
  Problems problems;
  const ExecutorSetup setup = read_setup("webhook", keys, {server.url()}, problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
  return setup.executor ? setup.executor->prepare(job())->run() : Outcome{};
}

// Each answer for one request, the last one for all that follow.
HookServer::Answer script(std::vector<std::string> answers) {
  return [answers = std::move(answers), at = std::make_shared<std::size_t>(0)](const std::string&) {
    return answers[std::min((*at)++, answers.size() - 1)];
  };
}

TEST(WebhookExecutor, posts_the_job_signed_by_standard_webhooks) {
  HookServer server(script({http("200 OK", "", "started")}));
  const Outcome outcome = call(server, {{"secret_variable", Params::of(variable("HOOK", kSecret))},
                                        {"token_variable", Params::of(variable("HOOK_T", "bearer-1"))}});
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.words, "HTTP 200 OK: started");
  ASSERT_EQ(server.requests().size(), 1u);
  const std::string request = server.requests()[0];
  EXPECT_TRUE(request.starts_with("POST /restart HTTP/1.1\r\n"));
  EXPECT_EQ(header_of(request, "Authorization"), "Bearer bearer-1");
  EXPECT_EQ(header_of(request, "webhook-id"), "act-1");
  const std::string body = body_of(request);
  EXPECT_TRUE(body.starts_with("{\"type\":\"worker.restart\",\"timestamp\":\"")) << body;
  EXPECT_THAT(body, HasSubstr("\"data\":" + job_json(job()) + "}"));
  const std::string text = "act-1." + header_of(request, "webhook-timestamp") + "." + body;
  const std::string key = outgoing::base64_decode(kSecret.substr(6)).value();
  EXPECT_EQ(header_of(request, "webhook-signature"), "v1," + outgoing::base64(outgoing::hmac_sha256(key, text)));
}

TEST(WebhookExecutor, tries_again_under_the_same_id_as_soon_as_retry_after_allows) {
  HookServer server(script({http("503 Later", "Retry-After: 0.01\r\n", ""),
                            http("429 Too Many", "Retry-After: 0.01\r\n", ""), http("202 Accepted", "", "")}));
  EXPECT_TRUE(call(server).ok);
  ASSERT_EQ(server.requests().size(), 3u);
  for (const std::string& request : server.requests()) EXPECT_EQ(header_of(request, "webhook-id"), "act-1");
}

TEST(WebhookExecutor, does_not_wait_longer_than_its_timeout) {
  HookServer server(script({http("429 Too Many", "Retry-After: 3600\r\n", "one at a time")}));
  const Outcome outcome = call(server);
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.words, "no success within 60 s: HTTP 429 Too Many Requests: one at a time");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(WebhookExecutor, a_refusal_is_told_in_the_services_words_without_the_secret) {
  HookServer server([](const std::string& request) {
    return http("409 Conflict", "", "already running; " + header_of(request, "Authorization"));
  });
  const Outcome outcome = call(server, {{"token_variable", Params::of(variable("HOOK_T", "bearer-secret"))}});
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.words, HasSubstr("HTTP 409 Conflict: already running"));
  EXPECT_THAT(outcome.words, Not(HasSubstr("bearer-secret")));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(WebhookExecutor, is_cancelled_between_two_tries) {
  HookServer server(script({http("503 Later", "Retry-After: 600\r\n", "")}));
  Problems problems;
  const ExecutorSetup setup = read_setup("webhook", {{"url", Params::of(server.url())}, {"timeout", Params::of("10m")}},
                                         {server.url()}, problems);
  const auto attempt = setup.executor->prepare(job());
  std::thread other([&] { attempt->cancel(); });
  const Outcome outcome = attempt->run();
  other.join();
  EXPECT_FALSE(outcome.ok);
}

TEST(WebhookExecutor, a_secret_url_must_be_allowed_too_and_a_secret_readable) {
  HookServer server(script({http("200 OK", "", "")}));
  Problems problems;
  const Keys keys = {{"url_variable", Params::of(variable("HOOK_URL", server.url() + "/x"))}};
  const ExecutorSetup elsewhere = read_setup("webhook", keys, {"https://ops.example.org"}, problems);
  EXPECT_THAT(elsewhere.executor->prepare(job())->run().words, HasSubstr("not sent: the URL is not allowed"));
  EXPECT_TRUE(read_setup("webhook", keys, {server.url()}, problems).executor->prepare(job())->run().ok);
  EXPECT_TRUE(problems.empty());
  EXPECT_THAT(call(server, {{"secret_file", Params::of("/nonexistent")}}).words, HasSubstr("not sent: cannot read"));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(WebhookConfig, what_does_not_fit_is_named) {
  const auto with_url = [](const std::string& url, const std::string& allow) {
    return problems_of("webhook", {{"url", Params::of(url)}}, {allow});
  };
  EXPECT_EQ(with_url("https://ops.example.org/r?a=1", "https://ops.example.org"), "");
  EXPECT_EQ(with_url("https://ops.example.org/r", "https://ops.example.org/r"), "");
  EXPECT_THAT(with_url("https://ops.example.org.evil.net/r", "https://ops.example.org"), HasSubstr("is not allowed"));
  EXPECT_THAT(with_url("https://ops.example.org/r/../x", "https://ops.example.org/r"), HasSubstr("is not allowed"));
  EXPECT_THAT(with_url("https://ops.example.org/r", ""), HasSubstr("add it to executors.webhook.allow"));
  EXPECT_THAT(with_url("ftp://ops", "ftp://ops"), HasSubstr("must be an http or https URL"));
  EXPECT_THAT(problems_of("webhook", {}), HasSubstr("url: is missing: one of url, url_file and url_variable"));
  EXPECT_THAT(problems_of("webhook", {{"secret_file", Params::of("/a")}, {"secret_variable", Params::of("B")}}),
              HasSubstr("cannot stand beside"));
}

}  // namespace
}  // namespace paramedic::restart
