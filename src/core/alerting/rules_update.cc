// Updates: compared with what is watched; only rules that watch a value that differs are evaluated.
#include <algorithm>

#include "core/alerting/rules_impl.h"

namespace paramedic {

namespace {
bool differs(const RuleValue& a, const RuleValue& b) { return a.known != b.known || a.number != b.number; }
}  // namespace

void Rules::update_worker(const RuleWorkerFacts& facts, const Now& now) {
  Impl& m = *impl_;
  if (m.worker_units == 0) return;
  if (is_inactive(facts.state))
    return remove_worker(facts.id, facts.state == WorkerState::gone ? "gone" : "announced_stop", now);
  auto found = m.workers.find(facts.id);
  if (found == m.workers.end()) found = m.workers.emplace(facts.id, Impl::Worker{}).first;
  Impl::Worker& w = found->second;
  const bool moved = w.stale || w.pool != facts.pool;
  if (w.pool != facts.pool && !w.pool.empty()) {
    m.uncount(w);
    m.pools[w.pool].workers.erase(found->first);
  }
  if (moved) {
    w.pool = facts.pool;
    auto& pool = m.pools[w.pool];
    pool.workers.insert(found->first);
    pool.shares.resize(m.shares.size());
    w.values.resize(m.worker_watches.size());
    w.shares.resize(m.shares.size());
    w.stale = false;
  }
  w.host = facts.host;
  w.version = facts.version;
  w.source = facts.source;
  if (facts.labels && w.labels != *facts.labels) w.labels = *facts.labels;
  std::fill(m.hit.begin(), m.hit.end(), char(moved));
  for (std::size_t slot = 0; slot < m.worker_watches.size(); ++slot) {
    const Impl::Watch& watch = m.watches[std::size_t(m.worker_watches[slot])];
    const RuleValue value = m.worker_value(watch, facts, w, now);
    if (differs(w.values[slot], value))
      for (const int unit : watch.units) m.hit[std::size_t(unit)] = 1;
    w.values[slot] = value;
  }
  for (std::size_t unit = 0; unit < m.units.size(); ++unit)
    if (m.hit[unit] && m.units[unit].scope == RuleScope::worker) m.evaluate_worker(int(unit), found->first, w, now);
}

void Rules::remove_worker(std::string_view id, const std::string& closed_as, const Now&) {
  Impl& m = *impl_;
  for (std::size_t rule = 0; rule < m.set.rules.size(); ++rule)
    if (m.set.rules[rule].scope == RuleScope::worker) m.drop(int(rule), id, closed_as);
  const auto found = m.workers.find(id);
  if (found == m.workers.end()) return;
  m.uncount(found->second);
  m.pools[found->second.pool].workers.erase(found->first);
  m.workers.erase(found);
}

// All subjects of these units: their workers at once, the others in settle().
void Rules::Impl::mark(const std::vector<int>& unit_list, const Now& now) {
  for (const int unit : unit_list) {
    if (units[std::size_t(unit)].scope == RuleScope::worker) {
      for (auto& [id, w] : workers)
        if (!w.stale) evaluate_worker(unit, id, w, now);
    } else {
      for (const std::string& subject : subjects_of(units[std::size_t(unit)])) dirty.emplace(unit, subject);
    }
  }
}

void Rules::update_pool(const RulePoolFacts& facts, const Now& now) {
  Impl& m = *impl_;
  if (m.set.rules.empty()) return;
  auto found = m.pools.find(facts.pool);
  if (found == m.pools.end()) found = m.pools.emplace(facts.pool, Impl::Pool{}).first;
  Impl::Pool& pool = found->second;
  pool.shares.resize(m.shares.size());
  Impl::Pool next;
  next.told = true;
  if (facts.findings) next.findings = *facts.findings;
  next.metrics = facts.metrics;
  std::vector<int> touched;
  for (const Impl::Watch& watch : m.watches) {
    if (watch.of != ValueOf::pool) continue;
    if (pool.told && !differs(Impl::pool_value(watch.like, pool), Impl::pool_value(watch.like, next))) continue;
    touched.insert(touched.end(), watch.units.begin(), watch.units.end());
  }
  pool.told = true;
  pool.findings = std::move(next.findings);
  pool.metrics = std::move(next.metrics);
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const int unit : touched) {
    if (m.units[std::size_t(unit)].scope == RuleScope::pool) m.dirty.emplace(unit, found->first);
    if (m.units[std::size_t(unit)].scope != RuleScope::worker) continue;
    for (const std::string& id : pool.workers)
      if (auto& w = m.workers.at(id); !w.stale) m.evaluate_worker(unit, id, w, now);
  }
}

void Rules::update_fleet(const NamedValues& metrics, const Now& now) {
  Impl& m = *impl_;
  if (m.set.rules.empty() || m.fleet_metrics == metrics) return;
  const auto value = [](const NamedValues& all, const std::string& name) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& v) { return v.first == name; });
    return found == all.end() ? std::nullopt : std::optional(found->second);
  };
  const NamedValues before = std::exchange(m.fleet_metrics, metrics);
  for (const Impl::Watch& watch : m.watches)
    if (watch.of == ValueOf::fleet && watch.like.kind == ConditionKind::metric &&
        value(before, watch.like.name) != value(metrics, watch.like.name))
      m.mark(watch.units, now);
}

void Rules::update_source(const RuleSourceFacts& facts, const Now& now) {
  Impl& m = *impl_;
  auto found = m.sources.find(facts.id);
  const bool fresh = found == m.sources.end();
  if (fresh) found = m.sources.emplace(facts.id, Impl::Source{}).first;
  const bool changed = fresh || found->second.state != facts.state;
  found->second = {std::string(facts.host), facts.state};
  if (!changed) return;
  for (const Impl::Watch& watch : m.watches) {
    if (watch.like.kind != ConditionKind::source) continue;
    if (watch.of == ValueOf::source) {
      if (!watch.like.name.empty()) {
        if (watch.like.name == facts.id) m.mark(watch.units, now);
        continue;
      }
      for (const int unit : watch.units) m.dirty.emplace(unit, found->first);
      continue;
    }
    for (auto& [id, w] : m.workers) {
      if (w.stale || w.source != facts.id) continue;
      w.values[std::size_t(watch.slot)] = m.source_value(facts.id);
      for (const int unit : watch.units) m.evaluate_worker(unit, id, w, now);
    }
  }
}

void Rules::update_monitor(Reason reason, bool on, const Now& now) {
  Impl& m = *impl_;
  if (on == m.monitor.contains(reason)) return;
  if (on)
    m.monitor.insert(reason);
  else
    m.monitor.erase(reason);
  for (const Impl::Watch& watch : m.watches)
    if (watch.like.kind == ConditionKind::monitor &&
        std::find(watch.like.reasons.begin(), watch.like.reasons.end(), reason) != watch.like.reasons.end())
      m.mark(watch.units, now);
}

}  // namespace paramedic
