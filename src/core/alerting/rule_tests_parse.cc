// The YAML of rule tests → plain values.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "core/alerting/rule_tests_impl.h"

namespace paramedic {

namespace {

std::optional<double> to_number(std::string_view text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// "TOKENxN" → TOKEN, N.
std::pair<std::string_view, std::size_t> repeated(std::string_view token) {
  const auto x = token.rfind('x');
  if (x == std::string_view::npos || x == 0 || x + 1 == token.size()) return {token, 1};
  std::size_t count = 0;
  const auto tail = token.substr(x + 1);
  const auto [end, failed] = std::from_chars(tail.data(), tail.data() + tail.size(), count);
  if (failed != std::errc{} || end != tail.data() + tail.size()) return {token, 1};
  return {token.substr(0, x), count};
}

}  // namespace

Result<RuleSeries> parse_rule_series(std::string_view text) {
  RuleSeries out;
  const auto wrong = [](std::string why) { return Error{Errc::invalid_argument, std::move(why)}; };
  for (std::size_t at = 0; at < text.size();) {
    const auto start = text.find_first_not_of(" \t\n", at);
    if (start == std::string_view::npos) break;
    const auto end = std::min(text.find_first_of(" \t\n", start), text.size());
    at = end;
    const auto [token, count] = repeated(text.substr(start, end - start));
    if (count == 0 || out.size() + count > kMaxRuleTestSteps)
      return wrong(
          fmt::format("'{}': must stand for 1 to {} values", text.substr(start, end - start), kMaxRuleTestSteps));
    const auto sign = token.find_first_of("+-", 1);
    const auto first = sign == std::string_view::npos ? std::nullopt : to_number(token.substr(0, sign));
    const auto step = first ? to_number(token.substr(sign + (token[sign] == '+'))) : std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
      if (token == "_")
        out.emplace_back(std::nullopt);
      else if (step)
        out.emplace_back(format_number(*first + *step * double(i)));
      else
        out.emplace_back(std::string(token));
    }
  }
  if (out.empty()) return wrong("has no value");
  return out;
}

namespace rule_test {

namespace {

struct Reader {
  Problems& problems;

  void bad(const Params& at, const std::string& path, std::string why) {
    problems.push_back({at.file, at.line, path, std::move(why)});
  }

  // Each value must satisfy `good`, else its complaint is reported.
  template <class Good>
  RuleSeries series(const Params* node, const std::string& path, const Good& good, std::string_view wanted) {
    RuleSeries out;
    if (!node) return out;
    if (node->kind != Params::Kind::scalar) {
      bad(*node, path, "must be values in one line, as \"90 95x3 _\"");
      return out;
    }
    auto parsed = parse_rule_series(node->scalar);
    if (!parsed) {
      bad(*node, path, parsed.error().message);
      return out;
    }
    for (const auto& value : *parsed)
      if (value && !good(*value)) {
        bad(*node, path, fmt::format("'{}' must be {}", *value, wanted));
        return {};
      }
    return std::move(*parsed);
  }
  template <NamedEnum E>
  RuleSeries words(const Params* node, const std::string& path) {
    return series(
        node, path, [](const std::string& v) { return parse_enum<E>(v).has_value(); },
        fmt::format("one of: {}", fmt::join(EnumNames<E>::kNames, ", ")));
  }
  RuleSeries numbers(const Params* node, const std::string& path) {
    return series(
        node, path, [](const std::string& v) { return to_number(v).has_value(); }, "a number or _");
  }
  RuleSeries findings(const Params* node, const std::string& path) {
    return series(
        node, path,
        [](const std::string& v) {
          const auto slash = v.find('/');
          return parse_enum<FindingStatus>(v.substr(0, slash)) &&
                 (slash == std::string::npos || parse_enum<Reason>(v.substr(slash + 1)));
        },
        "a finding's status, as healthy, critical or critical/silent");
  }
  template <class Read>
  std::map<std::string, RuleSeries> map_of(ParamsReader& r, const char* key, const Read& read) {
    std::map<std::string, RuleSeries> out;
    const Params* node = r.take(key);
    if (!node) return out;
    if (!node->is_map()) {
      bad(*node, r.path() + "." + key, "must be a map of names to values");
      return out;
    }
    for (const auto& [name, value] : node->members)
      out[name] = read(&value, fmt::format("{}.{}.{}", r.path(), key, name));
    return out;
  }
  // Calls `one(reader)` for each map of the list.
  template <class One>
  void list(ParamsReader& r, const char* key, const One& one) {
    const Params* node = r.take(key);
    if (!node) return;
    if (node->kind != Params::Kind::list) return bad(*node, r.path() + "." + key, "must be a list");
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      ParamsReader item(&node->items[i], fmt::format("{}.{}[{}]", r.path(), key, i), problems);
      if (!node->items[i].is_map())
        bad(node->items[i], item.path(), "must be a map");
      else
        one(item, node->items[i]);
      item.finish();
    }
  }

  Test test(ParamsReader& r, const Params& node);
  void worker(ParamsReader& r, Test& out);
  void expectation(ParamsReader& r, const Params& node, Test& out);
};

void Reader::worker(ParamsReader& r, Test& out) {
  WorkerScript w;
  r.read("id", w.id);
  if (w.id.empty()) r.problem("id", "is missing");
  r.read("pool", w.pool);
  r.read("host", w.host);
  r.read("version", w.version);
  r.read("source", w.source);
  std::map<std::string, std::string> labels;
  r.read("labels", labels);
  w.labels.assign(labels.begin(), labels.end());
  w.status = words<Status>(r.take("status"), r.path() + ".status");
  w.state = words<WorkerState>(r.take("state"), r.path() + ".state");
  const auto as_numbers = [&](const Params* p, const std::string& path) { return numbers(p, path); };
  w.metrics = map_of(r, "metrics", as_numbers);
  w.anomalies = map_of(r, "anomalies", as_numbers);
  w.forecasts = map_of(r, "forecasts", as_numbers);
  w.checks = map_of(r, "checks", [&](const Params* p, const std::string& path) { return findings(p, path); });
  r.read("gone_at", w.gone_at, 0s, 24h * 30);
  out.workers.push_back(std::move(w));
}

void Reader::expectation(ParamsReader& r, const Params& node, Test& out) {
  Expectation e;
  e.file = node.file;
  e.line = node.line;
  r.read("at", e.at, 0s, 24h * 30);
  r.read("rule", e.rule);
  list(r, "alerts", [&](ParamsReader& a, const Params&) {
    ExpectedAlert alert;
    a.read("rule", alert.rule);
    a.read("subject", alert.subject);
    if (alert.rule.empty()) alert.rule = e.rule;
    if (alert.rule.empty()) a.problem("rule", "is missing");
    if (a.has("severity")) a.read_enum("severity", alert.severity.emplace());
    a.read("labels", alert.labels);
    a.read("annotations", alert.annotations);
    e.alerts.push_back(std::move(alert));
  });
  out.expect.push_back(std::move(e));
}

Test Reader::test(ParamsReader& r, const Params&) {
  Test out;
  r.read("name", out.name);
  list(r, "workers", [&](ParamsReader& w, const Params&) { worker(w, out); });
  list(r, "pools", [&](ParamsReader& p, const Params&) {
    PoolScript pool;
    p.read("name", pool.name);
    if (pool.name.empty()) p.problem("name", "is missing");
    pool.findings =
        map_of(p, "findings", [&](const Params* v, const std::string& path) { return words<FindingStatus>(v, path); });
    for (const auto& [reason, values] : pool.findings)
      if (!parse_enum<Reason>(reason)) p.problem("findings", fmt::format("'{}' is no pool finding", reason));
    pool.metrics = map_of(p, "metrics", [&](const Params* v, const std::string& path) { return numbers(v, path); });
    out.pools.push_back(std::move(pool));
  });
  list(r, "sources", [&](ParamsReader& s, const Params&) {
    SourceScript source;
    s.read("id", source.id);
    s.read("host", source.host);
    source.state = words<SourceState>(s.take("state"), s.path() + ".state");
    out.sources.push_back(std::move(source));
  });
  out.monitor = map_of(r, "monitor", [&](const Params* v, const std::string& path) {
    return series(
        v, path, [](const std::string& x) { return x == "on" || x == "off"; }, "on or off");
  });
  for (const auto& [reason, values] : out.monitor)
    if (!parse_enum<Reason>(reason)) r.problem("monitor", fmt::format("'{}' is no state of the monitor", reason));
  list(r, "expect", [&](ParamsReader& e, const Params& at) { expectation(e, at, out); });
  if (out.expect.empty()) r.problem("expect", "is missing: what must fire, and when");
  return out;
}

}  // namespace

File parse(const Params& tree, Problems& problems) {
  File out;
  Reader reader{problems};
  ParamsReader r(&tree, "", problems);
  r.read("interval", out.interval, 100ms, 24h);
  r.take("rules");
  r.take("rule_files");
  reader.list(r, "tests", [&](ParamsReader& t, const Params& node) {
    if (out.tests.size() < kMaxRuleTests) out.tests.push_back(reader.test(t, node));
  });
  r.finish();
  for (const Test& test : out.tests)
    for (const Expectation& e : test.expect)
      if (e.at / out.interval > std::int64_t(kMaxRuleTestSteps))
        problems.push_back({e.file, e.line, "at", fmt::format("is more than {} intervals away", kMaxRuleTestSteps)});
  return out;
}

}  // namespace rule_test
}  // namespace paramedic
