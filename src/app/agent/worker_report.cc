// What a worker says and what is reported of it.
#include <utility>

#include "app/agent/worker.h"

namespace paramedic::agent {
namespace {

// A worker that keeps sending garbage is named so often.
constexpr Duration kGarbageLogEvery = 60s;

}  // namespace

void Worker::on_datagram(std::string_view datagram, bool whole) {
  ++datagrams_;
  if (!alive()) return;  // the last words of a dead one, or of a stranger
  auto parsed = whole ? parse_voice(datagram) : ParsedVoice{{}, 1, "datagram is longer than 64 KiB"};
  const auto now = host_.clock().now();
  if (parsed.garbage > 0) {
    garbage_ += static_cast<std::uint64_t>(parsed.garbage);
    if (garbage_logged_ == SteadyTime{} || now.steady - garbage_logged_ >= kGarbageLogEvery) {
      garbage_logged_ = now.steady;
      host_.log().warning("voice_refused",
                          {{"worker", spec_.id}, {"refused", garbage_}, {"reason", parsed.first_error}});
    }
  }
  VoiceState::Change change;
  for (const auto& event : parsed.events) {
    const auto one = process_->voice().apply(event, now);
    change.beat = change.beat || one.beat;
    change.urgent = change.urgent || one.urgent;
    change.tasks = change.tasks || one.tasks;
  }
  const bool beat_is_due = change.beat && now.steady - beat_forwarded_ > spec_.heartbeat_deadline / 2;
  if (change.urgent || beat_is_due) host_.report_soon(*this);
  if (ladder_ && change.tasks) poll();  // a drain may be over
}

std::optional<WorkerState> Worker::state() const {
  if (!alive()) {
    if (stopping_) return WorkerState::stopped;
    if (ladder_) return WorkerState::stopping;
    if (lease_.incarnation().empty()) return std::nullopt;
    if (lease_.decide(steady()).kind == StartDecision::Kind::stopped) return WorkerState::stopped;
    // Not stopping any more, as the ladder had it: as one that ended on purpose nobody would start it.
    if (ladder_failed_) return WorkerState::starting;
    return std::nullopt;  // dead; the exit says so
  }
  // A ladder that is over has started the successor, which is not stopping: said otherwise, and dead before its next
  // report, it would count as one that announced its end, and nobody would start it.
  const bool ends = ladder_ && ladder_->step() >= LadderStep::term && !ladder_->over();
  if (stopping_ || ends || process_->voice().stop()) return WorkerState::stopping;
  return draining_ ? WorkerState::draining : WorkerState::running;
}

Report Worker::report(bool measured) {
  const auto now = host_.clock().now();
  Report out;
  if (process_ && failed_incarnation_.empty()) {
    if (measured)
      process_->measure(now.steady, out);
    else
      process_->describe(out);
    if (smoke_) smoke_->fill(out);
    if (process_->voice().alive_at()) beat_forwarded_ = now.steady;
  } else if (!incarnation().empty()) {
    out.incarnation = incarnation();
    out.process.emplace().exit = last_exit_;
  }
  // Once: the report of a death is the first one after it. While the monitor is away the next start tells them.
  if (out.process && out.process->exit && host_.online()) out.process->last_words = std::exchange(last_words_, {});
  out.worker_id = spec_.id;
  out.pool = spec_.pool;
  out.host = host_.host_name();
  out.version = spec_.version;
  out.seq = ++seq_;
  out.sent_at = now.wall;
  out.period = period();
  out.concurrency = spec_.concurrency;
  if (!spec_.labels.empty()) out.labels = spec_.labels;
  out.state = state();
  if (stopping_ && !out.stop) out.stop.emplace();  // ended by its operator
  return out;
}

void Worker::note_oom_count(std::optional<std::uint64_t> host_kills) {
  if (alive()) process_->note_oom_count(host_kills);
}

}  // namespace paramedic::agent
