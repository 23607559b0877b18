#include "app/daemon/reload.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "io/config/check_config.h"
#include "io/config/yaml.h"

namespace paramedic::daemon {

namespace {

// Keys of the file that engine and messenger take on while they run.
constexpr std::array<std::string_view, 12> kReloadable = {"interval",
                                                          "pools",
                                                          "aliases",
                                                          "alerting",
                                                          "limits",
                                                          "channels",
                                                          "dead_man",
                                                          "route",
                                                          "inhibitions",
                                                          "notifications",
                                                          "maintenance_windows",
                                                          "executors"};

// Members of `limits` that are read once, at the start.
constexpr std::array<std::string_view, 3> kFixedLimits = {"max_agents", "max_event_clients", "inbox_reports"};

// As top-level keys of their own, so that they are compared and named apart.
Params lift_fixed_limits(Params tree) {
  const Params* limits = tree.find("limits");
  if (!limits) return tree;
  std::vector<KeyValue<Params>> lifted;
  for (const std::string_view name : kFixedLimits)
    if (const Params* value = limits->find(name)) lifted.emplace_back("limits." + std::string(name), *value);
  for (auto& member : lifted) tree.set(std::move(member.first), std::move(member.second));
  return tree;
}

bool same(const Params& a, const Params& b) {
  if (a.kind != b.kind || a.scalar != b.scalar || a.items.size() != b.items.size() ||
      a.members.size() != b.members.size())
    return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same(a.items[i], b.items[i])) return false;
  return std::all_of(a.members.begin(), a.members.end(), [&](const auto& member) {
    const Params* other = b.find(member.first);
    return other && same(member.second, *other);
  });
}

// Keys that differ and are not taken on.
std::vector<std::string> need_restart(const Params& before, const Params& after) {
  std::vector<std::string> out;
  const auto look = [&](const Params& from, const Params& to, bool only_missing) {
    for (const auto& [key, value] : from.members) {
      if (std::find(kReloadable.begin(), kReloadable.end(), key) != kReloadable.end()) continue;
      const Params* other = to.find(key);
      if (other ? !only_missing && !same(value, *other) : true) out.push_back(key);
    }
  };
  look(before, after, false);
  look(after, before, true);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

ConfigReload::ConfigReload(std::string file, const Clock& clock, Logger& log, Apply apply)
    : file_(std::move(file)), clock_(clock), log_(log), apply_(std::move(apply)), in_force_(Params::map()) {
  if (file_.empty()) return;
  Problems ignored;  // it was good a moment ago
  if (auto tree = config::load_yaml_file(file_, ignored)) in_force_ = lift_fixed_limits(std::move(*tree));
  state_.success_at = clock_.now().wall;
}

Result<std::string> ConfigReload::load() {
  if (closed_) return make_error(Errc::unavailable, "the monitor stops");
  if (file_.empty())
    return make_error(Errc::conflict, "the monitor was started without a configuration file: restart it with --config");
  Problems problems;
  auto tree = config::load_yaml_file(file_, problems);
  if (!tree) return make_error(Errc::invalid_argument, config::format_problems(problems));
  const config::MonitorConfig config = config::parse_monitor_config(*tree, problems);
  EngineConfig engine = make_engine_config(config, problems);
  if (!problems.empty()) {
    config::tidy(problems);
    return make_error(Errc::invalid_argument, config::format_problems(problems));
  }
  Params next = lift_fixed_limits(std::move(*tree));
  const std::vector<std::string> left = need_restart(in_force_, next);
  const std::size_t rules = engine.rules.rules.size();
  if (const auto taken = apply_(config, std::move(engine)); !taken) return taken.error();
  // What was not taken on stays as it was, and is named again next time.
  for (const std::string& key : left) {
    std::erase_if(next.members, [&](const auto& member) { return member.first == key; });
    if (const Params* old = in_force_.find(key)) next.set(key, *old);
  }
  in_force_ = std::move(next);
  std::string said = fmt::format("{} is in force, {} rules", file_, rules);
  if (!left.empty()) said += fmt::format("; these changes need a restart: {}", fmt::join(left, ", "));
  return said;
}

Result<std::string> ConfigReload::reload(std::string_view actor) {
  const std::lock_guard lock(mutex_);
  auto done = load();
  state_.ok = done.has_value();
  if (done) {
    state_.success_at = clock_.now().wall;
    log_.info("config_reloaded", {{"actor", actor}, {"result", *done}});
  } else {
    log_.error("config_refused", {{"actor", actor}, {"file", file_}, {"problems", done.error().message}});
  }
  return done;
}

void ConfigReload::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

ConfigReload::State ConfigReload::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace paramedic::daemon
