// An executor restarts workers that have no agent: by a program of the operator's, by a call to a web service … One
// file per kind, in the list builtin_executors.def; each parses its own part of the configuration
// (`pools.NAME.executor`). A kind only performs one job and says what came of it; queue, threads, idempotency and
// progress are PoolExecutor's, the same for all.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/params.h"
#include "model/remedy.h"

namespace paramedic::restart {

// What is to be done. `source` is what the engine calls the executor: "executor/<pool>".
struct Job {
  Ladder ladder;
  std::string source, pool, host;
};
// As programs and services read it: {"action_id", "worker_id", "pool", "host", "incarnation", "kind", "reason",
// "drain_seconds", "max_drain_seconds", "term_grace_seconds"}.
std::string job_json(const Job& job);

struct Outcome {
  bool ok = false;
  std::string words;  // for people; empty when there is nothing to say
  // Instead of ok: nothing was done since a budget of the other side holds it (Kubernetes' disruption budgets). No
  // failure; the same worker is asked again later, not before `retry_after`.
  bool held_back = false;
  std::optional<Duration> retry_after{};
};

// One job, once. run() from one thread, cancel() from any.
class Attempt {
 public:
  virtual ~Attempt() = default;
  // Blocks, for the executor's timeout at most.
  virtual Outcome run() = 0;
  // Ends run() within milliseconds, also one that has not begun.
  virtual void cancel() = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Any thread, several at once. The attempt may outlive the executor.
  virtual std::unique_ptr<Attempt> prepare(const Job& job) const = 0;
};

// Keys that all kinds share.
struct ExecutorLimits {
  Duration timeout = 60s;   // of one job
  int parallel = 4;         // jobs at once
  int queue = 64;           // jobs that wait beside them; more are refused
  Duration max_wait = 60s;  // no key: a job that waited longer is not performed, its verdict is too old
};
struct ExecutorSetup {
  std::shared_ptr<const Executor> executor;  // null = none
  ExecutorLimits limits;
  std::string kind{};  // "docker"; empty = none
};
using ExecutorSetups = std::map<std::string, ExecutorSetup, std::less<>>;  // by pool

// The executors of all pools. `shared` is the key `executors` (executors.KIND.allow: what that kind may run or call).
// Problems name file, line and key; use the value only when none was added.
ExecutorSetups read_executors(const Params& shared, const std::map<std::string, Params>& pools, Problems& problems);

}  // namespace paramedic::restart
