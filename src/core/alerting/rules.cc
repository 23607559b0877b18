// What is watched by which rule, and what survives a reload or a restart.
#include "core/alerting/rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/alerting/rules_impl.h"

namespace paramedic {

namespace {

ValueOf where(const Condition& c, RuleScope scope) {
  switch (c.kind) {
    case ConditionKind::monitor:
      return ValueOf::fleet;
    case ConditionKind::source:
      return scope == RuleScope::worker && c.name.empty() ? ValueOf::worker : ValueOf::source;
    case ConditionKind::pool_finding:
      return ValueOf::pool;
    case ConditionKind::share:
      return ValueOf::share;
    case ConditionKind::metric:
      return scope == RuleScope::pool ? ValueOf::pool : scope == RuleScope::fleet ? ValueOf::fleet : ValueOf::worker;
    default:
      return ValueOf::worker;
  }
}

// Equal keys see equal values.
std::string watch_key(const Condition& c, ValueOf of) {
  std::string key = fmt::format("{}/{}/{}", to_string(c.kind), int(of), c.name);
  if (c.reason) key += fmt::format("/{}", to_string(*c.reason));
  for (const Reason reason : c.reasons) key += fmt::format("/{}", to_string(reason));
  for (const auto& [name, value] : c.labels) key += fmt::format("/{}:{}={}:{}", name.size(), name, value.size(), value);
  if (c.kind == ConditionKind::rate) key += fmt::format("/{}/{}", c.window.count(), c.per.count());
  return key;
}

bool reads_metrics(const Condition& c) { return c.kind == ConditionKind::metric || c.kind == ConditionKind::rate; }
bool reads_analysis(const Condition& c) {
  return c.kind == ConditionKind::anomaly || c.kind == ConditionKind::forecast;
}

}  // namespace

int Rules::Impl::add_unit(int rule, int share, RuleScope scope, Condition& condition) {
  const int unit = int(units.size());
  units.push_back({rule, share, scope, &condition});
  worker_units += scope == RuleScope::worker;
  return unit;
}

void Rules::Impl::compile_leaf(Condition& leaf, RuleScope scope, int unit) {
  const ValueOf of = where(leaf, scope);
  if (of == ValueOf::share) {
    const int share = int(shares.size());
    shares.push_back({units[std::size_t(unit)].rule, 0, {unit}});
    shares.back().unit = add_unit(units[std::size_t(unit)].rule, share, RuleScope::worker, leaf.parts.front());
    leaf.watch = int(watches.size());
    watches.push_back({.of = of, .like = {}, .key = {}, .slot = share, .units = {unit}});
    const int inner = shares.back().unit;
    for_each_leaf(leaf.parts.front(), [&](Condition& part) { compile_leaf(part, RuleScope::worker, inner); });
    return;
  }
  const std::string key = watch_key(leaf, of);
  auto found = std::find_if(watches.begin(), watches.end(), [&](const Watch& w) { return w.key == key; });
  if (found == watches.end()) {
    Watch watch{.of = of, .like = leaf, .key = key};
    if (of == ValueOf::worker) {
      watch.slot = int(worker_watches.size());
      worker_watches.push_back(int(watches.size()));
      any_metric = any_metric || reads_metrics(leaf);
      any_analysis = any_analysis || reads_analysis(leaf);
    }
    watches.push_back(std::move(watch));
    found = watches.end() - 1;
  }
  leaf.watch = int(found - watches.begin());
  if (found->units.empty() || found->units.back() != unit) found->units.push_back(unit);
}

void Rules::Impl::compile() {
  for (std::size_t i = 0; i < set.rules.size(); ++i) {
    Rule& rule = set.rules[i];
    const int unit = add_unit(int(i), -1, rule.scope, rule.when);
    for_each_leaf(rule.when, [&](Condition& leaf) { compile_leaf(leaf, rule.scope, unit); });
  }
  subjects.resize(set.rules.size());
  fleet_shares.assign(shares.size(), {});
  for (auto& [name, pool] : pools) pool.shares.assign(shares.size(), {});
  hit.assign(units.size(), 0);
  stats.rules = set.rules.size();
}

void Rules::Impl::keep(Subjects&& old, int rule, bool same_text) {
  for (auto& [name, s] : old) {
    if (!same_text) {
      if (!s.firing) continue;
      s.memory = positive_memory(set.rules[std::size_t(rule)].when);
      s.truth = Truth::no_data;
      s.gone.reset();
      s.told.reset();  // the new words and severity are told when it holds again
    }
    s.detail = {};  // it points into the old set
    s.due.reset();
    subjects[std::size_t(rule)].emplace(name, std::move(s));
  }
}

void Rules::Impl::configure(RuleSet next, const Now& now) {
  const RuleSet before = std::exchange(set, std::move(next));
  std::vector<Subjects> old = std::exchange(subjects, {});
  const std::vector<Share> old_shares = std::exchange(shares, {});
  watches.clear();
  units.clear();
  worker_watches.clear();
  worker_units = 0;
  any_metric = any_analysis = false;
  deadlines.clear();
  dirty.clear();
  compile();
  std::vector<int> share_from(shares.size(), -1);
  for (std::size_t i = 0; i < before.rules.size(); ++i) {
    const Rule& was = before.rules[i];
    const auto is = std::find_if(set.rules.begin(), set.rules.end(), [&](const Rule& r) { return r.name == was.name; });
    const int rule = is == set.rules.end() ? -1 : int(is - set.rules.begin());
    if (rule < 0 || is->scope != was.scope) {
      for (auto& [name, s] : old[i])
        if (s.firing)
          wishes.push_back({.key = fmt::format("rule/{}/{}", was.name, name),
                            .on = false,
                            .reason = Reason::rule,
                            .rule = was.name,
                            .closed_as = "rule_removed"});
      continue;
    }
    const bool same = is->text == was.text;
    keep(std::move(old[i]), rule, same);
    for (std::size_t s = 0, from = 0; same && s < shares.size(); ++s) {
      if (shares[s].rule != rule) continue;
      while (from < old_shares.size() && old_shares[from].rule != int(i)) ++from;
      if (from < old_shares.size()) share_from[s] = int(from++);
    }
  }
  for (auto& [id, w] : workers) {
    w.stale = true;
    w.values.clear();
    std::vector<Counted> counted(shares.size());
    for (std::size_t s = 0; s < shares.size(); ++s)
      if (share_from[s] >= 0 && std::size_t(share_from[s]) < w.shares.size())
        counted[s].memory = w.shares[std::size_t(share_from[s])].memory;
    w.shares = std::move(counted);
    std::erase_if(w.samples, [&](const auto& kept) {
      return std::none_of(watches.begin(), watches.end(), [&](const Watch& watch) { return watch.key == kept.first; });
    });
  }
  for (std::size_t rule = 0; rule < subjects.size(); ++rule)
    for (auto& [name, s] : subjects[rule]) schedule(int(rule), name, s, now);
  for (std::size_t unit = 0; unit < units.size(); ++unit)
    if (units[unit].scope != RuleScope::worker)
      for (const std::string& subject : subjects_of(units[unit])) dirty.emplace(int(unit), subject);
}

Rules::Rules(RuleSet set) : impl_(std::make_unique<Impl>(std::move(set))) {}
Rules::~Rules() = default;

void Rules::configure(RuleSet set, const Now& now) { impl_->configure(std::move(set), now); }
bool Rules::empty() const { return impl_->set.rules.empty(); }
bool Rules::watches_metrics() const { return impl_->any_metric; }
bool Rules::watches_analysis() const { return impl_->any_analysis; }
bool Rules::watches_state() const {
  return std::any_of(impl_->watches.begin(), impl_->watches.end(),
                     [](const Impl::Watch& w) { return w.like.kind == ConditionKind::state; });
}
const RuleStats& Rules::stats() const { return impl_->stats; }

void Rules::restore(const std::vector<Alert>& alerts, const Now& now) {
  Impl& m = *impl_;
  for (const Alert& alert : alerts) {
    if (alert.reason != Reason::rule || alert.state != AlertState::firing) continue;
    const std::string prefix = fmt::format("rule/{}/", alert.rule);
    const auto rule =
        std::find_if(m.set.rules.begin(), m.set.rules.end(), [&](const Rule& r) { return r.name == alert.rule; });
    if (rule == m.set.rules.end() || !alert.key.starts_with(prefix) ||
        (rule->scope == RuleScope::worker) != !alert.worker_id.empty()) {
      m.wishes.push_back(
          {.key = alert.key, .on = false, .reason = Reason::rule, .rule = alert.rule, .closed_as = "rule_removed"});
      continue;
    }
    Impl::Subject s;
    s.firing = true;
    s.since = steady_at(alert.started_at, now);
    s.told = now.steady;
    s.memory = positive_memory(rule->when);
    m.subjects[std::size_t(rule - m.set.rules.begin())].emplace(alert.key.substr(prefix.size()), s);
  }
}

}  // namespace paramedic
