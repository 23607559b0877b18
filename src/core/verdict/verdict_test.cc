#include "core/verdict/verdict.h"

#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {
namespace {

using FS = FindingStatus;

// RapidCheck reads this at its first use; a seed from outside wins.
[[maybe_unused]] const int kSeeded = setenv("RC_PARAMS", "seed=20261123", 0);

constexpr SteadyTime kZero{std::chrono::hours(24)};
constexpr WallTime kWall{std::chrono::hours(24 * 365 * 50)};
Now at(Duration t) { return {kZero + t, kWall + t}; }

Finding finding(std::string_view check, FS status) {
  Finding f;
  f.check = check;
  f.status = status;
  return f;
}

Cause sampled(FS status, FS hold, Reason reason = Reason::cpu_high, std::string subject = {}) {
  Cause c;
  c.reason = reason;
  c.status = status;
  c.hold_status = hold;
  c.evidence = Evidence::sampled;
  c.subject = std::move(subject);
  return c;
}

Finding with_cause(Cause cause, Duration evidence, std::string_view check = "resources") {
  Finding f = finding(check, cause.status);
  f.evidence_at = kZero + evidence;
  f.causes.push_back(std::move(cause));
  return f;
}

// A worker with one check; each report says how the value stands against its limits.
struct Script {
  VerdictState state;
  Duration period = 5s;
  Duration now{};
  Judgement last;

  FS report(FS status, FS hold, Duration after = 5s) {
    now += after;
    last = judge(state, {with_cause(sampled(status, hold), now)}, period, at(now));
    return last.verdict.findings[0].status;
  }
  FS good(Duration after = 5s) {
    now += after;
    Finding f = finding("resources", FS::healthy);
    f.evidence_at = kZero + now;
    last = judge(state, {f}, period, at(now));
    return last.verdict.findings[0].status;
  }
  FS says(FS status, Duration after = 5s) {
    now += after;
    last = judge(state, {finding("resources", status)}, period, at(now));
    return last.verdict.findings[0].status;
  }
};

TEST(Score, follows_the_formula) {
  const Weights w;
  const auto score = [&](std::vector<Finding> f) { return health_score(f, w); };
  EXPECT_EQ(score({}), 1.0);
  EXPECT_EQ(score({finding("heartbeat", FS::healthy)}), 1.0);
  EXPECT_EQ(score({finding("heartbeat", FS::warning)}), 0.75);
  EXPECT_EQ(score({finding("heartbeat", FS::critical)}), 0.0);
  EXPECT_EQ(score({finding("resources", FS::warning)}), 0.875);
  EXPECT_EQ(score({finding("resources", FS::critical)}), 0.5);
  EXPECT_EQ(score({finding("task_performance", FS::warning)}), 0.825);
  EXPECT_EQ(score({finding("queue_connection", FS::critical)}), 0.2);
  EXPECT_EQ(
      score({finding("heartbeat", FS::warning), finding("resources", FS::warning), finding("disk_space", FS::warning)}),
      0.7);
  EXPECT_EQ(score({finding("resources", FS::warning), finding("disk_space", FS::critical)}), 0.4375);
  EXPECT_EQ(score({finding("heartbeat", FS::unknown), finding("resources", FS::error)}), 1.0);
}

TEST(Confidence, is_the_weight_of_the_known_checks) {
  const Weights w;
  EXPECT_EQ(confidence({}, w), std::nullopt);
  const std::vector<Finding> none{finding("heartbeat", FS::not_applicable)};
  EXPECT_EQ(confidence(none, w), std::nullopt);
  const std::vector<Finding> half{finding("heartbeat", FS::critical), finding("resources", FS::unknown),
                                  finding("disk_space", FS::error), finding("model_loading", FS::not_applicable)};
  EXPECT_EQ(confidence(half, w), 0.5);
}

TEST(Status, first_match) {
  const auto status = [](std::vector<Finding> f) { return status_of(f, health_score(f, {})); };
  EXPECT_EQ(status({finding("heartbeat", FS::unknown), finding("resources", FS::not_applicable)}), Status::unknown);
  EXPECT_EQ(status({finding("heartbeat", FS::error)}), Status::unknown);
  EXPECT_EQ(status({finding("heartbeat", FS::healthy), finding("resources", FS::error)}), Status::warning);
  EXPECT_EQ(status({finding("heartbeat", FS::warning)}), Status::warning);
  EXPECT_EQ(status({finding("resources", FS::critical), finding("heartbeat", FS::warning)}), Status::critical);
  EXPECT_EQ(status({finding("heartbeat", FS::healthy), finding("resources", FS::unknown)}), Status::healthy);
}

TEST(Weights, outside_their_range_are_refused) {
  for (const auto& [text, good] :
       {std::pair{"0.31", true}, {"1", true}, {"0.3", false}, {"1.01", false}, {"-1", false}}) {
    Params p = Params::map();
    p.set("disk_space", Params::of(text));
    Problems problems;
    ParamsReader reader(&p, "weights", problems);
    const Weights w = Weights::parse(reader);
    EXPECT_EQ(problems.empty(), good) << text;
    EXPECT_EQ(w.disk_space, good ? std::stod(text) : 0.5);
  }
  Params p = Params::map();
  p.set("hartbeat", Params::of("1"));
  Problems problems;
  ParamsReader reader(&p, "weights", problems);
  Weights::parse(reader);
  EXPECT_EQ(problems.size(), 1u);
  EXPECT_EQ(Weights{}.of("no_such_check"), 0.5);
}

TEST(Hysteresis, two_distinct_reports_turn_it_bad) {
  Script s;
  EXPECT_EQ(s.report(FS::critical, FS::critical), FS::healthy);
  ASSERT_EQ(s.last.verdict.pending.size(), 1u);
  EXPECT_EQ(s.last.verdict.pending[0].from, FS::healthy);
  EXPECT_EQ(s.last.verdict.pending[0].to, FS::critical);
  EXPECT_EQ(s.last.verdict.pending[0].seen, 1);
  EXPECT_EQ(s.report(FS::critical, FS::critical), FS::critical);
  EXPECT_TRUE(s.last.verdict.pending.empty());
  EXPECT_EQ(s.last.verdict.status, Status::critical);
  EXPECT_EQ(s.last.verdict.findings[0].causes[0].since, kWall + s.now);
}

TEST(Hysteresis, reports_too_close_together_are_one_piece_of_evidence) {
  EXPECT_EQ(min_report_gap(1s), Duration{800ms});
  EXPECT_EQ(min_report_gap(30s), Duration{5s});
  Script s;
  s.report(FS::critical, FS::critical);
  EXPECT_EQ(s.report(FS::critical, FS::critical, 0s), FS::healthy);  // the same report judged again
  EXPECT_EQ(s.report(FS::critical, FS::critical, 3900ms), FS::healthy);
  EXPECT_EQ(s.report(FS::critical, FS::critical, 100ms), FS::critical);  // 4 s = 0.8 periods after the first
}

TEST(Hysteresis, the_milder_of_two_reports_counts_on_the_way_up) {
  Script s;
  s.report(FS::critical, FS::critical);
  EXPECT_EQ(s.report(FS::warning, FS::critical), FS::warning);
  EXPECT_EQ(s.report(FS::critical, FS::critical), FS::warning);
  EXPECT_EQ(s.report(FS::critical, FS::critical), FS::critical);
  Script t;
  t.report(FS::warning, FS::warning);
  EXPECT_EQ(t.report(FS::critical, FS::critical), FS::warning);
  EXPECT_EQ(t.report(FS::critical, FS::critical), FS::critical);
}

TEST(Hysteresis, between_clear_threshold_and_limit_it_keeps_its_status) {
  Script s;
  s.report(FS::warning, FS::warning);
  s.report(FS::warning, FS::warning);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(s.report(FS::healthy, FS::warning), FS::warning);
  EXPECT_EQ(s.good(), FS::warning);
  EXPECT_EQ(s.report(FS::healthy, FS::warning), FS::warning);  // forgets the one below
  EXPECT_EQ(s.good(), FS::warning);
  EXPECT_EQ(s.good(), FS::healthy);
  EXPECT_TRUE(s.state.causes.empty());
}

TEST(Hysteresis, a_cause_that_only_holds_makes_no_status) {
  Script s;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(s.report(FS::healthy, FS::warning), FS::healthy);
  EXPECT_TRUE(s.state.causes.empty());
}

TEST(Hysteresis, unknown_enters_at_once_and_forgets) {
  Script s;
  s.report(FS::critical, FS::critical);
  EXPECT_EQ(s.says(FS::unknown), FS::unknown);
  EXPECT_EQ(s.report(FS::critical, FS::critical), FS::healthy);
  EXPECT_EQ(s.report(FS::critical, FS::critical), FS::critical);
  EXPECT_EQ(s.says(FS::unknown), FS::unknown);
  EXPECT_EQ(s.last.verdict.status, Status::unknown);
  EXPECT_EQ(s.last.verdict.score, std::nullopt);
  EXPECT_EQ(s.report(FS::critical, FS::critical), FS::healthy);
}

TEST(Hysteresis, timed_causes_count_at_once_both_ways) {
  VerdictState state;
  Cause silent;
  silent.reason = Reason::silent;
  silent.status = FS::critical;
  auto j = judge(state, {with_cause(silent, 0s, "heartbeat")}, 5s, at(0s));
  EXPECT_EQ(j.verdict.status, Status::critical);
  EXPECT_TRUE(j.status_changed);
  j = judge(state, {finding("heartbeat", FS::healthy)}, 5s, at(1s));
  EXPECT_EQ(j.verdict.status, Status::healthy);
  EXPECT_EQ(j.previous, Status::critical);
  EXPECT_TRUE(j.status_changed);
  EXPECT_EQ(state.status_since, kWall + 1s);
  j = judge(state, {finding("heartbeat", FS::healthy)}, 5s, at(2s));
  EXPECT_FALSE(j.status_changed);
  EXPECT_EQ(state.status_since, kWall + 1s);
}

TEST(Hysteresis, keys_are_check_reason_and_subject) {
  VerdictState state;
  const auto report = [&](Duration t, std::string mount) {
    return judge(state,
                 {with_cause(sampled(FS::critical, FS::critical, Reason::disk_usage_high, std::move(mount)), t,
                             "disk_space")},
                 5s, at(t))
        .verdict.findings[0]
        .status;
  };
  EXPECT_EQ(report(0s, "/a"), FS::healthy);
  EXPECT_EQ(report(5s, "/b"), FS::healthy);
  EXPECT_EQ(report(10s, "/b"), FS::critical);
}

TEST(Hysteresis, effective_causes_are_worst_first_and_keep_the_latest_value) {
  VerdictState state;
  const auto report = [&](Duration t, double value) {
    Finding f = finding("resources", FS::critical);
    f.evidence_at = kZero + t;
    f.causes = {sampled(FS::warning, FS::warning), sampled(FS::critical, FS::critical, Reason::memory_high)};
    f.causes[1].value = value;
    return judge(state, {f}, 5s, at(t)).verdict.findings[0];
  };
  report(0s, 96);
  const Finding f = report(5s, 97);
  ASSERT_EQ(f.causes.size(), 2u);
  EXPECT_EQ(f.causes[0].reason, Reason::memory_high);
  EXPECT_EQ(f.causes[0].value, 97);
  EXPECT_EQ(f.causes[1].reason, Reason::cpu_high);
}

TEST(Hysteresis, the_note_of_an_unknown_finding_survives) {
  VerdictState state;
  Finding f = finding("heartbeat", FS::unknown);
  f.note = "not heard yet";
  EXPECT_EQ(judge(state, {f}, 5s, at(0s)).verdict.findings[0].message(), "not heard yet");
}

// ---- properties ---------------------------------------------------------------------------------------------------

FS any_level() { return *rc::gen::element(FS::healthy, FS::warning, FS::critical); }
FS at_least(FS low) {
  const FS other = any_level();
  return badness(other) > badness(low) ? other : low;
}

RC_GTEST_PROP(HysteresisProperty, never_turns_worse_than_its_last_two_reports_agree_on, ()) {
  Script s;
  FS before = FS::healthy, last_raw = FS::healthy;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const FS raw = any_level(), hold = at_least(raw);
    const FS now = s.report(raw, hold);
    if (badness(now) > badness(before)) {
      RC_ASSERT(badness(now) <= badness(raw));
      RC_ASSERT(badness(now) <= badness(last_raw));
    }
    before = now;
    last_raw = raw;
  }
}

RC_GTEST_PROP(HysteresisProperty, never_turns_better_than_its_last_two_reports_agree_on, ()) {
  Script s;
  FS before = FS::healthy, last_hold = FS::critical;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const FS raw = any_level(), hold = at_least(raw);
    const FS now = s.report(raw, hold);
    if (badness(now) < badness(before)) {
      RC_ASSERT(badness(now) >= badness(hold));
      RC_ASSERT(badness(now) >= badness(last_hold));
    }
    before = now;
    last_hold = hold;
  }
}

RC_GTEST_PROP(HysteresisProperty, three_equal_reports_always_arrive, ()) {
  Script s;
  const int steps = *rc::gen::inRange(0, 20);
  for (int i = 0; i < steps; ++i) {
    const FS raw = any_level();
    s.report(raw, at_least(raw));
  }
  const FS level = any_level();
  s.report(level, level);
  s.report(level, level);
  RC_ASSERT(s.report(level, level) == level);
}

RC_GTEST_PROP(HysteresisProperty, worse_evidence_never_gives_a_better_status, ()) {
  Script mild, harsh;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const FS low = any_level();
    const FS high = at_least(low);
    const FS a = mild.report(low, low), b = harsh.report(high, high);
    RC_ASSERT(badness(b) >= badness(a));
  }
}

RC_GTEST_PROP(HysteresisProperty, unknown_forgets_everything, ()) {
  Script s;
  const int steps = *rc::gen::inRange(0, 20);
  for (int i = 0; i < steps; ++i) {
    const FS raw = any_level();
    s.report(raw, at_least(raw));
  }
  RC_ASSERT(s.says(FS::unknown) == FS::unknown);
  RC_ASSERT(s.state.causes.empty());
  RC_ASSERT(s.report(FS::critical, FS::critical) == FS::healthy);
}

std::vector<Finding> any_findings() {
  std::vector<Finding> out;
  for (const auto check :
       {"heartbeat", "resources", "task_performance", "queue_connection", "model_loading", "disk_space"})
    out.push_back(finding(check, static_cast<FS>(*rc::gen::inRange(0, int(kEnumCount<FS>)))));
  return out;
}
Weights any_weights() {
  const auto one = [] { return double(*rc::gen::inRange(31, 101)) / 100; };
  return {one(), one(), one(), one(), one(), one()};
}

RC_GTEST_PROP(ScoreProperty, one_critical_is_below_and_warnings_alone_are_not, ()) {
  const auto f = any_findings();
  const Weights w = any_weights();
  const bool critical = std::any_of(f.begin(), f.end(), [](const Finding& x) { return x.status == FS::critical; });
  const double score = health_score(f, w);
  RC_ASSERT(score >= 0 && score <= 1);
  RC_ASSERT((score < kUnhealthyBelow) == critical);
}

RC_GTEST_PROP(ScoreProperty, does_not_depend_on_the_order, ()) {
  auto f = any_findings();
  const Weights w = any_weights();
  const double score = health_score(f, w);
  for (std::size_t i = f.size(); i > 1; --i) std::swap(f[i - 1], f[std::size_t(*rc::gen::inRange(0, int(i)))]);
  RC_ASSERT(health_score(f, w) == score);
}

RC_GTEST_PROP(ScoreProperty, a_worse_finding_never_raises_it, ()) {
  auto f = any_findings();
  const Weights w = any_weights();
  const double score = health_score(f, w);
  auto& one = f[std::size_t(*rc::gen::inRange(0, 6))];
  one.status = one.status == FS::warning || one.status == FS::critical ? FS::critical : FS::warning;
  RC_ASSERT(health_score(f, w) <= score);
}

}  // namespace
}  // namespace paramedic
