#include "app/daemon/inbox.h"

#include <thread>

#include <gtest/gtest.h>

namespace paramedic::daemon {

namespace {
Input live(std::string id) {
  ReportInput input;
  input.report.worker_id = std::move(id);
  return input;
}
Input backlog(std::string id) {
  ReportInput input;
  input.report.worker_id = std::move(id);
  input.backlog = true;
  return input;
}
std::string id_of(const Input& input) { return std::get<ReportInput>(input).report.worker_id; }
}  // namespace

TEST(Inbox, hands_over_urgent_inputs_first_and_backlog_last) {
  ManualClock clock;
  Inbox inbox;
  ASSERT_TRUE(inbox.push(backlog("old"), clock.now().steady));
  ASSERT_TRUE(inbox.push(live("a"), clock.now().steady));
  ASSERT_TRUE(inbox.push(CommandInput{}, clock.now().steady));
  std::vector<Input> out;
  inbox.take(out, clock.now().steady + 1h, clock);
  ASSERT_EQ(out.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<CommandInput>(out[0]));
  EXPECT_EQ(id_of(out[1]), "a");
  EXPECT_EQ(id_of(out[2]), "old");
  EXPECT_EQ(inbox.stats().accepted, 3u);
}

TEST(Inbox, gathers_live_inputs_for_one_batch_time) {
  ManualClock clock;
  Inbox inbox;
  ASSERT_TRUE(inbox.push(live("a"), clock.now().steady));
  clock.advance(Inbox::kBatch);
  ASSERT_TRUE(inbox.push(live("b"), clock.now().steady));
  EXPECT_EQ(inbox.oldest_wait(clock.now().steady), Inbox::kBatch);
  std::vector<Input> out;
  inbox.take(out, clock.now().steady + 1h, clock);
  EXPECT_EQ(out.size(), 2u);
  EXPECT_EQ(inbox.oldest_wait(clock.now().steady), 0s);
}

TEST(Inbox, refuses_whole_batches_when_full_but_still_takes_commands) {
  ManualClock clock;
  Inbox inbox({.live = 2, .urgent = 1, .backlog = 1});
  std::vector<Input> three;
  for (int i = 0; i < 3; ++i) three.push_back(live("x"));
  const auto refused = inbox.push(three, clock.now().steady);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(three.size(), 3u);
  EXPECT_EQ(inbox.stats().live, 0u);
  EXPECT_EQ(inbox.stats().refused, 3u);
  ASSERT_TRUE(inbox.push(live("a"), clock.now().steady));
  ASSERT_TRUE(inbox.push(live("b"), clock.now().steady));
  EXPECT_TRUE(inbox.nearly_full());
  EXPECT_FALSE(inbox.push(live("c"), clock.now().steady));
  EXPECT_TRUE(inbox.push(CommandInput{}, clock.now().steady));
}

TEST(Inbox, limits_how_much_backlog_comes_with_one_batch) {
  ManualClock clock;
  Inbox inbox({.backlog = 10, .backlog_per_take = 4});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(inbox.push(backlog("x"), clock.now().steady));
  clock.advance(Inbox::kBatch);
  std::vector<Input> out;
  inbox.take(out, clock.now().steady, clock);
  EXPECT_EQ(out.size(), 4u);
  EXPECT_EQ(inbox.stats().backlog, 6u);
}

TEST(Inbox, takes_a_large_batch_in_portions_and_urgent_inputs_between_them) {
  ManualClock clock;
  Inbox inbox({.live_per_take = 3});
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(inbox.push(live("r" + std::to_string(i)), clock.now().steady));
  clock.advance(Inbox::kBatch);
  std::vector<Input> out;
  inbox.take(out, clock.now().steady + 1h, clock);
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(id_of(out[2]), "r2");
  ASSERT_TRUE(inbox.push(CommandInput{}, clock.now().steady));
  out.clear();
  inbox.take(out, clock.now().steady + 1h, clock);  // the rest is due: nothing waits for another batch time
  ASSERT_EQ(out.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<CommandInput>(out[0]));
  EXPECT_EQ(id_of(out[1]), "r3");
  inbox.stop();
  out.clear();
  inbox.take(out, SteadyTime{}, clock);  // the last take leaves nothing behind
  EXPECT_EQ(out.size(), 1u);
}

TEST(Inbox, wakes_the_engine_for_an_urgent_input_and_at_stop) {
  const SystemClock clock;
  Inbox inbox;
  std::vector<Input> out;
  std::thread engine([&] { inbox.take(out, clock.now().steady + 60s, clock); });
  ASSERT_TRUE(inbox.push(SourceInput{}, clock.now().steady));
  engine.join();
  EXPECT_EQ(out.size(), 1u);
  std::thread idle([&] { inbox.take(out, clock.now().steady + 60s, clock); });
  inbox.stop();
  idle.join();
  EXPECT_EQ(out.size(), 1u);
}

}  // namespace paramedic::daemon
