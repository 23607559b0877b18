// Params → Condition. Each comparison is a map with exactly one key that says what it is, and keys that refine it.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/ids.h"
#include "core/alerting/rules.h"

namespace paramedic {

namespace {

constexpr std::uint32_t bit(auto e) { return 1u << unsigned(e); }

struct Parser {
  RuleScope scope;
  Problems& problems;
  int memory = 0;  // bits given so far

  void bad(const Params& at, const std::string& path, std::string why) {
    problems.push_back({at.file, at.line, path, std::move(why)});
  }

  bool allowed(ConditionKind kind) const {
    using enum ConditionKind;
    switch (kind) {
      case all:
      case any:
      case negation:
      case monitor:
      case source:
        return true;
      case metric:
        return scope != RuleScope::source;
      case pool_finding:
        return scope == RuleScope::worker || scope == RuleScope::pool;
      case share:
        return scope == RuleScope::pool || scope == RuleScope::fleet;
      default:
        return scope == RuleScope::worker;
    }
  }

  template <NamedEnum E>
  std::uint32_t words(const Params* node, const std::string& path) {
    std::uint32_t out = 0;
    each_word(node, path, [&](const Params& at, const std::string& text) {
      if (const auto known = parse_enum<E>(text))
        out |= bit(*known);
      else
        bad(at, path, fmt::format("'{}' must be one of: {}", text, fmt::join(EnumNames<E>::kNames, ", ")));
    });
    return out;
  }

  // A word, or a list of words.
  template <class F>
  void each_word(const Params* node, const std::string& path, F take) {
    if (!node) return;
    if (node->kind == Params::Kind::scalar && !node->scalar.empty()) return take(*node, node->scalar);
    if (node->kind != Params::Kind::list || node->items.empty() || node->items.size() > 50)
      return bad(*node, path, "must be a word, or a list of 1 to 50 words");
    for (const Params& item : node->items) {
      if (item.kind == Params::Kind::scalar)
        take(item, item.scalar);
      else
        bad(item, path, "must be a list of words");
    }
  }

  void reasons(const Params* node, const std::string& path, std::vector<Reason>& out, auto fits,
               std::string_view known) {
    each_word(node, path, [&](const Params& at, const std::string& text) {
      const auto reason = parse_enum<Reason>(text);
      if (reason && fits(*reason))
        out.push_back(*reason);
      else
        bad(at, path, fmt::format("'{}' must be one of: {}", text, known));
    });
  }

  void name_of(const Params& node, const std::string& path, std::string& out) {
    if (node.kind != Params::Kind::scalar || node.scalar.empty() || node.scalar.size() > 128)
      return bad(node, path, "must be a name of 1 to 128 bytes");
    out = node.scalar;
  }

  Condition parse(const Params& node, const std::string& path, int depth);
  void parts(const Params& list, const std::string& path, int depth, Condition& out);
  void read_threshold(ParamsReader& r, Condition& out, double least, double most);
  void read_forecast(ParamsReader& r, Condition& out);
  void read_labels(const Params& node, const std::string& path, Labels& out);
  void read_share(ParamsReader& r, const Params& node, const std::string& path, int depth, Condition& out);
  void leaf(ParamsReader& r, const Params& node, const std::string& path, int depth, Condition& out);
};

void Parser::parts(const Params& list, const std::string& path, int depth, Condition& out) {
  if (list.kind != Params::Kind::list || list.items.empty())
    return bad(list, path, "must be a list of at least one condition");
  for (std::size_t i = 0; i < list.items.size() && i < kMaxConditions; ++i)
    out.parts.push_back(parse(list.items[i], fmt::format("{}[{}]", path, i), depth + 1));
}

void Parser::read_threshold(ParamsReader& r, Condition& out, double least, double most) {
  std::optional<double> above, below, clear;
  r.read("above", above, least, most);
  r.read("below", below, least, most);
  r.read("clear", clear, least, most);
  if (r.has("above") == r.has("below")) return r.problem("above", "give one of: above, below");
  out.below = r.has("below");
  out.limit = above.value_or(below.value_or(0));
  out.clear = clear.value_or(out.limit);
  if (out.below ? out.clear < out.limit : out.clear > out.limit)
    r.problem("clear", out.below ? "must not be below the limit: it ends what `below` began"
                                 : "must not be above the limit: it ends what `above` began");
}

void Parser::read_forecast(ParamsReader& r, Condition& out) {
  std::optional<Duration> within, clear;
  r.read("within", within, Duration{1s}, Duration{24h * 366});
  r.read("clear", clear, Duration{1s}, Duration{24h * 366});
  if (!r.has("within")) r.problem("within", "is missing: how near the predicted crossing must be, as 4h");
  out.below = true;
  out.limit = to_seconds(within.value_or(0s));
  out.clear = clear ? to_seconds(*clear) : out.limit;
  if (out.clear < out.limit) r.problem("clear", "must not be shorter than `within`");
}

void Parser::read_labels(const Params& node, const std::string& path, Labels& out) {
  if (!node.is_map() || node.members.empty() || node.members.size() > kMaxLabels)
    return bad(node, path, fmt::format("must be a map of 1 to {} labels to values", kMaxLabels));
  for (const auto& [name, value] : node.members) {
    std::string pattern;
    each_word(&value, path + "." + name,
              [&](const Params&, const std::string& text) { pattern += (pattern.empty() ? "" : "|") + text; });
    out.emplace_back(name, pattern);
  }
}

void Parser::read_share(ParamsReader& r, const Params& node, const std::string& path, int depth, Condition& out) {
  if (!node.is_map()) return bad(node, path, "must be a map: of, above or below, clear, min_workers");
  ParamsReader s = r.child("share");
  read_threshold(s, out, 0, 100);
  s.read("min_workers", out.min_workers, 1, 1'000'000);
  const Params* of = s.take("of");
  if (!of) {
    s.problem("of", "is missing: the condition that is counted over the workers");
  } else {
    Parser inner{RuleScope::worker, problems, memory};
    out.parts.push_back(inner.parse(*of, path + ".of", depth + 1));
    memory = inner.memory;
  }
  s.finish();
}

void Parser::leaf(ParamsReader& r, const Params& node, const std::string& path, int depth, Condition& out) {
  using enum ConditionKind;
  constexpr std::uint32_t kBad = bit(FindingStatus::warning) | bit(FindingStatus::critical);
  const auto finding = [&] {
    out.words = kBad;
    if (const Params* found = r.take("finding")) out.words = words<FindingStatus>(found, path + ".finding");
  };
  switch (out.kind) {
    case status:
      out.words = words<Status>(&node, path);
      break;
    case state:
      out.words = words<WorkerState>(&node, path);
      break;
    case labels:
      read_labels(node, path, out.labels);
      break;
    case check:
      name_of(node, path, out.name);
      finding();
      if (r.has("reason")) {
        std::string text;
        r.read("reason", text);
        out.reason = parse_enum<Reason>(text);
        if (!out.reason) r.problem("reason", fmt::format("'{}' is no reason of a finding; see docs/checks.md", text));
      }
      break;
    case metric:
    case anomaly:
      name_of(node, path, out.name);
      read_threshold(r, out, -1e300, 1e300);
      break;
    case rate:
      name_of(node, path, out.name);
      r.read("over", out.window, 10s, 1h);
      r.read("per", out.per, 1s, 24h);
      read_threshold(r, out, -1e300, 1e300);
      break;
    case forecast:
      name_of(node, path, out.name);
      read_forecast(r, out);
      break;
    case pool_finding:
      reasons(
          &node, path, out.reasons,
          [](Reason x) { return x >= Reason::queue_stalled && x <= Reason::duplicate_incarnation; },
          "queue_stalled, pool_below_min, pool_empty, did_not_return, duplicate_incarnation");
      finding();
      break;
    case source:
      out.words = words<SourceState>(&node, path);
      r.read("source_id", out.name);
      if (out.name.empty() && scope != RuleScope::worker && scope != RuleScope::source)
        r.problem("source_id", "is missing: which source; a pool or the fleet has several");
      break;
    case monitor:
      reasons(
          &node, path, out.reasons,
          [](Reason x) {
            return x == Reason::monitor_lag || x == Reason::monitor_cut_off || x == Reason::ledger_degraded ||
                   x == Reason::check_failed || x == Reason::overflow || x == Reason::notification_failed;
          },
          "monitor_lag, monitor_cut_off, ledger_degraded, check_failed, overflow, notification_failed");
      break;
    case share:
      read_share(r, node, path, depth, out);
      break;
    default:
      break;
  }
  out.memory = memory++;
}

Condition Parser::parse(const Params& node, const std::string& path, int depth) {
  Condition out;
  if (!node.is_map()) {
    bad(node, path, "must be a map with one condition, as {status: critical}");
    return out;
  }
  if (depth > kMaxConditionDepth) {
    bad(node, path, fmt::format("is nested deeper than {} levels", kMaxConditionDepth));
    return out;
  }
  const Params* value = nullptr;
  std::size_t found = 0;
  for (std::size_t i = 0; i < kEnumCount<ConditionKind>; ++i) {
    const Params* here = node.find(EnumNames<ConditionKind>::kNames[i]);
    if (!here) continue;
    if (++found > 1) continue;
    out.kind = ConditionKind(i);
    value = here;
  }
  if (found != 1) {
    bad(node, path, fmt::format("must have exactly one of: {}", fmt::join(EnumNames<ConditionKind>::kNames, ", ")));
    return out;
  }
  const std::string key(to_string(out.kind));
  const std::string full = path + "." + key;
  if (!allowed(out.kind)) {
    bad(node, full, fmt::format("does not fit a rule for_each: {}; see docs/rules.md", to_string(scope)));
    return out;
  }
  ParamsReader r(&node, path, problems);
  r.take(key);
  if (out.kind == ConditionKind::all || out.kind == ConditionKind::any)
    parts(*value, full, depth, out);
  else if (out.kind == ConditionKind::negation)
    out.parts.push_back(parse(*value, full, depth + 1));
  else
    leaf(r, *value, full, depth, out);
  r.finish();
  if (memory > int(kMaxConditions)) {
    if (memory <= int(kMaxConditions) + 1)
      bad(node, path, fmt::format("the rule has more than {} comparisons", kMaxConditions));
    memory = int(kMaxConditions) + 1;
    out.memory = 0;
  }
  return out;
}

}  // namespace

Condition parse_condition(const Params& node, const std::string& path, RuleScope scope, Problems& problems) {
  Parser parser{scope, problems};
  return parser.parse(node, path, 1);
}

}  // namespace paramedic
