#include "io/wire/json_writer.h"

#include <charconv>
#include <limits>

#include <gtest/gtest.h>

#include "base/text.h"
#include "io/wire/wire_test_values.h"

namespace paramedic::wire {
namespace {

using testing::holds;

std::string number(double v) {
  std::string out;
  append_json_number(out, v);
  return out;
}
std::string quoted(std::string_view v) {
  std::string out;
  append_json_string(out, v);
  return out;
}

TEST(JsonNumber, is_short_and_exact) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(41.2), "41.2");
  EXPECT_EQ(number(-0.5), "-0.5");
  EXPECT_EQ(number(0.0001), "0.0001");
  EXPECT_EQ(number(100), "100");
  EXPECT_EQ(number(1e300), "1e+300");
  EXPECT_EQ(number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(number(std::nan("")), "null");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonNumber, reads_back_as_the_same_double) {
  EXPECT_TRUE(holds([] {
    const double value = testing::some_number();
    const std::string text = number(value);
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    RC_ASSERT(back == value);
  }));
}

TEST(JsonString, is_always_valid) {
  EXPECT_EQ(quoted("a\"b\\c\n\r\t\x01\x7F"), R"("a\"b\\c\n\r\t\u0001\u007f")");
  EXPECT_EQ(quoted("ä€😀"), "\"ä€😀\"");
  EXPECT_EQ(quoted("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(quoted("\xC3"), "\"\xEF\xBF\xBD\"") << "cut off";
  EXPECT_EQ(quoted("\xC0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"") << "overlong";
  EXPECT_EQ(quoted("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"") << "surrogate";
  EXPECT_EQ(quoted("\xF5\x80\x80\x80").size(), 2u + 4 * 3);
}

TEST(JsonString, escapes_at_every_place) {
  for (int c = 0; c < 256; ++c)
    for (std::size_t length : {1u, 7u, 8u, 9u, 20u})
      for (std::size_t place = 0; place < length; ++place) {
        std::string text(length, 'x');
        text[place] = char(c);
        const bool plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
        const std::string one = quoted(std::string_view(text).substr(place, 1));
        ASSERT_EQ(quoted(std::string_view(text)),
                  '"' + text.substr(0, place) + one.substr(1, one.size() - 2) + text.substr(place + 1) + '"');
        ASSERT_EQ(one.size() == 3, plain) << c;
      }
}

TEST(JsonWriter, places_commas_and_formats_values) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("a", 1).field("b", true).key("c").begin_array().value(-2).value(std::uint64_t{3}).end_array();
  w.key("d").begin_object().end_object().field("e", std::optional<int>()).field("f", WallTime{1500ms});
  w.key("g")
      .seconds(250ms)
      .field_if("h", std::optional<int>())
      .field_if("i", std::string())
      .field_if("j", std::string("x"));
  w.field("k", std::numeric_limits<std::int64_t>::min()).key("l").raw("[1]").end_object();
  EXPECT_EQ(out, R"({"a":1,"b":true,"c":[-2,3],"d":{},"e":null,"f":"1970-01-01T00:00:01.500Z","g":0.25,"j":"x",)"
                 R"("k":-9223372036854775808,"l":[1]})");
}

TEST(JsonTime, agrees_with_the_text_of_base) {
  EXPECT_TRUE(holds([] {
    const WallTime t = testing::some_time() + Duration{*rc::gen::inRange(0, 999'999)};
    std::string out;
    append_time(out, t);
    RC_ASSERT(out == format_time(t));
  }));
}

}  // namespace
}  // namespace paramedic::wire
