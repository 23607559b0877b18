// model_loading: are the worker's models ready, and do they work. Every critical cause means that the model does not
// serve.
#include <algorithm>

#include "core/checks/check.h"
#include "core/checks/checks.h"

namespace paramedic {

ModelLoadingConfig ModelLoadingConfig::parse(ParamsReader& reader) {
  ModelLoadingConfig c;
  reader.read("expected", c.expected, Duration{1s}, Duration{24h});
  reader.read("deadline", c.deadline, 1s, 24h);
  reader.read("max_deadline", c.max_deadline, 1s, 24h);
  if (c.max_deadline < c.deadline) reader.problem("max_deadline", "must not be shorter than deadline");
  return c;
}

namespace {

Duration expected(const Snapshot& s, const ModelFacts& m, const ModelLoadingConfig& c) {
  if (c.expected) return *c.expected;
  const LearnedLoad* past = s.pool.find_load(m.name);
  if (past && past->count > 0) return from_seconds(std::min(2 * past->median_seconds, 1e6));
  return 120s;
}

// Progress moves the deadline: `deadline` after the last progress, at most max_deadline after the begin.
Duration deadline(const ModelFacts& m, const ModelLoadingConfig& c) {
  const Duration moved = std::max<Duration>(m.progress_at - m.state_since, Duration{});
  return std::min(moved + c.deadline, c.max_deadline);
}

Cause& say(Finding& f, const ModelFacts& m, Reason reason, FindingStatus status) {
  Cause cause;
  cause.reason = reason;
  cause.status = cause.hold_status = status;
  cause.subject = m.name;
  cause.remedy = status == FindingStatus::critical ? RemedyKind::restart : RemedyKind::none;
  f.causes.push_back(std::move(cause));
  return f.causes.back();
}

void say_late(Finding& f, const ModelFacts& m, Reason reason, FindingStatus status, Duration age, Duration limit) {
  Cause& cause = say(f, m, reason, status);
  cause.value = to_seconds(age);
  cause.limit = to_seconds(limit);
  cause.unit = "s";
}

void judge(Finding& f, const Snapshot& s, const ModelFacts& m, const ModelLoadingConfig& c) {
  if (m.state == ModelState::failed) say(f, m, Reason::model_failed, FindingStatus::critical);
  if (m.state == ModelState::ready && m.smoke_ok == false) say(f, m, Reason::smoke_failed, FindingStatus::critical);
  if (m.state != ModelState::loading) return;
  const Duration age = s.since(m.state_since);
  if (age > deadline(m, c))
    say_late(f, m, Reason::model_deadline, FindingStatus::critical, age, deadline(m, c));
  else if (age > expected(s, m, c))
    say_late(f, m, Reason::model_slow, FindingStatus::warning, age, expected(s, m, c));
}

}  // namespace

Finding check_model_loading(const Snapshot& s, const ModelLoadingConfig& c) {
  Finding f = make_finding("model_loading", s);
  const WorkerFacts& w = s.worker;
  if (!w.capabilities.models && w.models.empty())
    return std::move(set_not_applicable(f, "the worker reports no models"));
  if (w.dead()) return std::move(set_unknown(f, "the process has ended"));
  if (!s.known(w.model_stamp)) return std::move(set_unknown(f, stale_note("model", w.model_stamp, s)));
  f.evidence_at = *w.model_stamp.at;
  int ready = 0;
  for (const ModelFacts& m : w.models) {
    judge(f, s, m, c);
    ready += m.state == ModelState::ready ? 1 : 0;
  }
  f.metrics.emplace_back("models_ready", ready);
  f.metrics.emplace_back("models_total", double(w.models.size()));
  settle(f);
  return f;
}

std::optional<SteadyTime> deadline_model_loading(const Snapshot& s, const ModelLoadingConfig& c) {
  NextDeadline next(s.taken_at);
  if (s.worker.dead() || !s.known(s.worker.model_stamp)) return std::nullopt;
  for (const ModelFacts& m : s.worker.models) {
    if (m.state != ModelState::loading) continue;
    next.add(m.state_since + expected(s, m, c));
    next.add(m.state_since + deadline(m, c));
  }
  return next.next();
}

}  // namespace paramedic
