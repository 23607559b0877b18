#include "io/outgoing/encode.h"

#include <gmock/gmock.h>

#include "io/outgoing/http_way.h"
#include "io/outgoing/standard_webhooks.h"
#include "io/outgoing/text_fit.h"

namespace paramedic::outgoing {
namespace {

using ::testing::HasSubstr;

TEST(Encode, base64_both_ways) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("a"), "YQ==");
  EXPECT_EQ(base64_decode("YQ==").value(), "a");
  EXPECT_EQ(base64_decode("YWJj").value(), "abc");
  for (const auto* bad : {"", "YQ", "Y===", "Y!==", "=YQ="}) EXPECT_FALSE(base64_decode(bad)) << bad;
}

TEST(Encode, headers_are_folded_words_that_cut_no_character) {
  EXPECT_EQ(encoded_words("plain [text]", 9), "plain [text]");
  EXPECT_EQ(encoded_words("a: b", 6, true), "=?UTF-8?B?YTogYg==?=");
  std::string fire;
  for (int i = 0; i < 40; ++i) fire += "🔥";
  const std::string words = encoded_words(fire, 9);
  std::string back;
  for (std::size_t at = words.find("?B?"); at != words.npos; at = words.find("?B?", at + 1)) {
    const std::string word = base64_decode(words.substr(at + 3, words.find("?=", at) - at - 3)).value();
    EXPECT_EQ(clean(word), word) << "whole characters";
    back += word;
  }
  EXPECT_EQ(back, fire);
  EXPECT_THAT(words, HasSubstr("?=\r\n =?UTF-8?B?"));
}

TEST(StandardWebhooks, one_signature_per_key_over_id_time_and_body) {
  const std::string one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", two = "whsec_" + base64(std::string(24, 'k'));
  ::setenv("PARAMEDIC_TEST_SIGN", (one + " " + two).c_str(), 1);
  const WallTime now = WallTime{1'614'265'330s};
  HttpPost post = json_post("https://x/", R"({"test": 2432232314})");
  ASSERT_FALSE(sign_standard(post, "msg_p5jXN8AQM9LWM0D4loKWxJek", now, {.variable = "PARAMEDIC_TEST_SIGN"}));
  EXPECT_EQ(*find_header(post.headers, "webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
  EXPECT_EQ(*find_header(post.headers, "webhook-timestamp"), "1614265330");
  const std::string signature = *find_header(post.headers, "webhook-signature");
  EXPECT_TRUE(signature.starts_with("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,")) << signature;
  HttpPost plain = json_post("https://x/", "{}");
  ASSERT_FALSE(sign_standard(plain, "a.b", now, {}));
  EXPECT_EQ(*find_header(plain.headers, "webhook-id"), "a_b") << "a dot parts what is signed";
  EXPECT_EQ(find_header(plain.headers, "webhook-signature"), nullptr);
  ::setenv("PARAMEDIC_TEST_SIGN", "hunter2", 1);
  const auto failed = sign_standard(plain, "a", now, {.variable = "PARAMEDIC_TEST_SIGN"});
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->message.find("hunter2"), std::string::npos);
}

TEST(HttpWay, urls) {
  EXPECT_TRUE(good_url("https://a.example/x?y=1"));
  for (const char* bad : {"", "https://", "ftp://a", "https://u:p@a/", "https://a/#x", "https://a b/", "https://:80/"})
    EXPECT_FALSE(good_url(bad)) << bad;
  EXPECT_EQ(host_of_url("http://localhost:8080/a"), "localhost:8080");
}

}  // namespace
}  // namespace paramedic::outgoing
