#include "base/readable.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

TEST(Readable, keeps_lines_and_tabs_and_nothing_that_commands_a_terminal) {
  EXPECT_EQ(readable("a\tb\nc\x1b[2J\x7f\r\n"), "a\tb\nc [2J  \n");
  EXPECT_EQ(readable("größe"), "größe") << "bytes above ASCII are no controls";
  EXPECT_EQ(readable_trimmed("said \n\n  \n"), "said");
  EXPECT_EQ(readable_trimmed("\n"), "");
}

}  // namespace
}  // namespace paramedic
