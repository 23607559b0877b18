#include "base/boxed.h"

#include <string>

#include <gtest/gtest.h>

namespace paramedic {

TEST(Boxed, copies_values_and_leaves_a_moved_from_box_empty) {
  Boxed<std::string> none;
  EXPECT_FALSE(none);
  EXPECT_EQ(sizeof none, sizeof(void*));
  Boxed<std::string> a = std::string("first");
  Boxed<std::string> b = a;
  *b += " changed";
  EXPECT_EQ(*a, "first");
  EXPECT_EQ(*b, "first changed");
  a = std::move(b);
  EXPECT_FALSE(b.has_value());
  EXPECT_EQ(a->size(), 13u);
  a = a;
  EXPECT_EQ(*a, "first changed");
  none = a;
  a = std::nullopt;
  EXPECT_FALSE(a);
  EXPECT_EQ(*none, "first changed");
  EXPECT_EQ(none.value_or("other"), "first changed");
  none.reset();
  EXPECT_EQ(none.value_or("other"), "other");
  EXPECT_FALSE(none);
}

}  // namespace paramedic
