// paramedic backtest: would the analysis have seen the incidents of stored days coming? (docs/backtest.md)
#include "app/backtest/backtest.h"

#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/instant.h"
#include "app/cli/stored_copy.h"
#include "base/text.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace {

using backtest::Alarm;
using backtest::AlarmKind;
using backtest::BacktestResult;
using backtest::KindResult;

constexpr std::size_t kShown = 20;

int seen(const BacktestResult& r) {
  int out = 0;
  for (const auto& incident : r.incidents) out += incident.seen_by_anomaly || incident.seen_by_forecast;
  return out;
}

std::string line(const BacktestResult& r, AlarmKind kind, const KindResult& k) {
  return fmt::format("{:<10} {:>7} {:>7} {:>7} {:>7} {:>7} {:>10} {:>17.2f} {:>12}\n", to_string(kind), k.alarms, k.ahead,
                     k.during, k.open, k.wrong,
                     k.ahead + k.wrong > 0 ? fmt::format("{:.2f}", k.precision()) : std::string("-"),
                     r.per_worker_week(k.wrong),
                     k.ahead > 0 ? format_duration(std::chrono::round<std::chrono::seconds>(
                                       from_seconds(k.median_lead_seconds())))
                                 : std::string("-"));
}

std::string as_text(const BacktestResult& r, bool all) {
  std::string out = fmt::format("{} workers, {} rows, {} values, {:.2f} worker-weeks; {} known incidents, {} of them seen ahead\n\n",
                                r.workers, r.rows, r.samples, r.worker_weeks, r.incidents.size(), seen(r));
  out += fmt::format("{:<10} {:>7} {:>7} {:>7} {:>7} {:>7} {:>10} {:>17} {:>12}\n", "alarms", "all", "ahead", "during",
                     "open", "wrong", "precision", "wrong/worker-week", "median lead");
  for (const auto& [kind, result] : r.kinds) out += line(r, kind, result);
  if (!r.alarms.empty()) out += "\n";
  std::size_t shown = 0;
  for (const Alarm& alarm : r.alarms) {
    if (!all && shown == kShown) {
      out += fmt::format("… and {} more (--all)\n", r.alarms.size() - shown);
      break;
    }
    ++shown;
    out += fmt::format("{}  {:<8} {:<6} {}: {}{}\n", format_time(alarm.from), to_string(alarm.kind),
                       to_string(alarm.outcome), alarm.worker_id, alarm.text,
                       alarm.incident.empty() ? "" : " -> " + alarm.incident);
  }
  if (!r.remarks.empty()) out += "\n";
  for (const std::string& remark : r.remarks) out += "note: " + remark + "\n";
  return out;
}

std::string as_json(const BacktestResult& r) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("workers", r.workers).field("rows", r.rows).field("values", r.samples);
  w.field("worker_weeks", r.worker_weeks).field("incidents", r.incidents.size()).field("incidents_seen_ahead", seen(r));
  w.key("alarms_by_kind").begin_object();
  for (const auto& [kind, k] : r.kinds) {
    w.key(to_string(kind)).begin_object().field("alarms", k.alarms).field("ahead", k.ahead).field("during", k.during);
    w.field("open", k.open).field("wrong", k.wrong).field("precision", k.precision());
    w.field("wrong_per_worker_week", r.per_worker_week(k.wrong)).field("median_lead_seconds", k.median_lead_seconds());
    w.end_object();
  }
  w.end_object().key("alarms").begin_array();
  for (const Alarm& a : r.alarms) {
    w.begin_object().field("kind", a.kind).field("worker_id", a.worker_id).field("metric", a.metric);
    w.field("from", a.from).field("to", a.to).field("outcome", a.outcome).key("lead_seconds").seconds(a.lead);
    w.field("incident", a.incident).field("text", a.text).end_object();
  }
  w.end_array().key("remarks").begin_array();
  for (const std::string& remark : r.remarks) w.value(remark);
  w.end_array().end_object();
  return out + "\n";
}

Result<BacktestResult> look_back(const BacktestOptions& options) {
  const WallTime now = SystemClock().now().wall;
  backtest::Options ask;
  const auto from = parse_instant(options.from, "--from", now);
  if (!from) return from.error();
  const auto to = options.to.empty() ? Result<WallTime>(now) : parse_instant(options.to, "--to", now);
  if (!to) return to.error();
  if (*to <= *from) return Error{Errc::invalid_argument, "--to must lie after --from"};
  ask.from = *from;
  ask.to = *to;
  auto work = WorkFolder::make();
  if (!work) return work.error();
  StoredCopy stores;
  if (auto done = open_ledger_copy(options.data_dir, *work, stores); !done) return done.error();
  if (auto done = open_history_copy(options.data_dir, *work, stores); !done) return done.error();
  if (!stores.ledger || !stores.history)
    return Error{Errc::not_found,
                 fmt::format("{} holds no {}; name the data_dir of a monitor with --data-dir (stores on Redis cannot be "
                             "looked back at)",
                             options.data_dir, stores.ledger ? "history.db" : "ledger.db")};
  ask.ledger = stores.ledger.get();
  ask.history = stores.history.get();
  return backtest::backtest(ask);
}

}  // namespace

int backtest_days(const BacktestOptions& options) {
  const auto result = look_back(options);
  if (!result) return fail(result.error());
  std::cout << (options.json ? as_json(*result) : as_text(*result, options.all));
  return 0;
}

}  // namespace paramedic::cli
