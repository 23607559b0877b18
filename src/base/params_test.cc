#include "base/params.h"

#include <gtest/gtest.h>

namespace paramedic {

enum class Color { red, green };
PARAMEDIC_ENUM_NAMES(Color, "red", "green")

namespace {
Params list(std::vector<std::string> texts) {
  Params out{.kind = Params::Kind::list};
  for (auto& text : texts) out.items.push_back(Params::of(std::move(text)));
  return out;
}
}  // namespace

TEST(ParamsReader, leaves_absent_keys_at_their_default) {
  Problems problems;
  const Params node = Params::map();
  ParamsReader reader(&node, "x", problems);
  int n = 7;
  Duration d = 5s;
  std::optional<double> maybe;
  reader.read("n", n, 0, 10);
  reader.read("d", d, 0s, 1h);
  reader.read("maybe", maybe, 0.0, 1.0);
  reader.finish();
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(n, 7);
  EXPECT_EQ(d, 5s);
  EXPECT_FALSE(maybe);
}

TEST(ParamsReader, reads_every_type) {
  Params node = Params::map();
  node.set("text", Params::of("hello"))
      .set("flag", Params::of("true"))
      .set("n", Params::of("3"))
      .set("ratio", Params::of("0.5"));
  node.set("wait", Params::of("30s")).set("size", Params::of("2KiB")).set("color", Params::of("green"));
  node.set("codes", list({"0", "3"})).set("names", list({"a", "b"}));
  node.set("limits", Params::map().set("resize", Params::of("600s")));
  Problems problems;
  ParamsReader reader(&node, "", problems);
  std::string text;
  bool flag = false;
  int n = 0;
  std::optional<double> ratio;
  Duration wait{};
  std::uint64_t size = 0;
  Color color = Color::red;
  std::vector<int> codes;
  std::vector<std::string> names;
  std::map<std::string, Duration> limits;
  reader.read("text", text);
  reader.read("flag", flag);
  reader.read("n", n, 0, 10);
  reader.read("ratio", ratio, 0.0, 1.0);
  reader.read("wait", wait, 0s, 1h);
  reader.read_bytes("size", size, 0, 1 << 20);
  reader.read_enum("color", color);
  reader.read("codes", codes, 0, 255);
  reader.read("names", names);
  reader.read("limits", limits, 0s, 1h);
  reader.finish();
  EXPECT_TRUE(problems.empty()) << problems[0].to_string();
  EXPECT_EQ(text, "hello");
  EXPECT_TRUE(flag);
  EXPECT_EQ(n, 3);
  EXPECT_EQ(ratio, 0.5);
  EXPECT_EQ(wait, 30s);
  EXPECT_EQ(size, 2048u);
  EXPECT_EQ(color, Color::green);
  EXPECT_EQ(codes, (std::vector<int>{0, 3}));
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(limits.at("resize"), 600s);
}

TEST(ParamsReader, names_each_wrong_value_and_unknown_key) {
  Params node = Params::map();
  node.file = "p.yaml";
  node.set("flag", Params::of("yes"))
      .set("n", Params::of("11"))
      .set("ratio", Params::of("much"))
      .set("wait", Params::of("30"));
  node.set("size", Params::of("1XB"))
      .set("color", Params::of("blue"))
      .set("codes", list({"x"}))
      .set("names", Params::of("a"));
  node.set("nested", Params::of("1"))
      .set("typo", Params::of("1"))
      .set("limits", Params::map().set("t", Params::of("9d")));
  Problems problems;
  ParamsReader reader(&node, "pools.thumbs", problems);
  bool flag = false;
  int n = 0;
  double ratio = 0;
  Duration wait{};
  std::uint64_t size = 0;
  Color color = Color::red;
  std::vector<int> codes;
  std::vector<std::string> names;
  std::map<std::string, Duration> limits;
  reader.read("flag", flag);
  reader.read("n", n, 0, 10);
  reader.read("ratio", ratio, 0.0, 1.0);
  reader.read("wait", wait, 0s, 1h);
  reader.read_bytes("size", size, 0, 100);
  reader.read_enum("color", color);
  reader.read("codes", codes, 0, 255);
  reader.read("names", names);
  reader.read("limits", limits, 0s, 1h);
  reader.child("nested").finish();
  reader.finish();
  std::vector<std::string> keys;
  for (const auto& p : problems) keys.push_back(p.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"pools.thumbs.flag", "pools.thumbs.n", "pools.thumbs.ratio",
                                            "pools.thumbs.wait", "pools.thumbs.size", "pools.thumbs.color",
                                            "pools.thumbs.codes", "pools.thumbs.names", "pools.thumbs.limits",
                                            "pools.thumbs.nested", "pools.thumbs.typo"}));
  EXPECT_NE(problems.back().message.find("unknown key; known here: flag"), std::string::npos);
}

TEST(Params, of_a_pool_lie_over_the_defaults) {
  const Params base = Params::map()
                          .set("checks", Params::map().set("a", Params::of("1")).set("b", Params::of("2")))
                          .set("mode", Params::of("auto"));
  const Params over = Params::map().set("checks", Params::map().set("b", Params::of("3")));
  const Params merged = merge(base, over);
  EXPECT_EQ(merged.find("checks")->find("a")->scalar, "1");
  EXPECT_EQ(merged.find("checks")->find("b")->scalar, "3");
  EXPECT_EQ(merged.find("mode")->scalar, "auto");
  EXPECT_EQ(merge(base, Params{}).find("mode")->scalar, "auto");
  EXPECT_EQ(merge(base, Params::of("x")).scalar, "x");
}

TEST(Problem, names_file_line_and_key) {
  EXPECT_EQ((Problem{"p.yaml", 12, "interval", "is wrong"}.to_string()), "p.yaml:12: interval: is wrong");
  EXPECT_EQ((Problem{"", 0, "", "is wrong"}.to_string()), "configuration: is wrong");
}

}  // namespace paramedic
