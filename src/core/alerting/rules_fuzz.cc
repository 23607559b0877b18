// libFuzzer target: any bytes as a template, as values of a rule test, and as a tree of rules (lines "depth key
// value").
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/alerting/rule_tests.h"
#include "core/alerting/rules.h"

namespace {

using paramedic::Params;

// One node per line: a digit for its depth, then KEY=VALUE; without '=' a map, with '-' as key an item of a list.
Params tree_of(std::string_view text) {
  Params root = Params::map();
  std::vector<Params*> path{&root};
  int lines = 0;
  while (!text.empty() && ++lines < 500) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const std::size_t depth = std::min<std::size_t>(std::size_t(line[0] & 15), path.size() - 1);
    line.remove_prefix(1);
    path.resize(depth + 1);
    Params* parent = path.back();
    const auto equals = line.find('=');
    Params node = equals == std::string_view::npos ? Params::map() : Params::of(std::string(line.substr(equals + 1)));
    if (equals != std::string_view::npos && node.scalar.empty()) node = Params{.kind = Params::Kind::list};
    node.line = lines;
    if (parent->kind == Params::Kind::list) {
      parent->items.push_back(std::move(node));
      path.push_back(&parent->items.back());
    } else if (parent->kind == Params::Kind::map) {
      const std::string key(line.substr(0, std::min(equals, line.size())));
      parent->set(key, std::move(node));
      for (auto& [name, value] : parent->members)
        if (name == key) path.push_back(&value);
    }
  }
  return root;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  paramedic::Labels labels{{"zone", "{{ worker }}"}};
  paramedic::TemplateValues values{.worker = "w-{{ value }}", .labels = &labels};
  if (const auto parsed = paramedic::Template::parse(text.substr(0, 4096))) (void)parsed->render(values);
  (void)paramedic::parse_rule_series(text.substr(0, 4096));
  const Params tree = tree_of(text);
  paramedic::Problems problems;
  const auto set = paramedic::parse_rules(tree.find("rules"), "rules", problems);
  for (const auto& rule : set.rules) (void)paramedic::explain(rule);
  if (!problems.empty()) return 0;
  paramedic::Problems of_tests;
  (void)paramedic::run_rule_tests(set, tree, of_tests);
  return 0;
}
