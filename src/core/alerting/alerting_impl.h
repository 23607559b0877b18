// The state of class Alerting, private to its .cc files.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>

#include "core/alerting/alerting.h"

namespace paramedic {

struct Alerting::Impl {
  // One condition. It waits (group wait, outage verdict, mute), fires, and ends.
  struct Entry {
    Alert alert;
    bool on = true;
    bool firing = false;
    bool notified = false;                // somebody was told: the end is told as well
    bool changed = false;                 // to be written
    bool raised = false;                  // a rise in severity, not told yet
    bool ends_now = false;                // gone or stopped on purpose: no waiting for proof
    Severity asked = Severity::warning;   // by who states it, before the configuration of its rule
    Severity stated = Severity::warning;  // before pool_below_min raises it
    SteadyTime on_since{};
    SteadyTime fires_at{};
    SteadyTime gone_since{};
    std::string closed_as = "recovered";
  };
  struct Outage {
    OutageFacts facts;
    SteadyTime since{};
    bool is_cause = false;          // something that ill workers share, not an outage that was seen
    std::set<std::string> members;  // of a cause: worker ids
  };
  struct WorkerMemory {
    std::string pool, host, source;
    std::vector<std::string> brokers;
    Labels labels;
    bool polled = false, muted = false;
    std::set<std::string> keys;        // of its entries
    std::vector<TimelineEntry> early;  // notes before its incident opened
    bool closing = false;              // stopped or gone: forgotten with its last entry
    bool held_open = false;            // a cure runs
  };

  explicit Impl(AlertingConfig c) : config(std::move(c)) {}

  Entry& state(const std::string& key, const Alert& like, Duration wait, WallTime since, const Now& now);
  void clear(const std::string& key, std::string closed_as, bool at_once, const Now& now);
  void take_findings(const AlertingWorkerFacts& facts, WorkerMemory& memory, const Now& now);
  void take_check_errors(const AlertingWorkerFacts& facts, const Now& now);
  Duration wait_of(const Cause& cause, std::string_view check, const WorkerMemory& memory) const;
  bool goes_on(const Entry& e) const;
  bool muted(const Entry& e) const;                               // by maintenance, or its shipped rule is off
  const ShippedRuleSettings* settings(const Alert& alert) const;  // null = as shipped
  bool off(const Entry& e) const;
  void name_rule(Alert& alert) const;
  void take_severity(Entry& e);
  // The outage that explains this condition; null = none.
  const Outage* explanation(const Entry& e) const;
  bool covers(const Outage& outage, const WorkerMemory& memory) const;
  void end_outage(const std::string& key, std::string closed_as, const Now& now);
  // alerting_causes.cc
  bool sick(const Entry& e) const;
  void state_cause(const CauseFacts& cause, const Now& now);
  void restore_cause(const Alert& alert, const Incident* incident, const Now& now);
  void adopt_incidents(const Entry& cause, const Now& now, AlertingOutput& out);
  void join(Incident& part, Incident& whole, const Now& now, AlertingOutput& out);

  bool pool_is_low(const std::string& pool) const;
  void enqueue_waiting();
  void enqueue_worker(const WorkerMemory& memory) { queue.insert(memory.keys.begin(), memory.keys.end()); }
  void raise_crashes(const std::string& pool);

  void process(const std::string& key, const Now& now, AlertingOutput& out);
  void fire(Entry& e, const Outage* outage, const Now& now, AlertingOutput& out);
  void raise(Entry& e, const Now& now, AlertingOutput& out);
  void resolve(Entry& e, const Now& now, AlertingOutput& out);
  Incident& incident_for(Entry& e, const Outage* outage, const Now& now, bool& opened);
  void retitle(const Entry& e);
  void name_worker(Incident& incident, const std::string& id);
  void close_incident(Incident& incident, const std::string& closed_as, const Now& now, AlertingOutput& out);
  Incident* incident_of_worker(const std::string& id);
  void tell(Entry& e, Incident& incident, const Now& now, AlertingOutput& out);
  void add(Incident& incident, TimelineKind kind, std::string text, WallTime at);
  void event(const Incident& incident, std::string text, const Now& now, AlertingOutput& out) const;
  void settle(const Now& now, AlertingOutput& out);

  AlertingConfig config;
  std::map<std::string, Entry> entries;
  std::map<std::string, WorkerMemory, std::less<>> workers;
  std::map<std::string, std::set<std::string>> pool_keys;  // pool findings that hold
  std::set<std::string> muted_pools;
  std::map<std::string, Outage> outages;
  std::map<std::string, std::string> failing_checks;  // "check/worker" → note
  std::map<std::string, Incident> open;               // by id
  std::map<std::string, std::string> open_by_scope;   // scope → id
  std::deque<Incident> ended;                         // latest first
  std::set<std::string> queue;                        // keys to look at in settle()
  std::set<std::string> dirty_incidents;
  std::optional<SteadyTime> deadline;
  std::uint64_t conditions_changed = 0;
};

}  // namespace paramedic
