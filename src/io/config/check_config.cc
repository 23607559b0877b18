#include "io/config/check_config.h"

#include <algorithm>
#include <tuple>

#include "io/config/agent_config.h"
#include "io/config/yaml.h"

namespace paramedic::config {

namespace {

CheckedConfig check(const std::optional<Params>& tree, Problems problems, const PartCheck& check_parts) {
  CheckedConfig out;
  out.problems = std::move(problems);
  if (tree) {
    out.kind = detect_kind(*tree);
    if (out.kind == ConfigKind::agent) {
      parse_agent_config(*tree, out.problems);
    } else {
      const MonitorConfig config = parse_monitor_config(*tree, out.problems);
      if (check_parts) check_parts(config, out.problems);
    }
    out.effective = print_yaml(*tree);
  }
  tidy(out.problems);
  return out;
}

}  // namespace

ConfigKind detect_kind(const Params& tree) {
  return tree.find("monitor") || tree.find("workers") ? ConfigKind::agent : ConfigKind::monitor;
}

CheckedConfig check_config(std::string_view text, const std::string& name, const PartCheck& check_parts) {
  Problems problems;
  const auto tree = load_yaml(text, name, problems);
  return check(tree, std::move(problems), check_parts);
}

CheckedConfig check_config_file(const std::string& path, const PartCheck& check_parts) {
  Problems problems;
  const auto tree = load_yaml_file(path, problems);
  return check(tree, std::move(problems), check_parts);
}

void tidy(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  // A mistake in pools.default is found again in each pool over it: same line, same words.
  const auto same = [](const Problem& a, const Problem& b) {
    return a.line > 0 && std::tie(a.file, a.line, a.message) == std::tie(b.file, b.line, b.message);
  };
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const auto first = problems.begin() + std::ptrdiff_t(i);
    problems.erase(std::remove_if(first + 1, problems.end(), [&](const Problem& p) { return same(*first, p); }),
                   problems.end());
  }
}

}  // namespace paramedic::config
