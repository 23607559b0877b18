#include "io/time_zones/time_zones.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/text.h"

namespace paramedic {
namespace {

WallTime at(std::string_view text) {
  const auto t = parse_time(text);
  EXPECT_TRUE(t) << text;
  return *t;
}
LocalTime local(int year, unsigned month, unsigned day, Duration time) {
  using namespace std::chrono;
  return LocalTime(local_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)) + time);
}
TimeZone zone(const std::string& name) {
  auto z = load_time_zone(name);
  EXPECT_TRUE(z) << z.error().message;
  return *z;
}

TEST(TimeZones, SummerAndWinterAreKnownFarAhead) {
  const TimeZone berlin = zone("Europe/Berlin");
  EXPECT_EQ(berlin.offset_at(at("2026-01-15T12:00:00Z")), 1h);
  EXPECT_EQ(berlin.offset_at(at("2026-07-15T12:00:00Z")), 2h);
  EXPECT_EQ(berlin.offset_at(at("2026-03-29T00:59:59Z")), 1h);
  EXPECT_EQ(berlin.offset_at(at("2026-03-29T01:00:00Z")), 2h);
  EXPECT_EQ(berlin.offset_at(at("2090-07-15T12:00:00Z")), 2h) << "from the rule behind the table";
  EXPECT_EQ(zone("America/New_York").offset_at(at("2026-11-01T05:59:59Z")), -4h);
  EXPECT_EQ(zone("America/New_York").offset_at(at("2026-11-01T06:00:00Z")), -5h);
  EXPECT_EQ(zone("Australia/Lord_Howe").offset_at(at("2026-01-15T12:00:00Z")), 11h) << "half an hour of summer time";
  EXPECT_EQ(zone("Australia/Lord_Howe").offset_at(at("2026-07-15T12:00:00Z")), 10h + 30min);
  EXPECT_EQ(zone("Asia/Kathmandu").offset_at(at("2026-07-15T12:00:00Z")), 5h + 45min);
}

TEST(TimeZones, UtcHasNoTransition) {
  EXPECT_TRUE(zone("UTC").transitions.empty());
  EXPECT_EQ(zone("UTC").instant(local(2026, 3, 29, 2h + 30min)), at("2026-03-29T02:30:00Z"));
}

TEST(TimeZones, ALocalTimeThatIsLeaptOverIsTheLeap) {
  const TimeZone berlin = zone("Europe/Berlin");  // 02:00 -> 03:00 on 29 March 2026
  EXPECT_EQ(berlin.instant(local(2026, 3, 29, 1h + 59min)), at("2026-03-29T00:59:00Z"));
  EXPECT_EQ(berlin.instant(local(2026, 3, 29, 2h + 30min)), at("2026-03-29T01:00:00Z"));
  EXPECT_EQ(berlin.instant(local(2026, 3, 29, 3h)), at("2026-03-29T01:00:00Z"));
  EXPECT_EQ(berlin.instant(local(2026, 3, 29, 3h + 1min)), at("2026-03-29T01:01:00Z"));
}

TEST(TimeZones, ALocalTimeThatComesTwiceIsTheFirst) {
  const TimeZone berlin = zone("Europe/Berlin");  // 03:00 -> 02:00 on 25 October 2026
  EXPECT_EQ(berlin.instant(local(2026, 10, 25, 2h + 30min)), at("2026-10-25T00:30:00Z"));
  EXPECT_EQ(berlin.instant(local(2026, 10, 25, 3h)), at("2026-10-25T02:00:00Z"));
  const TimeZone york = zone("America/New_York");  // 02:00 -> 01:00 on 1 November 2026
  EXPECT_EQ(york.instant(local(2026, 11, 1, 1h + 30min)), at("2026-11-01T05:30:00Z"));
}

TEST(TimeZones, LocalAndInstantAreEachOthersInverseOutsideOfLeaps) {
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"}) {
    const TimeZone z = zone(name);
    for (WallTime t = at("2026-01-01T00:10:00Z"); t < at("2027-01-01T00:00:00Z"); t += 7h) {
      const WallTime back = z.instant(z.local(t));
      EXPECT_TRUE(back == t || z.local(back) == z.local(t)) << name << " " << format_time(t);
    }
  }
}

TEST(TimeZones, WhatIsNoZoneIsRefusedWithTheRemedy) {
  const auto unknown = load_time_zone("Europe/Atlantis");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_NE(unknown.error().message.find("tzdata"), std::string::npos);
  for (const char* bad : {"", "/etc/passwd", "../../etc/passwd", "Europe/Ber lin", "a\nb"}) {
    const auto refused = load_time_zone(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, Errc::invalid_argument) << bad;
  }
  EXPECT_FALSE(load_time_zone(std::string(65, 'a')));
}

}  // namespace
}  // namespace paramedic
