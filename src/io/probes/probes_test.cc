// Keys that all kinds share.
#include "io/probes/probe_test_support.h"

namespace paramedic::probes {
namespace {

using ::testing::HasSubstr;

std::string problems_of(const Params& node) {
  Problems problems;
  (void)read_probes(node, problems);
  return problems_text(problems);
}
std::string problems_of(Keys keys) { return problems_of(map_of("p", params_of(keys))); }

TEST(ReadProbes, reads_what_is_written_over_the_defaults) {
  Problems problems;
  Params node = map_of("redis-a", params_of({{"type", "redis_ping"}, {"broker", "redis-a"}, {"interval", "1s"}}));
  node.set("gateway", params_of({{"type", "tcp"}, {"own", "true"}, {"address", "10.0.0.1:53"}, {"deadline", "1s"}}));
  const auto probes = read_probes(node, problems);
  ASSERT_TRUE(problems.empty()) << problems_text(problems);
  ASSERT_EQ(probes.size(), 2u);
  EXPECT_EQ(probes[0].name, "redis-a");
  EXPECT_EQ(probes[0].kind, "redis_ping");
  EXPECT_EQ(probes[0].broker, "redis-a");
  EXPECT_EQ(probes[0].interval, Duration{1s});
  EXPECT_EQ(probes[0].deadline, Duration{2s});
  EXPECT_EQ(probes[0].probe->target(), "127.0.0.1:6379");
  EXPECT_EQ(probes[1].broker, "");
  EXPECT_EQ(probes[1].deadline, Duration{1s});
}

TEST(ReadProbes, nothing_is_no_probe) {
  Problems problems;
  EXPECT_TRUE(read_probes(Params{}, problems).empty());
  EXPECT_TRUE(read_probes(Params::map(), problems).empty());
  EXPECT_TRUE(problems.empty());
}

TEST(ReadProbes, three_misses_must_fit_into_ten_seconds) {
  EXPECT_TRUE(misses_fit(3s, 2s));
  EXPECT_TRUE(misses_fit(1s, 3s));
  EXPECT_FALSE(misses_fit(5s, 2s));
  EXPECT_FALSE(misses_fit(1s, 4s));
  EXPECT_THAT(problems_of({{"type", "tcp"}, {"own", "true"}, {"address", "h:1"}, {"interval", "30s"}}),
              HasSubstr("probes.p.interval: is too long"));
}

TEST(ReadProbes, each_is_for_one_broker_or_for_the_monitor_itself) {
  EXPECT_THAT(problems_of({{"type", "tcp"}, {"address", "h:1"}}), HasSubstr("probes.p.broker: is missing"));
  EXPECT_THAT(problems_of({{"type", "tcp"}, {"address", "h:1"}, {"broker", "b"}, {"own", "true"}}),
              HasSubstr("probes.p.own: cannot stand beside broker"));
}

TEST(ReadProbes, names_every_mistake) {
  EXPECT_THAT(problems_of({{"own", "true"}}), HasSubstr("type: is missing; one of: tcp, redis_ping, http"));
  EXPECT_THAT(problems_of({{"own", "true"}, {"type", "smtp"}}), HasSubstr("'smtp' must be one of"));
  EXPECT_THAT(problems_of(map_of("a b", Params::map())), HasSubstr("probes.a b"));
  EXPECT_THAT(problems_of(map_of("p", Params::of("tcp"))), HasSubstr("must be a map"));
  EXPECT_THAT(problems_of(Params::of("tcp")), HasSubstr("probes: must be a map"));
  Params many = Params::map();
  for (int i = 0; i < 33; ++i) many.set("p" + std::to_string(i), params_of({{"type", "redis_ping"}, {"own", "true"}}));
  EXPECT_THAT(problems_of(many), HasSubstr("more than 32 probes"));
}

}  // namespace
}  // namespace paramedic::probes
