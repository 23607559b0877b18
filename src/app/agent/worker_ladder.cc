// Ladders and commands from the monitor, performed on one worker.
#include <signal.h>

#include "app/agent/worker.h"

namespace paramedic::agent {
namespace {

// The protocol takes more; a person reads less. A stack dump is long.
constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kMaxMessageOfDiagnostics = kMaxDiagnosisBytes + 2048;
constexpr std::size_t kMaxLoggedMessage = 300;

// A ladder of the monitor has an action id; the agent's own (a worker that recycles itself) has none and is told to
// nobody.
bool is_told(const Ladder& ladder) { return !ladder.action_id.empty(); }

}  // namespace

void Worker::on_lease(const Lease& lease) {
  // While the agent ends, its workers look stopped on purpose and the monitor holds them; the next agent starts them
  // anew.
  if (stopping_) return;
  lease_.on_lease(lease, steady());
  if (hold_ != lease.hold || (lease.hold && hold_reason_ != lease.hold_reason)) {
    hold_ = lease.hold;
    hold_reason_ = lease.hold ? lease.hold_reason : std::string();
    using Phase = JournalWorker::Phase;
    const bool stopped = lease_.decide(steady()).kind == StartDecision::Kind::stopped;
    journal_worker(alive() ? Phase::running : stopped ? Phase::stopped : Phase::dead);
    host_.journal().sync();
  }
  if (!alive() && !ladder_ && !stopping_) poll();
}

void Worker::on_command(const wire::MonitorWorkerCommand& command) {
  const bool drain = command.verb == Verb::drain;
  const int number = drain ? spec_.drain_signal : spec_.resume_signal;
  const bool mine = command.incarnation.empty() || command.incarnation == incarnation();
  const bool sent = mine && number > 0 && process_ && process_->signal(number);
  if (sent) draining_ = drain;
  host_.log().info("worker_command", {{"worker", spec_.id},
                                      {"verb", to_string(command.verb)},
                                      {"sent", sent},
                                      {"reason", !mine         ? "another incarnation runs"
                                                 : number <= 0 ? "no signal is configured for it"
                                                 : sent        ? "asked by the monitor"
                                                               : "the process is not alive"}});
  if (sent) host_.report_soon(*this);
}

void Worker::on_ladder(const Ladder& ladder) {
  const auto& known = host_.journal().state().ladders;
  if (const auto it = known.find(ladder.action_id); it != known.end()) {
    host_.tell_progress(it->second.progress);  // performed at most once; told again
    return;
  }
  const auto refusal = reason_to_refuse(ladder);
  JournalLadder entry;
  entry.ladder = ladder;
  entry.progress.action_id = ladder.action_id;
  entry.progress.worker_id = spec_.id;
  entry.at = host_.clock().now().wall;
  if (refusal) {
    entry.progress.done = true;
    entry.progress.ok = false;
    entry.progress.message = "refused: " + *refusal;
    host_.journal().put(entry);
    host_.log().warning("ladder_refused", {{"worker", spec_.id}, {"action", ladder.action_id}, {"reason", *refusal}});
    host_.tell_progress(entry.progress);
    return;
  }
  host_.journal().put(entry);
  host_.journal().sync();
  host_.log().info("ladder_accepted", {{"worker", spec_.id},
                                       {"action", ladder.action_id},
                                       {"kind", to_string(ladder.kind)},
                                       {"reason", ladder.reason}});
  leftovers_since_.reset();
  ladder_.emplace(ladder, steady());
  poll();
}

std::optional<std::string> Worker::reason_to_refuse(const Ladder& ladder) const {
  if (stopping_) return "the agent is ending";
  if (ladder_) return "action " + ladder_->ladder().action_id + " is at work on this worker";
  if (!ladder.expected_incarnation.empty() && ladder.expected_incarnation != incarnation())
    return "incarnation " + (incarnation().empty() ? "none" : incarnation()) +
           (alive() ? " runs" : " was the last one") + ", not " + ladder.expected_incarnation;
  if (ladder.kind == RemedyKind::start && alive()) return "the worker runs already";
  return std::nullopt;
}

// A killed agent's unfinished ladder goes on where it was; if the successor runs already, only the word of it was
// missing.
void Worker::resume_ladder() {
  for (const auto& [id, entry] : host_.journal().state().ladders) {
    if (entry.ladder.worker_id != spec_.id || entry.progress.done) continue;
    const auto copy = entry;
    ladder_.emplace(copy.ladder, steady(), copy.progress.step);
    const auto& expected = copy.ladder.expected_incarnation;
    if (alive() && !expected.empty() && incarnation() != expected)
      end_ladder(true, "started");
    else
      host_.log().info("ladder_resumed",
                       {{"worker", spec_.id}, {"action", id}, {"step", to_string(copy.progress.step)}});
    return;
  }
}

LadderFacts Worker::facts() const {
  LadderFacts facts;
  facts.alive = alive();
  facts.group_alive = facts.alive || (process_ && process_->group_alive(true));
  facts.can_diagnose = spec_.diagnostics.on() && alive();
  facts.diagnosing = diagnosis_ != nullptr;
  facts.can_drain = spec_.drain_signal > 0;
  if (process_) {
    facts.in_flight = process_->voice().in_flight();
    facts.task_progress = process_->voice().progress_count();
  }
  return facts;
}

void Worker::poll_ladder() {
  const auto acts = ladder_->advance(facts(), steady());
  for (const auto& act : acts) perform(act);
  if (!ladder_) return poll();  // over: what is due without it
  if (const auto deadline = ladder_->deadline()) wake_within(*deadline - steady());
}

void Worker::perform(const LadderAct& act) {
  using Kind = LadderAct::Kind;
  switch (act.kind) {
    case Kind::progress:
      progress(act.step, false, true, act.message);
      return;
    case Kind::diagnose:
      diagnose();
      return;
    case Kind::drain:
      draining_ = process_ && process_->signal(spec_.drain_signal);
      host_.report_soon(*this);
      return;
    case Kind::term:
      // A stopped process acts on TERM only once it goes on.
      if (process_ && process_->signal_group(SIGTERM)) process_->signal_group(SIGCONT);
      return;
    case Kind::kill:
      killed_by_us_ = true;
      if (process_) process_->signal_group(SIGKILL);
      return;
    case Kind::start:
      ladder_start();
      return;
  }
}

void Worker::diagnose() {
  std::string seen = process_ ? process_->diagnose() : std::string("the process is gone");
  const Duration limit = std::min(spec_.diagnostics.timeout, ladder_->ladder().diagnostics);
  if (!facts().can_diagnose || limit <= Duration{0}) return progress(LadderStep::diagnostics, false, true, seen);
  // Taken off before it is told: what follows may destroy the ladder and all that belongs to it.
  const auto done = [this, seen](const std::string& text) {
    const auto over = std::move(diagnosis_);
    progress(LadderStep::diagnostics, false, true, seen + "\n" + text);
    poll();
  };
  diagnosis_ = std::make_unique<Diagnosis>(
      host_.io(),
      DiagnosisPlan{spec_.diagnostics, HookSubject{spec_.id, incarnation(), ladder_->ladder().action_id, pid()},
                    output_file(), limit},
      [this](int number) { return process_ && process_->signal(number); }, done);
}

void Worker::ladder_start() {
  diagnosis_.reset();
  if (start({}, lease_.crashes())) end_ladder(true, "started");  // a failure has ended it already
}

void Worker::end_ladder(bool ok, const std::string& message) {
  progress(ladder_->step(), true, ok, message);
  diagnosis_.reset();
  ladder_.reset();
}

void Worker::progress(LadderStep step, bool done, bool ok, std::string message) {
  const auto& ladder = ladder_->ladder();
  if (!is_told(ladder)) return;
  JournalLadder entry;
  entry.ladder = ladder;
  entry.at = host_.clock().now().wall;
  entry.progress.action_id = ladder.action_id;
  entry.progress.worker_id = spec_.id;
  entry.progress.step = step;
  entry.progress.done = done;
  entry.progress.ok = ok;
  if (done && ok) entry.progress.new_incarnation = incarnation();
  const std::size_t limit = step == LadderStep::diagnostics ? kMaxMessageOfDiagnostics : kMaxMessage;
  if (message.size() > limit) message.resize(limit);
  entry.progress.message = std::move(message);
  host_.journal().put(entry);
  if (done) host_.journal().sync();
  host_.log().info("ladder_step", {{"worker", spec_.id},
                                   {"action", ladder.action_id},
                                   {"step", to_string(step)},
                                   {"done", done},
                                   {"ok", ok},
                                   {"message", entry.progress.message.substr(0, kMaxLoggedMessage)}});
  host_.tell_progress(entry.progress);
}

}  // namespace paramedic::agent
