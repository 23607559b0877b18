#include "io/ledger/typed_ledger.h"

#include <map>

#include "io/wire/ledger_json.h"

namespace paramedic {

namespace {
constexpr std::ptrdiff_t kDeathsLoaded = 10'000;  // of more the oldest are left out
}  // namespace

template <class T>
std::optional<T> TypedLedger::decode(LedgerKind kind, std::string_view body) {
  auto parsed = wire::parse_ledger(kind, body);
  if (parsed) return std::get<T>(std::move(*parsed));
  ++unreadable_;
  return std::nullopt;
}

// ---- the state at the start ----

template <class T, class Keep>
Result<void> TypedLedger::each(LedgerKind kind, bool open_only, WallTime since, Keep keep) {
  return each_body(kind, open_only, since, [&](std::string_view body) {
    if (auto record = decode<T>(kind, body)) keep(std::move(*record));
  });
}

Result<LedgerState> TypedLedger::load(Now now) {
  LedgerState s;
  const WallTime recent = now.wall - kBudgetWindow;
  const auto into = [](auto& list) { return [&list](auto&& record) { list.push_back(std::move(record)); }; };
  // The latest episode of an alert key wins: an older one that never saw its end is not firing any more.
  std::map<std::string, Alert> firing;
  const auto newest = [&](Alert&& alert) { firing[alert.key] = std::move(alert); };
  const auto big_switch = [&](BigSwitchRecord&& record) { s.big_switch = std::move(record); };
  auto done = each<ActionRecord>(LedgerKind::action, false, recent, into(s.actions));
  if (done) done = each<WorkerRecord>(LedgerKind::worker, true, recent, into(s.workers));
  if (done) done = each<BudgetRecord>(LedgerKind::budget, false, recent, into(s.budgets));
  if (done) done = each<QuarantineRecord>(LedgerKind::quarantine, true, recent, into(s.quarantines));
  if (done) done = each<MaintenanceRecord>(LedgerKind::maintenance, true, recent, into(s.maintenance));
  if (done) done = each<BigSwitchRecord>(LedgerKind::big_switch, true, recent, big_switch);
  if (done) done = each<BackoffClearedRecord>(LedgerKind::backoff_cleared, false, recent, into(s.backoff_cleared));
  if (done) done = each<Incident>(LedgerKind::incident, true, recent, into(s.incidents));
  if (done) done = each<Alert>(LedgerKind::alert, true, recent, newest);
  if (done) done = each<NotificationRecord>(LedgerKind::notification, false, recent, into(s.notifications));
  if (done) done = each<Silence>(LedgerKind::silence, true, recent, into(s.silences));
  if (done) done = each<Acknowledgement>(LedgerKind::acknowledgement, true, recent, into(s.acknowledgements));
  if (done) done = each<NotificationGroup>(LedgerKind::notification_group, true, recent, into(s.groups));
  const WallTime month = now.wall - kRollingWindow;
  if (done) done = each<RollingRecord>(LedgerKind::rolling, false, month, into(s.rollings));
  if (done) done = each<RollingTarget>(LedgerKind::rolling_target, true, month, into(s.rolling_targets));
  if (done)
    done = each<DeathRecord>(LedgerKind::death, false, now.wall - kDeathWindow, [&](DeathRecord&& record) {
      if (s.deaths.size() >= 2 * kDeathsLoaded) s.deaths.erase(s.deaths.begin(), s.deaths.begin() + kDeathsLoaded);
      s.deaths.push_back(std::move(record));
    });
  if (!done) return done.error();
  for (auto& [key, alert] : firing) s.alerts.push_back(std::move(alert));
  return s;
}

// ---- queries ----

template <class T>
Result<LedgerPage<T>> TypedLedger::page(LedgerKind kind, const LedgerQuery& query) {
  const auto from = check_query(query);
  if (!from) return from.error();
  auto bodies = page_of(kind, query, *from);
  if (!bodies) return bodies.error();
  LedgerPage<T> out;
  for (const std::string& body : bodies->items)
    if (auto record = decode<T>(kind, body)) out.items.push_back(std::move(*record));
  out.next = std::move(bodies->next);
  return out;
}

template <class T>
Result<std::optional<T>> TypedLedger::one(LedgerKind kind, std::string_view key) {
  const auto body = body_of(kind, key);
  if (!body) return body.error();
  return *body ? decode<T>(kind, **body) : std::optional<T>();
}

Result<LedgerPage<ActionRecord>> TypedLedger::actions(const LedgerQuery& query) {
  return page<ActionRecord>(LedgerKind::action, query);
}
Result<LedgerPage<Incident>> TypedLedger::incidents(const LedgerQuery& query) {
  return page<Incident>(LedgerKind::incident, query);
}
Result<LedgerPage<Alert>> TypedLedger::alerts(const LedgerQuery& query) {
  return page<Alert>(LedgerKind::alert, query);
}
Result<LedgerPage<AuditRecord>> TypedLedger::audit(const LedgerQuery& query) {
  return page<AuditRecord>(LedgerKind::audit, query);
}
Result<LedgerPage<InputRecord>> TypedLedger::inputs(const LedgerQuery& query) {
  return page<InputRecord>(LedgerKind::input, query);
}
Result<LedgerPage<NotificationRecord>> TypedLedger::notifications(const LedgerQuery& query) {
  return page<NotificationRecord>(LedgerKind::notification, query);
}
Result<LedgerPage<Silence>> TypedLedger::silences(const LedgerQuery& query) {
  return page<Silence>(LedgerKind::silence, query);
}
Result<LedgerPage<Acknowledgement>> TypedLedger::acknowledgements(const LedgerQuery& query) {
  return page<Acknowledgement>(LedgerKind::acknowledgement, query);
}
Result<std::optional<Incident>> TypedLedger::incident(std::string_view id) {
  return one<Incident>(LedgerKind::incident, id);
}
Result<std::optional<ActionRecord>> TypedLedger::action(std::string_view id) {
  return one<ActionRecord>(LedgerKind::action, id);
}

}  // namespace paramedic
