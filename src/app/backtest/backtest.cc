#include "app/backtest/backtest.h"

#include <algorithm>

#include <fmt/format.h>

#include "app/replay/ledger_pages.h"
#include "app/replay/recorded_rows.h"
#include "core/analysis/anomaly_notice.h"

namespace paramedic::backtest {

namespace {

using replay::RecordedRow;
using replay::RecordedRows;

constexpr Duration kLongestStep = 5min;  // between two rows that count as watched time
constexpr std::size_t kMaxAlarms = 100'000;

bool is_known_illness(const Alert& alert) {
  if (alert.worker_id.empty()) return false;
  switch (alert.reason) {
    case Reason::anomaly:
    case Reason::forecast:
    case Reason::task_degraded:
    case Reason::recycle:
    case Reason::rule:
    case Reason::rolling_paused:
    case Reason::approval_wanted:
    case Reason::source_blind:
      return false;
    default:
      return true;
  }
}

// Of each worker, by start; those that lie close together are one.
using IncidentsOf = std::map<std::string, std::vector<KnownIncident>>;

Result<IncidentsOf> read_incidents(Ledger& ledger, WallTime from, WallTime to) {
  IncidentsOf out;
  LedgerQuery query;
  query.from = from;
  query.to = to;
  auto done = replay::each_of_ledger<Alert>(
      query, [&](const LedgerQuery& q) { return ledger.alerts(q); },
      [&](const Alert& alert) {
        if (is_known_illness(alert))
          out[alert.worker_id].push_back(
              {alert.worker_id, alert.reason, alert.started_at, alert.ended_at.value_or(to)});
      });
  if (!done) return done.error();
  for (auto& [id, list] : out) {
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
    std::vector<KnownIncident> merged;
    for (KnownIncident& one : list)
      if (!merged.empty() && one.from - merged.back().to < kMerge)
        merged.back().to = std::max(merged.back().to, one.to);
      else
        merged.push_back(std::move(one));
    list = std::move(merged);
  }
  return out;
}

// Which worker belongs where, as the ledger knows it last.
Result<std::map<std::string, WorkerRecord>> read_workers(Ledger& ledger, WallTime at) {
  auto state = ledger.load(Now{SteadyTime{}, at});
  if (!state) return state.error();
  std::map<std::string, WorkerRecord> out;
  for (WorkerRecord& worker : state->workers) out[worker.worker_id] = std::move(worker);
  return out;
}

// Watches the alarms of the fleet begin and end.
class Watch {
 public:
  Watch(const Options& options, std::map<std::string, WorkerRecord> workers)
      : options_(options), workers_(std::move(workers)) {}

  void take(const RecordedRow& row) {
    MetricSet metrics = metrics_of(row);
    AnalysisSample sample;
    sample.worker_id = *row.worker_id;
    sample.pool = "default";
    if (const auto known = workers_.find(*row.worker_id); known != workers_.end()) {
      sample.pool = known->second.pool;
      sample.host = known->second.host;
    }
    sample.at = row.at;
    sample.metrics = &metrics;
    if (row.tasks) sample.tasks = *row.tasks;
    states_.clear();
    const auto view = analysis_.update(sample, options_.settings, states_);
    count_time(*row.worker_id, row.at);
    if (view && row.at >= options_.from) follow(*row.worker_id, *view);
  }
  double worker_seconds() const { return worker_seconds_; }
  std::uint64_t samples() const { return analysis_.stats().samples; }
  std::vector<Alarm> finish() {
    for (auto& [key, alarm] : open_) done_.push_back(std::move(alarm));
    open_.clear();
    std::stable_sort(done_.begin(), done_.end(), [](const Alarm& a, const Alarm& b) { return a.from < b.from; });
    return std::move(done_);
  }
  bool cut() const { return cut_; }

 private:
  MetricSet metrics_of(const RecordedRow& row) {
    const auto& columns = row.columns->metrics;
    const bool same = names_ && std::equal(columns.begin(), columns.end(), names_->begin(), names_->end(),
                                           [](const HistoryColumn& c, const auto& name) { return c.metric == name; });
    if (!same) {
      auto names = std::make_shared<MetricNames>();
      for (const HistoryColumn& column : columns) names->push_back(column.metric);
      names_ = std::move(names);
    }
    MetricSet out;
    for (const HistoryColumn& column : columns) out.values.push_back(column.values[row.index]);
    out.names = names_;
    return out;
  }

  void count_time(const std::string& worker, WallTime at) {
    WallTime& last = seen_[worker];
    if (at >= options_.from && last != WallTime{} && at - last <= kLongestStep && at > last)
      worker_seconds_ += to_seconds(at - std::max(last, options_.from));
    last = at;
  }

  void follow(const std::string& worker, const WorkerAnalysisView& view) {
    for (const Forecast& forecast : view.forecasts)
      if (forecast.alert_since && !forecast.may_be_burst)
        state(AlarmKind::forecast, worker, forecast.metric, view.at, [&] { return forecast.words(); });
    const auto open = open_.find(worker);
    const bool told = open != open_.end() && view.at - open->second.to < kMerge;
    if (const Anomaly* anomaly = anomaly_to_tell(view, told))
      state(AlarmKind::anomaly, worker, anomaly->metric, view.at, [&] { return anomaly->words(view.at); });
  }

  template <class Words>
  void state(AlarmKind kind, const std::string& worker, const std::string& metric, WallTime at, Words words) {
    // Of anomalies the metric that stands out may change: it is one alarm all the same.
    const std::string key = worker + (kind == AlarmKind::forecast ? "/" + metric : "");
    const auto found = open_.find(key);
    if (found != open_.end() && at - found->second.to < kMerge) {
      found->second.to = at;
      return;
    }
    if (found != open_.end()) {
      done_.push_back(std::move(found->second));
      open_.erase(found);
    }
    if (done_.size() >= kMaxAlarms) {
      cut_ = true;
      return;
    }
    open_[key] = {kind, worker, metric, words(), at, at};
  }

  const Options& options_;
  const std::map<std::string, WorkerRecord> workers_;
  FleetAnalysis analysis_;
  std::vector<SavedState> states_;
  std::shared_ptr<const MetricNames> names_;  // of the row before: mostly those of the next one
  std::map<std::string, WallTime> seen_;
  std::map<std::string, Alarm> open_;
  std::vector<Alarm> done_;
  double worker_seconds_ = 0;
  bool cut_ = false;
};

Duration horizon_of(const Alarm& alarm) {
  if (alarm.kind == AlarmKind::anomaly) return kAnomalyAhead;
  const auto kind = forecast_kind_of(alarm.metric);
  return kind ? forecast_kind_info(*kind).horizon : kAnomalyAhead;
}

// What became of it.
void judge(Alarm& alarm, std::vector<KnownIncident>& incidents, WallTime end) {
  const WallTime until = alarm.to + horizon_of(alarm);
  for (KnownIncident& incident : incidents) {
    if (alarm.kind == AlarmKind::forecast && !foretells(alarm.metric, incident.reason)) continue;
    if (incident.from <= alarm.from && incident.to + kMerge >= alarm.from) {
      alarm.outcome = Outcome::during;
      alarm.incident = std::string(to_string(incident.reason));
      return;
    }
    if (incident.from <= alarm.from || incident.from > until) continue;
    alarm.outcome = Outcome::ahead;
    alarm.lead = incident.from - alarm.from;
    alarm.incident = std::string(to_string(incident.reason));
    (alarm.kind == AlarmKind::anomaly ? incident.seen_by_anomaly : incident.seen_by_forecast) = true;
    return;
  }
  alarm.outcome = until > end ? Outcome::open : Outcome::wrong;
}

void count(const Alarm& alarm, KindResult& out) {
  ++out.alarms;
  switch (alarm.outcome) {
    case Outcome::ahead:
      ++out.ahead;
      out.lead_seconds.push_back(to_seconds(alarm.lead));
      break;
    case Outcome::during:
      ++out.during;
      break;
    case Outcome::open:
      ++out.open;
      break;
    case Outcome::wrong:
      ++out.wrong;
  }
}

void add_remarks(const Options& options, const Watch& watch, BacktestResult& out) {
  out.remarks.push_back(
      "incidents are alerts of workers that the ledger holds; a remedy or a planned restart that came first leaves an "
      "alarm without one, and it counts as wrong");
  out.remarks.push_back(
      "versions and lives of workers are not stored with the rows: levels are not learned anew at a release");
  if (out.first_row > options.from - 24h)
    out.remarks.push_back(
        "less than a day was stored before the beginning: the first alarms are missing, since a worker "
        "is learned for 24 hours first");
  if (watch.cut()) out.remarks.push_back(fmt::format("only the first {} alarms were looked at", kMaxAlarms));
}

}  // namespace

bool foretells(std::string_view metric, Reason reason) {
  const auto any = [&](std::initializer_list<Reason> list) {
    return std::find(list.begin(), list.end(), reason) != list.end();
  };
  const auto kind = forecast_kind_of(metric);
  if (!kind) return false;
  switch (*kind) {
    case ForecastKind::memory:
      return any({Reason::memory_high, Reason::exited, Reason::crash_loop});
    case ForecastKind::disk:
      return any({Reason::disk_usage_high, Reason::inodes_high});
    case ForecastKind::gpu_memory:
      return any({Reason::gpu_memory_high, Reason::gpu_error, Reason::exited});
    case ForecastKind::temperature:
      return any({Reason::gpu_error, Reason::slow_tasks});
    case ForecastKind::error_rate:
      return any({Reason::error_rate_high});
    case ForecastKind::latency:
      return any({Reason::slow_tasks, Reason::hung_task});
    case ForecastKind::heartbeat_jitter:
      return any({Reason::late, Reason::silent, Reason::starved});
    case ForecastKind::queue_age:
      return any({Reason::queue_stalled, Reason::not_consuming});
  }
  return false;
}

Result<BacktestResult> backtest(const Options& options) {
  auto incidents = read_incidents(*options.ledger, options.from, options.to);
  if (!incidents) return incidents.error();
  auto workers = read_workers(*options.ledger, options.to);
  if (!workers) return workers.error();
  const std::vector<std::string> ids = options.history->worker_ids();
  RecordedRows rows(*options.history, ids, options.from - options.learning, options.to);
  Watch watch(options, std::move(*workers));
  BacktestResult out;
  out.workers = ids.size();
  RecordedRow row;
  for (;;) {
    const auto more = rows.next(row);
    if (!more) return more.error();
    if (!*more) break;
    if (out.first_row == WallTime{}) out.first_row = row.at;
    out.last_row = row.at;
    // As the engine: rows of transitions lie between the even steps, late ones belong to the past.
    if (!row.transition && !row.backlog) watch.take(row);
  }
  if (rows.rows() == 0) return make_error(Errc::not_found, "no rows are stored of this time");
  out.rows = rows.rows();
  out.samples = watch.samples();
  out.worker_weeks = watch.worker_seconds() / (7 * 86400.0);
  out.alarms = watch.finish();
  for (Alarm& alarm : out.alarms) {
    judge(alarm, (*incidents)[alarm.worker_id], out.last_row);
    count(alarm, out.kinds[alarm.kind]);
  }
  for (const AlarmKind kind : {AlarmKind::anomaly, AlarmKind::forecast}) {
    KindResult& result = out.kinds[kind];
    std::sort(result.lead_seconds.begin(), result.lead_seconds.end());
  }
  for (auto& [id, list] : *incidents) out.incidents.insert(out.incidents.end(), list.begin(), list.end());
  add_remarks(options, watch, out);
  return out;
}

}  // namespace paramedic::backtest
