#include "io/net/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "io/net/response_head.h"

namespace paramedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Http, finds_headers_without_regard_to_case) {
  HttpRequest request;
  request.headers = {{"Content-Type", "a"}, {"content-type", "b"}};
  EXPECT_EQ(*request.find("CONTENT-TYPE"), "a");
  EXPECT_EQ(request.header("content-Type"), "a");
  EXPECT_EQ(request.find("content-typ"), nullptr);
  EXPECT_EQ(request.header("x"), "");
}

TEST(Http, percent_decodes_and_names_what_is_wrong) {
  EXPECT_EQ(*percent_decode("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(*percent_decode("a+b"), "a+b");
  EXPECT_EQ(*percent_decode("a+b%2B", true), "a b+");
  for (const char* bad : {"%", "%2", "a%2", "%zz", "%2x", "%00"}) EXPECT_FALSE(percent_decode(bad)) << bad;
  EXPECT_THAT(percent_decode("100%").error().message, HasSubstr("100%"));
}

RC_GTEST_PROP(Http, percent_encoding_survives_the_way_back, (std::string text)) {
  std::erase(text, '\0');
  const std::string encoded = percent_encode(text);
  RC_ASSERT(*percent_decode(encoded) == text);
  RC_ASSERT(encoded.find_first_of("/?&=+ ") == std::string::npos);
}

TEST(Http, query_strings_become_pairs) {
  EXPECT_THAT(*parse_query("a=1&b=x%20y+z&c&&=d&e=f=g"),
              ElementsAre(Pair("a", "1"), Pair("b", "x y z"), Pair("c", ""), Pair("", "d"), Pair("e", "f=g")));
  EXPECT_TRUE(parse_query("")->empty());
  EXPECT_FALSE(parse_query("a=%"));
  EXPECT_FALSE(parse_query("%=a"));
  std::string many;
  for (size_t i = 0; i < kMaxQueryPairs; ++i) many += "a=1&";
  EXPECT_EQ(parse_query(many)->size(), kMaxQueryPairs);
  EXPECT_FALSE(parse_query(many + "a=1"));
}

TEST(Http, paths_split_before_they_are_decoded) {
  EXPECT_THAT(*split_path("/health/workers/a%2Fb"), ElementsAre("health", "workers", "a/b"));
  EXPECT_TRUE(split_path("/")->empty());
  EXPECT_THAT(*split_path("/a//b/"), ElementsAre("a", "", "b", ""));
  EXPECT_FALSE(split_path(""));
  EXPECT_FALSE(split_path("a"));
  EXPECT_FALSE(split_path("/%"));
  std::string deep;
  for (size_t i = 0; i < kMaxPathSegments; ++i) deep += "/x";
  EXPECT_TRUE(split_path(deep));
  EXPECT_FALSE(split_path(deep + "/x"));
}

TEST(Http, urls_are_split_or_refused_with_a_reason) {
  const auto url = parse_http_url("http://host:81/a/b?c=d#e");
  EXPECT_EQ(url->host, "host");
  EXPECT_EQ(url->port, 81);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(parse_http_url("http://host")->target, "/");
  EXPECT_EQ(parse_http_url("http://host")->port, 80);
  EXPECT_EQ(parse_http_url("http://host?x")->target, "/?x");
  EXPECT_EQ(parse_http_url("http://[::1]:9/")->host, "::1");
  EXPECT_EQ(parse_http_url("http://[::1]")->port, 80);
  for (const char* bad : {"https://host/", "host", "http://", "http://h:0/", "http://h:65536/", "http://h:x/",
                          "http://u@h/", "http://[::1", "http://[::1]x", "http://h/a b", "http://:80/"})
    EXPECT_FALSE(parse_http_url(bad)) << bad;
}

TEST(Http, problems_are_json_whatever_the_detail_says) {
  const HttpResponse response = problem_response(Error{Errc::not_found, "no \"x\"\n\\"});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body, R"({"type":"about:blank","title":"Not Found","status":404,"detail":"no \"x\"\u000a\\"})");
}

TEST(Http, every_status_of_the_error_table_has_a_phrase) {
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code)
    EXPECT_NE(status_reason(http_status(static_cast<Errc>(code))), "Unknown") << code;
  EXPECT_EQ(status_reason(299), "Unknown");
  EXPECT_EQ(status_reason(100), "Continue");
  EXPECT_EQ(status_reason(507), "Insufficient Storage");
}

TEST(ResponseHead, a_header_value_cannot_end_its_line) {
  const HttpHeaders headers = {{"X-A", "b\r\nX-Evil: 1"}};
  ResponseHead head;
  head.headers = &headers;
  head.content_length = 0;
  std::string out;
  append_response_head(out, head);
  EXPECT_THAT(out, HasSubstr("X-A: b  X-Evil: 1\r\n"));
}

TEST(ResponseHead, dates_are_in_the_form_of_the_standard) {
  EXPECT_EQ(format_http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace paramedic
