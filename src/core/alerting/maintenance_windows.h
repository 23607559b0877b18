// Recurring maintenance windows of the configuration: at these local times nobody is told of what the matchers select.
// Each occurrence is a silence with an id of its own ("win-NAME-START"); the notifier treats it as one that an operator
// made. They mute messages only: remedies go on (POST /maintenance holds those). Pure; any thread may read a const one.
//
// Right over changes of summer time: a window begins when the clock of its zone first shows `start`; when the clock
// leaps over that, at the leap. `duration` is time that passes; `end` is a time on the same clock.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/params.h"
#include "model/notification.h"
#include "model/time_zone.h"

namespace paramedic {

struct MaintenanceWindow {
  std::string name;
  std::string comment;
  std::vector<Matcher> matchers;
  TimeZone zone;
  Duration start{};                  // since local midnight
  std::optional<Duration> duration;  // passes, at most 7 days
  std::optional<Duration> end;       // since local midnight of the same day, or of the next when not after `start`
  // Empty = any. All that are given must hold for the local day on which it starts.
  std::vector<int> weekdays;       // 0 = Sunday … 6
  std::vector<int> days_of_month;  // 1 … 31; -1 = the last, -2 = the one before …
  std::vector<int> months;         // 1 … 12
};

class MaintenanceWindows {
 public:
  MaintenanceWindows() = default;
  explicit MaintenanceWindows(std::vector<MaintenanceWindow> windows) : windows_(std::move(windows)) {}

  // Of each window the occurrence that runs at `now`, else its next one within 8 years.
  std::vector<Silence> current(WallTime now) const;
  // The next instant after `now` at which an occurrence begins or ends; nullopt without windows.
  std::optional<WallTime> next_edge(WallTime now) const;
  bool empty() const { return windows_.empty(); }

 private:
  std::vector<MaintenanceWindow> windows_;
};

// `maintenance_windows:` of the configuration, a map from name to window (docs/routes.md). `zone_of` reads a time zone
// (io/time_zones); its error becomes a Problem. At most 100 windows.
using ZoneLoader = std::function<Result<TimeZone>(const std::string& name)>;
MaintenanceWindows parse_maintenance_windows(const Params* node, const std::string& path, const ZoneLoader& zone_of,
                                             Problems& problems);

}  // namespace paramedic
