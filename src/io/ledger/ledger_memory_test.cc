// LedgerMemory (model) gives back what a real store does.
#include "model/ledger_memory.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "io/ledger/ledger.h"
#include "io/wire/ledger_json.h"

namespace paramedic {
namespace {

std::string name() { return "n" + std::to_string(*rc::gen::inRange(0, 3)); }
bool coin() { return *rc::gen::arbitrary<bool>(); }

LedgerBody some_record(WallTime at) {
  switch (*rc::gen::inRange(0, 14)) {
    case 0:
      return ActionRecord{.action_id = name(),
                          .worker_id = name(),
                          .state = coin() ? ActionState::succeeded : ActionState::running,
                          .requested_at = at};
    case 1:
      return WorkerRecord{.worker_id = name(), .version = name(), .since = at, .forgotten = coin()};
    case 2:
      return BudgetRecord{.worker_id = name(), .stop = coin(), .at = at};
    case 3:
      return QuarantineRecord{.worker_id = name(), .on = coin(), .at = at};
    case 4:
      return MaintenanceRecord{.id = name(), .on = coin(), .at = at};
    case 5:
      return BigSwitchRecord{.held = coin(), .at = at};
    case 6:
      return BackoffClearedRecord{.worker_id = name(), .crashes_only = coin(), .at = at};
    case 7:
      return Alert{.key = name(), .state = coin() ? AlertState::firing : AlertState::resolved, .started_at = at};
    case 8: {
      Incident i{.id = name()};
      i.started_at = at;
      if (coin()) i.ended_at = at;
      return i;
    }
    case 9: {
      NotificationRecord n;
      n.notification.id = name();
      n.notification.at = at;
      n.state = coin() ? DeliveryState::delivered : DeliveryState::tried;
      return n;
    }
    case 10:
      return Acknowledgement{.incident_id = name(), .at = at, .on = coin()};
    case 11: {
      RollingTarget t{.rolling_id = name(), .worker_id = name()};
      t.state = coin() ? RollingTargetState::waiting : RollingTargetState::done;
      t.at = at;
      return t;
    }
    case 12: {
      DeathRecord d;
      d.worker_id = name();
      d.at = at;
      return d;
    }
    default:
      return AuditRecord{.at = at, .actor = name()};
  }
}

template <class T>
void write(std::string& out, const std::vector<T>& records) {
  for (const T& record : records) out += wire::ledger_json(record) + "\n";
}
std::string text_of(const LedgerState& s) {
  std::string out;
  write(out, s.actions), write(out, s.workers), write(out, s.budgets), write(out, s.quarantines);
  write(out, s.maintenance), write(out, s.backoff_cleared), write(out, s.incidents), write(out, s.alerts);
  write(out, s.notifications), write(out, s.silences), write(out, s.acknowledgements), write(out, s.groups);
  write(out, s.rollings), write(out, s.rolling_targets), write(out, s.deaths);
  if (s.big_switch) out += wire::ledger_json(*s.big_switch);
  return out;
}

RC_GTEST_PROP(LedgerMemory, gives_back_what_sqlite_does, ()) {
  char dir[] = "/tmp/paramedic_ledger_XXXXXX";
  const std::string path = ::mkdtemp(dir);
  const auto gone =
      std::unique_ptr<const char, void (*)(const char*)>(dir, [](const char* p) { std::filesystem::remove_all(p); });
  auto store = open_sqlite_ledger({.data_dir = path});
  RC_ASSERT(bool(store));
  LedgerMemory memory;
  ManualClock clock;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    std::vector<LedgerEntry> entries;
    for (int n = *rc::gen::inRange(0, 4); n > 0; --n)
      entries.push_back(
          {clock.now().wall, some_record(clock.now().wall - std::chrono::minutes(*rc::gen::inRange(0, 30)))});
    RC_ASSERT(bool((*store)->commit(entries)));
    memory.commit(entries);
    clock.advance(std::chrono::minutes(*rc::gen::inRange(0, 60)));
    if (coin()) memory.prune(clock.now().wall);
    const auto loaded = (*store)->load(clock.now());
    RC_ASSERT(bool(loaded));
    RC_ASSERT(text_of(*loaded) == text_of(memory.load(clock.now().wall)));
  }
}

}  // namespace
}  // namespace paramedic
