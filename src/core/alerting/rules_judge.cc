// Evaluation where something changed, and the life of an alert: pending, firing, ended.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "core/alerting/rules_impl.h"

namespace paramedic {

bool Rules::Impl::selects(const Unit& unit, std::string_view pool) const {
  const auto& wanted = set.rules[std::size_t(unit.rule)].pools;
  return wanted.empty() ||
         std::any_of(wanted.begin(), wanted.end(), [&](const std::string& p) { return matches_pattern(p, pool); });
}

void Rules::Impl::mark_share(int share, const std::string& pool) {
  for (const int reader : shares[std::size_t(share)].readers)
    dirty.emplace(reader, units[std::size_t(reader)].scope == RuleScope::pool ? pool : std::string(kFleetSubject));
}

void Rules::Impl::count(const Unit& unit, Worker& w, Truth truth) {
  Counted& c = w.shares[std::size_t(unit.share)];
  if (c.counted && c.truth == truth) return;
  const auto add = [&](Truth t, int n) {
    for (Count* counts : {&pools[w.pool].shares[std::size_t(unit.share)], &fleet_shares[std::size_t(unit.share)]}) {
      counts->yes += t == Truth::yes ? n : 0;
      counts->known += t != Truth::no_data ? n : 0;
    }
  };
  if (c.counted) add(c.truth, -1);
  add(truth, 1);
  c.counted = true;
  c.truth = truth;
  mark_share(unit.share, w.pool);
}

// The worker leaves its pool: the shares forget it.
void Rules::Impl::uncount(Worker& w) {
  for (const Unit& unit : units) {
    if (unit.share < 0 || std::size_t(unit.share) >= w.shares.size()) continue;
    Counted& c = w.shares[std::size_t(unit.share)];
    if (!c.counted) continue;
    count(unit, w, Truth::no_data);
    c.counted = false;
    mark_share(unit.share, w.pool);
  }
}

void Rules::Impl::evaluate_worker(int index, const std::string& id, Worker& w, const Now& now) {
  const Unit& unit = units[std::size_t(index)];
  if (!selects(unit, w.pool)) return;
  ++stats.evaluations;
  RuleDetail detail;
  const auto lookup = [&](const Condition& c) { return look(unit, c, id, &w); };
  if (unit.share >= 0)
    return count(unit, w, evaluate(*unit.condition, lookup, w.shares[std::size_t(unit.share)].memory, detail));
  Subjects& of_rule = subjects[std::size_t(unit.rule)];
  const auto known = of_rule.find(id);
  Subject fresh;
  Subject& s = known == of_rule.end() ? fresh : known->second;
  const Truth truth = evaluate(*unit.condition, lookup, s.memory, detail);
  judge(unit.rule, id, s, truth, detail, now);
}

void Rules::Impl::evaluate_other(int index, const std::string& subject, const Now& now) {
  const Unit& unit = units[std::size_t(index)];
  if (unit.scope == RuleScope::pool && !selects(unit, subject)) return;
  ++stats.evaluations;
  Subjects& of_rule = subjects[std::size_t(unit.rule)];
  const auto known = of_rule.find(subject);
  Subject fresh;
  Subject& s = known == of_rule.end() ? fresh : known->second;
  RuleDetail detail;
  const auto lookup = [&](const Condition& c) { return look(unit, c, subject, nullptr); };
  const Truth truth = evaluate(*unit.condition, lookup, s.memory, detail);
  judge(unit.rule, subject, s, truth, detail, now);
}

void Rules::Impl::judge(int rule, const std::string& subject, Subject& s, Truth truth, const RuleDetail& detail,
                        const Now& now) {
  const Rule& r = set.rules[std::size_t(rule)];
  Subjects& of_rule = subjects[std::size_t(rule)];
  s.truth = truth;
  if (truth == Truth::yes) {
    s.detail = detail;
    s.gone.reset();
    if (!s.pending && !s.firing) {
      const bool known = of_rule.contains(subject);
      if (!known && of_rule.size() >= kMaxRuleAlerts) {
        ++stats.cut;
        return;
      }
      s.pending = true;
      s.since = now.steady;
    }
    if (s.pending && now.steady - s.since >= r.hold) {
      fire(rule, subject, s, now);
    } else if (s.firing && (!s.told || now.steady - *s.told >= kRuleTextEvery)) {
      s.told = now.steady;
      wishes.push_back(wish(rule, subject, s, now));
    }
  } else {
    s.pending = false;  // `for` counts only time in which the condition was known to hold
    if (truth == Truth::no_data) s.gone.reset();
    if (truth == Truth::no && s.firing && !s.gone) s.gone = now.steady;
    if (s.gone && now.steady - *s.gone >= r.keep_firing) end(rule, subject, s, "recovered");
  }
  schedule(rule, subject, s, now);
  const auto known = of_rule.find(subject);
  if (known != of_rule.end()) {
    if (s.idle()) of_rule.erase(known);
  } else if (!s.idle() && of_rule.size() < kMaxRuleAlerts) {
    of_rule.emplace(subject, s);
  }
}

void Rules::Impl::schedule(int rule, const std::string& subject, Subject& s, const Now&) {
  const Rule& r = set.rules[std::size_t(rule)];
  std::optional<SteadyTime> due;
  if (s.pending) due = s.since + r.hold;
  if (s.firing && s.gone) due = *s.gone + r.keep_firing;
  if (due == s.due) return;
  if (s.due) deadlines.erase({*s.due, rule, subject});
  if (due) deadlines.emplace(*due, rule, subject);
  s.due = due;
}

void Rules::Impl::fire(int rule, const std::string& subject, Subject& s, const Now& now) {
  s.pending = false;
  s.firing = true;
  s.told = now.steady;
  wishes.push_back(wish(rule, subject, s, now));
}

void Rules::Impl::end(int rule, const std::string& subject, Subject& s, std::string closed_as) {
  const Rule& r = set.rules[std::size_t(rule)];
  AlertWish off;
  off.key = fmt::format("rule/{}/{}", r.name, subject);
  off.on = false;
  off.severity = r.severity;
  off.reason = Reason::rule;
  off.rule = r.name;
  if (r.scope == RuleScope::worker) off.worker_id = subject;
  off.closed_as = std::move(closed_as);
  wishes.push_back(std::move(off));
  s.firing = false;
  s.gone.reset();
}

// The subject is no more.
void Rules::Impl::drop(int rule, std::string_view subject, const std::string& closed_as) {
  Subjects& of_rule = subjects[std::size_t(rule)];
  const auto known = of_rule.find(subject);
  if (known == of_rule.end()) return;
  if (known->second.firing) end(rule, known->first, known->second, closed_as);
  if (known->second.due) deadlines.erase({*known->second.due, rule, known->first});
  of_rule.erase(known);
}

bool Rules::Impl::counts_workers(int unit) const {
  return std::any_of(shares.begin(), shares.end(), [&](const Share& s) {
    return std::find(s.readers.begin(), s.readers.end(), unit) != s.readers.end();
  });
}

bool Rules::fires_for(std::string_view worker_id) const {
  for (std::size_t rule = 0; rule < impl_->subjects.size(); ++rule) {
    if (impl_->set.rules[rule].scope != RuleScope::worker) continue;
    const auto known = impl_->subjects[rule].find(worker_id);
    if (known != impl_->subjects[rule].end() && known->second.firing) return true;
  }
  return false;
}

void Rules::Impl::settle(const Now& now, std::vector<AlertWish>& out) {
  for (const auto& [unit, subject] : std::exchange(dirty, {})) {
    evaluate_other(unit, subject, now);
    // A pool whose last worker left: its share will never be known again.
    const Unit& u = units[std::size_t(unit)];
    const auto pool = pools.find(subject);
    if (u.scope == RuleScope::pool && counts_workers(unit) && pool != pools.end() && pool->second.workers.empty())
      drop(u.rule, subject, "gone");
  }
  while (!deadlines.empty() && std::get<SteadyTime>(*deadlines.begin()) <= now.steady) {
    const auto [at, rule, subject] = *deadlines.begin();
    deadlines.erase(deadlines.begin());
    const auto known = subjects[std::size_t(rule)].find(subject);
    if (known == subjects[std::size_t(rule)].end()) continue;
    Subject& s = known->second;
    s.due.reset();
    if (s.pending) fire(rule, subject, s, now);
    if (s.firing && s.gone) end(rule, subject, s, "recovered");
    if (s.idle()) subjects[std::size_t(rule)].erase(known);
  }
  std::move(wishes.begin(), wishes.end(), std::back_inserter(out));
  wishes.clear();
}

std::optional<SteadyTime> Rules::next_deadline() const {
  if (impl_->deadlines.empty()) return std::nullopt;
  return std::get<SteadyTime>(*impl_->deadlines.begin());
}
void Rules::settle(const Now& now, std::vector<AlertWish>& out) { impl_->settle(now, out); }

std::vector<std::string> Rules::Impl::subjects_of(const Unit& unit) const {
  std::vector<std::string> out;
  const auto names = [&](const auto& all) {
    for (const auto& [name, value] : all) out.push_back(name);
  };
  switch (unit.scope) {
    case RuleScope::worker:
      names(workers);
      break;
    case RuleScope::pool:
      names(pools);
      break;
    case RuleScope::source:
      names(sources);
      break;
    case RuleScope::fleet:
      out.emplace_back(kFleetSubject);
      break;
  }
  return out;
}

std::vector<Rules::Match> Rules::matches() const {
  Impl& m = *impl_;
  std::vector<Match> out;
  for (const Impl::Unit& unit : m.units) {
    if (unit.share >= 0) continue;
    const Rule& rule = m.set.rules[std::size_t(unit.rule)];
    for (const std::string& subject : m.subjects_of(unit)) {
      const auto worker = unit.scope == RuleScope::worker ? m.workers.find(subject) : m.workers.end();
      const Impl::Worker* w = worker == m.workers.end() ? nullptr : &worker->second;
      if (w && w->stale) continue;
      if ((w && !m.selects(unit, w->pool)) || (unit.scope == RuleScope::pool && !m.selects(unit, subject))) continue;
      const auto known = m.subjects[std::size_t(unit.rule)].find(subject);
      const bool has = known != m.subjects[std::size_t(unit.rule)].end();
      std::uint64_t memory = has ? known->second.memory : 0;
      RuleDetail ignored;
      const Truth truth = evaluate(
          *unit.condition, [&](const Condition& c) { return m.look(unit, c, subject, w); }, memory, ignored);
      const bool firing = has && known->second.firing;
      if (truth != Truth::no || firing) out.push_back({rule.name, subject, truth, firing});
    }
  }
  return out;
}

}  // namespace paramedic
