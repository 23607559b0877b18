#include "model/ledger_columns.h"

#include <fmt/format.h>

namespace paramedic {

namespace {

LedgerColumns columns(const ActionRecord& r) {
  return {r.action_id, r.worker_id, r.pool, r.requested_at, !is_final(r.state)};
}
LedgerColumns columns(const WorkerRecord& r) { return {r.worker_id, r.worker_id, r.pool, r.since, !r.forgotten}; }
LedgerColumns columns(const BudgetRecord& r) { return {"", r.worker_id, r.pool, r.at, false}; }
LedgerColumns columns(const QuarantineRecord& r) { return {r.worker_id, r.worker_id, r.pool, r.at, r.on}; }
LedgerColumns columns(const MaintenanceRecord& r) { return {r.id, "", "", r.at, r.on}; }
LedgerColumns columns(const BigSwitchRecord& r) { return {"big_switch", "", "", r.at, true}; }
// Of the crashes and of all: the one must not hide the other.
LedgerColumns columns(const BackoffClearedRecord& r) {
  return {r.crashes_only ? r.worker_id + "/crashes" : r.worker_id, r.worker_id, "", r.at, false};
}
LedgerColumns columns(const AuditRecord& r) { return {"", r.target, "", r.at, false}; }
LedgerColumns columns(const InputRecord& r) { return {"", r.worker_id, r.pool, r.at, false}; }
LedgerColumns columns(const Incident& r) {
  return {r.id, r.scope.starts_with("worker/") ? r.scope.substr(7) : "", r.pool, r.started_at, r.open()};
}
// Each episode of an alert is kept: the same key fires again and again.
LedgerColumns columns(const Alert& r) {
  return {fmt::format("{}@{}", r.key, r.started_at.time_since_epoch().count()), r.worker_id, r.pool, r.started_at,
          r.state == AlertState::firing};
}
LedgerColumns columns(const NotificationRecord& r) {
  const Notification& n = r.notification;
  const Alert* first = n.alerts.empty() ? nullptr : &n.alerts.front();
  const bool one_worker = n.worker_count == 1 && first;
  return {n.id, one_worker ? first->worker_id : "", first ? first->pool : "", n.at, !is_final(r.state)};
}
LedgerColumns columns(const Silence& r) { return {r.id, "", "", r.created_at, !r.ended_at}; }
LedgerColumns columns(const Acknowledgement& r) { return {r.incident_id, "", "", r.at, r.on}; }
LedgerColumns columns(const DeathRecord& r) { return {"", r.worker_id, r.pool, r.at, false}; }
LedgerColumns columns(const NotificationGroup& r) { return {r.key, "", "", r.opened_at, r.open}; }

LedgerColumns columns(const RollingRecord& r) { return {r.id, "", r.wish.pool, r.started_at, !is_over(r.state)}; }
LedgerColumns columns(const RollingTarget& r) {
  const bool open = r.state == RollingTargetState::waiting || r.state == RollingTargetState::running;
  return {fmt::format("{}/{}", r.rolling_id, r.worker_id), r.worker_id, r.pool, r.at, open};
}

}  // namespace

LedgerColumns ledger_columns(const LedgerBody& body) {
  return std::visit([](const auto& record) { return columns(record); }, body);
}

}  // namespace paramedic
