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

TEST(Checksum, the_processor_and_the_table_agree) {
  std::string bytes;
  std::uint64_t state = 1;
  for (int length = 0; length < 300; ++length) {
    EXPECT_EQ(crc32c(bytes), crc32c_by_table(bytes)) << length;
    const std::string_view all = bytes;
    EXPECT_EQ(crc32c(all.substr(0, all.size() / 3), all.substr(all.size() / 3)), crc32c(all)) << length;
    bytes += char((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  }
}

}  // namespace paramedic
