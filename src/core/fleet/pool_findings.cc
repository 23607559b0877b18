// Pool findings: what is wrong with a pool although each of its workers may look well. Pure.
#include <algorithm>
#include <tuple>

#include "core/fleet/fleet.h"

namespace paramedic {

namespace {

constexpr Duration kStalledAfter = 120s;
constexpr Duration kRestartStalledAfter = 300s;  // a pool of one has no sibling that could show who is ill

Cause cause_of(Reason reason, FindingStatus status, std::string subject = {}) {
  Cause cause;
  cause.reason = reason;
  cause.status = cause.hold_status = status;
  cause.subject = std::move(subject);
  return cause;
}

Duration stalled_limit(const PoolFacts& p) { return std::max<Duration>(kStalledAfter, 3 * p.take_gap_p95); }

// Since when work was ready, a slot was free, and nobody took any; nullopt while one of them does not hold.
std::optional<SteadyTime> stalled_since(const PoolQueueFacts& q, SteadyTime now) {
  if (!q.free_slot || !q.free_since || !q.queue->has_work(now) || !q.queue->ready_since || q.queue->broker_down)
    return std::nullopt;
  SteadyTime since = std::max(*q.free_since, *q.queue->ready_since);
  if (q.last_take) since = std::max(since, *q.last_take);
  return since;
}

void judge_queues(std::vector<Cause>& out, const PoolFacts& p, const Now& now) {
  for (const PoolQueueFacts& q : p.queues) {
    const auto since = stalled_since(q, now.steady);
    const Duration limit = stalled_limit(p);
    if (!since || now.steady - *since <= limit) continue;
    const std::string& broker = q.queue->broker;
    Cause cause = cause_of(Reason::queue_stalled, FindingStatus::critical,
                           broker.empty() ? q.queue->name : broker + "/" + q.queue->name);
    cause.value = to_seconds(now.steady - *since);
    cause.limit = to_seconds(limit);
    cause.unit = "s";
    if (p.active == 1 && now.steady - *since > kRestartStalledAfter) cause.remedy = RemedyKind::restart;
    out.push_back(std::move(cause));
  }
}

void judge_size(std::vector<Cause>& out, const PoolFacts& p, const PoolRules& rules) {
  if (rules.min_healthy <= 0 || !p.ever_active) return;
  if (p.active == 0) {
    out.push_back(cause_of(Reason::pool_empty, p.all_announced ? FindingStatus::warning : FindingStatus::critical));
    return;
  }
  if (p.healthy + p.unknown >= rules.min_healthy) return;  // the unknown ones may be well
  Cause cause = cause_of(Reason::pool_below_min, FindingStatus::critical);
  cause.value = p.healthy;
  cause.limit = rules.min_healthy;
  cause.unit = "workers";
  out.push_back(std::move(cause));
}

}  // namespace

std::vector<Cause> pool_findings(const PoolFacts& facts, const PoolRules& rules, const Now& now) {
  std::vector<Cause> out;
  judge_queues(out, facts, now);
  judge_size(out, facts, rules);
  for (const PoolReturnFacts& awaited : facts.awaited) {
    if (now.steady <= awaited.due) continue;
    Cause cause = cause_of(Reason::did_not_return, FindingStatus::critical, awaited.worker_id);
    cause.value = to_seconds(now.steady - awaited.due);
    cause.unit = "s";
    out.push_back(std::move(cause));
  }
  for (const std::string& id : facts.duplicates)
    out.push_back(cause_of(Reason::duplicate_incarnation, FindingStatus::warning, id));
  std::sort(out.begin(), out.end(), [](const Cause& a, const Cause& b) {
    return std::make_tuple(-badness(a.status), a.reason, std::string_view(a.subject)) <
           std::make_tuple(-badness(b.status), b.reason, std::string_view(b.subject));
  });
  return out;
}

std::optional<SteadyTime> next_pool_deadline(const PoolFacts& facts, SteadyTime now) {
  std::optional<SteadyTime> next;
  const auto add = [&](SteadyTime limit_ends) {
    const SteadyTime passed = limit_ends + Duration{1};
    if (passed > now && (!next || passed < *next)) next = passed;
  };
  for (const PoolQueueFacts& q : facts.queues) {
    const auto since = stalled_since(q, now);
    if (!since) continue;
    add(*since + stalled_limit(facts));
    if (facts.active == 1) add(*since + kRestartStalledAfter);
  }
  for (const PoolReturnFacts& awaited : facts.awaited) add(awaited.due);
  return next;
}

}  // namespace paramedic
