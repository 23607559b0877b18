// The daemon's side of the API's ports: small adapters between io/api and the parts that the composition root owns.
// Thread rules as in io/api/ports.h.
#pragma once
#include "app/daemon/engine_loop.h"
#include "app/daemon/messenger.h"
#include "io/api/ports.h"
#include "io/config/monitor_config.h"
#include "io/history/history_writer.h"
#include "io/history/remote_write/remote_write.h"
#include "io/journal/input_journal.h"
#include "io/ledger/ledger.h"
#include "io/sources/agent_link.h"
#include "io/telemetry/monitor_stats.h"

namespace paramedic::daemon {

// Agents' frames into the inbox.
class InboxSink final : public InputSink {
 public:
  InboxSink(Inbox& inbox, const Clock& clock) : inbox_(inbox), clock_(clock) {}
  Result<void> push(std::vector<Input>& inputs) override { return inbox_.push(inputs, clock_.now().steady); }
  bool nearly_full() const override { return inbox_.nearly_full(); }

 private:
  Inbox& inbox_;
  const Clock& clock_;
};

// HTTP reports into the inbox. Refuses at once what the published fleet already shows to be wrong, so that the sender
// learns it; the engine decides again.
class IntakePort final : public api::Intake {
 public:
  IntakePort(Inbox& inbox, const ViewHub& hub, const Clock& clock, int max_workers)
      : inbox_(inbox), hub_(hub), clock_(clock), max_workers_(max_workers) {}
  Result<std::vector<api::IntakeRefusal>> push(std::vector<ReportInput> reports) override;

 private:
  std::optional<Error> refusal(const FleetView& fleet, const Report& report) const;
  Inbox& inbox_;
  const ViewHub& hub_;
  const Clock& clock_;
  const int max_workers_;
};

class HistoryPort final : public api::HistoryReader {
 public:
  explicit HistoryPort(History& history) : history_(history) {}
  Result<HistoryColumns> read(const api::HistoryQuery& query) override;
  Result<std::vector<TaskHistoryPoint>> read_tasks(const api::TaskHistoryQuery& query) override;

 private:
  History& history_;
};

class LedgerPort final : public api::LedgerReader {
 public:
  explicit LedgerPort(Ledger& ledger) : ledger_(ledger) {}
  Result<std::vector<ActionRecord>> restarts(const api::LedgerQuery& query) override;
  Result<std::vector<Incident>> incidents(const api::LedgerQuery& query) override;
  Result<std::optional<Incident>> incident(const std::string& id) override;
  Result<std::vector<NotificationRecord>> notifications(const api::LedgerQuery& query) override;
  Result<std::vector<Silence>> silences(const api::LedgerQuery& query) override;
  Result<std::vector<AuditRecord>> audit(const api::LedgerQuery& query) override;

 private:
  Ledger& ledger_;
};

class AgentPort final : public api::AgentLink {
 public:
  explicit AgentPort(AgentLinks& links) : links_(links) {}
  boost::asio::awaitable<void> accept(std::shared_ptr<WebSocket> socket, std::string remote,
                                      api::AgentCredentials credentials) override;

 private:
  AgentLinks& links_;
};

class InputsPort final : public api::InputRecorder {
 public:
  explicit InputsPort(const journal::InputJournal& journal) : journal_(journal) {}
  api::RecordedInputs recorded() const override;

 private:
  const journal::InputJournal& journal_;
};

class ReadinessPort final : public api::Readiness {
 public:
  // `remote` and `journal` may be null.
  ReadinessPort(const EngineLoop& loop, const Inbox& inbox, const Dispatcher& dispatcher, const Ledger& ledger,
                const History& history, const HistoryWriter& history_writer, const remote_write::RemoteWrite* remote,
                const journal::InputJournal* journal, const Messenger& messenger,
                const Clock& clock)
      : loop_(loop),
        inbox_(inbox),
        dispatcher_(dispatcher),
        ledger_(ledger),
        history_(history),
        history_writer_(history_writer),
        remote_(remote),
        journal_(journal),
        messenger_(messenger),
        clock_(clock) {}
  std::vector<api::ReadinessPart> parts() const override;

 private:
  const EngineLoop& loop_;
  const Inbox& inbox_;
  const Dispatcher& dispatcher_;
  const Ledger& ledger_;
  const History& history_;
  const HistoryWriter& history_writer_;
  const remote_write::RemoteWrite* remote_;
  const journal::InputJournal* journal_;
  const Messenger& messenger_;
  const Clock& clock_;
};

// The receivers of the configuration as remote write wants them. `dir` = data_dir/remote_write.
remote_write::RemoteWriteOptions remote_write_options(const config::MonitorConfig& config);
// Their numbers for the metrics page.
std::vector<telemetry::RemoteWriteRow> remote_write_rows(const remote_write::RemoteWrite& remote);
// One line of /readyz per receiver.
std::vector<api::ReadinessPart> remote_write_parts(const remote_write::RemoteWrite& remote);
// The journal of all inputs as the configuration wants it.
journal::JournalOptions journal_options(const config::MonitorConfig& config, const std::string& version);
telemetry::InputJournalRow journal_row(const journal::InputJournal& journal);
api::ReadinessPart journal_readiness(const journal::JournalStats& stats);

// The state of the ledger in one line; `cannot_commit`: the dispatcher holds stops for it, `why` with the remedy.
api::ReadinessPart ledger_readiness(const LedgerStats& stats, bool cannot_commit, std::string_view why);
// The state of the history in one line.
api::ReadinessPart history_readiness(const HistoryStats& stats, const HistoryWriterStats& writer);

// CPU seconds and resident bytes of this process.
void add_process_stats(telemetry::MonitorStats& stats);

}  // namespace paramedic::daemon
