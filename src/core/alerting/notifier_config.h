// Configuration of the notifier: the tree of routes, inhibitions, channels by name, and the numbers around them. Keys
// `channels`, `route`, `inhibitions`, `notifications` of the monitor's file; docs/routes.md. Plain values.
#pragma once
#include <string>
#include <vector>

#include "base/params.h"
#include "core/alerting/matchers.h"

namespace paramedic {

struct EscalationStep {
  Duration after = 300s;              // since the step before, or since the first message
  std::vector<std::string> channels;  // empty = those of the route
};

struct Route {
  std::string name;  // unique; "route" for the root
  CompiledMatchers matchers;
  Severity min_severity = Severity::warning;  // below it the route takes nothing
  bool go_on = false;                         // `continue`: routes after this one are asked too
  std::vector<std::string> channels;
  std::vector<std::string> failover;  // in this order; empty = the channel's own
  std::vector<std::string> group_by = {"incident"};
  Duration group_wait = 0s;  // further wait before the first message; never with hard evidence
  Duration group_interval = 5min, repeat_interval = 4h;
  std::vector<EscalationStep> escalation = {EscalationStep{}};
  Severity escalate_from = Severity::critical;
  Duration escalation_repeat = 30min;  // of the last step
  std::vector<std::size_t> children;   // indices into NotifierConfig::routes
};

struct Inhibition {
  CompiledMatchers source, target;
  std::vector<std::string> equal;  // labels that must have the same value
};

struct NotifierChannel {
  std::string name;
  std::string failover;  // empty = none
};

struct NotifierConfig {
  std::vector<NotifierChannel> channels;
  std::vector<Route> routes;  // the root first; empty = nobody is told
  std::vector<Inhibition> inhibitions;
  Duration acknowledge_for = 8h;
  int storm_incidents = 20;  // more new ones of one route within the window: one notice; 0 = no brake
  Duration storm_window = 5min;
  Duration flap_hold = 1min, flap_hold_max = 1h;  // the end is told so much later, ×1.5 at each return
  Duration flap_window = 10min;                   // back within this after its end = it flaps
  Duration retry_failover_after = 5min;           // of tries of a critical message
  Duration give_up_after = 24h;

  const NotifierChannel* channel(std::string_view name) const;
};

// The nodes of the configuration; null = absent. Owned by the caller, alive for the call.
struct NotifierParams {
  const Params* channels = nullptr;  // of each only the key `failover` is read here
  const Params* route = nullptr;
  const Params* inhibitions = nullptr;
  const Params* notifications = nullptr;
};
// Without `route`: everything of severity warning and above to every channel.
NotifierConfig parse_notifier_config(const NotifierParams& params, Problems& problems);

// Alertmanager's order: the deepest routes that take the alert; the next sibling only after `continue`. `labels` and
// `severity` = what the alert is routed by.
std::vector<std::size_t> select_routes(const NotifierConfig& config, const Labels& labels, Severity severity);

}  // namespace paramedic
