// What probes say, and what becomes of a broker for it.
#include "core/fleet/probes.h"

#include "core/fleet/fleet_script.h"

namespace paramedic {
namespace {

struct Scene : FleetScript {
  Scene& wait(Duration d) { return clock.advance(d), *this; }
  // A try that ended now and took `took`.
  ProbeInput input(bool ok, const std::string& broker = "b", const std::string& name = "redis-b", Duration took = 0s) {
    return {.name = name,
            .kind = "redis_ping",
            .broker = broker,
            .ok = ok,
            .text = ok ? "" : "connection refused",
            .took = took,
            .at = now().steady};
  }
  bool tried(bool ok, const std::string& broker = "b", const std::string& name = "redis-b") {
    return fleet.apply(input(ok, broker, name), now());
  }
  bool miss_thrice(const std::string& broker = "b", const std::string& name = "redis-b") {
    tried(false, broker, name);
    wait(3s).tried(false, broker, name);
    return wait(3s).tried(false, broker, name);
  }
};

TEST(Probes, three_misses_within_ten_seconds_are_down_and_one_success_is_up) {
  Scene s;
  EXPECT_FALSE(s.tried(true));
  EXPECT_FALSE(s.wait(3s).tried(false));
  EXPECT_FALSE(s.wait(3s).tried(false));
  EXPECT_FALSE(s.fleet.probes().broker_down("b"));
  EXPECT_TRUE(s.wait(3s).tried(false));
  EXPECT_TRUE(s.fleet.probes().broker_down("b"));
  EXPECT_FALSE(s.wait(3s).tried(false)) << "still down is no change";
  EXPECT_EQ(s.fleet.probes().states().at("redis-b").missed, 4);
  EXPECT_TRUE(s.wait(3s).tried(true));
  EXPECT_FALSE(s.fleet.probes().broker_down("b"));
  EXPECT_EQ(s.fleet.probes().states().at("redis-b").missed, 0);
}

TEST(Probes, a_success_between_begins_the_count_anew) {
  Scene s;
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(s.wait(1s).tried(false));
    EXPECT_FALSE(s.wait(1s).tried(false));
    EXPECT_FALSE(s.wait(1s).tried(true));
  }
}

TEST(Probes, misses_too_far_apart_prove_nothing_together) {
  Scene s;
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(s.wait(6s).tried(false));
  EXPECT_TRUE(s.wait(2s).tried(false)) << "the latest three lie within 8 s";
}

TEST(Probes, the_time_of_a_miss_begins_with_its_try) {
  Scene s;
  const auto slow = [&](Duration took) { return s.fleet.apply(s.input(false, "b", "p", took), s.now()); };
  EXPECT_FALSE(s.wait(10s).fleet.apply(s.input(false, "b", "p", 6s), s.now()));
  EXPECT_FALSE((s.wait(3s), slow(2s)));
  EXPECT_FALSE((s.wait(3s), slow(2s))) << "12 s since the first of them began";
  EXPECT_TRUE((s.wait(3s), slow(2s)));
  EXPECT_EQ(s.fleet.probes().brokers_down()[0].text, "the probe p missed 3 times in 8 s: connection refused");
}

TEST(Probes, names_that_nobody_configured_do_not_fill_the_memory) {
  Scene s;
  for (int i = 0; i < 1000; ++i) s.tried(false, "b", "p" + std::to_string(i));
  EXPECT_EQ(s.fleet.probes().states().size(), ProbeTable::kMaxProbes);
}

TEST(Probes, the_monitor_is_cut_off_when_all_probes_of_its_own_are_down) {
  Scene s;
  s.tried(true, "", "gateway");
  s.miss_thrice("", "far");
  EXPECT_EQ(s.fleet.probes().cut_off(), "");
  s.miss_thrice("", "gateway");
  EXPECT_EQ(s.fleet.probes().cut_off(),
            "the probe far missed 3 times in 6 s: connection refused, and the probe gateway missed 3 times in 6 s: "
            "connection refused");
  EXPECT_EQ(s.fleet.probes().cut_off_probe(), "far");
  EXPECT_TRUE(s.fleet.brokers().empty());
  s.tried(true, "", "far");
  EXPECT_EQ(s.fleet.probes().cut_off(), "");
}

TEST(ProbedBroker, is_down_for_its_queues_whatever_workers_say_and_up_when_neither_says_lost) {
  Scene s;
  Report a = FleetScript::report("a"), b = FleetScript::report("b");
  a.queues = {queue("q", true)};
  b.queues = {queue("q", true)};
  s.ok(a), s.ok(b);
  const auto flips = s.fleet.broker_flips();
  EXPECT_TRUE(s.miss_thrice());
  EXPECT_GT(s.fleet.broker_flips(), flips);
  ASSERT_EQ(s.fleet.brokers().size(), 1u);
  EXPECT_TRUE(s.fleet.brokers()[0].down);
  EXPECT_FALSE(s.fleet.brokers()[0].lost);
  EXPECT_EQ(s.fleet.brokers()[0].probed, "the probe redis-b missed 3 times in 6 s: connection refused");
  EXPECT_TRUE(s.fleet.queue_views(s.now())[0].broker_down);

  // The workers lose it too; then the probe is well again before they are.
  a.queues = {queue("q", false)};
  b.queues = {queue("q", false)};
  const auto both = s.fleet.broker_flips();
  s.wait(1s).ok(a);
  EXPECT_TRUE(s.ok(b).broker_changed) << "further evidence";
  EXPECT_GT(s.fleet.broker_flips(), both);
  s.wait(1s).tried(true);
  EXPECT_TRUE(s.fleet.brokers()[0].down);
  EXPECT_TRUE(s.fleet.brokers()[0].lost);
  EXPECT_EQ(s.fleet.brokers()[0].probed, "");
  a.queues = {queue("q", true)};
  s.wait(1s).ok(a);
  EXPECT_FALSE(s.fleet.brokers()[0].down);
  EXPECT_FALSE(s.fleet.queue_views(s.now())[0].broker_down);
}

TEST(ProbedBroker, counts_before_a_worker_names_it_and_after_the_last_has_left) {
  Scene s;
  s.miss_thrice();
  ASSERT_EQ(s.fleet.brokers().size(), 1u);
  EXPECT_EQ(s.fleet.brokers()[0].name, "b");
  EXPECT_TRUE(s.fleet.brokers()[0].down);
  EXPECT_EQ(s.fleet.brokers()[0].reporting, 0);
  Report a = FleetScript::report("a");
  a.queues = {queue("q", true)};
  s.ok(a);
  ASSERT_EQ(s.fleet.brokers().size(), 1u);
  EXPECT_TRUE(s.fleet.queue_views(s.now())[0].broker_down);
  a.queues = std::vector<QueuePart>{};
  s.wait(1s).ok(a);
  EXPECT_TRUE(s.fleet.brokers().at(0).down);
  s.tried(true);
  EXPECT_TRUE(s.fleet.brokers().empty() || !s.fleet.brokers()[0].down);
}

TEST(ProbedBroker, several_probes_of_one_broker_speak_together) {
  Scene s;
  s.miss_thrice("b", "one");
  s.tried(true, "b", "two");
  EXPECT_TRUE(s.fleet.brokers()[0].down) << "one suffices";
  s.miss_thrice("b", "two");
  EXPECT_NE(s.fleet.brokers()[0].probed.find(", and the probe two"), std::string::npos);
  s.tried(true, "b", "one");
  EXPECT_TRUE(s.fleet.brokers()[0].down);
  EXPECT_EQ(s.fleet.brokers()[0].probed.find("probe one"), std::string::npos);
  s.tried(true, "b", "two");
  EXPECT_TRUE(s.fleet.brokers().empty());
}

}  // namespace
}  // namespace paramedic
