// The approximate way: rows of history and what the ledger knows beside them, second by second.
#include <algorithm>
#include <queue>
#include <unordered_map>

#include <fmt/format.h>

#include "app/replay/recorded_ledger.h"
#include "app/replay/recorded_rows.h"
#include "app/replay/replay.h"
#include "app/replay/row_reports.h"
#include "app/replay/sides.h"
#include "base/text.h"

namespace paramedic::replay {

namespace {

// Rows are given to the engines at the end of the second in which they were written: engines sweep once a second.
constexpr Duration kStep = 1s;
// A running monitor writes a row of every worker it knows each resolution: so long without any, it did not run.
constexpr Duration kAway = 2min;
// No engine ran under this hash: none is exact.
constexpr const char* kNoHash = "approximate";

std::vector<std::string> what_is_missing() {
  return {
      "what came between two rows (one per resolution, 30 s): readings, and the times of reports; a worker that had "
      "spoken again by its next row is taken to have spoken every 10 s",
      "tasks in flight: hung tasks, poison tasks and what a restart loses are not judged",
      "queues: depth, age, connections, consumption; of brokers only that they were down",
      "models, process states (stopped, blocked, zombie), starvation, GPU temperatures and errors, each GPU and disk "
      "of its own",
      "labels, versions and pools as they were: the latest that the ledger knows stand for the whole time",
      "frames of agents, drains announced by workers, probes, how late the monitor was",
      "what proves a cure (tasks taken, an empty queue, a smoke check): verification_failed and what follows from it "
      "is not "
      "to be trusted",
      "operators' silences, acknowledgements, approvals and rolling restarts",
      "what the monitor knew before the first row: budgets, backoff, alerts that held already",
  };
}

class HistoryReplay {
 public:
  explicit HistoryReplay(const ReplayOptions& options)
      : options_(options),
        ids_(options.history->worker_ids()),
        rows_(*options.history, ids_, options.from, options.to),
        events_(*options.ledger, options.from, options.to),
        sides_(options) {
    for (std::size_t i = 0; i < ids_.size(); ++i) place_[ids_[i]] = i;
    out_.evidence = Evidence::history;
    out_.missing = what_is_missing();
  }

  Result<ReplayResult> all() {
    auto facts = worker_facts();
    if (!facts) return facts.error();
    reports_.emplace(std::move(*facts));
    if (auto done = next_row(); !done) return done.error();
    if (!row_)
      return make_error(Errc::not_found,
                        fmt::format("the history holds nothing between {} and {}; name another time with --from and "
                                    "--to",
                                    format_time(options_.from), format_time(options_.to)));
    begin({SteadyTime{1h}, std::chrono::floor<std::chrono::seconds>(row_->at)});
    // Until the last row has been judged: nothing is known of what came after it.
    while (row_ || !due_.empty()) {
      if (row_ && due_.empty() && row_->at - now_.wall > kAway)
        if (auto done = skip_to(std::chrono::floor<std::chrono::seconds>(row_->at)); !done) return done.error();
      now_.steady += kStep;
      now_.wall += kStep;
      if (auto done = second(); !done) return done.error();
    }
    out_.rows = rows_.rows();
    out_.spans.push_back({begun_, now_.wall});
    if (unknown_pools_ > 0)
      out_.remark(
          fmt::format("the ledger does not know {} of {} workers any more: they are taken to be of pool default",
                      unknown_pools_, ids_.size()));
    out_.workers = ids_.size();
    if (auto done = sides_.finish(out_); !done) return done.error();
    return std::move(out_);
  }

 private:
  struct Later {
    bool operator()(const RowReports::Timed& a, const RowReports::Timed& b) const {
      return a.at != b.at ? a.at > b.at : a.worker > b.worker;
    }
  };

  Result<std::vector<WorkerFacts>> worker_facts() {
    std::vector<WorkerFacts> out(ids_.size());
    const auto state = options_.ledger->load({SteadyTime{}, options_.to});
    if (!state) return state.error();
    for (const WorkerRecord& known : state->workers) {
      const auto at = place_.find(known.worker_id);
      if (at == place_.end()) continue;
      out[at->second] = {known.pool, known.host, known.version, known.source.empty() ? "http" : known.source, true};
    }
    for (WorkerFacts& facts : out) {
      if (facts.known) continue;
      facts.pool = "default";
      ++unknown_pools_;
    }
    return out;
  }

  Result<void> next_row() {
    RecordedRow row;
    const auto more = rows_.next(row);
    if (!more) return more.error();
    row_.reset();
    if (*more) row_ = row;
    return {};
  }

  // The engines begin knowing nothing.
  void begin(const Now& now) {
    now_ = now;
    begun_ = now.wall;
    connected_.clear();
    sides_.begin_run({}, kNoHash, now_);
    ++out_.runs;
  }

  // The monitor did not run: nobody was silent then, nobody looked.
  Result<void> skip_to(WallTime at) {
    out_.remark(fmt::format("the monitor wrote nothing between {} and {}: it did not run", format_time(now_.wall),
                            format_time(at)));
    out_.spans.push_back({begun_, now_.wall});
    for (;;) {
      const auto passed = events_.next_before(at);
      if (!passed) return passed.error();
      if (!*passed) break;
    }
    begin({now_.steady + (at - now_.wall), at});
    return {};
  }

  Result<void> second() {
    inputs_.clear();
    while (row_ && row_->at <= now_.wall) {
      made_.clear();
      reports_->take(*row_, made_);
      for (RowReports::Timed& one : made_) due_.push(std::move(one));
      if (auto done = next_row(); !done) return done;
    }
    for (;;) {
      auto event = events_.next_before(now_.wall);
      if (!event) return event.error();
      if (!*event) break;
      take(**event);
    }
    while (!due_.empty() && due_.top().at <= now_.wall) {
      RowReports::Timed one = due_.top();
      due_.pop();
      give(one.worker, std::move(one.report), one.at);
    }
    out_.inputs += inputs_.size();
    sides_.step(inputs_, Duration{}, now_);
    return {};
  }

  // ---- what the ledger recorded ----

  void take(InputRecord& record) {
    const auto found = place_.find(record.worker_id);
    const std::optional<std::size_t> worker =
        found == place_.end() ? std::nullopt : std::optional<std::size_t>(found->second);
    std::visit([&](auto& what) { take(record, what, worker); }, record.what);
  }

  void take(const InputRecord& record, const RecordedExit& what, std::optional<std::size_t> worker) {
    if (worker) give(*worker, reports_->exit(*worker, record.worker_id, what.exit, record.at), record.at);
  }

  void take(const InputRecord& record, const RecordedSource& what, std::optional<std::size_t>) {
    if (record.source == "monitor" || what.to == SourceState::silent) return;  // silence is found anew
    connect(record.source, what.to);
  }

  void take(const InputRecord&, const RecordedBroker& what, std::optional<std::size_t>) {
    // As a probe tells it: three misses in a row are an outage, one success ends it.
    for (int i = 0; i < (what.down ? 3 : 1); ++i)
      inputs_.emplace_back(ProbeInput{.name = "recorded " + what.broker,
                                      .kind = "tcp",
                                      .broker = what.broker,
                                      .ok = !what.down,
                                      .text = what.down ? "recorded as down" : "",
                                      .at = now_.steady});
  }

  void take(const InputRecord& record, const RecordedCommand& what, std::optional<std::size_t>) {
    const bool whole = what.verb <= Verb::release || what.verb == Verb::forget ||
                       (what.verb >= Verb::maintenance_on && what.verb <= Verb::thaw);
    if (!whole) return;  // the record does not hold all of it
    CommandInput command{.command_id = fmt::format("ledger-{}", ++commands_), .verb = what.verb};
    command.worker_id = record.worker_id;
    command.pool = record.pool;
    command.actor = what.actor;
    command.reason = what.reason;
    command.force = what.force;
    command.duration = what.duration;
    command.received = now_.steady;
    inputs_.emplace_back(std::move(command));
  }

  void take(const InputRecord& record, const RecordedOutcome& what, std::optional<std::size_t> worker) {
    ProgressInput progress{.source = record.source, .action_id = what.action_id, .worker_id = record.worker_id};
    progress.step = what.step;
    progress.done = what.done;
    progress.ok = what.ok;
    progress.new_incarnation = what.new_incarnation;
    progress.message = what.message;
    progress.received = now_.steady;
    if (worker && !what.new_incarnation.empty() && reports_->incarnation(*worker) != what.new_incarnation)
      reports_->begins_life(*worker, what.new_incarnation, record.at);
    inputs_.emplace_back(std::move(progress));
  }

  void take(const InputRecord& record, const RecordedStart& what, std::optional<std::size_t> worker) {
    if (!worker) return;
    AgentStartInput start{.source = record.source, .action_id = what.action_id, .worker_id = record.worker_id};
    start.previous_incarnation = reports_->incarnation(*worker);
    reports_->begins_life(*worker, record.incarnation, record.at);
    start.incarnation = reports_->incarnation(*worker);
    start.crashes = what.crashes;
    start.ago = what.ago;
    start.exit = what.exit;
    start.received = now_.steady;
    inputs_.emplace_back(std::move(start));
  }

  // ---- as sources bring it ----

  void connect(const std::string& source, SourceState state) {
    const bool agent = source.starts_with("agent/");
    SourceInput input{.source = source, .kind = agent ? SourceKind::agent : SourceKind::http, .state = state};
    if (agent) input.host = source.substr(6);
    input.period = 30s;
    input.can_restart = agent;
    input.received = now_.steady;
    inputs_.emplace_back(std::move(input));
    connected_[source] = state == SourceState::connected;
  }

  void give(std::size_t worker, Report report, WallTime at) {
    const std::string& source = reports_->facts(worker).source;
    const auto known = connected_.find(source);
    if (known == connected_.end()) connect(source, SourceState::connected);
    if (known != connected_.end() && !known->second) return;  // what it would have said did not arrive
    ++out_.reports;
    inputs_.emplace_back(ReportInput{std::move(report), source, steady_at(std::min(at, now_.wall), now_)});
  }

  const ReplayOptions& options_;
  const std::vector<std::string> ids_;
  std::unordered_map<std::string, std::size_t> place_;
  RecordedRows rows_;
  RecordedEvents events_;
  Sides sides_;
  std::optional<RowReports> reports_;
  std::optional<RecordedRow> row_;
  std::vector<RowReports::Timed> made_;
  std::priority_queue<RowReports::Timed, std::vector<RowReports::Timed>, Later> due_;
  std::map<std::string, bool> connected_;
  std::vector<Input> inputs_;
  Now now_;
  WallTime begun_{};
  std::uint64_t commands_ = 0;
  std::size_t unknown_pools_ = 0;
  ReplayResult out_;
};

}  // namespace

Result<ReplayResult> replay_history(const ReplayOptions& options) { return HistoryReplay(options).all(); }

}  // namespace paramedic::replay
