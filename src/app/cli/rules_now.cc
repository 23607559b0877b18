#include "app/cli/rules_now.h"

#include <algorithm>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/monitor_client.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t kPage = 500, kMaxWorkers = 50'000, kNamed = 10;

std::string_view text(const json::object& o, std::string_view key) {
  const json::value* v = o.if_contains(key);
  return v && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

std::optional<double> number(const json::object& o, std::string_view key) {
  const json::value* v = o.if_contains(key);
  return v && v->is_number() ? std::optional(v->to_number<double>()) : std::nullopt;
}

template <NamedEnum E>
E word(const json::object& o, std::string_view key, E otherwise) {
  return parse_enum<E>(text(o, key)).value_or(otherwise);
}

std::vector<Cause> causes_of(const json::array& list) {
  std::vector<Cause> out;
  for (const json::value& value : list) {
    if (!value.is_object()) continue;
    const json::object& o = value.get_object();
    Cause& cause = out.emplace_back();
    cause.reason = word(o, "reason", Reason::none);
    cause.status = word(o, "status", FindingStatus::unknown);
    cause.value = number(o, "value").value_or(0);
    cause.limit = number(o, "limit").value_or(0);
  }
  return out;
}

// The findings stand only in the answer about one worker. Check names are views: `o` must outlive them.
std::vector<Finding> findings_of(const json::object& o) {
  std::vector<Finding> out;
  for (const json::value& value : items_of(o, "findings")) {
    if (!value.is_object()) continue;
    Finding& f = out.emplace_back();
    f.check = text(value.get_object(), "check_name");
    f.status = word(value.get_object(), "status", FindingStatus::unknown);
    f.causes = causes_of(items_of(value.get_object(), "causes"));
  }
  return out;
}

NamedValues counts_of(const json::object& o) {
  NamedValues out;
  for (const auto& [key, name] : {std::pair{"total_workers", "workers"}, std::pair{"healthy_workers", "healthy"},
                                  std::pair{"warning_workers", "warning"}, std::pair{"critical_workers", "critical"},
                                  std::pair{"unknown_workers", "unknown"}})
    if (const auto count = number(o, key)) out.emplace_back(name, *count);
  return out;
}

bool uses(const Condition& c, ConditionKind kind) {
  return c.kind == kind ||
         std::any_of(c.parts.begin(), c.parts.end(), [&](const Condition& part) { return uses(part, kind); });
}

struct Loader {
  Rules& rules;
  const ClientOptions& client;
  const bool details;  // some rule looks at findings
  Now now{SteadyTime{} + 1h, WallTime{} + 1h};

  Result<void> worker(const json::object& listed) {
    json::object detail;
    if (details) {
      auto answer = ask_json(client, worker_path(std::string(text(listed, "worker_id"))));
      if (!answer && answer.error().code == Errc::not_found) return {};  // gone since
      if (!answer) return answer.error();
      detail = std::move(*answer);
    }
    Labels labels;
    if (const json::value* map = listed.if_contains("labels"); map && map->is_object())
      for (const auto& [name, value] : map->get_object())
        if (value.is_string()) labels.emplace_back(name, value.get_string());
    std::map<std::string, double> sorted;
    if (const json::value* map = listed.if_contains("metrics"); map && map->is_object())
      for (const auto& [name, value] : map->get_object())
        if (value.is_number()) sorted.emplace(name, value.to_number<double>());
    MetricNames names;
    MetricSet metrics;
    for (const auto& [name, value] : sorted) {
      names.push_back(name);
      metrics.values.push_back(value);
    }
    metrics.names = std::make_shared<const MetricNames>(std::move(names));
    const std::vector<Finding> findings = findings_of(detail);
    RuleWorkerFacts facts{text(listed, "worker_id"), text(listed, "pool"),   text(listed, "host"),
                          text(listed, "version"),   text(listed, "source"), &labels};
    facts.state = word(listed, "state", WorkerState::running);
    facts.status = word(listed, "status", Status::unknown);
    facts.findings = &findings;
    facts.metrics = &metrics;
    rules.update_worker(facts, now);
    return {};
  }

  Result<void> summary() {
    const auto fleet = ask_json(client, "/health/summary");
    if (!fleet) return fleet.error();
    std::map<std::string, std::pair<std::optional<double>, std::optional<double>>> queues;  // by pool: ready, oldest
    for (const json::value& value : items_of(*fleet, "queues")) {
      const json::object& q = value.as_object();
      for (const json::value& pool : items_of(q, "pools")) {
        auto& [ready, oldest] = queues[std::string(pool.as_string())];
        if (const auto n = number(q, "ready")) ready = ready.value_or(0) + *n;
        if (const auto age = number(q, "oldest_age_seconds")) oldest = std::max(oldest.value_or(0), *age);
      }
      if (const json::value* down = q.if_contains("broker_down"); down && down->is_bool())
        rules.update_source(
            {text(q, "broker"), "", down->get_bool() ? SourceState::disconnected : SourceState::connected}, now);
    }
    for (const json::value& value : items_of(*fleet, "sources")) {
      const json::object& s = value.as_object();
      rules.update_source({text(s, "id"), text(s, "host"), word(s, "state", SourceState::connected)}, now);
    }
    for (const json::value& value : items_of(*fleet, "pools")) {
      const json::object& p = value.as_object();
      const std::vector<Cause> findings = causes_of(items_of(p, "findings"));
      RulePoolFacts facts{text(p, "pool"), &findings, counts_of(p)};
      if (const auto rate = number(p, "tasks_per_minute")) facts.metrics.emplace_back("tasks_per_minute", *rate);
      const auto& [ready, oldest] = queues[std::string(facts.pool)];
      if (ready) facts.metrics.emplace_back("queue_ready", *ready);
      if (oldest) facts.metrics.emplace_back("queue_oldest_age_seconds", *oldest);
      rules.update_pool(facts, now);
    }
    rules.update_fleet(counts_of(*fleet), now);
    const auto alerts = ask_json(client, "/alerts");
    if (!alerts) return alerts.error();
    for (const json::value& value : items_of(*alerts, "alerts"))
      if (const auto key = text(value.as_object(), "key"); key.starts_with("monitor/"))
        rules.update_monitor(word(value.as_object(), "reason", Reason::none), true, now);
    return {};
  }

  Result<void> workers() {
    for (std::size_t offset = 0; offset < kMaxWorkers; offset += kPage) {
      const auto page = ask_json(client, fmt::format("/health/workers?limit={}&offset={}", kPage, offset));
      if (!page) return page.error();
      const json::array& list = items_of(*page, "workers");
      for (const json::value& value : list)
        if (auto told = worker(value.as_object()); !told) return told.error();
      if (list.size() < kPage) break;
    }
    return {};
  }
};

std::string named(const std::vector<std::string>& subjects) {
  std::string out;
  for (std::size_t i = 0; i < subjects.size() && i < kNamed; ++i) out += (i ? ", " : "") + subjects[i];
  if (subjects.size() > kNamed) out += fmt::format(" and {} more", subjects.size() - kNamed);
  return out;
}

}  // namespace

Result<std::string> explain_matches(const RuleSet& set, const ClientOptions& client) {
  const bool details =
      std::any_of(set.rules.begin(), set.rules.end(), [](const Rule& r) { return uses(r.when, ConditionKind::check); });
  Rules rules(set);
  Loader loader{rules, client, details};
  try {
    if (auto told = loader.summary(); !told) return told.error();
    if (auto told = loader.workers(); !told) return told.error();
  } catch (const std::exception& error) {  // an answer of another shape than ours
    return make_error(Errc::corrupt,
                      fmt::format("the answer of {} is not understood: {}", client.monitor, error.what()));
  }
  std::vector<AlertWish> ignored;
  rules.settle(loader.now, ignored);
  std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> by_rule;
  for (const Rules::Match& match : rules.matches())
    (match.truth == Truth::yes ? by_rule[match.rule].first : by_rule[match.rule].second).push_back(match.subject);
  std::string out;
  for (const Rule& rule : set.rules) {
    const auto& [yes, no_data] = by_rule[rule.name];
    out += "  " + explain(rule) + "\n";
    out += yes.empty() ? "    matches nothing now\n" : fmt::format("    matches {} now: {}\n", yes.size(), named(yes));
    if (!no_data.empty()) out += fmt::format("    no data for {}: {}\n", no_data.size(), named(no_data));
    if (uses(rule.when, ConditionKind::rate)) out += "    (a rate of change needs time to be seen)\n";
  }
  return out;
}

}  // namespace paramedic::cli
