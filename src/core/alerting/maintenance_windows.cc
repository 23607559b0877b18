#include "core/alerting/maintenance_windows.h"

#include <algorithm>

#include "base/text.h"
#include "core/alerting/matchers.h"

namespace paramedic {

namespace {

using Days = std::chrono::local_days;
constexpr auto kOneDay = std::chrono::days(1);
constexpr Duration kLongest = 7 * 24h;
constexpr int kHorizonDays = 8 * 366;  // 29 February comes at least once in 8 years (2096 … 2104)

struct Occurrence {
  WallTime begin, end;
};

bool contains(const std::vector<int>& list, int value) { return std::ranges::find(list, value) != list.end(); }

bool falls_on(const MaintenanceWindow& w, Days day) {
  const std::chrono::year_month_day date(day);
  const int of_month = int(unsigned(date.day()));
  const int length = int(unsigned((date.year() / date.month() / std::chrono::last).day()));
  return (w.months.empty() || contains(w.months, int(unsigned(date.month())))) &&
         (w.weekdays.empty() || contains(w.weekdays, int(std::chrono::weekday(day).c_encoding()))) &&
         (w.days_of_month.empty() || contains(w.days_of_month, of_month) ||
          contains(w.days_of_month, of_month - length - 1));
}

Occurrence occurrence_on(const MaintenanceWindow& w, Days day) {
  const WallTime begin = w.zone.instant(LocalTime(day) + w.start);
  if (w.duration) return {begin, begin + *w.duration};
  const bool next_day = *w.end <= w.start;
  return {begin, w.zone.instant(LocalTime(next_day ? day + kOneDay : day) + *w.end)};
}

// The first that ends after `now`. An `end` that the clock leaps over may leave an occurrence empty: it is passed over.
std::optional<Occurrence> next_of(const MaintenanceWindow& w, WallTime now) {
  Days day = std::chrono::floor<std::chrono::days>(w.zone.local(now)) - std::chrono::days(8);
  for (int i = 0; i < kHorizonDays; ++i, day += kOneDay) {
    if (!falls_on(w, day)) continue;
    const Occurrence o = occurrence_on(w, day);
    if (o.end > now && o.end > o.begin) return o;
  }
  return std::nullopt;
}

Silence to_silence(const MaintenanceWindow& w, const Occurrence& o) {
  Silence s;
  s.id = "win-" + w.name + "-" + format_time(o.begin).substr(0, 16) + "Z";
  s.matchers = w.matchers;
  s.starts_at = o.begin;
  s.ends_at = o.end;
  s.author = "configuration";
  s.comment = w.comment.empty() ? "maintenance window " + w.name : w.comment;
  s.created_at = o.begin;
  return s;
}

}  // namespace

std::vector<Silence> MaintenanceWindows::current(WallTime now) const {
  std::vector<Silence> out;
  for (const MaintenanceWindow& w : windows_)
    if (const auto o = next_of(w, now)) out.push_back(to_silence(w, *o));
  return out;
}

std::optional<WallTime> MaintenanceWindows::next_edge(WallTime now) const {
  std::optional<WallTime> out;
  for (const MaintenanceWindow& w : windows_) {
    const auto o = next_of(w, now);
    if (!o) continue;
    const WallTime edge = o->begin > now ? o->begin : o->end;
    if (!out || edge < *out) out = edge;
  }
  return out;
}

// ---- configuration -------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t kMaxWindows = 100;
constexpr std::string_view kWeekdays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
constexpr std::string_view kMonths[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};

// "02:30" → since midnight; "24:00" is the end of the day.
std::optional<Duration> parse_clock(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(text[0]) || !digit(text[1]) || !digit(text[3]) || !digit(text[4]))
    return std::nullopt;
  const int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
  if (minute > 59 || hour > 24 || (hour == 24 && minute > 0)) return std::nullopt;
  return std::chrono::hours(hour) + std::chrono::minutes(minute);
}

std::optional<Duration> read_clock(ParamsReader& r, std::string_view key) {
  std::string text;
  r.read(key, text);
  if (text.empty()) return std::nullopt;
  const auto time = parse_clock(text);
  if (!time) r.problem(key, "must be a time of day as \"02:30\", with quotes");
  return time;
}

// Names, or ranges of them as "monday:friday", into numbers from `first` on; a range may go over the end of the list.
template <std::size_t N>
std::vector<int> read_names(ParamsReader& r, std::string_view key, const std::string_view (&names)[N], int first) {
  std::vector<std::string> texts;
  r.read(key, texts);
  std::vector<int> out;
  const auto index = [&](std::string_view name) {
    return int(std::ranges::find(names, name) - std::begin(names));  // N = not found
  };
  for (const std::string& text : texts) {
    const auto colon = text.find(':');
    const int from = index(std::string_view(text).substr(0, colon));
    const int to = colon == std::string::npos ? from : index(std::string_view(text).substr(colon + 1));
    if (from == int(N) || to == int(N)) {
      r.problem(key, "'" + text.substr(0, 40) + "' is none of the names " + std::string(names[0]) + " … " +
                         std::string(names[N - 1]) + ", nor a range of two with a colon");
      continue;
    }
    for (int i = from;; i = (i + 1) % int(N)) {
      if (!contains(out, i + first)) out.push_back(i + first);
      if (i == to) break;
    }
  }
  return out;
}

MaintenanceWindow read_window(ParamsReader r, std::string name, const ZoneLoader& zone_of) {
  MaintenanceWindow w;
  w.name = std::move(name);
  r.read("comment", w.comment);
  CompiledMatchers matchers;  // compiled here so that a wrong expression is named with its line
  const auto before = r.problems().size();
  read_matchers(r, "matchers", matchers);
  w.matchers = matchers.matchers();
  if (w.matchers.empty() && r.problems().size() == before)
    r.problem("matchers", "are missing; a window for everything says so: [\"pool=~.*\"]");
  std::string zone = "UTC";
  r.read("time_zone", zone);
  auto loaded = zone_of(zone);
  if (loaded)
    w.zone = std::move(*loaded);
  else
    r.problem("time_zone", loaded.error().message);
  if (!r.has("start")) r.problem("start", "is missing: the local time of day at which the window begins");
  w.start = read_clock(r, "start").value_or(0h);
  if (w.start >= 24h) r.problem("start", "must be before 24:00");
  w.end = read_clock(r, "end");
  r.read("duration", w.duration, Duration(1min), kLongest);
  if (r.has("end") == r.has("duration")) r.problem("end", "give either `end` or `duration`");
  w.weekdays = read_names(r, "weekdays", kWeekdays, 0);
  w.months = read_names(r, "months", kMonths, 1);
  r.read("days_of_month", w.days_of_month, -31, 31);
  if (contains(w.days_of_month, 0)) r.problem("days_of_month", "days count from 1; -1 is the last of the month");
  r.finish();
  return w;
}

}  // namespace

MaintenanceWindows parse_maintenance_windows(const Params* node, const std::string& path, const ZoneLoader& zone_of,
                                             Problems& problems) {
  if (!node || node->kind == Params::Kind::null) return {};
  if (!node->is_map() || node->members.size() > kMaxWindows) {
    problems.push_back({node->file, node->line, path, "must be a map of at most 100 windows, each under its name"});
    return {};
  }
  const auto before = problems.size();
  std::vector<MaintenanceWindow> windows;
  for (const auto& member : node->members) {
    const std::string here = path + "." + member.first;
    if (!member.second.is_map()) {
      problems.push_back(
          {member.second.file, member.second.line, here, "must be a map: matchers, start, end or duration"});
      continue;
    }
    windows.push_back(read_window(ParamsReader(&member.second, here, problems), member.first, zone_of));
    if (problems.size() == before && !next_of(windows.back(), WallTime{}))
      problems.push_back(
          {member.second.file, member.second.line, here, "never happens: no day fits its months, days and weekdays"});
  }
  return problems.size() == before ? MaintenanceWindows(std::move(windows)) : MaintenanceWindows();
}

}  // namespace paramedic
