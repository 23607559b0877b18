#include "core/alerting/matchers.h"

#include <algorithm>

#include <fmt/format.h>
#include <re2/re2.h>

namespace paramedic {

namespace {

// Of one expression, its automata included; what needs more is refused.
constexpr std::int64_t kPatternBytes = 128 << 10;

bool is_pattern(MatchOp op) { return op == MatchOp::matches || op == MatchOp::not_matches; }

Result<std::shared_ptr<const re2::RE2>> compile_pattern(const Matcher& m) {
  if (m.value.size() > CompiledMatchers::kMaxPattern)
    return make_error(Errc::too_large, fmt::format("the expression of {} is longer than {} bytes", m.label,
                                                   CompiledMatchers::kMaxPattern));
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternBytes);
  auto compiled = std::make_shared<const re2::RE2>(m.value, options);
  if (compiled->ok()) return std::shared_ptr<const re2::RE2>(std::move(compiled));
  const bool large = compiled->error_code() == re2::RE2::ErrorPatternTooLarge;
  return make_error(large ? Errc::too_large : Errc::invalid_argument,
                    fmt::format("'{}' holds no valid regular expression: {}", to_text(m), compiled->error()));
}

}  // namespace

Labels labels_of(const Alert& alert) {
  Labels out;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out.emplace_back(name, value);
  };
  const std::string_view reason = alert.reason == Reason::none ? std::string_view() : to_string(alert.reason);
  add("alert", alert.key);
  add("incident", alert.incident_id);
  add("severity", to_string(alert.severity));
  add("reason", reason);
  add("rule", alert.rule.empty() ? reason : std::string_view(alert.rule));
  add("check", alert.check);
  add("worker_id", alert.worker_id);
  add("pool", alert.pool);
  add("host", alert.host);
  const std::size_t own = out.size();
  for (const auto& label : alert.labels) {  // by its whole: clang 14 captures no structured binding
    const bool taken = std::any_of(out.begin(), out.begin() + std::ptrdiff_t(own),
                                   [&](const auto& l) { return l.first == label.first; });
    if (!taken) add(label.first, label.second);
  }
  std::sort(out.begin(), out.end());
  return out;
}

const std::string& label_value(const Labels& sorted, std::string_view name) {
  static const std::string kNone;
  const auto it = std::lower_bound(sorted.begin(), sorted.end(), name,
                                   [](const auto& label, std::string_view n) { return label.first < n; });
  return it != sorted.end() && it->first == name ? it->second : kNone;
}

Result<CompiledMatchers> CompiledMatchers::compile(std::vector<Matcher> matchers) {
  if (matchers.size() > kMaxMatchers)
    return make_error(Errc::too_large, fmt::format("more than {} matchers", kMaxMatchers));
  CompiledMatchers out;
  for (const Matcher& m : matchers) {
    std::shared_ptr<const re2::RE2> compiled;
    if (is_pattern(m.op)) {
      auto made = compile_pattern(m);
      if (!made) return made.error();
      compiled = std::move(*made);
    }
    out.compiled_.push_back(std::move(compiled));
  }
  out.matchers_ = std::move(matchers);
  return out;
}

bool CompiledMatchers::match(const Labels& sorted) const {
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    const Matcher& m = matchers_[i];
    const std::string& value = label_value(sorted, m.label);
    const bool same = compiled_[i] ? re2::RE2::FullMatch(value, *compiled_[i]) : value == m.value;
    if (same != (m.op == MatchOp::equal || m.op == MatchOp::matches)) return false;
  }
  return true;
}

std::size_t CompiledMatchers::patterns() const {
  return std::size_t(std::count_if(compiled_.begin(), compiled_.end(), [](const auto& c) { return c != nullptr; }));
}

void read_matchers(ParamsReader& r, std::string_view key, CompiledMatchers& out) {
  std::vector<std::string> texts;
  r.read(key, texts);
  std::vector<Matcher> matchers;
  for (const std::string& text : texts) {
    auto parsed = parse_matcher(text);
    if (!parsed) return r.problem(key, parsed.error().message);
    matchers.push_back(std::move(*parsed));
  }
  auto compiled = CompiledMatchers::compile(std::move(matchers));
  if (!compiled) return r.problem(key, compiled.error().message);
  out = std::move(*compiled);
}

}  // namespace paramedic
