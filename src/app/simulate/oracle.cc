#include "app/simulate/oracle.h"

#include <algorithm>
#include <utility>

namespace paramedic::simulate {

namespace {

constexpr Duration kRecoveryDue = 15min;

RecoveryTimes summary(std::vector<double> seconds) {
  RecoveryTimes out{.count = int(seconds.size())};
  if (seconds.empty()) return out;
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double share) { return seconds[std::size_t(share * double(seconds.size() - 1))]; };
  out.p50 = at(0.5);
  out.p95 = at(0.95);
  out.max = seconds.back();
  return out;
}

int& count_of(Illnesses& all, Illness one) {
  switch (one) {
    case Illness::crash:
      return all.crashes;
    case Illness::hang:
      return all.hangs;
    case Illness::lost_connection:
      return all.lost_connections;
    case Illness::stall:
      break;
  }
  return all.stalls;
}

bool needs_stop(Illness illness) { return illness == Illness::hang || illness == Illness::lost_connection; }

}  // namespace

Oracle::Oracle(const Scenario& scenario, std::vector<int> pools)
    : workers_(pools.size()), pool_sizes_(std::size_t(scenario.pools), 0), pool_down_(std::size_t(scenario.pools), 0) {
  for (std::size_t i = 0; i < pools.size(); ++i) {
    workers_[i].pool = pools[i];
    ++pool_sizes_[std::size_t(pools[i])];
  }
}

void Oracle::falls_ill(int worker, Illness illness, bool shared, SteadyTime now) {
  Truth& t = workers_[std::size_t(worker)];
  if (t.episode) return;
  t.episode = Episode{illness, shared, false, now};
  ++count_of(shared ? shared_ : alone_, illness);
}

void Oracle::count(const Episode& episode) {
  if (needs_stop(episode.illness) && !episode.shared && !episode.by_deploy) ++stops_.needed;
}

void Oracle::works(int worker, std::optional<Duration> load, SteadyTime now) {
  Truth& t = workers_[std::size_t(worker)];
  const auto episode = std::exchange(t.episode, std::nullopt);
  // A pause that ended by itself was no loss that anybody could have healed faster.
  if (!episode || (episode->illness == Illness::stall && !load)) return;
  count(*episode);
  const double took = to_seconds(now - episode->since);
  (episode->shared ? recovery_shared_ : recovery_).push_back(took);
  if (!episode->shared) recovery_without_load_.push_back(took - to_seconds(load.value_or(Duration{})));
}

void Oracle::ended_by_deploy(int worker) {
  Truth& t = workers_[std::size_t(worker)];
  if (t.episode) t.episode->by_deploy = true;
}

void Oracle::stop_decided(int worker, const StopTruth& truth) {
  const Truth& t = workers_[std::size_t(worker)];
  ++stops_.done;
  if (!t.episode)
    ++stops_.of_well;
  else if (t.episode->illness == Illness::stall)
    ++stops_.of_stalled;
  else if (t.episode->shared)
    ++stops_.of_shared_cause;
  else
    ++stops_.of_needed;
  stops_.in_outage += truth.broker_down;
  stops_.in_notice += truth.broker_unnoticed;
  stops_.in_lag += truth.lag;
}

void Oracle::down_begins(int worker) {
  Truth& t = workers_[std::size_t(worker)];
  if (std::exchange(t.down, true)) return;
  const int down = ++pool_down_[std::size_t(t.pool)], size = pool_sizes_[std::size_t(t.pool)];
  const int allowed = std::max(1, size / 10);
  share_.times_exceeded += down > allowed;
  if (share_.pool_size > 0 && down * share_.pool_size <= share_.down * size) return;
  share_.down = down;
  share_.pool_size = size;
  share_.allowed = allowed;
}

void Oracle::down_ends(int worker) {
  Truth& t = workers_[std::size_t(worker)];
  if (std::exchange(t.down, false)) --pool_down_[std::size_t(t.pool)];
}

std::vector<Oracle::Overdue> Oracle::finish(SteadyTime now, SimulationResult& out) {
  std::vector<Overdue> overdue;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const Truth& t = workers_[i];
    if (!t.episode || now - t.episode->since <= kRecoveryDue) continue;
    count(*t.episode);
    overdue.push_back({int(i), t.episode->illness, t.episode->since});
    ++(t.episode->illness == Illness::crash ? out.crashes_not_recovered : out.others_not_recovered);
  }
  out.alone = alone_;
  out.shared = shared_;
  out.stops = stops_;
  out.share = share_;
  out.recovery = summary(std::move(recovery_));
  out.recovery_without_load = summary(std::move(recovery_without_load_));
  out.recovery_shared = summary(std::move(recovery_shared_));
  return overdue;
}

}  // namespace paramedic::simulate
