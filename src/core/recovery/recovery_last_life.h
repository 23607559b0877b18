// For tests of class Recovery: what the ledger would give back to the next life of the monitor, from the outputs of
// this one and what engine and alerting would write.
#pragma once
#include <map>
#include <string>

#include "core/recovery/recovery.h"
#include "model/ledger_memory.h"

namespace paramedic {

class LastLife {
 public:
  // Each output once, in order, before it is cleared.
  void take(const RecoveryOutput& out) {
    ledger_.commit(out.ledger);
    for (const AlertWish& wish : out.alerts) take(wish);
  }
  void keep(const RecoveryWorkerFacts& f, WallTime now, WorkerState state = WorkerState::running) {
    const WorkerRecord w{.worker_id = f.id,
                         .pool = f.pool,
                         .host = f.host,
                         .source = f.source,
                         .version = f.version,
                         .incarnation = f.incarnation,
                         .state = state};
    const LedgerEntry entry{now, w};
    ledger_.commit({&entry, 1});
  }
  LedgerState load(WallTime now) {
    ledger_.prune(now);
    LedgerState state = ledger_.load(now);
    for (const auto& [key, alert] : alerts_) state.alerts.push_back(alert);
    return state;
  }

 private:
  void take(const AlertWish& wish) {
    alerts_.erase(wish.key);
    if (!wish.on) return;
    Alert& a = alerts_[wish.key];
    a.key = wish.key;
    a.severity = wish.severity;
    a.reason = wish.reason;
    a.worker_id = wish.worker_id;
    a.pool = wish.pool;
  }

  LedgerMemory ledger_;
  std::map<std::string, Alert> alerts_;
};

}  // namespace paramedic
