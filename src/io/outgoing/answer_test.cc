#include "io/outgoing/answer.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>

#include "io/outgoing/secret.h"

namespace paramedic::outgoing {
namespace {

using ::testing::HasSubstr;

const WallTime kNow = WallTime{std::chrono::sys_days{std::chrono::year(2026) / 11 / 29}} + 3h;

// Sets an environment variable and tells its name.
std::string secret(const std::string& name, const std::string& value) {
  ::setenv(("PARAMEDIC_TEST_" + name).c_str(), value.c_str(), 1);
  return "PARAMEDIC_TEST_" + name;
}

TEST(Answer, retry_after_in_all_its_forms) {
  const auto of = [](std::string value) { return retry_after({{"retry-after", std::move(value)}}, kNow); };
  EXPECT_EQ(of("30"), Duration(30s));
  EXPECT_EQ(of("1.5"), Duration(1500ms));
  EXPECT_EQ(of("Sun, 29 Nov 2026 03:02:00 GMT"), Duration(2min));
  EXPECT_EQ(of("Sun, 29 Nov 2026 02:00:00 GMT"), std::nullopt) << "past";
  EXPECT_EQ(of("99999999999"), kMaxRetryAfter);
  for (const auto* bad : {"", "-5", "0", "soon", "nan", "inf", "30s", "Sun, 32 Nov 2026 03:02:00 GMT",
                          "Sun, 29 Foo 2026 03:02:00 GMT", "Sunday, 29-Nov-26 03:02:00 GMT", "1e400"})
    EXPECT_EQ(of(bad), std::nullopt) << bad;
  EXPECT_EQ(retry_after({}, kNow), std::nullopt);
}

TEST(Answer, http_dates) {
  const auto date = parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT");
  ASSERT_TRUE(date);
  EXPECT_EQ(date->time_since_epoch(), 1'445'412'480s);
  for (const auto* bad : {"", "Wed, 21 Oct 2015 07:28:00 UTC", "Wed, 21 Oct 2015 25:28:00 GMT",
                          "Wed, -1 Oct 2015 07:28:00 GMT", "Wed, 21 ctN 2015 07:28:00 GMT"})
    EXPECT_FALSE(parse_http_date(bad)) << bad;
}

TEST(Answer, texts_hide_secrets_in_every_spelling) {
  const std::vector<std::string> secrets = {"to/k en"};
  EXPECT_EQ(answer_text("a to/k en, to%2Fk%20en and to\\/k en", secrets), "a ***, *** and ***");
  EXPECT_EQ(answer_text("line\r\n two\x07", {}), "line two");
  EXPECT_LE(answer_text(std::string(9000, 'x'), {}).size(), 500u);
  std::vector<std::string> of_url;
  add_url_secrets("https://hooks.example/services/T000/averylongtoken?sig=anotherlongone", of_url);
  const std::string shown = answer_text("no averylongtoken, no anotherlongone at hooks.example services", of_url);
  EXPECT_EQ(shown, "no ***, no *** at hooks.example services");
}

TEST(Answer, objects_of_strangers) {
  const AnswerObject good(R"({"ok":true,"n":1.5,"id":7,"s":"x","in":{"id":"abc","n":2}})");
  EXPECT_EQ(good.boolean("ok"), true);
  EXPECT_EQ(good.number("n"), 1.5);
  EXPECT_EQ(good.id({}, "id"), "7");
  EXPECT_EQ(good.id("in", "id"), "abc");
  EXPECT_EQ(good.number("in", "n"), 2.0);
  EXPECT_EQ(good.text("s"), "x");
  EXPECT_EQ(good.boolean("s"), std::nullopt);
  const std::vector<std::string> strange = {
      "", "[]", "null", "{\"ok\":tru", "x", std::string(100'000, '['), "{\"ok\":true}{"};
  for (const std::string& bad : strange) {
    const AnswerObject none(bad);
    EXPECT_FALSE(none.is_object());
    EXPECT_EQ(none.boolean("ok"), std::nullopt);
    EXPECT_EQ(none.text("ok"), "");
  }
}

TEST(Secrets, are_read_anew_from_file_or_environment) {
  Secret variable;
  variable.variable = secret("S1", "one\r\n");
  EXPECT_EQ(variable.read().value(), "one");
  secret("S1", "two");
  EXPECT_EQ(variable.read().value(), "two");
  secret("S1", "");
  EXPECT_THAT(variable.read().error().message, HasSubstr("PARAMEDIC_TEST_S1 is empty"));
  variable.variable = "PARAMEDIC_TEST_NOT_SET";
  EXPECT_THAT(variable.read().error().message, HasSubstr("PARAMEDIC_TEST_NOT_SET is not set"));
  char name[] = "/tmp/paramedic-secret-XXXXXX";
  ASSERT_GE(::mkstemp(name), 0);
  Secret file;
  file.file = name;
  std::ofstream(name) << "first\n\n";
  EXPECT_EQ(file.read().value(), "first");
  std::ofstream(name) << std::string(20'000, 'x');
  EXPECT_THAT(file.read().error().message, HasSubstr("is over"));
  std::remove(name);
  EXPECT_EQ(file.read().error().code, Errc::invalid_argument);
  EXPECT_THAT(file.read().error().message, HasSubstr(name));
}

}  // namespace
}  // namespace paramedic::outgoing
