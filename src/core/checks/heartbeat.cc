// heartbeat: is the worker alive, by its own voice where it has one, and by what was seen of its process.
#include <algorithm>

#include <fmt/format.h>

#include "core/checks/check.h"
#include "core/checks/checks.h"

namespace paramedic {

HeartbeatConfig HeartbeatConfig::parse(ParamsReader& reader) {
  HeartbeatConfig c;
  reader.read("warning_after", c.warning_after, Duration{100ms}, Duration{24h});
  reader.read("critical_after", c.critical_after, Duration{100ms}, Duration{24h});
  reader.read("start_grace", c.start_grace, 1s, 24h);
  reader.read("start_grace_model", c.start_grace_model, 1s, 24h);
  reader.read("stopped_after", c.stopped_after, 1s, 24h);
  reader.read("starved_cores", c.starved_cores, 0.01, 1024);
  reader.read("starved_deadlines", c.starved_deadlines, 1, 100);
  if (c.warning_after && c.critical_after && *c.warning_after >= *c.critical_after)
    reader.problem("warning_after", "must be shorter than critical_after");
  return c;
}

namespace {

struct Limits {
  Duration warning, critical, starved;
};

Limits limits(const Snapshot& s, const HeartbeatConfig& c) {
  const Duration period = s.worker.voice.period, expiry = s.pool.source.expiry;
  const Duration fallback = expiry > Duration{} ? expiry : std::max<Duration>(60s, 3 * period);
  const Duration critical = c.critical_after.value_or(fallback);
  const Duration warning = c.warning_after.value_or(std::max<Duration>(30s, period * 3 / 2));
  return {warning, critical, c.starved_deadlines * critical};
}

// Heard by no report since the monitor started: its silence counts from the later of that start and its source's
// coming.
bool restored_unheard(const Snapshot& s) { return !s.worker.last_report; }
SteadyTime restored_since(const Snapshot& s) { return std::max(s.worker.first_heard, s.pool.source.since); }

Duration grace(const Snapshot& s, const HeartbeatConfig& c) {
  return s.worker.capabilities.models || !s.worker.models.empty() ? c.start_grace_model : c.start_grace;
}

std::string exit_words(const ExitInfo& exit) {
  if (exit.oom) return "out of memory";
  if (exit.signal) return fmt::format("signal {}", *exit.signal);
  if (exit.code) return fmt::format("exit code {}", *exit.code);
  return "exit cause unknown";
}

Finding& say(Finding& f, Reason reason, FindingStatus status, RemedyKind remedy, Duration value = {},
             Duration limit = {}) {
  Cause cause;
  cause.reason = reason;
  cause.status = cause.hold_status = status;
  cause.value = to_seconds(value);
  cause.limit = to_seconds(limit);
  cause.unit = "s";
  cause.remedy = remedy;
  f.causes.push_back(std::move(cause));
  f.status = status;
  return f;
}

bool halted(char state) { return state == 'T' || state == 't' || state == 'D'; }

// Death and standstill as observed from outside. False when the process gives no reason to complain.
bool judge_process(Finding& f, const Snapshot& s, const HeartbeatConfig& c) {
  const ProcessFacts& p = s.worker.process;
  if (p.exit) {
    say(f, Reason::exited, FindingStatus::critical, RemedyKind::start).causes.back().subject = exit_words(*p.exit);
    return true;
  }
  if (!s.known(p.stamp)) return false;
  if (p.state == 'Z' || p.state == 'X' || p.state == 'x') {
    const Reason reason = p.state == 'Z' ? Reason::zombie : Reason::exited;
    say(f, reason, FindingStatus::critical, RemedyKind::start);
    return true;
  }
  const Duration age = s.since(p.state_since);
  if (!halted(p.state) || age <= c.stopped_after) return false;
  const Reason reason = p.state == 'D' ? Reason::blocked : Reason::stopped;
  say(f, reason, FindingStatus::critical, RemedyKind::restart, age, c.stopped_after);
  return true;
}

Finding& judge_never_heard(Finding& f, const Snapshot& s, const HeartbeatConfig& c) {
  if (restored_unheard(s)) {
    const Duration age = s.since(restored_since(s)), limit = limits(s, c).critical;
    if (age <= limit) return set_unknown(f, "known from before the monitor's start, not heard since");
    return say(f, Reason::silent, FindingStatus::critical, RemedyKind::none, age, limit);
  }
  const Duration age = s.since(s.worker.first_heard), limit = grace(s, c);
  if (age <= limit) return set_unknown(f, "not heard yet");
  return say(f, Reason::never_heard, FindingStatus::critical, RemedyKind::restart, age, limit);
}

Finding& judge_silence(Finding& f, const Snapshot& s, const HeartbeatConfig& c) {
  const VoiceFacts& voice = s.worker.voice;
  const Duration age = s.since(*voice.heard);
  const Limits l = limits(s, c);
  f.metrics.emplace_back("last_heartbeat_seconds", to_seconds(age));
  if (s.worker.stop && age > std::min(l.warning, l.critical))
    return set_not_applicable(f, "silent after its announced stop");
  if (age > l.critical) {
    const auto cores = s.known(s.worker.resources.stamp) ? voice.cores_while_silent() : std::nullopt;
    if (cores.value_or(0) > c.starved_cores && age <= l.starved)
      return say(f, Reason::starved, FindingStatus::warning, RemedyKind::none, age, l.starved);
    return say(f, Reason::silent, FindingStatus::critical, RemedyKind::restart, age, l.critical);
  }
  if (age > l.warning) return say(f, Reason::late, FindingStatus::warning, RemedyKind::none, age, l.warning);
  return f;
}

}  // namespace

// Judges the age of the worker's own last sign of life, after what was observed of its process.
// not_applicable where it has no voice; unknown before the first sign within the start grace.
Finding check_heartbeat(const Snapshot& s, const HeartbeatConfig& c) {
  Finding f = make_finding("heartbeat", s);
  if (judge_process(f, s, c)) return f;
  const VoiceFacts& voice = s.worker.voice;
  if (voice.heard) return std::move(judge_silence(f, s, c));
  if (!voice.expected && !restored_unheard(s))
    return std::move(set_not_applicable(f, "the worker has no voice of its own"));
  return std::move(judge_never_heard(f, s, c));
}

std::optional<SteadyTime> deadline_heartbeat(const Snapshot& s, const HeartbeatConfig& c) {
  NextDeadline next(s.taken_at);
  const WorkerFacts& w = s.worker;
  if (w.dead()) return std::nullopt;
  const Limits l = limits(s, c);
  if (halted(w.process.state)) next.add(w.process.state_since + c.stopped_after);
  if (w.voice.heard) {
    next.add(*w.voice.heard + l.warning);
    next.add(*w.voice.heard + l.critical);
    if (w.voice.silent_cores_count > 0) next.add(*w.voice.heard + l.starved);
  } else if (restored_unheard(s)) {
    next.add(restored_since(s) + l.critical);
  } else if (w.voice.expected) {
    next.add(w.first_heard + grace(s, c));
  }
  return next.next();
}

}  // namespace paramedic
