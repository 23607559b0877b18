#include "app/agent/hook_run.h"

#include <gtest/gtest.h>

namespace paramedic::agent {
namespace {

HookResult run(std::vector<std::string> command, Duration limit = 10s) {
  boost::asio::io_context io{1};
  std::optional<HookResult> result;
  const HookRun hook(io, HookCall{std::move(command), HookSubject{"w-1", "inc-7", "act-9", 4711}, limit, 1000},
                     [&](HookResult told) { result = std::move(told); });
  EXPECT_FALSE(result) << "never within the call";
  io.run();
  return result.value_or(HookResult{});
}

TEST(HookRun, knows_its_worker_and_tells_how_it_ended) {
  const auto good =
      run({"/bin/sh", "-c", "echo $0 $1 $PARAMEDIC_WORKER_ID $PARAMEDIC_INCARNATION", "{pid}", "x{action_id}"});
  EXPECT_TRUE(good.good());
  EXPECT_EQ(good.output, "4711 xact-9 w-1 inc-7");
  EXPECT_EQ(good.command.back(), "xact-9");
  const auto bad = run({"/bin/sh", "-c", "echo why >&2; exit 3"});
  EXPECT_FALSE(bad.good());
  EXPECT_EQ(bad.how_it_ended(10s) + " " + bad.output, "exit 3 why");
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -11 $$"}).how_it_ended(10s), "ended by signal 11");
  EXPECT_EQ(run({"/bin/sleep", "1000"}, 50ms).how_it_ended(50ms), "did not end within 50ms and was killed");
  const auto missing = run({"/nowhere/smoke"});
  EXPECT_FALSE(missing.good());
  EXPECT_NE(missing.how_it_ended(10s).find("was not run: binary missing"), std::string::npos);
}

TEST(HeadAndTail, keeps_what_fits_whole) {
  HeadAndTail kept(10);
  kept.append("abc");
  kept.append("defghij");
  EXPECT_EQ(kept.text(), "abcdefghij");
  kept.append("k");
  EXPECT_EQ(kept.text(), "abcde\n… 1 bytes left out …\nghijk");
}

}  // namespace
}  // namespace paramedic::agent
