// The words of a rule's alert.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "core/alerting/rules_impl.h"

namespace paramedic {

namespace {

std::string with_unit(double value, const std::string& unit) {
  return format_short(value, 2) + (unit.empty() ? "" : " " + unit);
}

// "cpu_percent is 95 (limit 90)"; the rule in words where there is no number.
std::string what_holds(const RuleDetail& d) {
  if (!d.any) return "the condition of the rule holds";
  const Condition& c = *d.condition;
  if (c.kind == ConditionKind::share)
    return fmt::format("{} of {} workers ({} %, limit {} %): {}", d.count, d.of, format_short(d.value),
                       format_short(d.limit), explain(c.parts.front()));
  if (c.kind == ConditionKind::metric || c.kind == ConditionKind::anomaly || c.kind == ConditionKind::rate)
    return fmt::format("{}{} is {} (limit {})",
                       c.kind == ConditionKind::anomaly ? "anomaly of "
                       : c.kind == ConditionKind::rate  ? "change of "
                                                        : "",
                       c.name, format_short(d.value, 2), format_short(d.limit, 2));
  if (c.kind == ConditionKind::forecast)
    return fmt::format("{} is forecast to cross its limit in {}", c.name, format_duration(from_seconds(d.value)));
  if (d.limit != 0)
    return fmt::format("{}: {} (limit {})", explain(c), with_unit(d.value, d.unit), with_unit(d.limit, d.unit));
  return explain(c);
}

}  // namespace

AlertWish Rules::Impl::wish(int rule, const std::string& subject, const Subject& s, const Now& now) const {
  const Rule& r = set.rules[std::size_t(rule)];
  AlertWish out;
  out.key = fmt::format("rule/{}/{}", r.name, subject);
  out.severity = r.severity;
  out.reason = Reason::rule;
  out.rule = r.name;
  out.labels = r.labels;
  TemplateValues v;
  v.rule = r.name;
  v.severity = to_string(r.severity);
  v.subject = subject;
  v.runbook = r.runbook;
  v.since = format_time(wall_at(s.since, now));
  if (s.detail.any) {
    const bool seconds = s.detail.condition->kind == ConditionKind::forecast;
    v.value = seconds ? format_duration(from_seconds(s.detail.value)) : format_short(s.detail.value, 2);
    v.limit = seconds ? format_duration(from_seconds(s.detail.limit)) : format_short(s.detail.limit, 2);
  }
  if (s.detail.of > 0) {
    v.count = std::to_string(s.detail.count);
    v.total = std::to_string(s.detail.of);
  }
  switch (r.scope) {
    case RuleScope::worker:
      out.worker_id = v.worker = subject;
      if (const auto w = workers.find(subject); w != workers.end()) {
        out.pool = v.pool = w->second.pool;
        out.host = v.host = w->second.host;
        v.version = w->second.version;
        v.source = w->second.source;
        v.labels = &w->second.labels;
        for (const auto& [name, value] : w->second.labels)  // the rule's own word counts
          if (std::none_of(out.labels.begin(), out.labels.end(), [&n = name](const auto& l) { return l.first == n; }))
            out.labels.emplace_back(name, value);
      }
      break;
    case RuleScope::pool:
      out.pool = v.pool = subject;
      break;
    case RuleScope::source:
      v.source = subject;
      out.labels.emplace_back("source", subject);
      if (const auto source = sources.find(subject); source != sources.end()) out.host = v.host = source->second.host;
      break;
    case RuleScope::fleet:
      break;
  }
  for (const auto& [name, text] : r.annotations) {
    std::string rendered = text.render(v);
    if (name == "summary") out.title = rendered;
    if (name == "description") out.message = rendered;
    out.annotations.emplace_back(name, std::move(rendered));
  }
  if (!r.runbook.empty()) out.annotations.emplace_back("runbook_url", r.runbook);
  if (out.title.empty())
    out.title = r.scope == RuleScope::fleet
                    ? fmt::format("Rule {} holds", r.name)
                    : fmt::format("Rule {} holds for {} {}", r.name, to_string(r.scope), subject);
  if (out.message.empty()) out.message = what_holds(s.detail);
  return out;
}

}  // namespace paramedic
