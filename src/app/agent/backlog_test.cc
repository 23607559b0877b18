#include "app/agent/backlog.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic::agent {
namespace {

TEST(Backlog, gives_back_the_oldest_first_with_its_time) {
  Backlog backlog;
  backlog.push("a", SteadyTime{1h});
  backlog.push("b", SteadyTime{1h + 5s});
  const auto first = backlog.pop(SteadyTime{1h + 10s});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->frame, "a");
  EXPECT_EQ(first->at, SteadyTime{1h});
  backlog.restore(*first);
  EXPECT_EQ(backlog.pop(SteadyTime{1h + 10s})->frame, "a");
  EXPECT_EQ(backlog.pop(SteadyTime{1h + 10s})->frame, "b");
  EXPECT_FALSE(backlog.pop(SteadyTime{1h + 10s}));
  EXPECT_EQ(backlog.bytes(), 0u);
  EXPECT_EQ(backlog.dropped(), 0u);
}

TEST(Backlog, forgets_what_is_older_than_an_hour) {
  Backlog backlog;
  backlog.push("old", SteadyTime{1h});
  backlog.push("new", SteadyTime{1h + 30min});
  EXPECT_EQ(backlog.pop(SteadyTime{2h + 1s})->frame, "new");
  EXPECT_EQ(backlog.dropped(), 1u);
}

RC_GTEST_PROP(Backlog, never_holds_more_bytes_than_allowed, (const std::vector<std::string>& frames)) {
  Backlog::Limits limits;
  limits.bytes = 500;
  Backlog backlog(limits);
  SteadyTime now{1h};
  for (const auto& frame : frames) {
    backlog.push(frame, now += 1s);
    RC_ASSERT(backlog.bytes() <= 500u);
  }
  RC_ASSERT(backlog.size() + backlog.dropped() == frames.size());
}

}  // namespace
}  // namespace paramedic::agent
