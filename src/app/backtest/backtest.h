// Would the analysis have seen it coming? Detectors and forecasts over stored history, beside the incidents that the
// ledger knows (docs/backtest.md). Streams the rows; memory is bounded by the analysis' own budget. One thread; blocks
// on the disk.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/analysis/fleet_analysis.h"
#include "io/history/history.h"
#include "io/ledger/ledger.h"

namespace paramedic::backtest {

// An alarm is compared with incidents of its worker that begin within this time, or while it still stands. A forecast:
// its horizon at least (ForecastKindInfo::horizon).
inline constexpr Duration kAnomalyAhead = 2h;
// Alarms of one worker and metric with less between them are one; so are alerts of one worker.
inline constexpr Duration kMerge = 30min;

struct Options {
  History* history = nullptr;
  Ledger* ledger = nullptr;
  WallTime from{}, to{};
  Duration learning = 48h;  // rows of so long before `from` are read first; their alarms do not count
  AnalysisSettings settings;
};

enum class AlarmKind { anomaly, forecast };
// ahead: an incident that it speaks of began later. during: it began earlier and was not over, or ended just before.
// open: the time to tell lies beyond the end of what is stored.
enum class Outcome { ahead, during, open, wrong };

}  // namespace paramedic::backtest

namespace paramedic {
PARAMEDIC_ENUM_NAMES(backtest::AlarmKind, "anomaly", "forecast")
PARAMEDIC_ENUM_NAMES(backtest::Outcome, "ahead", "during", "open", "wrong")
}  // namespace paramedic

namespace paramedic::backtest {

struct Alarm {
  AlarmKind kind = AlarmKind::anomaly;
  std::string worker_id, metric, text;
  WallTime from{}, to{};
  Outcome outcome = Outcome::wrong;
  Duration lead{};       // of one that was ahead
  std::string incident;  // the reason of the one it was compared with
};

// Alerts of one worker that the ledger holds, merged; what the analysis said itself does not count.
struct KnownIncident {
  std::string worker_id;
  Reason reason = Reason::none;  // of the first
  WallTime from{}, to{};
  bool seen_by_anomaly = false, seen_by_forecast = false;  // ahead
};

struct KindResult {
  int alarms = 0, ahead = 0, during = 0, open = 0, wrong = 0;
  std::vector<double> lead_seconds;  // of those ahead, rising
  double precision() const { return ahead + wrong > 0 ? double(ahead) / (ahead + wrong) : 0; }
  double median_lead_seconds() const { return lead_seconds.empty() ? 0 : lead_seconds[lead_seconds.size() / 2]; }
};

struct BacktestResult {
  std::map<AlarmKind, KindResult> kinds;
  std::vector<Alarm> alarms;  // by time
  std::vector<KnownIncident> incidents;
  std::size_t workers = 0;
  std::uint64_t rows = 0, samples = 0;
  double worker_weeks = 0;  // in which alarms count
  WallTime first_row{}, last_row{};
  std::vector<std::string> remarks;  // what limits the answer

  double per_worker_week(int count) const { return worker_weeks > 0 ? count / worker_weeks : 0; }
};

// Errors: not_found (no rows in this time), as History and Ledger.
Result<BacktestResult> backtest(const Options& options);

// The reasons of incidents that a forecast of this metric speaks of.
bool foretells(std::string_view metric, Reason reason);

}  // namespace paramedic::backtest
