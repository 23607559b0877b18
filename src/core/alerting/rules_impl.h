// The state of class Rules, private to its .cc files.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <tuple>

#include "core/alerting/rules.h"

namespace paramedic {

// Whose value a comparison looks at. fleet: also the monitor's state.
enum class ValueOf { worker, pool, source, fleet, share };

struct Rules::Impl {
  // A value that some comparison looks at. Those of workers are remembered per worker in `slot`; all others are read
  // where they are needed.
  struct Watch {
    ValueOf of = ValueOf::worker;
    Condition like;
    std::string key;
    int slot = -1;           // of a worker's value
    std::vector<int> units;  // that look at it
  };
  // What is evaluated at once: a rule, or what a share counts.
  struct Unit {
    int rule = 0;
    int share = -1;  // index into shares; -1 = the rule itself
    RuleScope scope = RuleScope::worker;
    const Condition* condition = nullptr;
  };
  struct Share {
    int rule = 0, unit = 0;
    std::vector<int> readers;  // units whose condition holds it
  };
  struct Sample {
    SteadyTime at;
    double value;
  };
  struct Counted {
    bool counted = false;
    Truth truth = Truth::no_data;
    std::uint64_t memory = 0;
  };
  struct Worker {
    std::string pool, host, version, source;
    Labels labels;
    bool stale = true;  // its values are of another set of rules, or none yet
    std::vector<RuleValue> values;
    std::vector<Counted> shares;
    std::map<std::string, std::deque<Sample>> samples;  // by watch key
  };
  struct Count {
    int yes = 0, known = 0;
  };
  struct Pool {
    bool told = false;
    std::vector<Cause> findings;
    NamedValues metrics;
    std::set<std::string> workers;
    std::vector<Count> shares;
  };
  struct Source {
    std::string host;
    SourceState state = SourceState::connected;
  };
  // One rule and one subject; only those that wait, fire or remember something.
  struct Subject {
    Truth truth = Truth::no_data;
    std::uint64_t memory = 0;
    bool pending = false, firing = false;
    SteadyTime since{};              // the condition holds
    std::optional<SteadyTime> gone;  // … and does not any more
    std::optional<SteadyTime> due;   // its entry in `deadlines`
    std::optional<SteadyTime> told;  // when its words were made last
    RuleDetail detail;
    bool idle() const { return !pending && !firing && memory == 0; }
  };
  using Subjects = std::map<std::string, Subject, std::less<>>;

  explicit Impl(RuleSet s) : set(std::move(s)) { compile(); }

  // rules.cc: what is watched, states over a reload
  void compile();
  void compile_leaf(Condition& leaf, RuleScope scope, int unit);
  int add_unit(int rule, int share, RuleScope scope, Condition& condition);
  void configure(RuleSet next, const Now& now);
  void keep(Subjects&& old, int rule, bool same_text);

  // rules_values.cc
  RuleValue worker_value(const Watch& watch, const RuleWorkerFacts& facts, Worker& w, const Now& now);
  RuleValue source_value(std::string_view id) const;
  RuleValue monitor_value(const Condition& c) const;
  static RuleValue pool_value(const Condition& c, const Pool& pool);
  RuleValue share_value(const Condition& c, const std::vector<Count>& counts) const;
  const RuleValue* look(const Unit& unit, const Condition& c, std::string_view subject, const Worker* worker);

  // rules_judge.cc
  bool selects(const Unit& unit, std::string_view pool) const;
  void evaluate_worker(int unit, const std::string& id, Worker& w, const Now& now);
  void evaluate_other(int unit, const std::string& subject, const Now& now);
  void count(const Unit& unit, Worker& w, Truth truth);
  void uncount(Worker& w);
  void mark_share(int share, const std::string& pool);
  void mark(const std::vector<int>& unit_list, const Now& now);  // all their subjects
  void judge(int rule, const std::string& subject, Subject& s, Truth truth, const RuleDetail& detail, const Now& now);
  void schedule(int rule, const std::string& subject, Subject& s, const Now& now);
  void fire(int rule, const std::string& subject, Subject& s, const Now& now);
  void end(int rule, const std::string& subject, Subject& s, std::string closed_as);
  void drop(int rule, std::string_view subject, const std::string& closed_as);
  AlertWish wish(int rule, const std::string& subject, const Subject& s, const Now& now) const;
  void settle(const Now& now, std::vector<AlertWish>& out);
  bool counts_workers(int unit) const;                           // its condition holds a share
  std::vector<std::string> subjects_of(const Unit& unit) const;  // that are known now

  RuleSet set;
  std::vector<Watch> watches;
  std::vector<Unit> units;
  std::vector<Share> shares;
  std::vector<int> worker_watches;  // indices
  std::size_t worker_units = 0;
  bool any_metric = false, any_analysis = false;

  std::map<std::string, Worker, std::less<>> workers;
  std::map<std::string, Pool, std::less<>> pools;
  std::map<std::string, Source, std::less<>> sources;
  std::vector<Count> fleet_shares;
  NamedValues fleet_metrics;
  std::set<Reason> monitor;

  std::vector<Subjects> subjects;  // by rule
  std::set<std::tuple<SteadyTime, int, std::string>> deadlines;
  std::set<std::pair<int, std::string>> dirty;  // unit and subject (pool, source, fleet) to evaluate in settle()
  std::vector<AlertWish> wishes;
  std::vector<char> hit;  // reused: units to evaluate
  RuleValue scratch;
  RuleStats stats;
};

inline constexpr std::string_view kFleetSubject = "fleet";

}  // namespace paramedic
