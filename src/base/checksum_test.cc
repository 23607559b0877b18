#include "base/checksum.h"

#include <gtest/gtest.h>

namespace paramedic {

TEST(Checksum, is_crc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("12345", "6789"), 0xE3069283u) << "in two parts";
  EXPECT_EQ(crc32c("123456789", ""), 0xE3069283u);
  std::string bytes = "any bytes at all";
  put_checksum(bytes);
  std::string_view view = bytes;
  EXPECT_TRUE(take_checksum(view));
  EXPECT_EQ(view, "any bytes at all");
  bytes[3] ^= 1;
  view = bytes;
  EXPECT_FALSE(take_checksum(view));
  view = "abc";
  EXPECT_FALSE(take_checksum(view));
}

}  // namespace paramedic
