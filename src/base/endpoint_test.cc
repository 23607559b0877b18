#include "base/endpoint.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

TEST(Endpoint, reads_what_people_write) {
  const auto text = [](std::string_view in) {
    const auto parsed = Endpoint::parse(in, "6379");
    return parsed ? parsed->text() : std::string();
  };
  EXPECT_EQ(text("db"), "db:6379");
  EXPECT_EQ(text("db:1"), "db:1");
  EXPECT_EQ(text("[::1]"), "[::1]:6379");
  EXPECT_EQ(text("[::1]:7"), "[::1]:7");
  EXPECT_EQ(text("unix:/run/redis.sock"), "unix:/run/redis.sock");
  for (const auto* bad :
       {"", ":1", "db:", "db:0", "db:65536", "db:1x", "::1", "a b:1", "unix:rel", "unix:", "http://x"})
    EXPECT_EQ(text(bad), "") << bad;
}

}  // namespace
}  // namespace paramedic
