#include "base/once_text.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

TEST(OnceText, is_made_once) {
  const OnceText text;
  int made = 0;
  const auto make = [&] { return "text " + std::to_string(++made); };
  EXPECT_EQ(text.get(make), "text 1");
  EXPECT_EQ(text.get(make), "text 1");
  EXPECT_EQ(text.get(make).data(), text.get(make).data());
}

TEST(OnceText, a_copy_starts_without_text) {
  struct Owner {
    int value = 0;
    OnceText text;
    std::string_view shown() const {
      return text.get([this] { return std::to_string(value); });
    }
  };
  Owner a{.value = 1};
  EXPECT_EQ(a.shown(), "1");
  Owner b = a;
  b.value = 2;
  EXPECT_EQ(b.shown(), "2");
  b = a;
  EXPECT_EQ(b.shown(), "1");
  EXPECT_EQ(a.shown(), "1");
}

TEST(OnceText, all_threads_get_the_same) {
  for (int round = 0; round < 50; ++round) {
    const OnceText text;
    std::vector<std::string_view> seen(4);
    std::vector<std::thread> threads;
    for (auto& s : seen) threads.emplace_back([&text, &s] { s = text.get([] { return std::string(1000, 'x'); }); });
    for (auto& t : threads) t.join();
    for (const auto& s : seen) EXPECT_EQ(s.data(), seen[0].data());
    EXPECT_EQ(seen[0], std::string(1000, 'x'));
  }
}

}  // namespace
}  // namespace paramedic
