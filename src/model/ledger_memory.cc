#include "model/ledger_memory.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace paramedic {

namespace {

template <class T>
constexpr bool kOnlyRead = std::is_same_v<T, AuditRecord> || std::is_same_v<T, InputRecord>;  // never loaded

// How long a record that is over is given back; none = not at all.
template <class T>
Duration window() {
  if constexpr (std::is_same_v<T, DeathRecord>) return kDeathWindow;
  if constexpr (std::is_same_v<T, RollingRecord>) return kRollingWindow;
  if constexpr (std::is_same_v<T, ActionRecord> || std::is_same_v<T, BudgetRecord> ||
                std::is_same_v<T, BackoffClearedRecord> || std::is_same_v<T, NotificationRecord>)
    return kBudgetWindow;
  return Duration{};
}

void keep(LedgerState& s, const ActionRecord& r) { s.actions.push_back(r); }
void keep(LedgerState& s, const WorkerRecord& r) { s.workers.push_back(r); }
void keep(LedgerState& s, const BudgetRecord& r) { s.budgets.push_back(r); }
void keep(LedgerState& s, const QuarantineRecord& r) { s.quarantines.push_back(r); }
void keep(LedgerState& s, const MaintenanceRecord& r) { s.maintenance.push_back(r); }
void keep(LedgerState& s, const BigSwitchRecord& r) { s.big_switch = r; }
void keep(LedgerState& s, const BackoffClearedRecord& r) { s.backoff_cleared.push_back(r); }
void keep(LedgerState&, const AuditRecord&) {}
void keep(LedgerState& s, const Incident& r) { s.incidents.push_back(r); }
void keep(LedgerState& s, const Alert& r) { s.alerts.push_back(r); }
void keep(LedgerState&, const InputRecord&) {}
void keep(LedgerState& s, const NotificationRecord& r) { s.notifications.push_back(r); }
void keep(LedgerState& s, const Silence& r) { s.silences.push_back(r); }
void keep(LedgerState& s, const Acknowledgement& r) { s.acknowledgements.push_back(r); }
void keep(LedgerState& s, const NotificationGroup& r) { s.groups.push_back(r); }
void keep(LedgerState& s, const RollingRecord& r) { s.rollings.push_back(r); }
void keep(LedgerState& s, const RollingTarget& r) { s.rolling_targets.push_back(r); }
void keep(LedgerState& s, const DeathRecord& r) { s.deaths.push_back(r); }

// Of the episodes of an alert that never saw their end the latest counts; by key.
void newest_episodes(std::vector<Alert>& alerts) {
  std::map<std::string, Alert> newest;
  for (Alert& alert : alerts) newest[alert.key] = std::move(alert);
  alerts.clear();
  for (auto& [key, alert] : newest) alerts.push_back(std::move(alert));
}

}  // namespace

bool LedgerMemory::loaded(const Row& row, WallTime now) {
  if (row.open) return true;
  const Duration back = std::visit([]<class T>(const T&) { return window<T>(); }, row.body);
  return back > Duration{} && row.touched >= now - back;
}

void LedgerMemory::commit(std::span<const LedgerEntry> entries) {
  for (const LedgerEntry& entry : entries) {
    if (std::visit([]<class T>(const T&) { return kOnlyRead<T>; }, entry.body)) continue;
    LedgerColumns c = ledger_columns(entry.body);
    if (c.key.empty()) c.key = fmt::format("#{}", next_);
    Row& row = rows_.try_emplace({entry.body.index(), std::move(c.key)}, Row{.number = next_}).first->second;
    ++next_;
    row.at = c.at;
    row.touched = entry.at;
    row.open = c.open;
    row.body = entry.body;
  }
}

LedgerState LedgerMemory::load(WallTime now) const {
  std::vector<const Row*> rows;
  for (const auto& [key, row] : rows_)
    if (loaded(row, now)) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(),
            [](const Row* a, const Row* b) { return std::tuple(a->at, a->number) < std::tuple(b->at, b->number); });
  LedgerState state;
  for (const Row* row : rows) std::visit([&](const auto& record) { keep(state, record); }, row->body);
  newest_episodes(state.alerts);
  return state;
}

void LedgerMemory::prune(WallTime now) {
  std::erase_if(rows_, [&](const auto& entry) { return !loaded(entry.second, now); });
}

}  // namespace paramedic
