#include "core/analysis/poison.h"

#include <algorithm>
#include <cmath>

namespace paramedic {

int PoisonFinder::deaths_with_and_since(const Pool& pool, const Task& task) {
  const auto first = std::lower_bound(pool.deaths.begin(), pool.deaths.end(), task.seen.front());
  return std::max(int(pool.deaths.end() - first), int(task.seen.size()));
}

namespace {
constexpr int kMaxLiving = 1'000'000;  // more must be a damaged record

// That of n draws with probability p at least k hit.
double chance_of(int k, int n, double p) {
  if (p <= 0) return k > 0 ? 0 : 1;
  if (p >= 1) return 1;
  double sum = 0;
  for (int i = k; i <= n; ++i)
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1) + i * std::log(p) +
                    (n - i) * std::log1p(-p));
  return sum;
}
}  // namespace

// All of one worker, and not in one go: what it always has in hand dies with it.
bool PoisonFinder::one_keeps_it(const Task& task) {
  const auto& all = task.evidence;
  bool one = true, in_one_go = true;
  for (std::size_t i = 1; i < all.size(); ++i) {
    one = one && all[i].second.worker_id == all[0].second.worker_id;
    in_one_go = in_one_go && all[i].first - all[i - 1].first <= kLeastSpan;
  }
  return one && !in_one_go;
}

bool PoisonFinder::stands_out(const Pool& pool, const Task& task) {
  double with = 0, living = 0, at_all = 0, ran = 0;  // no durations: one of a damaged record could overflow
  for (const auto& [at, death] : task.evidence) {
    with += death.living_with;
    living += death.living;
    at_all += std::max(death.living + 1, kFewest);
    ran += std::max(to_seconds(death.ran), 0.0);
  }
  const double looks = double(task.evidence.size());
  const int seen = int(task.seen.size()), deaths = deaths_with_and_since(pool, task);
  const bool each = seen == deaths, lone = living == 0;
  if (lone ? !each : one_keeps_it(task)) return false;
  if (with > 0) {
    const double share = with / living;
    if (seen < kMinLift * share * deaths || chance_of(seen, deaths, share) >= kMaxChance) return false;
  }
  // The dead one had it too.
  if (chance_of(seen, deaths, (with + looks) / at_all) >= (each ? kMaxChanceEach : kMaxChanceWithDead)) return false;
  const auto& [first, first_death] = task.evidence.front();
  const double span = to_seconds(task.evidence.back().first - first) + to_seconds(first_death.ran);
  const double in_hand = std::min(1.0, ran / std::max(span / 2, to_seconds(kLeastSpan))) / (1 + living / looks);
  return chance_of(seen, deaths, in_hand) < kMaxChanceInHand;
}

PoisonTask PoisonFinder::describe(const std::string& name, const Pool& pool, const Key& key, const Task& task) {
  PoisonTask out{.pool = name, .type = key.first, .args_digest = key.second, .seen = int(task.seen.size())};
  out.deaths = deaths_with_and_since(pool, task);
  for (const auto& [at, death] : task.evidence) {
    out.living_with += death.living_with;
    out.living += death.living;
    out.evidence.push_back(death);
  }
  return out;
}

// Old deaths leave a task but for the last: that one ends it, a named one in expire().
void PoisonFinder::prune(Pool& pool, SteadyTime now) {
  for (auto it = pool.tasks.begin(); it != pool.tasks.end();) {
    Task& task = it->second;
    const auto old = [&](SteadyTime at) { return now - at > task.window; };
    while (task.seen.size() > 1 && old(task.seen.front())) task.seen.pop_front();
    while (task.evidence.size() > 1 && old(task.evidence.front().first)) task.evidence.pop_front();
    it = old(task.last()) && !task.named ? pool.tasks.erase(it) : std::next(it);
  }
}

void PoisonFinder::make_room(Pool& pool) {
  if (pool.tasks.size() < max_tasks_) return;
  const auto worth = [](const Task& t) { return std::tuple(t.named, t.seen.size(), t.last()); };
  const auto least = std::min_element(pool.tasks.begin(), pool.tasks.end(),
                                      [&](const auto& a, const auto& b) { return worth(a.second) < worth(b.second); });
  pool.tasks.erase(least);
  ++evicted_;
}

PoisonFinder::Task* PoisonFinder::take(Pool& pool, const DeathRecord& death, const DeathTask& told, SteadyTime at,
                                       const PoisonLimits& limits) {
  const Key key{told.type, told.args_digest};
  if (!pool.tasks.contains(key)) make_room(pool);
  Task& task = pool.tasks[key];
  const bool counted = std::any_of(task.evidence.begin(), task.evidence.end(), [&](const auto& e) {
    return e.second.worker_id == death.worker_id && e.second.incarnation == death.incarnation;
  });
  if (counted) return nullptr;
  task.window = limits.window;
  task.seen.insert(std::upper_bound(task.seen.begin(), task.seen.end(), at), at);
  if (task.seen.size() > kMaxDeaths) task.seen.pop_front();
  const int living = std::clamp(death.living, 0, kMaxLiving), with = std::clamp(told.living, 0, living);
  task.evidence.emplace_back(at, PoisonDeath{death.worker_id, death.host, death.incarnation, death.how, death.stopped,
                                             death.at, told.ran, death.told_ago, with, living});
  if (task.evidence.size() > PoisonTask::kMaxEvidence) task.evidence.pop_front();
  task.named = task.named || (int(task.seen.size()) >= limits.deaths && stands_out(pool, task));
  return &task;
}

std::vector<PoisonTask> PoisonFinder::on_death(const DeathRecord& death, SteadyTime at, const PoisonLimits& limits) {
  Pool& pool = pools_[death.pool];
  prune(pool, at);
  pool.deaths.insert(std::upper_bound(pool.deaths.begin(), pool.deaths.end(), at), at);
  if (pool.deaths.size() > kMaxDeaths) pool.deaths.pop_front();
  std::vector<PoisonTask> out;
  for (const DeathTask& told : death.tasks) {
    if (told.args_digest.empty()) continue;
    const Task* task = take(pool, death, told, at, limits);
    if (task && task->named) out.push_back(describe(death.pool, pool, {told.type, told.args_digest}, *task));
  }
  return out;
}

std::vector<PoisonTask> PoisonFinder::expire(SteadyTime now) {
  std::vector<PoisonTask> out;
  for (auto& [name, pool] : pools_) {
    for (auto it = pool.tasks.begin(); it != pool.tasks.end();) {
      const Task& task = it->second;
      const bool over = now - task.last() > task.window;
      if (over && task.named) out.push_back(describe(name, pool, it->first, task));
      it = over ? pool.tasks.erase(it) : std::next(it);
    }
  }
  std::erase_if(pools_, [&](const auto& p) { return p.second.tasks.empty() && now - p.second.deaths.back() > 24h; });
  return out;
}

std::vector<PoisonTask> PoisonFinder::named() const {
  std::vector<PoisonTask> out;
  for (const auto& [name, pool] : pools_)
    for (const auto& [key, task] : pool.tasks)
      if (task.named) out.push_back(describe(name, pool, key, task));
  return out;
}

std::optional<SteadyTime> PoisonFinder::next_expiry() const {
  std::optional<SteadyTime> next;
  for (const auto& [name, pool] : pools_)
    for (const auto& [key, task] : pool.tasks)
      if (task.named && (!next || task.last() + task.window < *next)) next = task.last() + task.window;
  if (next) *next += Duration{1};
  return next;
}

}  // namespace paramedic
