// The values that comparisons look at.
#include <algorithm>

#include <fmt/format.h>

#include "core/alerting/rules_impl.h"

namespace paramedic {

namespace {

RuleValue number(std::optional<double> value) {
  RuleValue out;
  out.known = value.has_value();
  out.number = out.shown = value.value_or(0);
  return out;
}

std::optional<double> named(const NamedValues* values, std::string_view name) {
  if (!values) return std::nullopt;
  for (const auto& [key, value] : *values)
    if (key == name) return value;
  return std::nullopt;
}

RuleValue check_value(const Condition& c, const std::vector<Finding>* findings) {
  RuleValue out;
  if (!findings) return out;
  const auto found =
      std::find_if(findings->begin(), findings->end(), [&](const Finding& f) { return f.check == c.name; });
  if (found == findings->end()) return out;
  out.known = true;
  const bool judged = found->status != FindingStatus::unknown && found->status != FindingStatus::error &&
                      found->status != FindingStatus::not_applicable;
  FindingStatus status = found->status;
  if (c.reason && judged) status = FindingStatus::healthy;
  for (const Cause& cause : found->causes) {
    if (badness(cause.status) == 0 || (c.reason && cause.reason != *c.reason)) continue;
    if (c.reason && judged) status = cause.status;
    out.shown = cause.value;
    out.limit = cause.limit;
    out.unit = cause.unit;
    break;  // worst first
  }
  out.number = double(status);
  return out;
}

bool label_matches(std::string_view name, std::string_view pattern, const RuleWorkerFacts& f) {
  if (f.labels)
    for (const auto& [label, value] : *f.labels)
      if (label == name) return matches_pattern(pattern, value);
  if (name == "pool") return matches_pattern(pattern, f.pool);
  if (name == "host") return matches_pattern(pattern, f.host);
  if (name == "version") return matches_pattern(pattern, f.version);
  if (name == "source") return matches_pattern(pattern, f.source);
  if (name == "worker") return matches_pattern(pattern, f.id);
  return matches_pattern(pattern, "");  // an absent label is the empty text
}

RuleValue labels_value(const Condition& c, const RuleWorkerFacts& f) {
  const bool all =
      std::all_of(c.labels.begin(), c.labels.end(), [&](const auto& l) { return label_matches(l.first, l.second, f); });
  return number(all ? 1.0 : 0.0);
}

}  // namespace

// Per `per`, over the samples of the window; known once half of the window is covered.
static RuleValue rate_value(const Condition& c, std::optional<double> value, auto& samples, SteadyTime now) {
  if (!value) return number(std::nullopt);
  // The first sample at or before the window's start is its beginning; a reading is kept every 32nd of the window.
  while (samples.size() > 1 && now - samples[1].at >= c.window) samples.pop_front();
  while (!samples.empty() && now - samples.front().at > c.window * 2) samples.pop_front();
  RuleValue out;
  if (!samples.empty() && now - samples.front().at >= c.window / 2) {
    const double seconds = to_seconds(now - samples.front().at);
    out = number((*value - samples.front().value) / seconds * to_seconds(c.per));
  }
  if (samples.empty() || now - samples.back().at >= c.window / 32) samples.push_back({now, *value});
  return out;
}

RuleValue Rules::Impl::worker_value(const Watch& watch, const RuleWorkerFacts& f, Worker& w, const Now& now) {
  const Condition& c = watch.like;
  switch (c.kind) {
    case ConditionKind::status:
      return number(double(f.status));
    case ConditionKind::state:
      return number(double(f.state));
    case ConditionKind::labels:
      return labels_value(c, f);
    case ConditionKind::check:
      return check_value(c, f.findings);
    case ConditionKind::metric:
      return number(f.metrics ? f.metrics->find(c.name) : std::nullopt);
    case ConditionKind::rate:
      return rate_value(c, f.metrics ? f.metrics->find(c.name) : std::nullopt, w.samples[watch.key], now.steady);
    case ConditionKind::anomaly:
      return number(named(f.anomalies, c.name));
    case ConditionKind::forecast:
      return number(named(f.forecasts, c.name));
    case ConditionKind::source:
      return source_value(f.source);
    default:
      return {};
  }
}

RuleValue Rules::Impl::source_value(std::string_view id) const {
  const auto found = sources.find(id);
  return number(found == sources.end() ? std::nullopt : std::optional(double(found->second.state)));
}

RuleValue Rules::Impl::monitor_value(const Condition& c) const {
  const bool any = std::any_of(c.reasons.begin(), c.reasons.end(), [&](Reason r) { return monitor.contains(r); });
  return number(any ? 1.0 : 0.0);
}

RuleValue Rules::Impl::pool_value(const Condition& c, const Pool& pool) {
  if (!pool.told) return {};
  if (c.kind == ConditionKind::metric) return number(named(&pool.metrics, c.name));
  RuleValue out = number(double(FindingStatus::healthy));
  for (const Cause& cause : pool.findings) {
    if (std::find(c.reasons.begin(), c.reasons.end(), cause.reason) == c.reasons.end()) continue;
    if (badness(cause.status) <= badness(FindingStatus(int(out.number)))) continue;
    out.number = double(cause.status);
    out.shown = cause.value;
    out.limit = cause.limit;
    out.unit = cause.unit;
  }
  return out;
}

RuleValue Rules::Impl::share_value(const Condition& c, const std::vector<Count>& counts) const {
  RuleValue out;
  const Count& n = counts[std::size_t(watches[std::size_t(c.watch)].slot)];
  if (n.known < std::max(1, c.min_workers)) return out;
  out.known = true;
  out.number = out.shown = 100.0 * n.yes / n.known;
  out.unit = "%";
  out.count = n.yes;
  out.of = n.known;
  return out;
}

const RuleValue* Rules::Impl::look(const Unit& unit, const Condition& c, std::string_view subject,
                                   const Worker* worker) {
  const Watch& watch = watches[std::size_t(c.watch)];
  if (watch.of == ValueOf::worker) return &worker->values[std::size_t(watch.slot)];
  if (c.kind == ConditionKind::monitor) {
    scratch = monitor_value(c);
  } else if (c.kind == ConditionKind::source) {
    scratch = source_value(c.name.empty() ? subject : std::string_view(c.name));
  } else if (watch.of == ValueOf::share && unit.scope == RuleScope::fleet) {
    scratch = share_value(c, fleet_shares);
  } else if (watch.of == ValueOf::fleet) {
    scratch = number(named(&fleet_metrics, c.name));
  } else {
    const auto pool = pools.find(worker ? std::string_view(worker->pool) : subject);
    if (pool == pools.end()) return nullptr;
    scratch = watch.of == ValueOf::share ? share_value(c, pool->second.shares) : pool_value(c, pool->second);
  }
  return &scratch;
}

}  // namespace paramedic
