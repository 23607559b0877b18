#include "model/notification.h"

#include <fmt/format.h>

namespace paramedic {

Result<Matcher> parse_matcher(std::string_view text) {
  const auto at = text.find_first_of("=!");
  const auto trimmed = [](std::string_view s) {
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
    return std::string(s);
  };
  Matcher m;
  for (const MatchOp op : {MatchOp::matches, MatchOp::not_matches, MatchOp::not_equal, MatchOp::equal}) {
    const std::string_view sign = to_string(op);
    if (at == std::string_view::npos || at == 0 || !text.substr(at).starts_with(sign)) continue;
    m.label = trimmed(text.substr(0, at));
    m.op = op;
    m.value = trimmed(text.substr(at + sign.size()));
    if (m.value.size() >= 2 && m.value.front() == '"' && m.value.back() == '"')
      m.value = m.value.substr(1, m.value.size() - 2);
    if (!m.label.empty()) return m;
  }
  return make_error(Errc::invalid_argument,
                    fmt::format("'{}' is no matcher: write label=value, label!=value, label=~regex or label!~regex",
                                text.substr(0, 100)));
}

std::string to_text(const Matcher& m) { return fmt::format("{}{}{}", m.label, to_string(m.op), m.value); }

std::string to_text(const std::vector<Matcher>& matchers) {
  std::string out;
  for (const Matcher& m : matchers) out += (out.empty() ? "" : ", ") + to_text(m);
  return out;
}

}  // namespace paramedic
