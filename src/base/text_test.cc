#include "base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {

TEST(Time, is_written_in_utc_with_milliseconds_and_read_back) {
  const auto t = parse_time("2026-11-23T17:40:00.2Z");
  ASSERT_TRUE(t);
  EXPECT_EQ(format_time(*t), "2026-11-23T17:40:00.200Z");
  EXPECT_EQ(format_time(*parse_time("2026-11-23T19:40:00+02:00")), "2026-11-23T17:40:00.000Z");
  EXPECT_EQ(format_time(*parse_time("2026-11-23 17:40:00.123456789-0130")), "2026-11-23T19:10:00.123Z");
  EXPECT_EQ(format_time(*parse_time("2024-02-29T00:00:00")), "2024-02-29T00:00:00.000Z");
}

TEST(Time, refuses_what_is_no_time) {
  for (const char* text :
       {"", "yesterday", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-23T25:00:00Z",
        "2026-11-23T17:40:00.Z", "2026-11-23T17:40:00+25:00", "2026-11-23T17:40:00Zx", "1969-01-01T00:00:00Z",
        "2300-01-01T00:00:00Z", "2026-11-23T17:40:00+1", "2026/11/23T17:40:00Z"}) {
    const auto t = parse_time(text);
    ASSERT_FALSE(t) << text;
    EXPECT_EQ(t.error().code, Errc::invalid_argument);
    EXPECT_NE(t.error().message.find("RFC 3339"), std::string::npos);
  }
}

RC_GTEST_PROP(Time, survives_a_round_trip, ()) {
  const WallTime t{std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(0, 9'000'000'000'000))};
  RC_ASSERT(parse_time(format_time(t)).value() == t);
}

TEST(DurationText, needs_a_unit) {
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(*parse_duration("7d"), 168h);
  EXPECT_EQ(*parse_duration("0"), 0s);
  for (const char* text : {"", "30", "s", "-5s", "5 s", "5y", "1e3s", "99999999999d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

RC_GTEST_PROP(DurationText, survives_a_round_trip, ()) {
  const Duration d{*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000)};
  RC_ASSERT(parse_duration(format_duration(d)).value() == d);
}

TEST(DurationText, writes_the_largest_units_first) {
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(-5s), "-5s");
}

TEST(Bytes, know_binary_units) {
  EXPECT_EQ(*parse_bytes("512"), 512u);
  EXPECT_EQ(*parse_bytes("512B"), 512u);
  EXPECT_EQ(*parse_bytes("64KiB"), 65536u);
  EXPECT_EQ(*parse_bytes("2GiB"), 2147483648u);
  for (const char* text : {"", "KiB", "5kb", "99999999999TiB"}) EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(Numbers, are_written_shortest) {
  EXPECT_EQ(format_number(1.0), "1");
  EXPECT_EQ(format_number(0.1), "0.1");
  EXPECT_EQ(format_number(std::nan("")), "NaN");
  EXPECT_EQ(format_number(-INFINITY), "-Inf");
  EXPECT_EQ(format_short(72.04), "72");
  EXPECT_EQ(format_short(71.26), "71.3");
  EXPECT_EQ(format_short(-0.01), "0");
}

TEST(Text, is_cut_between_characters) {
  EXPECT_EQ(cut_text("short", 5), "short");
  EXPECT_EQ(cut_text("a longer one", 8), "a lon…");
  EXPECT_EQ(cut_text("ää", 4), "ää");
  EXPECT_EQ(cut_text("äää", 5), "ä…") << "no half of a character";
  EXPECT_EQ(cut_text("long", 2), "");
}

}  // namespace paramedic
