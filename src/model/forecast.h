// A forecast: when a metric will reach its limit if it goes on as it does. Made by core/analysis, shown by API, page
// and alert. Plain value; any thread.
//
// The time left is taken as log-normal around `reaches_at`: half of the crossings come earlier. `earliest` and `latest`
// hold 80 % of them.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"

namespace paramedic {

struct Forecast {
  std::string metric;  // "memory_percent"
  double level = 0;    // where its trend stands now, in the metric's unit, like the next two
  double limit = 0;
  double slope_per_hour = 0;  // now
  WallTime made_at{};         // end of the five minutes it rests on; an old one says that samples are missing
  WallTime reaches_at{}, earliest{}, latest{};  // not before made_at
  double spread = 0;                            // standard deviation of ln(time left)
  double probability = 0;                       // 0…1, that the limit is reached within the horizon
  Duration horizon{};
  WallTime rising_since{};
  std::optional<WallTime> alert_since;  // it holds as an alert since then
  // Out of the range seen before, significant in both halves and on the lower envelope. Otherwise the trend is shown,
  // with at most even odds, and never alerts.
  bool firm = false;
  // Firm, but seen for no longer than kYoungRise: it cannot be told from a batch or temporary files that end by
  // themselves. Nothing should be restarted for it.
  bool may_be_burst = false;

  static constexpr Duration kYoungRise = 4h;

  // May something be restarted for it? A planned recycle (core/recovery/recycle.h) then gets full_at = earliest, so
  // that nine of ten times it comes before the limit does; probability = that of the forecast; text = words().
  bool worth_acting() const { return firm && !may_be_burst; }

  Duration time_left() const { return reaches_at - made_at; }

  // "memory_percent rises by 3.1 per hour from 71; it reaches 95 in 7 h 40 min (80 %: 6 h to 10 h)"
  std::string words() const;
};

// "7 h 40 min": two units at most, the second left out where it is zero; rounded. "less than a minute" below one.
std::string duration_words(Duration d);

}  // namespace paramedic
