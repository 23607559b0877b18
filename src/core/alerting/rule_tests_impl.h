// What a file of rule tests says. Private to rule_tests*.cc.
#pragma once
#include <map>

#include "core/alerting/rule_tests.h"

namespace paramedic::rule_test {

using SeriesMap = std::map<std::string, RuleSeries>;

struct WorkerScript {
  std::string id, pool = "default", host, version, source;
  Labels labels;
  RuleSeries status, state;
  SeriesMap metrics, anomalies, forecasts, checks;
  std::optional<Duration> gone_at;
};
struct PoolScript {
  std::string name;
  SeriesMap findings, metrics;
};
struct SourceScript {
  std::string id, host;
  RuleSeries state;
};
struct ExpectedAlert {
  std::string rule, subject;
  std::optional<Severity> severity;
  std::map<std::string, std::string> labels, annotations;
};
struct Expectation {
  std::string file;
  int line = 0;
  Duration at{};
  std::string rule;  // only alerts of this rule; empty = all
  std::vector<ExpectedAlert> alerts;
};
struct Test {
  std::string name;
  std::vector<WorkerScript> workers;
  std::vector<PoolScript> pools;
  std::vector<SourceScript> sources;
  SeriesMap monitor;
  std::vector<Expectation> expect;
};
struct File {
  Duration interval = 30s;
  std::vector<Test> tests;
};
File parse(const Params& tree, Problems& problems);

}  // namespace paramedic::rule_test
