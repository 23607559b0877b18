#include "core/recovery/policy.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

namespace {

constexpr Duration kDay = 24h;
constexpr Duration kShortestAge = 10min;  // below it a pool would do little else

int share(int pool_size, double percent) { return int(std::floor(pool_size * percent / 100 + 1e-9)); }

void read_stops(ParamsReader& r, RecoveryPolicy& p) {
  r.read("stops_per_worker", p.stops_per_worker, 1, 100);
  r.read("stops_window", p.stops_window, 1min, 2h);
  r.read("down_share_percent", p.down_share_percent, 0, 100);
  r.read("stop_interval", p.stop_interval, 0s, 1h);
  r.read("hourly_share_percent", p.hourly_share_percent, 0, 100);
  r.read("hourly_min", p.hourly_min, 1, 10'000);
  r.read("allow_last", p.allow_last);
  r.read("settle", p.settle, 0s, 5min);
  r.read("max_own_lag", p.max_own_lag, 10ms, 1min);
  r.read("young_monitor", p.young_monitor, 0s, 1h);
  r.read("quarantine_retry", p.quarantine_retry, 1min, kDay);
  r.read("pool_of_one_stall", p.pool_of_one_stall, 10s, kDay);
}

void read_freeze(ParamsReader& r, RecoveryPolicy& p) {
  r.read("freeze_unknown_percent", p.freeze_unknown_percent, 0, 100);
  r.read("freeze_ill_percent", p.freeze_ill_percent, 0, 100);
  r.read("freeze_burst_percent", p.freeze_burst_percent, 1, 100);
  r.read("freeze_burst_window", p.freeze_burst_window, 1s, 1h);
  r.read("freeze_min_pool", p.freeze_min_pool, 1, 10'000);
  r.read("freeze_thaw_after", p.freeze_thaw_after, 0s, 24h);
  r.read("freeze_canary_after", p.freeze_canary_after, 10s, 24h);
  r.read("freeze_canary_every", p.freeze_canary_every, 1min, 24h);
}

void read_ladder(ParamsReader& r, RecoveryPolicy& p) {
  r.read("diagnostics", p.diagnostics, 0s, 1min);
  r.read("drain", p.drain, 0s, kDay);
  r.read("max_drain", p.max_drain, 0s, kDay);
  r.read("term_grace", p.term_grace, 0s, 1h);
  r.read("no_outcome", p.no_outcome, 1s, 1h);
  r.read("verify_grace", p.verify_grace, 1s, 1h);
  r.read("verify_grace_model", p.verify_grace_model, 1s, 2h);
  r.read("verify_proof", p.verify_proof, 1s, 1h);
  r.read("verify_alive", p.verify_alive, 1s, 1h);
}

void read_recycle(ParamsReader& r, RecoveryPolicy& p) {
  r.read("recycle_age", p.recycle_age, 0s, 365 * kDay);
  r.read("recycle_tasks", p.recycle_tasks, 0, 1'000'000'000);
  r.read("recycle_leak_ahead", p.recycle_leak_ahead, 0s, kDay);
  r.read("recycle_leak_percent", p.recycle_leak_percent, 1, 100);
  r.read("recycle_load_percent", p.recycle_load_percent, 0, 100);
  r.read("recycle_wait", p.recycle_wait, 0s, 30 * kDay);
}

void read_starts(ParamsReader& r, RecoveryPolicy& p) {
  r.read("backoff_first", p.backoff.first, 100ms, 1h);
  r.read("backoff_cap", p.backoff.cap, 1s, 1h);
  double jitter = p.backoff.jitter * 100;
  r.read("jitter_percent", jitter, 0, 100);
  p.backoff.jitter = jitter / 100;
  r.read("healthy_reset", p.backoff.healthy_reset, 1s, kDay);
  r.read("crash_loop_crashes", p.backoff.crash_loop_crashes, 2, 100);
  r.read("crash_loop_window", p.backoff.crash_loop_window, 1min, 2h);
  r.read("crash_loop_every", p.backoff.crash_loop_every, 1s, kDay);
  r.read("no_restart_exit_codes", p.no_restart_exit_codes, 0, 255);
  r.read("mass_death_host", p.mass_death_host, 1, 10'000);
  r.read("mass_death_pool_percent", p.mass_death_pool_percent, 0, 100);
  r.read("mass_death_window", p.mass_death_window, 1s, 10min);
}

void check_across_keys(ParamsReader& r, const RecoveryPolicy& p) {
  if (p.max_drain < p.drain) r.problem("max_drain", "must not be shorter than drain");
  if (p.recycle_age > 0s && p.recycle_age < kShortestAge)
    r.problem("recycle_age", "must not be shorter than 10m; 0s = never");
  if (p.backoff.cap < p.backoff.first) r.problem("backoff_cap", "must not be shorter than backoff_first");
  if (p.verify_grace_model < p.verify_grace) r.problem("verify_grace_model", "must not be shorter than verify_grace");
}

}  // namespace

int RecoveryPolicy::down_allowed(int pool_size) const { return std::max(1, share(pool_size, down_share_percent)); }
int RecoveryPolicy::hourly_allowed(int pool_size) const {
  return std::max(hourly_min, share(pool_size, hourly_share_percent));
}

RecoveryPolicy parse_recovery_policy(const Params* node, std::string path, Problems& problems) {
  RecoveryPolicy policy;
  ParamsReader reader(node, std::move(path), problems);
  if (reader.has("mode")) {
    RecoveryMode mode = RecoveryMode::shadow;
    const auto before = problems.size();
    reader.read_enum("mode", mode);
    if (problems.size() == before) policy.mode = mode;
  }
  const auto before = problems.size();
  read_stops(reader, policy);
  read_freeze(reader, policy);
  read_ladder(reader, policy);
  read_recycle(reader, policy);
  read_starts(reader, policy);
  if (problems.size() == before) check_across_keys(reader, policy);
  reader.finish();
  return policy;
}

}  // namespace paramedic
