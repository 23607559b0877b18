// paramedic simulate: a simulated week of a fleet under the real engine, and what the monitor did in it
// (docs/simulate.md). 0 = every must held, 1 = one was broken, 2 = wrong input.
#include "app/simulate/simulate.h"

#include <iostream>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace {

using simulate::Illnesses;
using simulate::RecoveryTimes;
using simulate::SimulationResult;

struct Must {
  std::string name;
  int broken = 0;
};

std::vector<Must> musts(const SimulationResult& r) {
  return {{"stops in broker outages", r.stops.in_outage},
          {"stops while the monitor lagged", r.stops.in_lag},
          {"more of a pool down than max(1, 10 %)", r.share.times_exceeded},
          {"crashes not recovered", r.crashes_not_recovered},
          {"incidents left open though all is well", r.left_open}};
}

bool all_held(const SimulationResult& r) {
  for (const Must& must : musts(r))
    if (must.broken > 0) return false;
  return true;
}

double percent(const simulate::Share& s) { return s.pool_size > 0 ? 100.0 * s.down / s.pool_size : 0; }

std::string line(const char* name, const Illnesses& i) {
  return fmt::format("{:<28}{} crashes, {} hangs, {} lost connections, {} pauses\n", name, i.crashes, i.hangs,
                     i.lost_connections, i.stalls);
}

std::string line(const char* name, const RecoveryTimes& t) {
  return fmt::format("{:<28}p50 {:.1f} s, p95 {:.1f} s, longest {:.0f} s ({} illnesses)\n", name, t.p50, t.p95, t.max,
                     t.count);
}

std::string as_text(const SimulateOptions& o, const SimulationResult& r) {
  const simulate::Stops& s = r.stops;
  std::string out = fmt::format("{} workers in {} pools, {} days, seed {}: {} reports, {} steps of the engine\n",
                                o.workers, o.pools, o.days, o.seed, r.reports, r.steps);
  out += line("ill by themselves", r.alone) + line("ill by the bad version", r.shared);
  out += fmt::format("{:<28}{} done, {} needed: {:.2f} ×\n", "stops", s.done, s.needed, s.ratio());
  out += fmt::format("{:<28}{} needed, {} of the bad version, {} in a pause, {} well\n", "  they ended workers",
                     s.of_needed, s.of_shared_cause, s.of_stalled, s.of_well);
  out +=
      fmt::format("{:<28}{} (and {} before its workers had told)\n", "  in broker outages", s.in_outage, s.in_notice);
  out += fmt::format("{:<28}{}\n", "  while it lagged", s.in_lag);
  out += fmt::format("{:<28}{}\n", "starts of dead workers", r.starts);
  if (r.monitor_restarts > 0) out += fmt::format("{:<28}{}\n", "restarts of the monitor", r.monitor_restarts);
  out += line("recovery", r.recovery) + line("  without loading", r.recovery_without_load);
  out += line("  of the bad version", r.recovery_shared);
  out += fmt::format("{:<28}{} of {} ({:.0f} %), allowed {}, exceeded {} times\n", "largest share down by us",
                     r.share.down, r.share.pool_size, percent(r.share), r.share.allowed, r.share.times_exceeded);
  out += fmt::format("{:<28}{} crashed, {} others; {} quarantines\n", "ill at the end", r.crashes_not_recovered,
                     r.others_not_recovered, r.quarantines);
  out += fmt::format("{:<28}{}, {} of them critical, {} left open\n", "incidents", r.incidents, r.critical_incidents,
                     r.left_open);
  out += fmt::format("{:<28}{}", "notifications", r.notifications);
  for (const auto& [kind, count] : r.notifications_by_kind) out += fmt::format(", {} {}", count, kind);
  out += "\n";
  for (const std::string& stop : r.forbidden_stops) out += "  wrong stop: " + stop + "\n";
  for (const std::string& what : r.open_at_end) out += "  left open: " + what + "\n";
  for (const std::string& who : r.not_recovered) out += "  ill at the end: " + who + "\n";
  for (const Must& must : musts(r))
    if (must.broken > 0) out += fmt::format("BROKEN: {}: {}, must be 0\n", must.name, must.broken);
  return out;
}

void write(wire::JsonWriter& w, const char* name, const Illnesses& i) {
  w.key(name).begin_object().key("crashes").value(i.crashes).key("hangs").value(i.hangs);
  w.key("lost_connections").value(i.lost_connections).key("pauses").value(i.stalls).end_object();
}

void write(wire::JsonWriter& w, const char* name, const RecoveryTimes& t) {
  w.key(name).begin_object().key("count").value(t.count).key("p50").value(t.p50);
  w.key("p95").value(t.p95).key("max").value(t.max).end_object();
}

void write_stops(wire::JsonWriter& w, const simulate::Stops& s) {
  w.key("stops").begin_object();
  w.key("done").value(s.done).key("needed").value(s.needed).key("ratio").value(s.ratio());
  w.key("of_needed").value(s.of_needed).key("of_bad_version").value(s.of_shared_cause);
  w.key("in_a_pause").value(s.of_stalled).key("of_well").value(s.of_well);
  w.key("in_broker_outage").value(s.in_outage).key("before_outage_was_told").value(s.in_notice);
  w.key("while_monitor_lagged").value(s.in_lag).end_object();
}

std::string as_json(const SimulateOptions& o, const SimulationResult& r) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object();
  w.key("workers").value(o.workers).key("pools").value(o.pools).key("days").value(o.days).key("seed").value(o.seed);
  w.key("reports").value(r.reports).key("steps").value(r.steps);
  write(w, "ill_alone", r.alone);
  write(w, "ill_by_bad_version", r.shared);
  write_stops(w, r.stops);
  w.key("starts").value(r.starts);
  write(w, "recovery_seconds", r.recovery);
  write(w, "recovery_without_load_seconds", r.recovery_without_load);
  write(w, "recovery_bad_version_seconds", r.recovery_shared);
  w.key("largest_share").begin_object().key("down").value(r.share.down).key("pool_size").value(r.share.pool_size);
  w.key("percent").value(percent(r.share)).key("allowed").value(r.share.allowed);
  w.key("times_exceeded").value(r.share.times_exceeded).end_object();
  w.key("crashes_not_recovered").value(r.crashes_not_recovered);
  w.key("others_not_recovered").value(r.others_not_recovered).key("quarantines").value(r.quarantines);
  w.key("monitor_restarts").value(r.monitor_restarts).key("incidents_left_open").value(r.left_open);
  w.key("incidents").value(r.incidents).key("critical_incidents").value(r.critical_incidents);
  w.key("notifications").value(r.notifications).key("notifications_by_kind").begin_object();
  for (const auto& [kind, count] : r.notifications_by_kind) w.key(kind).value(count);
  w.end_object();
  w.key("wrong_stops").begin_array();
  for (const std::string& stop : r.forbidden_stops) w.value(stop);
  w.end_array();
  w.key("left_open").begin_array();
  for (const std::string& what : r.open_at_end) w.value(what);
  w.end_array();
  w.key("ill_at_end").begin_array();
  for (const std::string& who : r.not_recovered) w.value(who);
  w.end_array();
  w.key("decisions").value(fmt::format("{:016x}", r.decisions));  // equal = the same run
  w.key("all_musts_held").value(all_held(r)).end_object();
  return out + "\n";
}

}  // namespace

int simulate_fleet(const SimulateOptions& options) {
  if (options.pools > options.workers)
    return fail({Errc::invalid_argument, fmt::format("--pools {} is more than --workers {}: a pool needs a worker",
                                                     options.pools, options.workers)});
  simulate::Scenario scenario;
  scenario.workers = options.workers;
  scenario.pools = options.pools;
  scenario.days = options.days;
  scenario.restarts = simulate::random_restarts(options.monitor_restarts, options.seed);
  scenario.seed = options.seed;
  const SimulationResult result = simulate::simulate(scenario);
  std::cout << (options.json ? as_json(options, result) : as_text(options, result));
  return all_held(result) ? 0 : 1;
}

}  // namespace paramedic::cli
