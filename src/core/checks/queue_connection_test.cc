#include <gtest/gtest.h>

#include "core/checks/checks.h"
#include "model/snapshot_builder.h"

namespace paramedic {
namespace {

using FS = FindingStatus;

Finding run(SnapshotBuilder b, const QueueConnectionConfig& c = {}) { return check_queue_connection(b.build(), c); }
Reason reason(const Finding& f) { return f.causes.empty() ? Reason::none : f.causes.front().reason; }

TEST(QueueConnectionCheck, disconnected_while_siblings_are_connected) {
  struct Row {
    Duration age;
    FS status;
    Reason reason;
    RemedyKind remedy;
  };
  const Row rows[] = {{1s, FS::warning, Reason::reconnecting, RemedyKind::none},
                      {30s, FS::warning, Reason::reconnecting, RemedyKind::none},
                      {30s + 1ms, FS::critical, Reason::disconnected, RemedyKind::none},
                      {120s, FS::critical, Reason::disconnected, RemedyKind::none},
                      {120s + 1ms, FS::critical, Reason::disconnected, RemedyKind::restart}};
  for (const Row& row : rows) {
    const Finding f = run(snapshot().queue(row.age, "q", false, 0s).siblings_connected(1, 0s).taken(row.age));
    EXPECT_EQ(f.status, row.status) << to_seconds(row.age);
    EXPECT_EQ(reason(f), row.reason) << to_seconds(row.age);
    EXPECT_EQ(f.causes[0].remedy, row.remedy) << to_seconds(row.age);
    EXPECT_EQ(f.causes[0].subject, "b/q");
    EXPECT_EQ(f.causes[0].evidence, row.reason == Reason::reconnecting ? Evidence::sampled : Evidence::timed);
  }
}

TEST(QueueConnectionCheck, without_a_connected_sibling_it_is_only_a_warning) {
  const Finding f = run(snapshot().queue(300s, "q", false, 0s).taken(300s));
  EXPECT_EQ(f.status, FS::warning);
  EXPECT_EQ(reason(f), Reason::disconnected);
  EXPECT_EQ(f.causes[0].remedy, RemedyKind::none);
}

TEST(QueueConnectionCheck, a_sibling_that_came_back_first_does_not_condemn_the_rest) {
  const Finding f = run(snapshot().queue(300s, "q", false, 0s).siblings_connected(1, 290s).taken(300s));
  EXPECT_EQ(f.status, FS::warning);
  EXPECT_EQ(run(snapshot().queue(321s, "q", false, 0s).siblings_connected(1, 290s).taken(321s)).status, FS::critical);
}

TEST(QueueConnectionCheck, broker_down_is_unknown_for_all) {
  auto b = snapshot().queue(300s, "q", false, 0s).taken(300s);
  b.queues.back().broker_down = true;
  const Finding f = run(b);
  EXPECT_EQ(f.status, FS::unknown);
  EXPECT_NE(f.note.find("broker b is down"), std::string::npos);
  EXPECT_EQ(deadline_queue_connection(b.build(), {}), std::nullopt);
}

// A probe found it down; this worker's own connection stands.
TEST(QueueConnectionCheck, who_is_connected_stays_healthy_while_the_broker_is_called_down) {
  auto b = snapshot().queue(300s, "q", true, 0s).taken(300s);
  b.queues.back().broker_down = true;
  const Finding f = run(b);
  EXPECT_EQ(f.status, FS::healthy);
  EXPECT_TRUE(f.causes.empty());
}

TEST(QueueConnectionCheck, round_trip_is_high_after_five_in_a_row) {
  const auto judge = [](std::vector<double> rtts) {
    return run(snapshot().queue(0s, "q", true, 0s).rtts(std::move(rtts)));
  };
  EXPECT_EQ(judge({51, 51, 51, 51, 51}).status, FS::warning);
  EXPECT_EQ(judge({51, 51, 51, 51, 51}).causes[0].reason, Reason::round_trip_high);
  EXPECT_EQ(judge({51, 51, 51, 51}).status, FS::healthy);
  EXPECT_EQ(judge({51, 51, 51, 51, 50}).status, FS::healthy);
  EXPECT_EQ(judge({50, 51, 51, 51, 51}).status, FS::healthy);
  EXPECT_EQ(judge({41, 1, 1, 1, 1}).causes[0].hold_status, FS::warning);  // above 0.8 × limit a bad one stays bad
  EXPECT_TRUE(judge({40, 90, 90, 90, 90}).causes.empty());
  QueueConnectionConfig c;
  c.rtt_warning_ms = 5;
  c.rtt_count = 1;
  EXPECT_EQ(run(snapshot().queue(0s, "q", true, 0s).rtts({6}), c).status, FS::warning);
}

SnapshotBuilder idle_worker(Duration now) {
  auto b = snapshot().queue(now, "q", true, 0s).ready(now, 14, 0s).sibling_took(now - 1s).free_since(0s).taken(now);
  b.worker.in_flight_stamp.at = SnapshotBuilder::at(now);
  return b;
}

TEST(QueueConnectionCheck, not_consuming_on_both_sides_of_its_limit) {
  EXPECT_EQ(run(idle_worker(180s)).status, FS::healthy);  // 3 × 60 s while nothing is learned
  const Finding f = run(idle_worker(180s + 1ms));
  EXPECT_EQ(f.status, FS::critical);
  EXPECT_EQ(reason(f), Reason::not_consuming);
  EXPECT_EQ(f.causes[0].remedy, RemedyKind::restart);
  auto learned = idle_worker(60s);
  learned.pool.take_gap_p95 = 2s;
  EXPECT_EQ(run(learned).status, FS::healthy);
  auto later = idle_worker(61s);
  later.pool.take_gap_p95 = 2s;
  EXPECT_EQ(run(later).status, FS::critical);
}

TEST(QueueConnectionCheck, not_consuming_needs_every_one_of_its_conditions) {
  const auto broken = [](auto&& change) {
    auto b = idle_worker(200s);
    change(b);
    return reason(run(b)) == Reason::not_consuming;
  };
  const auto at = SnapshotBuilder::at;
  EXPECT_TRUE(broken([](SnapshotBuilder&) {}));
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.queues[0].ready = 0; }));
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.queues[0].paused = true; }));
  EXPECT_FALSE(broken([&](SnapshotBuilder& b) { b.queues[0].ready_since = at(100s); }));
  EXPECT_FALSE(broken([&](SnapshotBuilder& b) { b.queues[0].ready_stamp.at = at(100s); }));
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.queues[0].takes[0].worker = 0; }));  // only itself took
  EXPECT_FALSE(broken([&](SnapshotBuilder& b) { b.queues[0].takes[0].at = at(-10s); }));
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.worker.free_since.reset(); }));
  EXPECT_FALSE(broken([&](SnapshotBuilder& b) { b.worker.free_since = at(100s); }));
  EXPECT_FALSE(broken([&](SnapshotBuilder& b) { b.worker.last_take = at(100s); }));  // from whatever queue
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.worker.takes_known = false; }));
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.worker.state = WorkerState::draining; }));
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.worker.stop = StopNotice{}; }));
  EXPECT_FALSE(broken([](SnapshotBuilder& b) { b.worker.queues[0].connected = false; }));
  EXPECT_FALSE(broken([&](SnapshotBuilder& b) { b.worker.queues[0].connection_since = at(100s); }));
  EXPECT_FALSE(broken([&](SnapshotBuilder& b) { b.worker.in_flight_stamp.at = at(0s); }));
}

TEST(QueueConnectionCheck, missing_data_is_unknown_not_healthy) {
  EXPECT_EQ(run(snapshot()).status, FS::not_applicable);
  auto declared = snapshot();
  declared.worker.capabilities.queues = true;
  EXPECT_EQ(run(declared).status, FS::unknown);
  EXPECT_EQ(run(snapshot().queue(0s, "q", true, 0s).taken(91s)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().queue(0s, "q", true, 0s).exited(1s, {}).taken(2s)).status, FS::unknown);
  const Finding f = run(snapshot().queue(0s, "q", true, 0s).queue(0s, "r", std::nullopt, 0s).rtts({3}));
  EXPECT_EQ(f.status, FS::healthy);
  const std::vector<FindingMetric> want{{"queues_connected", 2}, {"queues_known", 2}, {"rtt_ms", 3}};
  EXPECT_EQ(f.metrics, want);
}

TEST(QueueConnectionCheck, deadlines_are_the_next_limits) {
  const auto next = [](SnapshotBuilder b) { return deadline_queue_connection(b.build(), {}); };
  const auto at = SnapshotBuilder::at;
  EXPECT_EQ(next(snapshot().queue(1s, "q", false, 0s).siblings_connected(2, 0s).taken(1s)), at(30s) + 1ns);
  EXPECT_EQ(next(snapshot().queue(31s, "q", false, 0s).siblings_connected(2, 0s).taken(31s)), at(120s) + 1ns);
  EXPECT_EQ(next(snapshot().queue(31s, "q", false, 0s).siblings_connected(2, 20s).taken(31s)), at(50s) + 1ns);
  EXPECT_EQ(next(idle_worker(100s)), at(180s) + 1ns);
}

}  // namespace
}  // namespace paramedic
