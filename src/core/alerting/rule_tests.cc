#include "core/alerting/rule_tests.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "core/alerting/rule_tests_impl.h"

namespace paramedic {

namespace rule_test {

namespace {

const std::string* value_at(const RuleSeries& series, std::size_t step) {
  if (series.empty()) return nullptr;
  const auto& value = series[std::min(step, series.size() - 1)];
  return value ? &*value : nullptr;
}

template <NamedEnum E>
E word_at(const RuleSeries& series, std::size_t step, E otherwise) {
  const std::string* text = value_at(series, step);
  return text ? parse_enum<E>(*text).value_or(otherwise) : otherwise;
}

NamedValues numbers_at(const SeriesMap& all, std::size_t step) {
  NamedValues out;
  for (const auto& [name, series] : all) {
    const std::string* text = value_at(series, step);
    if (!text) continue;
    double value = 0;
    std::from_chars(text->data(), text->data() + text->size(), value);
    out.emplace_back(name, value);
  }
  return out;
}

struct Run {
  Run(const RuleSet& set, const Test& t, Duration step) : rules(set), test(t), interval(step) {}

  Rules rules;
  const Test& test;
  const Duration interval;
  Now now{SteadyTime{} + 1h, WallTime{} + 24h * 365 * 50};
  const Now start = now;
  std::map<std::string, AlertWish> firing;
  std::size_t next_step = 0;

  Now at(Duration d) const { return {start.steady + d, start.wall + d}; }
  void settle() {
    std::vector<AlertWish> wishes;
    rules.settle(now, wishes);
    for (AlertWish& wish : wishes) {
      if (wish.on)
        firing.insert_or_assign(wish.key, std::move(wish));
      else
        firing.erase(wish.key);
    }
  }
  // Everything up to and including `target`.
  void advance(Duration target) {
    for (;;) {
      const Duration step_at = interval * std::int64_t(next_step);
      const auto due = rules.next_deadline();
      const bool timer = due && *due - start.steady < step_at;
      const Duration to = timer ? *due - start.steady : step_at;
      if (to > target) return;
      now = at(to);
      if (!timer) apply(next_step++);
      settle();
    }
  }
  void apply(std::size_t step);
  void apply_worker(const WorkerScript& w, std::size_t step);
  void apply_counts(std::size_t step);
};

void Run::apply_worker(const WorkerScript& w, std::size_t step) {
  if (w.gone_at && now.steady - start.steady >= *w.gone_at) return rules.remove_worker(w.id, "gone", now);
  std::vector<Finding> findings;
  for (const auto& [check, series] : w.checks) {
    const std::string* text = value_at(series, step);
    Finding& f = findings.emplace_back();
    f.check = check;
    f.status = FindingStatus::unknown;
    if (!text) continue;
    const auto slash = text->find('/');
    f.status = parse_enum<FindingStatus>(text->substr(0, slash)).value_or(FindingStatus::unknown);
    if (slash != std::string::npos)
      f.causes.push_back(
          {.reason = parse_enum<Reason>(text->substr(slash + 1)).value_or(Reason::none), .status = f.status});
  }
  const NamedValues metrics = numbers_at(w.metrics, step), anomalies = numbers_at(w.anomalies, step),
                    forecasts = numbers_at(w.forecasts, step);
  MetricNames names;
  MetricSet set;
  for (const auto& [name, value] : metrics) {
    names.push_back(name);
    set.values.push_back(value);
  }
  set.names = std::make_shared<const MetricNames>(std::move(names));
  RuleWorkerFacts facts{w.id, w.pool, w.host, w.version, w.source, &w.labels};
  facts.state = word_at(w.state, step, WorkerState::running);
  facts.status = word_at(w.status, step, w.status.empty() ? Status::healthy : Status::unknown);
  facts.findings = &findings;
  facts.metrics = &set;
  facts.anomalies = &anomalies;
  facts.forecasts = &forecasts;
  rules.update_worker(facts, now);
}

// The counts of pools and fleet follow from the workers; what the test says itself counts more.
void Run::apply_counts(std::size_t step) {
  std::map<std::string, std::map<std::string, double>> counts;
  std::map<std::string, double> all;
  for (const std::string_view name : EnumNames<Status>::kNames) all[std::string(name)] = 0;
  all["workers"] = 0;
  const auto none = all;
  for (const PoolScript& pool : test.pools) counts[pool.name] = none;
  for (const WorkerScript& w : test.workers) {
    if (w.gone_at && now.steady - start.steady >= *w.gone_at) continue;
    if (is_inactive(word_at(w.state, step, WorkerState::running))) continue;
    const std::string status(to_string(word_at(w.status, step, w.status.empty() ? Status::healthy : Status::unknown)));
    for (auto* of : {&counts.try_emplace(w.pool, none).first->second, &all}) {
      ++(*of)[status];
      ++(*of)["workers"];
    }
  }
  for (auto& [name, values] : counts) {
    std::vector<Cause> findings;
    for (const PoolScript& pool : test.pools) {
      if (pool.name != name) continue;
      for (const auto& [metric, value] : numbers_at(pool.metrics, step)) values[metric] = value;
      for (const auto& [reason, series] : pool.findings) {
        const FindingStatus status = word_at(series, step, FindingStatus::healthy);
        if (badness(status) > 0) findings.push_back({.reason = *parse_enum<Reason>(reason), .status = status});
      }
    }
    rules.update_pool({name, &findings, {values.begin(), values.end()}}, now);
  }
  rules.update_fleet({all.begin(), all.end()}, now);
}

void Run::apply(std::size_t step) {
  for (const SourceScript& source : test.sources)
    rules.update_source({source.id, source.host, word_at(source.state, step, SourceState::connected)}, now);
  for (const auto& [reason, series] : test.monitor) {
    const std::string* text = value_at(series, step);
    if (text) rules.update_monitor(*parse_enum<Reason>(reason), *text == "on", now);
  }
  for (const WorkerScript& w : test.workers) apply_worker(w, step);
  apply_counts(step);
}

std::string subject_of(const AlertWish& wish) {
  return wish.key.substr(std::string("rule/").size() + wish.rule.size() + 1);
}

void differences(std::string_view what, const std::map<std::string, std::string>& wanted, const Labels& got,
                 const std::string& name, std::string& out) {
  for (const auto& [key, value] : wanted) {
    const auto found = std::find_if(got.begin(), got.end(), [&k = key](const auto& l) { return l.first == k; });
    if (found == got.end())
      out += fmt::format("    {}: {} {}: expected '{}', got none\n", name, what, key, value);
    else if (found->second != value)
      out += fmt::format("    {}: {} {}:\n      expected '{}'\n      got      '{}'\n", name, what, key, value,
                         found->second);
  }
}

std::string compare(const Expectation& e, const std::map<std::string, AlertWish>& firing) {
  std::string out;
  std::map<std::string, const AlertWish*> left;
  for (const auto& [key, wish] : firing)
    if (e.rule.empty() || wish.rule == e.rule) left[key] = &wish;
  for (const ExpectedAlert& want : e.alerts) {
    const std::string key = fmt::format("rule/{}/{}", want.rule, want.subject.empty() ? "fleet" : want.subject);
    const std::string name = key.substr(5);
    const auto found = left.find(key);
    if (found == left.end()) {
      out += fmt::format("    missing:    {}\n", name);
      continue;
    }
    const AlertWish& got = *found->second;
    if (want.severity && *want.severity != got.severity)
      out += fmt::format("    {}: severity: expected {}, got {}\n", name, to_string(*want.severity),
                         to_string(got.severity));
    differences("label", want.labels, got.labels, name, out);
    differences("annotation", want.annotations, got.annotations, name, out);
    left.erase(found);
  }
  for (const auto& [key, wish] : left)
    out += fmt::format("    unexpected: {}/{} ({}): {}\n", wish->rule, subject_of(*wish), to_string(wish->severity),
                       wish->message);
  return out;
}

}  // namespace
}  // namespace rule_test

RuleTestReport run_rule_tests(const RuleSet& rules, const Params& file, Problems& problems) {
  RuleTestReport report;
  rule_test::File parsed = rule_test::parse(file, problems);
  if (!problems.empty()) return report;
  for (rule_test::Test& test : parsed.tests) {
    ++report.tests;
    std::stable_sort(test.expect.begin(), test.expect.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    rule_test::Run run(rules, test, parsed.interval);
    bool failed = false;
    for (const rule_test::Expectation& e : test.expect) {
      ++report.expectations;
      run.advance(e.at);
      const std::string differs = rule_test::compare(e, run.firing);
      if (differs.empty()) continue;
      failed = true;
      report.failures.push_back(fmt::format("{}:{}: test '{}' at {}:\n{}", e.file, e.line,
                                            test.name.empty() ? std::to_string(report.tests) : test.name,
                                            format_duration(e.at), differs));
    }
    report.failed += failed;
  }
  return report;
}

}  // namespace paramedic
