#include "core/alerting/notifier_config.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace paramedic {

namespace {

constexpr std::size_t kMaxRoutes = 500, kMaxInhibitions = 100, kMaxSteps = 10, kMaxGroupBy = 10;
constexpr int kMaxDepth = 8;

struct Parsing {
  NotifierConfig& out;
  Problems& problems;
  std::set<std::string> names;
};

void check_channels(ParamsReader& r, std::string_view key, const std::vector<std::string>& names,
                    const NotifierConfig& config) {
  for (const std::string& name : names)
    if (!config.channel(name)) r.problem(key, fmt::format("no channel '{}' stands under `channels`", name));
}

// "routes", "escalation": a list of maps. Null when absent; a problem when it is something else or too long.
const Params* take_list(ParamsReader& r, std::string_view key, std::size_t max) {
  const Params* node = r.take(key);
  if (!node) return nullptr;
  if (node->kind != Params::Kind::list) {
    r.problem(key, "must be a list");
    return nullptr;
  }
  if (node->items.size() > max) {
    r.problem(key, fmt::format("has more than {} items", max));
    return nullptr;
  }
  return node;
}

void read_escalation(ParamsReader& r, Route& route, Parsing& p) {
  const Params* list = take_list(r, "escalation", kMaxSteps);
  if (!list) return;
  route.escalation.clear();
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    ParamsReader step(&list->items[i], fmt::format("{}.escalation[{}]", r.path(), i), p.problems);
    EscalationStep one;
    step.read("after", one.after, 1s, 24h * 7);
    step.read("channels", one.channels);
    check_channels(step, "channels", one.channels, p.out);
    step.finish();
    route.escalation.push_back(std::move(one));
  }
}

bool asks_severity(const CompiledMatchers& matchers) {
  return std::any_of(matchers.matchers().begin(), matchers.matchers().end(), [](const Matcher& m) {
    return m.label == "severity" && (m.op == MatchOp::equal || m.op == MatchOp::matches);
  });
}

void read_settings(ParamsReader& r, Route& route, Parsing& p) {
  r.read_enum("min_severity", route.min_severity);
  r.read("continue", route.go_on);
  r.read("channels", route.channels);
  r.read("failover", route.failover);
  check_channels(r, "channels", route.channels, p.out);
  check_channels(r, "failover", route.failover, p.out);
  r.read("group_by", route.group_by);
  if (route.group_by.size() > kMaxGroupBy) r.problem("group_by", fmt::format("has more than {} labels", kMaxGroupBy));
  r.read("group_wait", route.group_wait, 0s, 1h);
  r.read("group_interval", route.group_interval, 1s, 24h);
  r.read("repeat_interval", route.repeat_interval, 1min, 24h * 31);
  r.read_enum("escalate_from", route.escalate_from);
  r.read("escalation_repeat", route.escalation_repeat, 1min, 24h * 7);
  read_escalation(r, route, p);
}

// `route` comes with what it inherits. Returns its index.
std::size_t read_route(const Params* node, Route route, const std::string& path, int depth, Parsing& p) {
  ParamsReader r(node, path, p.problems);
  route.name = path;
  route.go_on = false;
  route.children.clear();
  route.matchers = {};
  r.read("name", route.name);
  if (!p.names.insert(route.name).second) r.problem("name", fmt::format("two routes are named '{}'", route.name));
  read_matchers(r, "matchers", route.matchers);
  if (depth == 0 && !route.matchers.matchers().empty())
    r.problem("matchers", "the root takes everything; put matchers into one of its `routes`");
  if (asks_severity(route.matchers)) route.min_severity = Severity::info;
  read_settings(r, route, p);
  const std::size_t index = p.out.routes.size();
  p.out.routes.push_back(route);
  if (const Params* list = take_list(r, "routes", kMaxRoutes)) {
    if (depth >= kMaxDepth) r.problem("routes", fmt::format("lie more than {} deep", kMaxDepth));
    for (std::size_t i = 0; i < list->items.size() && depth < kMaxDepth; ++i) {
      if (p.out.routes.size() >= kMaxRoutes) {
        r.problem("routes", fmt::format("are more than {}", kMaxRoutes));
        break;
      }
      const std::size_t child = read_route(&list->items[i], route, fmt::format("{}.{}", path, i), depth + 1, p);
      p.out.routes[index].children.push_back(child);
    }
  }
  r.finish();
  return index;
}

void read_channels(const Params* node, NotifierConfig& out, Problems& problems) {
  if (!node || !node->is_map()) return;  // io/notify says what is wrong with it
  for (const auto& [name, settings] : node->members) {
    NotifierChannel channel{name, {}};
    if (const Params* to = settings.find("failover")) channel.failover = to->scalar;
    out.channels.push_back(std::move(channel));
  }
  for (const auto& [name, settings] : node->members) {
    const NotifierChannel& channel = *out.channel(name);
    if (channel.failover.empty()) continue;
    const Params& at = *settings.find("failover");
    const auto key = fmt::format("channels.{}.failover", name);
    if (channel.failover == name)
      problems.push_back({at.file, at.line, key, "a channel cannot stand in for itself"});
    else if (!out.channel(channel.failover))
      problems.push_back(
          {at.file, at.line, key, fmt::format("no channel '{}' stands under `channels`", channel.failover)});
  }
}

void read_inhibitions(const Params* node, NotifierConfig& out, Problems& problems) {
  if (!node || node->kind == Params::Kind::null) return;
  const auto wrong = [&](std::string why) {
    problems.push_back({node->file, node->line, "inhibitions", std::move(why)});
  };
  if (node->kind != Params::Kind::list) return wrong("must be a list");
  if (node->items.size() > kMaxInhibitions) return wrong(fmt::format("has more than {} items", kMaxInhibitions));
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    ParamsReader r(&node->items[i], fmt::format("inhibitions[{}]", i), problems);
    Inhibition one;
    read_matchers(r, "source", one.source);
    read_matchers(r, "target", one.target);
    r.read("equal", one.equal);
    if (one.source.matchers().empty()) r.problem("source", "needs a matcher");
    if (one.target.matchers().empty()) r.problem("target", "needs a matcher");
    r.finish();
    out.inhibitions.push_back(std::move(one));
  }
}

void read_numbers(const Params* node, NotifierConfig& out, Problems& problems) {
  ParamsReader r(node, "notifications", problems);
  r.read("acknowledge_for", out.acknowledge_for, 1min, 24h * 31);
  r.read("storm_incidents", out.storm_incidents, 0, 100'000);
  r.read("storm_window", out.storm_window, 1s, 24h);
  r.read("flap_hold", out.flap_hold, 0s, 1h);
  r.read("flap_hold_max", out.flap_hold_max, 0s, 24h);
  r.read("flap_window", out.flap_window, 0s, 24h);
  r.read("retry_failover_after", out.retry_failover_after, 1s, 24h);
  r.read("give_up_after", out.give_up_after, 1min, 24h * 7);
  r.finish();
}

void default_route(NotifierConfig& out) {
  Route root;
  root.name = "route";
  for (const NotifierChannel& channel : out.channels) root.channels.push_back(channel.name);
  out.routes.push_back(std::move(root));
}

bool takes(const Route& route, const Labels& labels, Severity severity) {
  return severity >= route.min_severity && route.matchers.match(labels);
}

bool select(const NotifierConfig& config, std::size_t index, const Labels& labels, Severity severity,
            std::vector<std::size_t>& out) {
  const Route& route = config.routes[index];
  const std::size_t before = out.size();
  for (const std::size_t child : route.children) {
    if (index != 0 && !takes(route, labels, severity)) break;
    if (select(config, child, labels, severity, out) && !config.routes[child].go_on) break;
  }
  if (out.size() > before) return true;
  if (!takes(route, labels, severity)) return false;
  out.push_back(index);
  return true;
}

}  // namespace

const NotifierChannel* NotifierConfig::channel(std::string_view name) const {
  const auto it = std::find_if(channels.begin(), channels.end(), [&](const auto& c) { return c.name == name; });
  return it == channels.end() ? nullptr : &*it;
}

NotifierConfig parse_notifier_config(const NotifierParams& params, Problems& problems) {
  NotifierConfig out;
  read_channels(params.channels, out, problems);
  if (params.route && params.route->kind != Params::Kind::null) {
    Parsing p{out, problems, {}};
    Route root;
    for (const NotifierChannel& channel : out.channels) root.channels.push_back(channel.name);
    read_route(params.route, std::move(root), "route", 0, p);
  } else {
    default_route(out);
  }
  read_inhibitions(params.inhibitions, out, problems);
  read_numbers(params.notifications, out, problems);
  return out;
}

std::vector<std::size_t> select_routes(const NotifierConfig& config, const Labels& labels, Severity severity) {
  std::vector<std::size_t> out;
  if (!config.routes.empty()) select(config, 0, labels, severity, out);
  return out;
}

}  // namespace paramedic
