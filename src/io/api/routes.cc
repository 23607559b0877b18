#include "io/api/core.h"

namespace paramedic::api {

namespace {

constexpr Route kRoutes[] = {
    {"GET", "/health/workers", Scope::open, BodyKind::none, get_workers},
    {"GET", "/health/workers/{worker_id}", Scope::open, BodyKind::none, get_worker},
    {"DELETE", "/health/workers/{worker_id}", Scope::operate, BodyKind::none, delete_worker},
    {"GET", "/health/workers/{worker_id}/history", Scope::open, BodyKind::none, get_history},
    {"GET", "/health/workers/{worker_id}/tasks/history", Scope::open, BodyKind::none, get_task_history},
    {"POST", "/health/workers/{worker_id}/report", Scope::report, BodyKind::json, post_report},
    {"POST", "/health/workers/{worker_id}/restart", Scope::operate, BodyKind::json, post_restart},
    {"POST", "/health/workers/{worker_id}/drain", Scope::operate, BodyKind::json, post_drain},
    {"POST", "/health/workers/{worker_id}/resume", Scope::operate, BodyKind::json, post_resume},
    {"POST", "/health/workers/{worker_id}/quarantine", Scope::operate, BodyKind::json, post_quarantine},
    {"POST", "/health/workers/{worker_id}/release", Scope::operate, BodyKind::json, post_release},
    {"POST", "/health/workers/{worker_id}/approve", Scope::operate, BodyKind::json, post_approve},
    {"POST", "/health/workers/{worker_id}/reject", Scope::operate, BodyKind::json, post_reject},
    {"POST", "/health/reports", Scope::report, BodyKind::bulk, post_reports},
    {"GET", "/health/summary", Scope::open, BodyKind::none, get_summary},
    {"GET", "/health/pools", Scope::open, BodyKind::none, get_pools},
    {"GET", "/health/queues", Scope::open, BodyKind::none, get_queues},
    {"GET", "/health/events", Scope::open, BodyKind::none, get_events},
    {"GET", "/health/agents", Scope::report, BodyKind::none, get_agents},
    {"GET", "/incidents", Scope::open, BodyKind::none, get_incidents},
    {"GET", "/incidents/{incident_id}", Scope::open, BodyKind::none, get_incident},
    {"POST", "/incidents/{incident_id}/acknowledge", Scope::operate, BodyKind::json, post_acknowledge_incident},
    {"GET", "/alerts", Scope::open, BodyKind::none, get_alerts},
    {"POST", "/alerts/{alert_key}/acknowledge", Scope::operate, BodyKind::json, post_acknowledge_alert},
    {"GET", "/acknowledgements", Scope::open, BodyKind::none, get_acknowledgements},
    {"GET", "/silences", Scope::open, BodyKind::none, get_silences},
    {"POST", "/silences", Scope::operate, BodyKind::json, post_silence},
    {"DELETE", "/silences/{silence_id}", Scope::operate, BodyKind::none, delete_silence},
    {"GET", "/notifications", Scope::open, BodyKind::none, get_notifications},
    {"GET", "/anomalies", Scope::open, BodyKind::none, get_anomalies},
    {"GET", "/forecasts", Scope::open, BodyKind::none, get_forecasts},
    {"GET", "/degradations", Scope::open, BodyKind::none, get_degradations},
    {"GET", "/poison_tasks", Scope::open, BodyKind::none, get_poison_tasks},
    {"GET", "/restarts", Scope::open, BodyKind::none, get_restarts},
    {"GET", "/restarts/rolling", Scope::open, BodyKind::none, get_rollings},
    {"POST", "/restarts/rolling", Scope::operate, BodyKind::json, post_rolling},
    {"GET", "/restarts/rolling/{rolling_id}", Scope::open, BodyKind::none, get_rolling},
    {"POST", "/restarts/rolling/{rolling_id}/pause", Scope::operate, BodyKind::json, post_rolling_pause},
    {"POST", "/restarts/rolling/{rolling_id}/resume", Scope::operate, BodyKind::json, post_rolling_resume},
    {"POST", "/restarts/rolling/{rolling_id}/abort", Scope::operate, BodyKind::json, post_rolling_abort},
    {"GET", "/audit", Scope::open, BodyKind::none, get_audit},
    {"GET", "/inputs", Scope::open, BodyKind::none, get_inputs},
    {"GET", "/maintenance", Scope::open, BodyKind::none, get_maintenance},
    {"POST", "/maintenance", Scope::operate, BodyKind::json, post_maintenance},
    {"POST", "/recovery/freeze", Scope::operate, BodyKind::json, post_freeze},
    {"POST", "/recovery/thaw", Scope::operate, BodyKind::json, post_thaw},
    {"POST", "/config/reload", Scope::operate, BodyKind::json, post_reload},
    {"GET", "/demo", Scope::open, BodyKind::none, get_demo},
    {"POST", "/demo/break", Scope::operate, BodyKind::json, post_demo_break},
    {"GET", "/metrics", Scope::open, BodyKind::none, get_metrics},
    {"GET", "/healthz", Scope::open, BodyKind::none, get_healthz},
    {"GET", "/readyz", Scope::open, BodyKind::none, get_readyz},
    {"GET", "/openapi.json", Scope::open, BodyKind::none, get_openapi},
};

std::vector<std::string_view> split(std::string_view pattern) {
  std::vector<std::string_view> out;
  for (std::size_t at = 1; at < pattern.size();) {
    const auto slash = std::min(pattern.find('/', at), pattern.size());
    out.push_back(pattern.substr(at, slash - at));
    at = slash + 1;
  }
  return out;
}

// The variable part is returned in `id`; an empty one does not match.
bool fits(const std::vector<std::string_view>& pattern, const std::vector<std::string>& segments,
          const std::string*& id) {
  if (pattern.size() != segments.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].starts_with('{') && !segments[i].empty())
      id = &segments[i];
    else if (pattern[i] != segments[i])
      return false;
  }
  return true;
}

}  // namespace

std::span<const Route> all_routes() { return kRoutes; }

RouteTable::RouteTable() {
  for (const Route& route : kRoutes) patterns_.push_back(split(route.pattern));
}

RouteTable::Match RouteTable::find(std::string_view method, const std::vector<std::string>& segments) const {
  Match match;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const std::string* id = nullptr;
    if (!fits(patterns_[i], segments, id)) continue;
    const Route& route = kRoutes[i];
    match.allow += (match.allow.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") match.allow += ", HEAD";
    const bool asked = route.method == method || (method == "HEAD" && route.method == "GET");
    if (!asked) continue;
    match.route = &route;
    match.index = i;
    if (id) match.id = *id;
    return match;
  }
  if (!match.allow.empty()) match.allow += ", OPTIONS";
  return match;
}

RouteCounters::RouteCounters() : rows_(std::size(kRoutes) + 1) {}

void RouteCounters::count(std::size_t index, int status) {
  const auto found = std::find(kStatuses.begin(), kStatuses.end() - 1, status);
  rows_[index][std::size_t(found - kStatuses.begin())].fetch_add(1, std::memory_order_relaxed);
}

std::vector<RouteCount> RouteCounters::read() const {
  std::vector<RouteCount> out;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const bool other = i == std::size(kRoutes);
    for (std::size_t s = 0; s < kStatuses.size(); ++s)
      if (const auto n = rows_[i][s].load(std::memory_order_relaxed))
        out.push_back({other ? "any" : kRoutes[i].method, other ? "other" : kRoutes[i].pattern, kStatuses[s], n});
  }
  return out;
}

}  // namespace paramedic::api
