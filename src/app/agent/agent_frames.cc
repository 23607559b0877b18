// What the agent sends and hears: reports in time, urgent ones at once, the backlog after an outage, the monitor's
// frames.
#include <algorithm>

#include <boost/asio/post.hpp>

#include "app/agent/agent.h"

namespace paramedic::agent {
namespace {

// A worker that changes its mind all the time is told of so often at most.
constexpr Duration kUrgentEvery = 100ms;
// One backlog frame each; at 5 s per frame an hour takes 36 s.
constexpr Duration kBacklogEvery = 50ms;
// While so much waits to be sent the backlog waits.
constexpr std::size_t kBacklogPause = 256 * 1024;
constexpr Duration kResendEvery = 30s;
constexpr Duration kGoodbye = 1s;
constexpr Duration kGoodbyeLook = 5ms;

}  // namespace

Agent::Schedule& Agent::schedule_of(const Worker& worker) {
  const auto it = std::find_if(workers_.begin(), workers_.end(), [&](const auto& w) { return w.get() == &worker; });
  return schedules_[static_cast<std::size_t>(it - workers_.begin())];
}

void Agent::report_now(Worker& worker) {
  auto& schedule = schedule_of(worker);
  schedule.urgent = false;
  schedule.urgent_allowed = clock_.now().steady + kUrgentEvery;
  std::vector<Report> one;
  one.push_back(worker.report(false));
  send_reports(std::move(one));
}

void Agent::report_soon(Worker& worker) {
  if (!online()) return;  // told with the next period's report, which is kept
  auto& schedule = schedule_of(worker);
  if (clock_.now().steady >= schedule.urgent_allowed) return report_now(worker);
  schedule.urgent = true;
  arm();
}

void Agent::send_reports(std::vector<Report> reports) {
  if (reports.empty() || !link_) return;
  wire::AgentReports frame;
  frame.reports = std::move(reports);
  auto text = wire::encode(wire::AgentFrame(std::move(frame)));
  const auto now = clock_.now().steady;
  next_alive_ = now + report_period();
  if (online() && link_->send_text(text)) return;
  backlog_.push(std::move(text), now);
}

void Agent::tell_progress(const wire::AgentProgress& progress) {
  if (link_) link_->send(wire::AgentFrame(progress));  // journalled: sent again after the next welcome
}

void Agent::tell_start(const JournalStart& start) {
  wire::AgentStarts frame;
  frame.starts.push_back(start_frame(start));
  if (link_) link_->send(wire::AgentFrame(std::move(frame)));
}

wire::AgentStart Agent::start_frame(const JournalStart& start) const {
  auto frame = start.start;
  frame.ago = std::max(clock_.now().wall - start.at, Duration{0});
  return frame;
}

wire::AgentHello Agent::hello() {
  wire::AgentHello hello;
  hello.agent_id = options_.config.agent_id;
  hello.host = options_.config.host;
  hello.boot_id = boot_id_;
  hello.version = options_.version;
  hello.period = report_period();
  for (const auto& worker : workers_)
    if (worker->alive()) hello.workers.push_back({worker->id(), worker->incarnation()});
  return hello;
}

// The present first, then what the monitor has not acknowledged, then the past.
void Agent::on_online() {
  std::vector<Report> present;
  for (const auto& worker : workers_) present.push_back(worker->report(true));
  send_reports(std::move(present));
  send_diagnoses();
  send_unacknowledged();
  if (!backlog_.empty()) log_.info("backlog_begins", {{"frames", backlog_.size()}, {"dropped", backlog_.dropped()}});
  next_backlog_ = clock_.now().steady + kBacklogEvery;
  arm();
}

// Of ladders that went on while the monitor was away; one that knows them already takes no notice.
void Agent::send_diagnoses() {
  for (const auto& [id, ladder] : journal_->state().ladders) {
    if (ladder.acked || ladder.diagnosis.empty() || is_diagnosis(ladder.progress)) continue;
    wire::AgentProgress told;
    told.action_id = id;
    told.worker_id = ladder.ladder.worker_id;
    told.step = LadderStep::diagnostics;
    told.ok = true;
    told.message = ladder.diagnosis;
    link_->send(wire::AgentFrame(std::move(told)));
  }
}

void Agent::send_unacknowledged() {
  next_resend_ = clock_.now().steady + kResendEvery;
  const auto& state = journal_->state();
  wire::AgentStarts starts;
  for (const auto& [id, start] : state.starts) starts.starts.push_back(start_frame(start));
  if (!starts.starts.empty()) link_->send(wire::AgentFrame(std::move(starts)));
  for (const auto& [id, ladder] : state.ladders)
    if (!ladder.acked) link_->send(wire::AgentFrame(ladder.progress));
}

void Agent::on_frame(wire::MonitorFrame frame) {
  if (const auto* lease = std::get_if<Lease>(&frame)) {
    if (auto* worker = find(lease->worker_id)) worker->on_lease(*lease);
  } else if (const auto* ladder = std::get_if<Ladder>(&frame)) {
    if (auto* worker = find(ladder->worker_id)) return worker->on_ladder(*ladder);
    wire::AgentProgress refused;
    refused.action_id = ladder->action_id;
    refused.worker_id = ladder->worker_id;
    refused.done = true;
    refused.ok = false;
    refused.message = "refused: this agent has no worker " + ladder->worker_id;
    tell_progress(refused);
  } else if (const auto* ack = std::get_if<wire::MonitorAck>(&frame)) {
    for (const auto& id : ack->action_ids) journal_->acknowledge(id);
  } else if (const auto* command = std::get_if<wire::MonitorWorkerCommand>(&frame)) {
    if (auto* worker = find(command->worker_id)) worker->on_command(*command);
  } else if (const auto* refusal = std::get_if<wire::MonitorRefusal>(&frame)) {
    log_.warning("monitor_refuses", {{"reason", refusal->message}});
  }
}

void Agent::on_timer() {
  if (finished_) return;
  const auto now = clock_.now().steady;
  if (goodbye_until_ != SteadyTime{}) {
    if (now >= goodbye_until_ || !online() || link_->queued_bytes() == 0) return finish();
    return arm();
  }
  report_due(now);
  drain_backlog(now);
  if (online() && now >= next_resend_) send_unacknowledged();
  if (now >= next_alive_) {
    next_alive_ = now + report_period();
    if (link_) link_->send(wire::AgentFrame(wire::AgentAlive{}));
  }
  arm();
}

// One frame for all workers that are due; those due a little later come along.
void Agent::report_due(SteadyTime now) {
  std::vector<Report> due;
  std::optional<std::uint64_t> host_kills;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto& worker = *workers_[i];
    auto& schedule = schedules_[i];
    if (schedule.urgent && now >= schedule.urgent_allowed) report_now(worker);
    const auto period = worker.period();
    if (now + period / 20 < schedule.next_report) continue;
    // Fixed phases: a late timer does not shift the next one. After a sleep of the machine they begin anew.
    schedule.next_report += period;
    if (schedule.next_report <= now) schedule.next_report = now + period;
    if (due.empty()) host_kills = host_oom_kills(options_.roots);
    due.push_back(worker.report(true));
    worker.note_oom_count(host_kills);
  }
  if (due.empty()) return;
  send_reports(std::move(due));
  reap_orphans();
}

void Agent::drain_backlog(SteadyTime now) {
  if (!online() || backlog_.empty() || now < next_backlog_) return;
  next_backlog_ = now + kBacklogEvery;
  if (link_->queued_bytes() > kBacklogPause) return;
  const auto entry = backlog_.pop(now);
  if (!entry) return;
  auto frame = wire::decode_agent_frame(entry->frame);
  auto* reports = frame ? std::get_if<wire::AgentReports>(&*frame) : nullptr;
  if (!reports) return;
  reports->backlog = true;
  for (auto& report : reports->reports) report.age += now - entry->at;
  if (!link_->send(*frame)) return backlog_.restore(*entry);
  if (backlog_.empty()) log_.info("backlog_sent", {{"dropped", backlog_.dropped()}});
}

void Agent::arm() {
  if (!timer_ || finished_) return;
  const auto now = clock_.now().steady;
  auto next = next_alive_;
  for (const auto& schedule : schedules_) {
    next = std::min(next, schedule.next_report);
    if (schedule.urgent) next = std::min(next, schedule.urgent_allowed);
  }
  if (online() && !backlog_.empty()) next = std::min(next, next_backlog_);
  if (goodbye_until_ != SteadyTime{}) next = now + kGoodbyeLook;
  timer_->expires_after(std::max(next - now, Duration{0}));
  timer_->async_wait([weak = std::weak_ptr(self_)](const boost::system::error_code& failed) {
    const auto self = weak.lock();
    if (self && !failed) (*self)->on_timer();
  });
}

// The last frames get a moment to leave.
void Agent::say_goodbye() {
  if (goodbye_until_ != SteadyTime{}) return;
  goodbye_until_ = clock_.now().steady + kGoodbye;
  arm();
}

void Agent::finish() {
  finished_ = true;
  log_.info("agent_ended", {{"workers", options_.config.on_exit == config::OnExit::leave ? "left running" : "ended"}});
  link_->close();
  timer_->cancel();
  if (signals_) signals_->cancel();
  if (owns_loop_) io_->stop();
}

}  // namespace paramedic::agent
