// Alerting, first form: conditions in, alerts and incidents out. One cause is one story: worker symptoms during an
// outage of their host, source or broker join its incident instead of paging one by one; a crash is `info` until its
// cure fails. Pure: (inputs, now) → AlertingOutput. One strand calls everything: update/on calls as things change, then
// settle() once per engine step (it groups, ends waits, writes records). Everything is a level; stating it again is
// free. Missing data never resolves an alert: a finding that is unknown or in error leaves it as it is.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "core/alerting/shipped_rules.h"
#include "model/effects.h"
#include "model/finding.h"
#include "model/view.h"

namespace paramedic {

struct AlertingConfig {
  Duration group_wait_inferred = 200ms;        // before the first notice of a condition without hard evidence
  Duration group_wait_shared = 2s;             // of a symptom that a broker or a polled source may explain
  Duration source_silent_after = 60s;          // an agent away for so long is a critical host incident
  Duration keep_firing_for = 0s;               // a condition must be gone for so long before its alert resolves
  int max_ended_incidents = 50;                // kept for readers
  ShippedRuleTable shipped;                    // what the configuration changed of the built-in alerts
  std::string runbook_base = "/docs/alerts/";  // before NAME.md in annotation runbook_url; the monitor's own page
};
// `alerting:` of the configuration; its `rules` are read by parse_rules. Problems as everywhere.
AlertingConfig parse_alerting_config(const Params* node, std::string path, Problems& problems);

// One worker after a round. `findings` = the effective ones of its verdict.
struct AlertingWorkerFacts {
  std::string id, pool, host, source;
  std::vector<std::string> brokers;  // it uses; names of outages that may explain its symptoms
  Labels labels;
  bool polled_source = false;  // no voice behind a connected agent: symptoms wait for the shared-cause verdict
  bool muted = false;          // in maintenance
  WorkerState state = WorkerState::running;
  std::vector<Finding> findings;
};

// An agent (host) or another source, or a broker, that is away. Key: "host/<host>" for an agent, "source/<id>" for
// another source or a broker ("source/redis-a").
struct OutageFacts {
  std::string key;
  bool on = true;
  bool is_broker = false;  // else the way evidence reaches us
  std::string name;        // source id or broker name, as in AlertingWorkerFacts::source or ::brokers
  std::string host;        // of an agent
  std::string title;       // "Agent of host h3 is silent", "Broker redis-a is down"
  std::string message;
  std::optional<SteadyTime> since;  // first sign; now when absent
  int affected = 0;                 // workers that it touches; 0 = not known
};

// A worker of which a condition holds that no outage explains and no maintenance mutes.
struct IllWorker {
  std::string id;
  SteadyTime since{};  // its earliest condition
};
// Something that several ill workers share (core/analysis finds it). Key: "cause/<label>/<value>".
struct CauseFacts {
  std::string label, value;
  int ill = 0, all = 0, ill_without = 0, others = 0;  // workers with it and without it
  std::vector<std::string> workers;                   // the ill ones with it
  SteadyTime since{};
  std::string key() const;
};

struct AlertingOutput {
  std::vector<LedgerEntry> ledger;  // Alert and Incident records, each key at most once per settle
  std::vector<Act> acts;            // Notify: firing, raised, resolved
  std::vector<FleetEvent> events;   // kind "incident"; id 0: the engine numbers them
  bool changed = false;             // alerts() or incidents() differ
  void clear();
};

class Alerting {
 public:
  explicit Alerting(AlertingConfig config);
  ~Alerting();
  Alerting(const Alerting&) = delete;
  Alerting& operator=(const Alerting&) = delete;

  // Firing alerts and open incidents of the last life; they are not notified again. REQUIRES: called first.
  void restore(const LedgerState& state, const Now& now);
  // Of a reload. Alerts of a rule that is switched off end as "rule_off"; what holds when it is on again fires again.
  void set_config(AlertingConfig config);

  void update_worker(const AlertingWorkerFacts& facts, const Now& now);
  // closed_as: "gone" (forgotten, proven successor, 24 h unheard) or "announced_stop". Ends all alerts of the worker.
  void close_worker(std::string_view id, const std::string& closed_as, const Now& now);
  // Pool findings that hold now (the whole list, empty = none). muted = in maintenance.
  void update_pool(const std::string& pool, const std::vector<Cause>& findings, bool muted, const Now& now);
  void update_outage(const OutageFacts& outage, const Now& now);
  // Rises whenever ill_workers() may differ.
  std::uint64_t conditions_changed() const;
  std::vector<IllWorker> ill_workers() const;  // by id
  // The shared causes that hold now (the whole list): each is an alert of its own, and the incidents of its workers
  // become one with it.
  void update_causes(const std::vector<CauseFacts>& causes, const Now& now);
  // The monitor itself: monitor_lag, monitor_cut_off, ledger_degraded, overflow. Alert "monitor/<reason>".
  void update_monitor(Reason reason, bool on, Severity severity, std::string message, const Now& now);
  // Conditions and timeline of recovery.
  void on_wish(const AlertWish& wish, const Now& now);
  void on_note(const IncidentNote& note, const Now& now);

  void settle(const Now& now, AlertingOutput& out);
  std::optional<SteadyTime> next_deadline() const;

  std::vector<Alert> alerts() const;        // firing, by key
  std::vector<Incident> incidents() const;  // open ones first (oldest first), then ended ones, latest first

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "inc-" + hash of (scope, start): the same in a replay.
std::string make_incident_id(std::string_view scope, WallTime started);

}  // namespace paramedic
