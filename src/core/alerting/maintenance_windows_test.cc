// Recurring windows over changes of summer time. The zones are written out here: core asks no system.
#include "core/alerting/maintenance_windows.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace paramedic {
namespace {

WallTime at(std::string_view text) {
  const auto t = parse_time(text);
  EXPECT_TRUE(t) << text;
  return *t;
}

// As the rules are: last Sunday of March and October, 01:00 UTC; second of March, first of November, 02:00 local.
TimeZone berlin() {
  return {"Europe/Berlin",
          1h,
          {{at("2026-03-29T01:00:00Z"), 2h}, {at("2026-10-25T01:00:00Z"), 1h}, {at("2027-03-28T01:00:00Z"), 2h}}};
}
TimeZone york() {
  return {"America/New_York",
          -5h,
          {{at("2026-03-08T07:00:00Z"), -4h}, {at("2026-11-01T06:00:00Z"), -5h}, {at("2027-03-14T07:00:00Z"), -4h}}};
}
Result<TimeZone> zone_of(const std::string& name) {
  if (name == "UTC") return TimeZone{};
  if (name == "Europe/Berlin") return berlin();
  return make_error(Errc::not_found, "there is no time zone '" + name + "'");
}

MaintenanceWindow window(TimeZone zone, Duration start) {
  MaintenanceWindow w;
  w.name = "w";
  w.matchers = {{"pool", MatchOp::equal, "thumbs"}};
  w.zone = std::move(zone);
  w.start = start;
  w.duration = 1h;
  return w;
}
// "BEGIN/END" of the occurrence at or after `now`.
std::string next(const MaintenanceWindow& w, std::string_view now) {
  const auto found = MaintenanceWindows({w}).current(at(now));
  if (found.size() != 1) return "none";
  return format_time(found[0].starts_at).substr(0, 16) + "/" + format_time(found[0].ends_at).substr(0, 16);
}

TEST(MaintenanceWindows, keeps_its_local_time_in_summer_and_winter) {
  const auto w = window(berlin(), 4h);
  EXPECT_EQ(next(w, "2026-01-10T12:00:00Z"), "2026-01-11T03:00/2026-01-11T04:00");
  EXPECT_EQ(next(w, "2026-07-10T12:00:00Z"), "2026-07-11T02:00/2026-07-11T03:00");
  EXPECT_EQ(next(window(york(), 4h), "2026-07-10T12:00:00Z"), "2026-07-11T08:00/2026-07-11T09:00");
  EXPECT_EQ(next(window(york(), 4h), "2026-12-10T12:00:00Z"), "2026-12-11T09:00/2026-12-11T10:00");
}

TEST(MaintenanceWindows, begins_at_the_leap_when_the_clock_leaps_over_its_start) {
  EXPECT_EQ(next(window(berlin(), 2h + 30min), "2026-03-29T00:00:00Z"), "2026-03-29T01:00/2026-03-29T02:00");
  EXPECT_EQ(next(window(york(), 2h + 30min), "2026-03-08T06:00:00Z"), "2026-03-08T07:00/2026-03-08T08:00");
}

TEST(MaintenanceWindows, runs_once_when_its_start_comes_twice) {
  const auto w = window(berlin(), 2h + 30min);
  EXPECT_EQ(next(w, "2026-10-25T00:00:00Z"), "2026-10-25T00:30/2026-10-25T01:30");
  EXPECT_EQ(next(w, "2026-10-25T01:30:00Z"), "2026-10-26T01:30/2026-10-26T02:30") << "not again at the second 02:30";
  EXPECT_EQ(next(window(york(), 1h + 30min), "2026-11-01T05:00:00Z"), "2026-11-01T05:30/2026-11-01T06:30");
}

TEST(MaintenanceWindows, an_end_is_a_time_on_the_same_clock) {
  auto w = window(berlin(), 1h);
  w.duration.reset();
  w.end = 5h;
  EXPECT_EQ(next(w, "2026-03-28T12:00:00Z"), "2026-03-29T00:00/2026-03-29T03:00") << "three hours pass";
  EXPECT_EQ(next(w, "2026-10-24T12:00:00Z"), "2026-10-24T23:00/2026-10-25T04:00") << "five hours pass";
  w.start = 22h;
  EXPECT_EQ(next(w, "2026-01-10T12:00:00Z"), "2026-01-10T21:00/2026-01-11T04:00") << "over midnight";
  EXPECT_EQ(next(w, "2026-01-11T03:59:00Z"), "2026-01-10T21:00/2026-01-11T04:00") << "it still runs";
}

TEST(MaintenanceWindows, an_occurrence_of_no_length_is_passed_over) {
  auto w = window(berlin(), 2h + 10min);
  w.duration.reset();
  w.end = 2h + 50min;
  EXPECT_EQ(next(w, "2026-03-29T00:00:00Z"), "2026-03-30T00:10/2026-03-30T00:50");
}

TEST(MaintenanceWindows, days_are_those_of_the_zone) {
  auto w = window(berlin(), 30min);
  w.weekdays = {0};  // Sunday 00:30 in Berlin is Saturday in UTC
  EXPECT_EQ(next(w, "2026-01-10T12:00:00Z"), "2026-01-10T23:30/2026-01-11T00:30");
  w.weekdays.clear();
  w.days_of_month = {1, -1};
  EXPECT_EQ(next(w, "2026-02-10T12:00:00Z"), "2026-02-27T23:30/2026-02-28T00:30");
  EXPECT_EQ(next(w, "2026-02-28T12:00:00Z"), "2026-02-28T23:30/2026-03-01T00:30");
  w.months = {6};
  EXPECT_EQ(next(w, "2026-02-28T12:00:00Z"), "2026-05-31T22:30/2026-05-31T23:30");
  w.weekdays = {3};
  w.days_of_month = {29};
  w.months = {2};
  w.zone = TimeZone{};
  EXPECT_EQ(next(w, "2026-02-28T12:00:00Z"), "none") << "29 February on a Wednesday: 2040 is beyond the horizon";
}

TEST(MaintenanceWindows, edges_follow_each_other) {
  const MaintenanceWindows w({window(TimeZone{}, 4h), window(TimeZone{}, 4h + 30min)});
  WallTime t = at("2026-01-10T00:00:00Z");
  for (const char* edge : {"2026-01-10T04:00:00Z", "2026-01-10T04:30:00Z", "2026-01-10T05:00:00Z",
                           "2026-01-10T05:30:00Z", "2026-01-11T04:00:00Z"}) {
    t = w.next_edge(t).value();
    EXPECT_EQ(t, at(edge));
  }
  EXPECT_FALSE(MaintenanceWindows().next_edge(t));
}

TEST(MaintenanceWindows, an_occurrence_is_a_silence_of_its_own) {
  const auto s = MaintenanceWindows({window(TimeZone{}, 4h)}).current(at("2026-01-10T04:10:00Z")).at(0);
  EXPECT_EQ(s.id, "win-w-2026-01-10T04:00Z");
  EXPECT_TRUE(s.active(at("2026-01-10T04:10:00Z")));
  EXPECT_EQ(to_text(s.matchers), "pool=thumbs");
  EXPECT_EQ(s.author, "configuration");
}

Params list(std::vector<std::string> texts) {
  Params out{.kind = Params::Kind::list};
  for (auto& t : texts) out.items.push_back(Params::of(std::move(t)));
  return out;
}
Params good() {
  Params p = Params::map();
  p.set("matchers", list({"pool=thumbs", "host=~db.*"}));
  p.set("time_zone", Params::of("Europe/Berlin"));
  p.set("start", Params::of("22:00"));
  p.set("end", Params::of("04:30"));
  p.set("weekdays", list({"friday:monday", "wednesday"}));
  p.set("comment", Params::of("backup"));
  return p;
}
Problems problems_of(Params window) {
  Params node = Params::map();
  node.set("backup", std::move(window));
  Problems problems;
  parse_maintenance_windows(&node, "maintenance_windows", zone_of, problems);
  return problems;
}
std::string first_problem(Params window) {
  const auto problems = problems_of(std::move(window));
  return problems.empty() ? "" : problems[0].key + ": " + problems[0].message;
}

TEST(MaintenanceWindows, are_read_from_the_configuration) {
  Params node = Params::map();
  node.set("backup", good());
  Problems problems;
  const auto windows = parse_maintenance_windows(&node, "maintenance_windows", zone_of, problems);
  ASSERT_TRUE(problems.empty()) << problems[0].to_string();
  // 2026-01-08 is a Thursday: the next is Friday 22:00 in Berlin.
  const auto s = windows.current(at("2026-01-08T12:00:00Z")).at(0);
  EXPECT_EQ(s.starts_at, at("2026-01-09T21:00:00Z"));
  EXPECT_EQ(s.ends_at, at("2026-01-10T03:30:00Z"));
  EXPECT_EQ(s.comment, "backup");
  EXPECT_EQ(s.matchers.size(), 2u);
  EXPECT_EQ(windows.current(at("2026-01-13T12:00:00Z")).at(0).starts_at, at("2026-01-14T21:00:00Z")) << "Wednesday";
}

TEST(MaintenanceWindows, what_is_wrong_is_named) {
  EXPECT_EQ(first_problem(good()), "");
  EXPECT_NE(first_problem(good().set("time_zone", Params::of("Mars/Olympus"))).find("Mars/Olympus"), std::string::npos);
  for (const char* bad : {"2:00", "02-00", "25:00", "24:01", "02:60", "morning"})
    EXPECT_NE(first_problem(good().set("start", Params::of(bad))).find("maintenance_windows.backup.start"),
              std::string::npos)
        << bad;
  EXPECT_NE(first_problem(good().set("duration", Params::of("1h"))).find("either"), std::string::npos);
  EXPECT_NE(first_problem(good().set("weekdays", list({"fryday"}))).find("fryday"), std::string::npos);
  EXPECT_NE(first_problem(good().set("days_of_month", list({"0"}))).find("count from 1"), std::string::npos);
  EXPECT_NE(first_problem(good().set("matchers", list({"host=~h["}))).find("host=~h["), std::string::npos);
  EXPECT_NE(first_problem(good().set("matchers", list({}))).find("matchers"), std::string::npos);
  EXPECT_NE(first_problem(good().set("matchers", list({"nonsense"}))).find("matchers"), std::string::npos);
  EXPECT_NE(first_problem(
                good().set("months", list({"february"})).set("days_of_month", list({"30"})).set("weekdays", list({})))
                .find("never happens"),
            std::string::npos);
  EXPECT_NE(first_problem(good().set("typo", Params::of("x"))).find("typo"), std::string::npos);
  EXPECT_NE(first_problem(Params::of("x")).find("must be a map"), std::string::npos);
  Params missing = Params::map();
  missing.set("duration", Params::of("1h"));
  EXPECT_NE(first_problem(missing).find("matchers: are missing"), std::string::npos);
  missing.set("matchers", list({"pool=a"}));
  EXPECT_NE(first_problem(missing).find("start"), std::string::npos);
}

}  // namespace
}  // namespace paramedic
