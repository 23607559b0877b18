// Alerts and incidents, first form: conditions that hold, grouped so that one cause is one story.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/report.h"
#include "model/status.h"

namespace paramedic {

enum class AlertState { firing, resolved };
PARAMEDIC_ENUM_NAMES(AlertState, "firing", "resolved")

// One condition that holds. `key` is stable across restarts of the monitor: "worker/<id>/<check>/<reason>",
// "host/<host>", "source/<id>", "pool/<pool>/<reason>", "monitor/<reason>".
struct Alert {
  std::string key;
  std::string incident_id;
  AlertState state = AlertState::firing;
  Severity severity = Severity::warning;
  Reason reason = Reason::none;
  std::string rule;   // name of the rule that states it; of shipped ones docs/alerts.md lists the names
  std::string check;  // empty for pool, source and monitor alerts
  std::string worker_id;
  std::string pool;
  std::string host;
  std::string title;    // "Worker w-17 is silent"
  std::string message;  // with value, limit, since
  Labels labels;
  WallTime started_at{};
  std::optional<WallTime> ended_at;
  std::string closed_as;       // "recovered", "gone", "announced_stop"; empty while firing
  Labels annotations;          // for people: summary, description, runbook_url
  bool hard_evidence = false;  // an exit seen by the parent: notified without group wait
};

enum class TimelineKind { detected, joined, raised, notified, acted, held, verified, resolved, diagnosed };
PARAMEDIC_ENUM_NAMES(TimelineKind, "detected", "joined", "raised", "notified", "acted", "held", "verified", "resolved",
                     "diagnosed")

struct TimelineEntry {
  WallTime at{};
  TimelineKind kind = TimelineKind::detected;
  std::string text;  // diagnosed: what the worker was doing when it was ended, up to 16 KiB in many lines
};

// From the first sign to proven recovery.
struct Incident {
  std::string id;
  std::string scope;  // "worker/w-17", "host/h3", "source/redis-a", "pool/thumbs", "monitor"
  Severity severity = Severity::warning;
  std::string title;
  std::string pool;
  std::string host;
  std::vector<std::string> workers;  // at most 100 named; affected_workers counts all
  int affected_workers = 0;
  std::vector<std::string> alert_keys;  // firing ones
  std::vector<TimelineEntry> timeline;  // at most 200; the first and the last are kept
  WallTime started_at{};
  std::optional<WallTime> ended_at;
  bool open() const { return !ended_at; }
};

// A condition as recovery, the fleet or the engine states it; core/alerting turns it into an Alert with the same key. A
// level, not an edge: stating the same twice is free, stating a higher severity raises the alert, on = false resolves
// it.
struct AlertWish {
  std::string key;  // as Alert::key
  bool on = true;
  Severity severity = Severity::warning;
  Reason reason = Reason::none;
  std::string check, worker_id, pool, host, title, message;
  bool hard_evidence = false;
  std::string rule;                     // empty = the shipped rule of `reason`
  Labels labels, annotations;           // of the rule; labels of the worker are added
  std::string closed_as = "recovered";  // used when on = false
};

// What recovery did for a worker, for the timeline of its open incident; without one it is dropped.
struct IncidentNote {
  std::string worker_id;
  TimelineKind kind = TimelineKind::acted;
  std::string text;
  // true: the cure runs, keep the incident open although the findings are gone. false: it ended (proven or failed).
  std::optional<bool> holds_open;
};

}  // namespace paramedic
