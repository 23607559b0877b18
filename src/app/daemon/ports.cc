#include "app/daemon/ports.h"

#include <fstream>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

namespace paramedic::daemon {

namespace asio = boost::asio;

std::optional<Error> IntakePort::refusal(const FleetView& fleet, const Report& report) const {
  const auto known = fleet.find(report.worker_id);
  if (known && !known->inactive() && !report.pool.empty() && report.pool != known->pool)
    return Error{Errc::conflict, fmt::format("worker '{}' belongs to pool '{}', not '{}'; ids are unique per monitor",
                                             report.worker_id, known->pool, report.pool)};
  if (!known && fleet.counts.total + fleet.counts.inactive >= max_workers_)
    return Error{Errc::too_large,
                 fmt::format("{} workers are known; raise limits.max_workers or forget old ones", max_workers_)};
  return std::nullopt;
}

Result<std::vector<api::IntakeRefusal>> IntakePort::push(std::vector<ReportInput> reports) {
  std::vector<api::IntakeRefusal> refused;
  std::vector<Input> inputs;
  inputs.reserve(reports.size());
  const auto fleet = hub_.view();
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (auto error = refusal(*fleet, reports[i].report))
      refused.push_back({i, std::move(*error)});
    else
      inputs.push_back(std::move(reports[i]));
  }
  if (inputs.empty()) return refused;
  if (const auto pushed = inbox_.push(inputs, clock_.now().steady); !pushed) return pushed.error();
  return refused;
}

Result<HistoryColumns> HistoryPort::read(const api::HistoryQuery& query) {
  // The store answers [from, to]; the API promises [from, to).
  return history_.read_columns({.worker_id = query.worker_id,
                                .from = query.from,
                                .to = query.to - 1ms,
                                .step = query.step.value_or(Duration{0}),
                                .metrics = query.metrics,
                                .p95 = query.p95});
}

Result<std::vector<TaskHistoryPoint>> HistoryPort::read_tasks(const api::TaskHistoryQuery& query) {
  return history_.read_tasks(
      {.worker_id = query.worker_id, .from = query.from, .to = query.to - 1ms, .step = query.step, .type = query.type});
}

namespace {
LedgerQuery ledger_query(const api::LedgerQuery& query) {
  LedgerQuery out;
  out.worker_id = query.worker_id;
  out.pool = query.pool;
  out.to = query.before;
  out.open_only = query.open_only;
  out.limit = int(std::clamp<std::size_t>(query.limit, 1, 1000));
  return out;
}
template <class T>
Result<std::vector<T>> items(Result<LedgerPage<T>> page) {
  if (!page) return page.error();
  return std::move(page->items);
}
}  // namespace

Result<std::vector<ActionRecord>> LedgerPort::restarts(const api::LedgerQuery& query) {
  return items(ledger_.actions(ledger_query(query)));
}
Result<std::vector<Incident>> LedgerPort::incidents(const api::LedgerQuery& query) {
  return items(ledger_.incidents(ledger_query(query)));
}
Result<std::optional<Incident>> LedgerPort::incident(const std::string& id) { return ledger_.incident(id); }
Result<std::vector<NotificationRecord>> LedgerPort::notifications(const api::LedgerQuery& query) {
  return items(ledger_.notifications(ledger_query(query)));
}
Result<std::vector<Silence>> LedgerPort::silences(const api::LedgerQuery& query) {
  return items(ledger_.silences(ledger_query(query)));
}
Result<std::vector<AuditRecord>> LedgerPort::audit(const api::LedgerQuery& query) {
  return items(ledger_.audit(ledger_query(query)));
}

asio::awaitable<void> AgentPort::accept(std::shared_ptr<WebSocket> socket, std::string,
                                        api::AgentCredentials credentials) {
  return links_.accept(std::move(socket), std::move(credentials.pool));
}

namespace {
void add(api::ReadinessPart& part, api::PartState state, std::string_view text) {
  part.state = std::max(part.state, state);
  if (!part.text.empty()) part.text += "; ";
  part.text += text;
}
// A lasting property of how Redis is set up, not an outage: told, but no reason to raise an alarm every minute.
void add_weaker(api::ReadinessPart& part, const std::string& weaker) {
  if (!weaker.empty()) add(part, api::PartState::ok, "weaker durability: " + weaker);
}
}  // namespace

api::ReadinessPart ledger_readiness(const LedgerStats& stats, bool cannot_commit, std::string_view why) {
  api::ReadinessPart part{"ledger"};
  if (stats.fenced) add(part, api::PartState::failed, stats.problem);
  if (cannot_commit)
    add(part, api::PartState::degraded,
        fmt::format("cannot commit: stops are held, starts and notices go on{}{}",
                    why.empty() || stats.fenced ? "" : ": ", stats.fenced ? "" : why));
  if (stats.reserve_spent)
    add(part, api::PartState::degraded, "no space is held in reserve: free some on the file system of data_dir");
  if (stats.store_away && !stats.fenced)
    add(part, api::PartState::degraded,
        fmt::format("Redis does not take commits, {} wait on local disk{}{}", stats.spool_waiting,
                    stats.problem.empty() ? "" : ": ", stats.problem));
  add_weaker(part, stats.weaker_durability);
  return part;
}

api::ReadinessPart history_readiness(const HistoryStats& stats, const HistoryWriterStats& writer) {
  api::ReadinessPart part{"history"};
  if (stats.fenced)
    add(part, api::PartState::failed, "no rows are stored any more: " + writer.problem);
  else if (writer.degraded)
    add(part, api::PartState::degraded,
        fmt::format("cannot write, {} rows wait in memory: {}", stats.buffered, writer.problem));
  add_weaker(part, stats.weaker_durability);
  return part;
}

std::vector<api::ReadinessPart> ReadinessPort::parts() const {
  const SteadyTime now = clock_.now().steady;
  std::vector<api::ReadinessPart> out;
  const Duration idle = now - loop_.last_step();
  out.push_back({"engine", idle > 10s ? api::PartState::failed : api::PartState::ok,
                 idle > 10s ? fmt::format("no step for {:.0f} s", to_seconds(idle)) : std::string()});
  const Duration waits = inbox_.oldest_wait(now);
  api::ReadinessPart inbox{"inbox"};
  if (inbox_.nearly_full() || waits > 2s) {
    inbox.state = api::PartState::degraded;
    inbox.text = fmt::format("the oldest input waits for {:.1f} s; senders are slowed down", to_seconds(waits));
  }
  out.push_back(std::move(inbox));
  const DispatcherStats dispatcher = dispatcher_.stats();
  out.push_back(ledger_readiness(ledger_.stats(), dispatcher.degraded, dispatcher.problem));
  out.push_back(history_readiness(history_.stats(), history_writer_.stats()));
  if (journal_) out.push_back(journal_readiness(journal_->stats()));
  if (remote_)
    for (api::ReadinessPart& part : remote_write_parts(*remote_)) out.push_back(std::move(part));
  for (api::ReadinessPart& part : messenger_.parts()) out.push_back(std::move(part));
  return out;
}

void add_process_stats(telemetry::MonitorStats& stats) {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    stats.process_cpu_seconds = double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                1e-6 * double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  if (statm >> size >> resident) stats.process_resident_bytes = resident * std::uint64_t(sysconf(_SC_PAGESIZE));
}

}  // namespace paramedic::daemon
