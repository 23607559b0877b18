#include "core/recovery/lease.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {
namespace {

using Kind = StartDecision::Kind;
const SteadyTime kT0{10h};
const ExitInfo kKilled{.signal = 9};

Lease lease(std::string incarnation, int crashes = 0) {
  Lease l;
  l.worker_id = "w";
  l.incarnation = std::move(incarnation);
  l.crashes = crashes;
  return l;
}

TEST(Lease, the_first_start_and_the_first_crash_need_no_lease) {
  LeaseHolder h("w");
  EXPECT_EQ(h.decide(kT0).kind, Kind::start);
  h.on_start("i1", kT0);
  EXPECT_EQ(h.decide(kT0).kind, Kind::alive);
  h.on_death(kKilled, false, kT0 + 1s);
  EXPECT_EQ(h.decide(kT0 + 1s).kind, Kind::start);
  EXPECT_EQ(h.next_action_id(), make_action_id("w", "i1", 1));
}

TEST(Lease, the_second_crash_waits_ten_seconds) {
  LeaseHolder h("w");
  h.on_start("i1", kT0);
  h.on_death(kKilled, false, kT0);
  h.on_start("i2", kT0);
  h.on_death(kKilled, false, kT0 + 1s);
  const auto d = h.decide(kT0 + 1s);
  EXPECT_EQ(d.kind, Kind::wait);
  EXPECT_GE(d.at, kT0 + 11s);
  EXPECT_LE(d.at, kT0 + 13500ms);
  EXPECT_EQ(h.decide(d.at).kind, Kind::start);
}

TEST(Lease, a_hold_outlives_the_lease) {
  LeaseHolder h("w");
  h.on_start("i1", kT0);
  auto l = lease("i1");
  l.hold = true;
  l.hold_reason = "maintenance of fleet";
  h.on_lease(l, kT0);
  h.on_death(kKilled, false, kT0 + 1s);
  EXPECT_EQ(h.decide(kT0 + 1s).text, "maintenance of fleet");
  EXPECT_FALSE(h.lease_valid(kT0 + 61s));
  EXPECT_EQ(h.decide(kT0 + 24h).kind, Kind::hold);
  h.on_lease(lease("i1"), kT0 + 25h);
  EXPECT_EQ(h.decide(kT0 + 25h).kind, Kind::start);
}

TEST(Lease, goes_on_by_the_same_backoff_after_expiry) {
  LeaseHolder h("w");
  h.on_start("i1", kT0);
  h.on_lease(lease("i1", 2), kT0);
  h.on_death(kKilled, false, kT0 + 5min);
  EXPECT_FALSE(h.lease_valid(kT0 + 5min));
  EXPECT_EQ(h.crashes(), 3);
  EXPECT_EQ(h.decide(kT0 + 5min).kind, Kind::wait);
  EXPECT_EQ(h.decide(kT0 + 5min + 25s).kind, Kind::start);
}

TEST(Lease, exit_code_zero_and_an_announced_end_mean_stopped) {
  LeaseHolder h("w");
  h.on_start("i1", kT0);
  h.on_death(ExitInfo{.code = 0}, false, kT0);
  EXPECT_EQ(h.decide(kT0 + 1h).kind, Kind::stopped);
  h.on_start("i2", kT0 + 1h);
  h.on_death(ExitInfo{.code = 3}, true, kT0 + 1h);
  EXPECT_EQ(h.decide(kT0 + 2h).kind, Kind::stopped);
  EXPECT_EQ(h.crashes(), 0);
  EXPECT_FALSE(exit_means_stopped(ExitInfo{.code = 0, .signal = 15}, {0}));
  EXPECT_FALSE(exit_means_stopped(ExitInfo{.unknown_cause = true}, {0}));
  EXPECT_FALSE(exit_means_stopped(ExitInfo{.code = 1}, {0}));
}

TEST(Lease, counts_of_an_older_incarnation_are_ignored_but_its_hold_is_not) {
  LeaseHolder h("w");
  h.on_start("i1", kT0);
  h.on_death(kKilled, false, kT0);
  h.on_start("i2", kT0);
  auto late = lease("i1", 0);
  late.next_start_in = 1h;
  h.on_lease(late, kT0);
  h.on_death(kKilled, false, kT0 + 1s);
  EXPECT_EQ(h.crashes(), 2);
  EXPECT_EQ(h.decide(kT0 + 20s).kind, Kind::start);
}

TEST(Lease, a_release_by_the_monitor_starts_a_waiting_worker_at_once) {
  LeaseHolder h("w");
  for (int i = 0; i < 6; ++i) {
    h.on_start("i" + std::to_string(i), kT0);
    h.on_death(kKilled, false, kT0);
  }
  EXPECT_EQ(h.decide(kT0 + 10s).kind, Kind::wait);
  h.on_lease(lease("i5", 0), kT0 + 10s);
  EXPECT_EQ(h.decide(kT0 + 10s).kind, Kind::start);
}

TEST(Lease, the_monitor_can_delay_a_start_and_add_jitter) {
  LeaseHolder h("w");
  h.on_start("i1", kT0);
  h.on_death(kKilled, false, kT0);
  auto l = lease("i1");
  l.next_start_in = 300s;
  h.on_lease(l, kT0 + 1s);
  EXPECT_EQ(h.decide(kT0 + 300s).kind, Kind::wait);
  EXPECT_EQ(h.decide(kT0 + 301s).kind, Kind::start);
  l.next_start_in = 0s;
  l.adds_jitter = true;
  h.on_lease(l, kT0 + 2s);
  EXPECT_EQ(h.decide(kT0 + 10s).kind, Kind::start);
  LeaseHolder other("w");
  other.on_start("i1", kT0);
  other.add_mass_death_jitter();
  other.on_death(kKilled, false, kT0);
  EXPECT_LE(other.decide(kT0).at, kT0 + 10s);
  EXPECT_GT(other.decide(kT0).at, kT0);
}

TEST(Lease, the_pools_shorter_backoff_counts_once_the_monitor_has_heard_of_the_death) {
  LeaseHolder h("w");
  for (int i = 0; i < 4; ++i) {
    h.on_start("i" + std::to_string(i), kT0);
    h.on_death(kKilled, false, kT0);
  }
  EXPECT_EQ(h.decide(kT0 + 30s).kind, Kind::wait);  // by itself: 40 s and more
  auto l = lease("i3", 3);
  l.next_start_in = 3s;
  h.on_lease(l, kT0 + 1s);
  EXPECT_EQ(h.decide(kT0 + 3s).kind, Kind::wait);
  EXPECT_EQ(h.decide(kT0 + 4s).kind, Kind::start);
  h.on_start("i4", kT0 + 4s);
  h.on_death(kKilled, false, kT0 + 5s);  // that lease spoke of another death
  EXPECT_EQ(h.crashes(), 5);
  EXPECT_EQ(h.decide(kT0 + 60s).kind, Kind::wait);
}

TEST(Lease, nothing_is_started_beside_a_ladder_until_it_has_failed) {
  LeaseHolder h("w");
  h.on_start("i1", kT0);
  h.on_ended_by_ladder(kT0);
  EXPECT_EQ(h.decide(kT0 + 1h).kind, Kind::stopped);
  h.on_ladder_failed(kT0 + 1h);
  EXPECT_EQ(h.decide(kT0 + 1h).kind, Kind::start);
  h.on_start("i2", kT0 + 1h);
  h.on_ladder_failed(kT0 + 1h);  // it lives: nothing changes
  EXPECT_EQ(h.decide(kT0 + 1h).kind, Kind::alive);
  EXPECT_EQ(h.incarnation(), "i2");
}

TEST(Lease, make_lease_carries_what_is_in_force) {
  LeaseState s;
  s.incarnation = "i9";
  s.crashes_before = 2;
  s.next_start_at = kT0 + 40s;
  Lease l = make_lease("w", s, kT0);
  EXPECT_EQ(l.next_start_in, 40s);
  EXPECT_EQ(l.valid_for, 60s);
  EXPECT_FALSE(l.hold);
  s.hold = HoldBack{RemedyKind::start, HoldCode::big_switch, "frozen by ann", std::nullopt};
  s.next_start_at = kT0 - 5s;
  l = make_lease("w", s, kT0);
  EXPECT_TRUE(l.hold);
  EXPECT_EQ(l.hold_reason, "frozen by ann");
  EXPECT_EQ(l.next_start_in, 0s);
}

// Whatever leases, deaths and times come: no start while held or stopped or alive, and else a start within 7 min of the
// death (plus what the monitor asked for, at most its own backoff).
RC_GTEST_PROP(LeaseProperty, safe_and_live_under_any_sequence, ()) {
  LeaseHolder h("w");
  SteadyTime now = kT0;
  bool alive = false, stopped = false, held = false;
  std::string incarnation;
  SteadyTime died = now, lease_at = now;
  int n = 0;
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 7), rc::gen::inRange(0, 90)));
  for (const auto& [what, seconds] : steps) {
    now += std::chrono::seconds(seconds);
    if (what <= 1 && alive) {
      const bool announced = seconds % 17 == 0;
      const ExitInfo exit = seconds % 11 == 0 ? ExitInfo{.code = 0} : ExitInfo{.signal = 9};
      h.on_death(exit, announced, now);
      alive = false;
      stopped = announced || exit.code == 0;
      died = now;
    } else if (what <= 4) {
      Lease l = lease(what == 2 ? incarnation : "other", seconds % 8);
      l.hold = seconds % 5 == 0;
      l.next_start_in = std::chrono::seconds(seconds * 4);
      h.on_lease(l, now);
      held = l.hold;
      lease_at = now;
    }
    const auto d = h.decide(now);
    if (alive)
      RC_ASSERT(d.kind == Kind::alive);
    else if (stopped)
      RC_ASSERT(d.kind == Kind::stopped);
    else if (held)
      RC_ASSERT(d.kind == Kind::hold);
    else {
      RC_ASSERT(d.kind == Kind::start || d.kind == Kind::wait);
      if (!incarnation.empty()) RC_ASSERT(d.at <= std::max(died + 385s, lease_at + 360s + 10s));
      if (d.kind == Kind::start) {
        incarnation = "i" + std::to_string(++n);
        h.on_start(incarnation, now);
        alive = true;
      }
    }
  }
}

}  // namespace
}  // namespace paramedic
