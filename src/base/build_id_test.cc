#include "base/build_id.h"

#include <gtest/gtest.h>

namespace paramedic {

TEST(BuildId, is_hex_and_always_the_same) {
  const std::string id = build_id();
  EXPECT_EQ(id, build_id());
  EXPECT_GE(id.size(), 7u);
  EXPECT_TRUE(id == "unknown" || id.find_first_not_of("0123456789abcdef") == std::string::npos) << id;
}

}  // namespace paramedic
