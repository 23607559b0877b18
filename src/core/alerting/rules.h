// Rules that people write: conditions over the fleet in, wishes for alerts out (docs/rules.md). Pure: no clock, no I/O.
// One strand calls everything: update_* as things change, then settle() once per engine step.
//
// Work only for what changed: an update is compared with the values that some rule watches, and only the rules that
// watch a value that differs are evaluated; shares ("more than 20 % of pool thumbs critical") are counters.
// Three truths: what is not known is `no_data`; it neither makes a rule fire nor lets a firing one resolve.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "core/alerting/rules_condition.h"
#include "core/alerting/rules_template.h"
#include "model/alert.h"
#include "model/finding.h"
#include "model/input.h"
#include "model/metric_set.h"

namespace paramedic {

// Of what the rule makes one alert each.
enum class RuleScope { worker, pool, source, fleet };
PARAMEDIC_ENUM_NAMES(RuleScope, "worker", "pool", "source", "fleet")

struct Rule {
  std::string name;
  RuleScope scope = RuleScope::worker;
  std::vector<std::string> pools;  // only these (patterns); empty = all
  Condition when;
  Duration hold{};         // `for`: the condition must hold for so long before the alert begins
  Duration keep_firing{};  // and be false for so long before it ends
  Severity severity = Severity::warning;
  Labels labels;
  std::vector<std::pair<std::string, Template>> annotations;
  std::string runbook;
  std::string text;  // canonical form of all of it: equal texts are the same rule over a reload
};

inline constexpr std::size_t kMaxRules = 500;
inline constexpr int kMaxConditionDepth = 8;
inline constexpr std::size_t kMaxConditions = 64;    // of one rule; one bit of memory each
inline constexpr std::size_t kMaxRuleAlerts = 1000;  // pending and firing ones of one rule; further ones are counted
inline constexpr std::size_t kMaxRateWatches = 64;   // of all rules together
inline constexpr Duration kRuleTextEvery = 60s;      // values in the words of a firing alert follow this often

struct RuleSet {
  std::vector<Rule> rules;
};
// `rules:` of the configuration, a list. Problems name file, line and key.
RuleSet parse_rules(const Params* node, const std::string& path, Problems& problems);
// One sentence: "hot: for each worker, when metric cpu_percent is above 90 (until 80 or less), for 2m: warning".
std::string explain(const Rule& rule);

// ---- what rules see
// --------------------------------------------------------------------------------------------------

using NamedValues = std::vector<std::pair<std::string, double>>;  // by name; a missing one is not known

// Borrowed for the call.
struct RuleWorkerFacts {
  std::string_view id, pool, host, version, source;
  const Labels* labels = nullptr;
  WorkerState state = WorkerState::running;
  Status status = Status::unknown;
  const std::vector<Finding>* findings = nullptr;  // effective ones
  const MetricSet* metrics = nullptr;
  // Optional model values: how unusual a metric is, and in how many seconds it is forecast to cross its limit.
  const NamedValues* anomalies = nullptr;
  const NamedValues* forecasts = nullptr;
};
struct RulePoolFacts {
  std::string_view pool;
  const std::vector<Cause>* findings = nullptr;
  // healthy, warning, critical, unknown, workers (all four), tasks_per_minute, queue_ready, queue_oldest_age_seconds
  NamedValues metrics;
};
struct RuleSourceFacts {
  std::string_view id, host;
  SourceState state = SourceState::connected;
};

struct RuleStats {
  std::uint64_t evaluations = 0;  // of one rule (or share) for one subject
  std::uint64_t cut = 0;          // alerts that kMaxRuleAlerts refused
  std::size_t rules = 0;
};

class Rules {
 public:
  explicit Rules(RuleSet set);
  ~Rules();
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  // Another set: rules with the same text keep their states, for-timers included; a firing alert of a rule whose text
  // changed stays until the new text says otherwise; those of removed rules end. Afterwards everything must be told
  // again by update_worker and update_pool; sources and the monitor's state are remembered.
  void configure(RuleSet set, const Now& now);
  // Firing alerts of the ledger go on without being told again; those whose rule is gone end with the next settle().
  void restore(const std::vector<Alert>& alerts, const Now& now);

  bool empty() const;
  bool watches_metrics() const;  // else RuleWorkerFacts::metrics may stay null
  bool watches_analysis() const;  // else RuleWorkerFacts::anomalies and forecasts may stay null
  bool watches_state() const;    // else RuleWorkerFacts::state may miss what recovery does
  void update_worker(const RuleWorkerFacts& facts, const Now& now);
  // closed_as: "gone" or "announced_stop".
  void remove_worker(std::string_view id, const std::string& closed_as, const Now& now);
  void update_pool(const RulePoolFacts& facts, const Now& now);
  void update_fleet(const NamedValues& metrics, const Now& now);  // the same names as of a pool, without queues
  void update_source(const RuleSourceFacts& facts, const Now& now);
  void update_monitor(Reason reason, bool on, const Now& now);
  // Judges pools and the fleet where shares moved, ends waits; wishes are appended to `out`.
  void settle(const Now& now, std::vector<AlertWish>& out);
  std::optional<SteadyTime> next_deadline() const;
  bool fires_for(std::string_view worker_id) const;
  const RuleStats& stats() const;

  // What each rule says of each subject now, for check-config and tests: only subjects that are not plainly false.
  struct Match {
    std::string rule, subject;
    Truth truth = Truth::no;
    bool firing = false;
  };
  std::vector<Match> matches() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
