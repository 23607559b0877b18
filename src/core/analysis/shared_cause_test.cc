#include "core/analysis/shared_cause.h"

#include <algorithm>
#include <deque>
#include <random>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

// A fleet in words: owns the texts that subjects refer to.
class SharedCauseTest : public ::testing::Test {
 protected:
  void add(const std::string& id, std::vector<std::pair<std::string, std::string>> traits) {
    CauseSubject s;
    s.id = keep(id);
    for (auto& [label, value] : traits) s.traits.push_back({keep(label), keep(value)});
    fleet_.push_back(s);
  }
  // `hosts` hosts with `each` workers of two pools in turn, one version, one broker per pool.
  void grid(int hosts, int each) {
    for (int h = 0; h < hosts; ++h)
      for (int i = 0; i < each; ++i) {
        const std::string pool = i % 2 ? "thumbs" : "mail";
        add("h" + std::to_string(h) + "-" + std::to_string(i), {{"host", "h" + std::to_string(h)},
                                                                {"pool", pool},
                                                                {"version", "1.4"},
                                                                {"broker", "redis-" + pool},
                                                                {"zone", h % 2 ? "a" : "b"}});
      }
  }
  void ill(const std::string& id, bool on = true) {
    for (auto& s : fleet_)
      if (s.id == id) {
        s.ill = on;
        s.ill_since = clock_.now().steady;
      }
  }
  template <class Which>
  void ill_where(Which which) {
    for (auto& s : fleet_)
      if (which(s)) ill(std::string(s.id));
  }
  static bool has(const CauseSubject& s, std::string_view label, std::string_view value) {
    return std::any_of(s.traits.begin(), s.traits.end(),
                       [&](const CauseTrait& t) { return t.label == label && t.value == value; });
  }
  std::vector<std::string> found() {
    std::vector<std::string> keys;
    last_ = finder_.update(fleet_, clock_.now());
    for (const SharedCause& c : last_) keys.push_back(c.key());
    return keys;
  }
  using Keys = std::vector<std::string>;

  std::string_view keep(const std::string& text) { return texts_.emplace_back(text); }
  std::deque<std::string> texts_;
  std::vector<CauseSubject> fleet_;
  ManualClock clock_;
  SharedCauseFinder finder_;
  std::vector<SharedCause> last_;
};

TEST_F(SharedCauseTest, names_the_host_whose_workers_are_ill) {
  grid(6, 5);
  ill_where([](const auto& s) { return has(s, "host", "h1"); });
  ill("h3-0");
  EXPECT_EQ(found(), Keys{"cause/host/h1"});
  EXPECT_EQ(last_[0].ill, 5);
  EXPECT_EQ(last_[0].all, 5);
  EXPECT_EQ(last_[0].ill_without, 1);
  EXPECT_EQ(last_[0].others, 25);
  EXPECT_NEAR(last_[0].lift, (5.5 / 15) / (1.5 / 35), 1e-9) << "the example of the header";
  EXPECT_EQ(last_[0].workers, (Keys{"h1-0", "h1-1", "h1-2", "h1-3", "h1-4"}));
}

TEST_F(SharedCauseTest, two_ill_workers_or_scattered_ones_share_nothing) {
  grid(6, 5);
  ill("h1-0"), ill("h1-1");
  EXPECT_TRUE(found().empty()) << "two may be chance";
  ill("h2-1"), ill("h3-3"), ill("h4-4");
  EXPECT_TRUE(found().empty());
}

TEST_F(SharedCauseTest, the_nearer_cause_wins_when_both_explain_the_same_workers) {
  grid(4, 6);
  ill_where([](const auto& s) { return has(s, "pool", "thumbs"); });
  EXPECT_EQ(found(), Keys{"cause/broker/redis-thumbs"}) << "the pool is explained as well, the broker is nearer";
}

TEST_F(SharedCauseTest, a_whole_fleet_that_is_ill_has_something_in_common) {
  for (int i = 0; i < 5; ++i) add("w" + std::to_string(i), {{"pool", "p"}, {"version", "2.0"}});
  ill_where([](const auto&) { return true; });
  EXPECT_EQ(found(), Keys{"cause/version/2.0"});
}

TEST_F(SharedCauseTest, a_bad_version_is_found_among_good_ones) {
  for (int i = 0; i < 40; ++i)
    add("w" + std::to_string(i),
        {{"pool", "p"}, {"host", "h" + std::to_string(i % 8)}, {"version", i < 8 ? "2.0" : "1.9"}});
  ill_where([](const auto& s) { return has(s, "version", "2.0"); });
  EXPECT_EQ(found(), Keys{"cause/version/2.0"});
}

TEST_F(SharedCauseTest, a_version_that_makes_every_third_worker_ill_is_found_and_holds) {
  for (int i = 0; i < 100; ++i)
    add("w" + std::to_string(i),
        {{"pool", "p"}, {"host", "h" + std::to_string(i % 20)}, {"version", i < 40 ? "2.0" : "1.9"}});
  for (int i = 0; i < 36; i += 3) ill("w" + std::to_string(i));
  EXPECT_EQ(found(), Keys{"cause/version/2.0"});
  for (int i = 0; i < 15; i += 3) ill("w" + std::to_string(i), false);
  EXPECT_EQ(found(), Keys{"cause/version/2.0"}) << "7 of 40 are less than a quarter, but more than half of 12";
  for (int i = 15; i < 21; i += 3) ill("w" + std::to_string(i), false);
  EXPECT_TRUE(found().empty());
}

TEST_F(SharedCauseTest, three_of_one_half_of_a_fleet_are_no_proof_and_four_of_a_small_half_are) {
  grid(2, 12);
  ill("h0-0"), ill("h0-1"), ill("h0-2");
  EXPECT_TRUE(found().empty()) << "3 of 12";
  fleet_.clear();
  grid(2, 4);
  ill("h0-0"), ill("h0-1"), ill("h0-2"), ill("h0-3");
  EXPECT_EQ(found(), Keys{"cause/host/h0"});
}

// The pool that all have is no better name than the part of the fleet that is ill.
TEST_F(SharedCauseTest, what_everybody_has_is_not_named_for_what_only_some_have) {
  for (int i = 0; i < 12; ++i)
    add("w" + std::to_string(i), {{"pool", "p"}, {"host", "h"}, {"customer", i < 9 ? "a" : "b"}});
  for (int i = 0; i < 8; ++i) ill("w" + std::to_string(i));
  EXPECT_EQ(found(), Keys{"cause/customer/a"});
}

TEST_F(SharedCauseTest, two_causes_at_once_are_two) {
  grid(10, 6);
  ill_where([](const auto& s) { return has(s, "host", "h1"); });
  EXPECT_EQ(found(), Keys{"cause/host/h1"});
  ill_where([](const auto& s) { return has(s, "host", "h6"); });
  EXPECT_EQ(found(), (Keys{"cause/host/h1", "cause/host/h6"}));
}

TEST_F(SharedCauseTest, illnesses_of_long_ago_prove_nothing_together) {
  grid(6, 5);
  for (int i = 0; i < 5; ++i) {
    ill("h1-" + std::to_string(i));
    EXPECT_TRUE(found().empty()) << i;
    clock_.advance(4min);
  }
}

TEST_F(SharedCauseTest, a_cause_holds_until_nearly_all_of_its_workers_are_well) {
  grid(6, 5);
  ill_where([](const auto& s) { return has(s, "host", "h1"); });
  ASSERT_EQ(found().size(), 1u);
  clock_.advance(2h);
  ill("h1-0", false), ill("h1-1", false), ill("h1-2", false);
  EXPECT_EQ(found(), Keys{"cause/host/h1"}) << "two are left";
  EXPECT_EQ(last_[0].workers.size(), 2u);
  ill("h1-3", false);
  EXPECT_TRUE(found().empty());
  ill("h1-3");
  EXPECT_TRUE(found().empty()) << "and must be found anew";
}

TEST_F(SharedCauseTest, a_restored_cause_holds_on_and_ends_when_its_workers_are_gone) {
  grid(6, 5);
  finder_.restore("host", "h1");
  ill("h1-0"), ill("h1-1");
  EXPECT_EQ(found(), Keys{"cause/host/h1"});
  fleet_.clear();
  EXPECT_TRUE(found().empty());
}

// Precision on a simulated fleet: of independent illnesses hardly any may look shared, real causes must be found.
TEST_F(SharedCauseTest, is_right_on_simulated_fleets) {
  std::mt19937 random(20261125);
  int wrong = 0, right = 0;
  constexpr int kFleets = 300;
  for (int round = 0; round < kFleets; ++round) {
    fleet_.clear();
    texts_.clear();
    grid(8, 10);
    SharedCauseFinder fresh;
    for (auto& s : fleet_) s.ill = random() % 100 < 3, s.ill_since = clock_.now().steady;
    wrong += !fresh.update(fleet_, clock_.now()).empty();
    const std::string host = "h" + std::to_string(random() % 8);
    for (auto& s : fleet_)
      if (has(s, "host", host) && random() % 100 < 90) s.ill = true;
    const auto causes = SharedCauseFinder().update(fleet_, clock_.now());
    right += causes.size() == 1 && causes[0].key() == "cause/host/" + host;
  }
  EXPECT_LE(wrong, kFleets / 100) << "independent illnesses taken for one cause";
  EXPECT_GE(right, kFleets * 95 / 100) << "of " << kFleets;
  RecordProperty("wrong", wrong);
  RecordProperty("right", right);
}

TEST_F(SharedCauseTest, a_cause_holds_stops_only_when_it_says_more_than_one_whole_pool) {
  grid(6, 5);
  const auto holds = [&](const std::string& label, const std::string& value) {
    for (auto& s : fleet_) s.ill = false;
    ill_where([&](const CauseSubject& s) { return has(s, label, value); });
    SharedCause cause{.label = label, .value = value};
    for (const auto& s : fleet_) ++(has(s, label, value) ? cause.all : cause.others);
    cause.ill = cause.all;
    return may_hold_stops(cause, fleet_);
  };
  EXPECT_TRUE(holds("host", "h3"));
  EXPECT_TRUE(holds("zone", "a")) << "of both pools";
  EXPECT_FALSE(holds("pool", "mail"));
  EXPECT_FALSE(holds("broker", "redis-mail")) << "another name of the pool";
  EXPECT_FALSE(holds("version", "1.4")) << "nobody without it is well";
  for (auto& s : fleet_)
    if (has(s, "pool", "mail") && has(s, "host", "h0")) s.traits.push_back({"version", keep("1.5")});
  EXPECT_TRUE(holds("version", "1.5")) << "part of a pool";
}

}  // namespace
}  // namespace paramedic
