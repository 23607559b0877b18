#include "app/agent/worker.h"

#include <algorithm>

#include <signal.h>

#include "base/readable.h"
#include "base/text.h"

namespace paramedic::agent {
namespace {

// A worker that recycles itself (announced, not a crash) is started at once, unless it does so faster than this: then
// it is braked like a crash.
constexpr Duration kShortestLife = 10s;
constexpr std::size_t kMaxWordsOfStart = 4096;  // many starts may wait for a monitor that is away

std::string tail_of(std::string text, std::size_t most) {
  return text.size() <= most ? text : readable_trimmed(text.substr(text.size() - most));
}

std::string describe(const ExitInfo& exit) {
  if (exit.unknown_cause) return exit.oom ? "unknown, out of memory" : "unknown";
  std::string text =
      exit.signal ? "signal " + std::to_string(*exit.signal) : "code " + std::to_string(exit.code.value_or(0));
  return exit.oom ? text + ", out of memory" : text;
}

BackoffPolicy default_backoff() { return {}; }

}  // namespace

Worker::Worker(config::WorkerSpec spec, std::string socket_path, WorkerHost& host)
    : spec_(std::move(spec)),
      socket_path_(std::move(socket_path)),
      host_(host),
      timer_(host.io()),
      self_(std::make_shared<Worker*>(this)),
      lease_(spec_.id, default_backoff(), spec_.no_restart_exit_codes) {}

Worker::~Worker() = default;

Result<void> Worker::begin() {
  auto socket = VoiceSocket::open(host_.io(), socket_path_, spec_.user,
                                  [this](std::string_view datagram, bool whole) { on_datagram(datagram, whole); });
  if (!socket) return with_context(socket.error(), "worker " + spec_.id);
  socket_ = std::move(*socket);
  const auto& workers = host_.journal().state().workers;
  if (const auto it = workers.find(spec_.id); it != workers.end()) {
    const auto record = it->second;
    restore(record);
  }
  resume_ladder();
  poll();
  return {};
}

// Brings back what a killed agent knew. After a clean end, or on a machine that was booted anew, the worker starts
// afresh; only a hold lives on, until the monitor lifts it.
void Worker::restore(const JournalWorker& record) {
  const auto now = steady();
  hold_ = record.hold;
  hold_reason_ = record.hold_reason;
  const bool fresh = host_.journal().opened_clean() || record.boot_id != host_.boot_id();
  const bool adopted = !fresh && adopt(record);
  if (!fresh && !adopted && record.phase == JournalWorker::Phase::running)
    end_orphans(host_.roots(), record.pid, spec_.id, socket_path_);
  if (!fresh && !adopted && !record.incarnation.empty()) {
    previous_incarnation_ = record.incarnation;
    lease_.on_start(record.incarnation, now);
    const bool stopped = record.phase == JournalWorker::Phase::stopped;
    last_exit_ = record.exit;
    if (record.phase == JournalWorker::Phase::running) {
      last_exit_ = ExitInfo{};
      last_exit_.unknown_cause = true;  // it died while no agent was there
      host_.log().warning(
          "worker_lost",
          {{"worker", spec_.id}, {"incarnation", record.incarnation}, {"reason", "it ended while the agent was away"}});
    }
    lease_.on_death(last_exit_, stopped, now);
  }
  // The count of crashes as a lease that has run out already: from here on the same backoff, and the hold.
  Lease memory;
  memory.worker_id = spec_.id;
  memory.incarnation = lease_.incarnation();
  using Phase = JournalWorker::Phase;
  const bool died_counted = !fresh && !adopted && (record.phase == Phase::dead || record.phase == Phase::starting);
  memory.crashes = fresh ? 0 : record.crashes - (died_counted ? 1 : 0);
  memory.hold = hold_;
  memory.hold_reason = hold_reason_;
  memory.valid_for = Duration{0};
  if (memory.crashes > 0 || memory.hold) lease_.on_lease(memory, now);
}

bool Worker::adopt(const JournalWorker& record) {
  ProcessIdentity identity{record.pid, record.start_ticks, record.boot_id};
  if (record.phase == JournalWorker::Phase::starting) {
    const auto found = find_worker_process(host_.roots(), spec_.id, socket_path_, host_.boot_id());
    if (!found) return false;
    identity = *found;
  } else if (record.phase != JournalWorker::Phase::running) {
    return false;
  }
  auto pidfd = open_pidfd(identity.pid);
  // Looked at after the pidfd is open: from here on the pid cannot become another process unnoticed.
  const auto stat = pidfd ? read_stat(host_.roots().proc, identity.pid) : std::nullopt;
  if (!stat || stat->start_ticks != identity.start_ticks || stat->state == 'Z') return false;
  take_process(std::move(identity), std::move(*pidfd), true);
  if (record.phase == JournalWorker::Phase::starting) name_journalled_start();
  host_.log().info("worker_adopted", {{"worker", spec_.id}, {"pid", pid()}, {"incarnation", incarnation()}});
  return true;
}

// The agent was killed before it could write down which incarnation its latest start had made: this one.
void Worker::name_journalled_start() {
  const auto& starts = host_.journal().state().starts;
  const auto it = std::find_if(starts.begin(), starts.end(), [&](const auto& entry) {
    return entry.second.start.worker_id == spec_.id && entry.second.start.incarnation.empty();
  });
  if (it == starts.end()) return;
  JournalStart named = it->second;
  named.start.incarnation = incarnation();
  host_.journal().put(named);
}

void Worker::take_process(ProcessIdentity identity, UniqueFd pidfd, bool adopted) {
  const auto now = host_.clock().now();
  const ProcessSetup setup{spec_, host_.roots(), host_.host_facts()};
  process_ = std::make_unique<WorkerProcess>(host_.io(), setup, std::move(identity), std::move(pidfd), adopted, now);
  process_->note_oom_count(host_oom_kills(host_.roots()));
  process_->watch([this](ExitInfo exit) { on_exit(exit); });
  lease_.on_start(process_->incarnation(), now.steady);
  if (spec_.smoke.on())
    smoke_ = std::make_unique<Smoke>(host_.io(), spec_.smoke, HookSubject{spec_.id, process_->incarnation(), "", pid()},
                                     host_.clock(), [this] { host_.report_soon(*this); });
  failed_incarnation_.clear();
  leftovers_since_.reset();
  draining_ = killed_by_us_ = ladder_failed_ = false;
  said_ = StartDecision::Kind::alive;
  journal_worker(JournalWorker::Phase::running);
}

std::string Worker::incarnation() const {
  if (!failed_incarnation_.empty()) return failed_incarnation_;
  return process_ ? process_->incarnation() : lease_.incarnation();
}

SpawnOptions Worker::spawn_options() const {
  SpawnOptions options;
  options.command = spec_.command;
  options.cwd = spec_.cwd;
  options.user = spec_.user;
  options.env.assign(spec_.env.begin(), spec_.env.end());
  options.env.emplace_back("PARAMEDIC_WORKER_ID", spec_.id);
  options.env.emplace_back("PARAMEDIC_SOCKET", socket_path_);
  options.env.emplace_back("NOTIFY_SOCKET", socket_path_);
  if (spec_.watchdog > Duration{0})
    options.env.emplace_back(
        "WATCHDOG_USEC", std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(spec_.watchdog).count()));
  options.output_file = spec_.stdout_to == "null" ? "/dev/null" : output_file();
  return options;
}

std::string Worker::output_file() const {
  return spec_.stdout_to == "null" || spec_.stdout_to == "inherit" ? std::string() : spec_.stdout_to;
}

void Worker::hear_last_words() {
  const auto size = file_size_of(output_file());
  const auto begin = size < output_from_ ? 0 : output_from_;  // less than before: the file was rotated away
  const auto from = std::max<std::uint64_t>(begin, size - std::min(size, spec_.last_words_bytes));
  last_words_ =
      spec_.last_words_bytes > 0 ? readable_trimmed(read_appended(output_file(), from, spec_.last_words_bytes)) : "";
}

// Journalled first, so that no start is ever forgotten or done twice; `action_id` empty = not counted by the monitor.
Result<void> Worker::start(const std::string& action_id, int crashes) {
  previous_incarnation_ = incarnation();
  auto& journal = host_.journal();
  JournalStart entry;
  if (!action_id.empty()) {
    entry.start.action_id = action_id;
    entry.start.worker_id = spec_.id;
    entry.start.previous_incarnation = previous_incarnation_;
    entry.start.crashes = crashes;
    entry.start.exit = last_exit_;
    entry.start.last_words = tail_of(std::exchange(last_words_, {}), kMaxWordsOfStart);
    entry.at = host_.clock().now().wall;
    journal.put(entry);
  }
  journal_worker(JournalWorker::Phase::starting);
  journal.sync();

  output_from_ = file_size_of(output_file());
  auto spawned = spawn_process(spawn_options());
  const auto stat = spawned ? read_stat(host_.roots().proc, spawned->pid) : std::nullopt;
  if (spawned) {
    take_process({spawned->pid, stat ? stat->start_ticks : 0, host_.boot_id()}, std::move(spawned->pidfd), false);
    host_.log().info("worker_started", {{"worker", spec_.id},
                                        {"pid", pid()},
                                        {"incarnation", incarnation()},
                                        {"previous", previous_incarnation_},
                                        {"crashes", crashes}});
  } else {
    start_failed(spawned.error());
  }
  if (!action_id.empty()) {
    entry.start.incarnation = incarnation();
    journal.put(entry);
    host_.tell_start(entry);
  }
  host_.report_now(*this);
  if (!spawned) return spawned.error();
  return {};
}

// Counts as a life that ended at once: backed off like any crash. In a ladder it is the old life that counts, and the
// ladder is over before anything is reported: see state().
void Worker::start_failed(const Error& error) {
  const auto now = host_.clock().now();
  host_.log().error("worker_start_failed", {{"worker", spec_.id}, {"reason", error.message}});
  if (ladder_) {
    ladder_failed_ = true;
    lease_.on_ladder_failed(now.steady);
    journal_worker(JournalWorker::Phase::dead);
    return end_ladder(false, error.message);
  }
  failed_incarnation_ =
      make_incarnation({0, static_cast<std::uint64_t>(now.wall.time_since_epoch().count()), host_.boot_id()});
  process_.reset();
  last_exit_ = ExitInfo{};
  last_exit_.code = 127;  // as a shell says "cannot execute"
  lease_.on_start(failed_incarnation_, now.steady);
  lease_.on_death(last_exit_, false, now.steady);
  journal_worker(JournalWorker::Phase::dead);
}

void Worker::start_by_lease(const StartDecision& decision) {
  const bool first = lease_.incarnation().empty();
  const auto action_id = first ? std::string() : lease_.next_action_id();
  if (!first)
    host_.log().info("worker_restart", {{"worker", spec_.id},
                                        {"reason", describe(last_exit_)},
                                        {"decision", decision.text},
                                        {"lease_valid", lease_.lease_valid(steady())}});
  (void)start(action_id, lease_.crashes());
}

void Worker::on_exit(const ExitInfo& exit) {
  const auto now = steady();
  last_exit_ = exit;
  hear_last_words();
  smoke_.reset();
  process_->voice().lose_in_flight();
  const auto stop = process_->voice().stop();
  const bool comes_back = stop && (stop->reason == StopReason::recycle || stop->reason == StopReason::deploy) &&
                          now - process_->seen_since() >= kShortestLife;
  if (ladder_ || stopping_ || comes_back) {
    lease_.on_ended_by_ladder(now);
  } else {
    const bool announced = stop && stop->reason != StopReason::recycle && stop->reason != StopReason::deploy;
    lease_.on_death(exit, announced, now);
    const bool crashed = lease_.decide(now).kind != StartDecision::Kind::stopped;
    if (crashed && host_.note_death()) lease_.add_mass_death_jitter();
  }
  const bool stopped = lease_.decide(now).kind == StartDecision::Kind::stopped && !ladder_ && !comes_back;
  journal_worker(stopped ? JournalWorker::Phase::stopped : JournalWorker::Phase::dead);
  host_.log().info("worker_exited", {{"worker", spec_.id},
                                     {"pid", process_->identity().pid},
                                     {"exit", describe(exit)},
                                     {"incarnation", incarnation()}});
  host_.report_now(*this);
  if (comes_back && !ladder_ && !stopping_) {
    Ladder recycle;  // without action id: nobody asked for it, nobody is told
    recycle.worker_id = spec_.id;
    ladder_.emplace(std::move(recycle), now);
  }
  poll();
}

void Worker::journal_worker(JournalWorker::Phase phase) {
  JournalWorker record;
  record.worker_id = spec_.id;
  record.phase = phase;
  record.incarnation = incarnation();
  if (process_ && phase == JournalWorker::Phase::running) {
    record.pid = process_->identity().pid;
    record.start_ticks = process_->identity().start_ticks;
  }
  record.boot_id = host_.boot_id();
  record.crashes = lease_.crashes();
  record.hold = hold_;
  record.hold_reason = hold_reason_;
  record.exit = last_exit_;
  host_.journal().put(record);
}

}  // namespace paramedic::agent
