#include "core/verdict/verdict.h"

#include <algorithm>
#include <tuple>

namespace paramedic {

namespace {

constexpr int kReportsNeeded = 2;

bool same_cause(const CauseState& state, std::string_view check, const Cause& cause) {
  return state.check == check && state.cause.reason == cause.reason && state.cause.subject == cause.subject;
}

struct Sample {
  FindingStatus status;  // against the limits
  FindingStatus hold;    // against the clear thresholds; never better than `status`
  SteadyTime evidence_at;
};

void forget_pending(CauseState& state) {
  state.toward = state.cause.status;
  state.seen = 0;
}

void take_status(CauseState& state, FindingStatus status, const Now& now) {
  if (state.cause.status != status) {
    state.cause.status = status;
    state.cause.since = now.wall;
  }
  forget_pending(state);
}

// Where `sample` pulls a cause that is at `from`: up when it is over a worse limit, down when it is below the clear
// threshold of its present status, else nowhere.
FindingStatus pull(FindingStatus from, const Sample& sample) {
  if (badness(sample.status) > badness(from)) return sample.status;
  if (badness(sample.hold) < badness(from)) return sample.hold;
  return from;
}

// Example, limit 90, clear 85, reports: 95 → pending warning (1 of 2); 95 → warning; 87 → stays; 80 → pending healthy;
// 80 → healthy. A report that pulls the other way, or nowhere, forgets the pending one.
void advance(CauseState& state, const Sample& sample, Duration gap, const Now& now) {
  const FindingStatus from = state.cause.status;
  const FindingStatus to = pull(from, sample);
  if (to == from) return forget_pending(state);
  const bool up = badness(to) > badness(from);
  const bool same_way = state.seen > 0 && (badness(state.toward) > badness(from)) == up;
  if (!same_way) {
    state.toward = to;
    state.seen = 1;
    state.counted_at = sample.evidence_at;
    return;
  }
  if (sample.evidence_at - state.counted_at < gap || sample.evidence_at <= state.counted_at) return;
  // Both reports must agree: the milder of the two on the way up, the worse on the way down.
  const bool farther = up ? badness(to) > badness(state.toward) : badness(to) < badness(state.toward);
  const FindingStatus agreed = farther ? state.toward : to;
  state.counted_at = sample.evidence_at;
  take_status(state, agreed, now);
  const FindingStatus next = pull(agreed, sample);
  if (next == agreed) return;
  state.toward = next;  // this report alone already pulls on: it is the first of the next two
  state.seen = 1;
}

bool forgettable(const CauseState& state) { return badness(state.cause.status) == 0 && state.seen == 0; }

class Round {
 public:
  Round(VerdictState& state, Duration gap, const Now& now) : state_(state), gap_(gap), now_(now) {}

  // Raw finding in, effective finding out, in place.
  void apply(Finding& finding, std::vector<Pending>& pending) {
    const bool known = finding.status == FindingStatus::healthy || badness(finding.status) > 0;
    if (!known) return forget(finding);
    const std::size_t before = state_.causes.size();
    for (Cause& cause : finding.causes) apply_cause(finding, cause);
    for (std::size_t i = 0; i < before; ++i) fade_if_absent(state_.causes[i], finding);
    finding.causes.clear();
    for (const CauseState& state : state_.causes) {
      if (state.check != finding.check) continue;
      if (badness(state.cause.status) > 0) finding.causes.push_back(state.cause);
      if (state.seen > 0)
        pending.push_back({state.check, state.cause.reason, state.cause.subject, state.cause.status, state.toward,
                           state.seen, kReportsNeeded});
    }
    std::erase_if(state_.causes, forgettable);
    settle(finding);
  }

 private:
  void forget(Finding& finding) {
    if (finding.note.empty() && !finding.causes.empty()) finding.note = describe(finding.causes.front());
    finding.causes.clear();
    std::erase_if(state_.causes, [&](const CauseState& s) { return s.check == finding.check; });
  }

  void apply_cause(const Finding& finding, Cause& cause) {
    auto found = std::find_if(state_.causes.begin(), state_.causes.end(),
                              [&](const CauseState& s) { return same_cause(s, finding.check, cause); });
    if (found == state_.causes.end()) {
      if (badness(cause.status) == 0) return;  // would only hold something that is not bad
      CauseState fresh;
      fresh.check = finding.check;
      fresh.cause.since = now_.wall;
      state_.causes.push_back(std::move(fresh));
      found = state_.causes.end() - 1;
    }
    const FindingStatus raw = cause.status;
    const FindingStatus hold = badness(cause.hold_status) > badness(raw) ? cause.hold_status : raw;
    const FindingStatus in_force = found->cause.status;
    const WallTime since = found->cause.since;
    found->cause = std::move(cause);  // latest value, limit, remedy
    found->cause.status = in_force;
    found->cause.since = since;
    if (found->cause.evidence == Evidence::timed)
      take_status(*found, raw, now_);
    else
      advance(*found, {raw, hold, finding.evidence_at}, gap_, now_);
    present_.push_back(std::size_t(found - state_.causes.begin()));
  }

  // A remembered cause that the finding does not name any more: below every clear threshold.
  void fade_if_absent(CauseState& state, const Finding& finding) {
    if (state.check != finding.check) return;
    const auto index = std::size_t(&state - state_.causes.data());
    if (std::find(present_.begin(), present_.end(), index) != present_.end()) return;
    if (state.cause.evidence == Evidence::timed)
      take_status(state, FindingStatus::healthy, now_);
    else
      advance(state, {FindingStatus::healthy, FindingStatus::healthy, finding.evidence_at}, gap_, now_);
  }

  static void settle(Finding& finding) {
    std::sort(finding.causes.begin(), finding.causes.end(), [](const Cause& a, const Cause& b) {
      return std::make_tuple(-badness(a.status), a.reason, std::string_view(a.subject)) <
             std::make_tuple(-badness(b.status), b.reason, std::string_view(b.subject));
    });
    finding.status = finding.causes.empty() ? FindingStatus::healthy : finding.causes.front().status;
  }

  VerdictState& state_;
  const Duration gap_;
  const Now& now_;
  std::vector<std::size_t> present_;  // states that the finding at hand named; indices differ between checks
};

}  // namespace

Duration min_report_gap(Duration period) { return std::min<Duration>(5s, period * 4 / 5); }

Judgement judge(VerdictState& state, std::vector<Finding> raw, Duration period, const Now& now,
                const Weights& weights) {
  Judgement out;
  const Duration gap = min_report_gap(period);
  for (Finding& finding : raw) Round(state, gap, now).apply(finding, out.verdict.pending);
  if (state.causes.empty()) state.causes.shrink_to_fit();
  const double score = health_score(raw, weights);
  out.verdict.status = status_of(raw, score);
  if (out.verdict.status != Status::unknown) out.verdict.score = score;
  out.verdict.confidence = confidence(raw, weights);
  out.verdict.findings = std::move(raw);
  out.previous = state.status;
  out.status_changed = !state.judged || out.verdict.status != state.status;
  if (out.status_changed) state.status_since = now.wall;
  state.status = out.verdict.status;
  state.judged = true;
  return out;
}

}  // namespace paramedic
