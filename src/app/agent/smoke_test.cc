#include "app/agent/smoke.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace paramedic::agent {
namespace {

config::SmokeHook hook() {
  config::SmokeHook h;
  h.command = {"/bin/true"};
  return h;
}
ModelPart told(const SmokeState& state) {
  Report report;
  state.fill(report);
  EXPECT_TRUE(report.capabilities && report.capabilities->models);
  return report.models->at(0);
}

TEST(SmokeState, a_model_loads_until_the_first_good_answer) {
  const auto h = hook();
  SmokeState state(h, SteadyTime{100s});
  EXPECT_EQ(told(state).state, ModelState::loading);
  EXPECT_TRUE(state.on_try(false, "exit 7: connection refused", SteadyTime{102s}));
  EXPECT_FALSE(state.on_try(false, "exit 7: connection refused", SteadyTime{104s})) << "nothing new";
  for (int i = 0; i < 10; ++i) state.on_try(false, "exit 7: connection refused", SteadyTime{106s});
  EXPECT_EQ(told(state).state, ModelState::loading) << "how long it may load is the monitor's to judge";
  EXPECT_FALSE(told(state).smoke_ok);
  EXPECT_EQ(told(state).error, "exit 7: connection refused");
  EXPECT_EQ(state.until_next(), Duration{2s});
  EXPECT_TRUE(state.on_try(true, "", SteadyTime{160s}));
  const ModelPart ready = told(state);
  EXPECT_EQ(ready.state, ModelState::ready);
  EXPECT_EQ(ready.smoke_ok, true);
  EXPECT_DOUBLE_EQ(*ready.load_seconds, 60);
  EXPECT_EQ(ready.error, "");
  EXPECT_EQ(state.until_next(), h.interval);
}

TEST(SmokeState, three_misses_in_a_row_fail_and_one_good_answer_heals) {
  const auto h = hook();
  SmokeState state(h, SteadyTime{0s});
  state.on_try(true, "", SteadyTime{1s});
  EXPECT_FALSE(state.on_try(false, "exit 1: NaN", SteadyTime{31s}));
  EXPECT_EQ(state.until_next(), Duration{2s}) << "it is asked again soon";
  EXPECT_FALSE(state.on_try(false, "exit 1: NaN", SteadyTime{33s}));
  EXPECT_FALSE(state.on_try(true, "", SteadyTime{35s})) << "a hiccup";
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(state.on_try(false, "exit 1: NaN", SteadyTime{65s}));
  EXPECT_EQ(told(state).smoke_ok, true);
  EXPECT_TRUE(state.on_try(false, "exit 1: NaN", SteadyTime{69s}));
  EXPECT_EQ(told(state).smoke_ok, false);
  EXPECT_EQ(told(state).state, ModelState::ready) << "it was loaded; it does not work";
  EXPECT_EQ(told(state).error, "exit 1: NaN");
  EXPECT_FALSE(state.on_try(false, "exit 1: NaN", SteadyTime{71s}));
  EXPECT_TRUE(state.on_try(true, "", SteadyTime{73s}));
  EXPECT_EQ(told(state).smoke_ok, true);
}

TEST(SmokeState, the_models_that_a_worker_tells_itself_get_the_answer) {
  const auto h = hook();
  SmokeState state(h, SteadyTime{0s});
  Report report;
  report.models.emplace().push_back({.name = "clip", .state = ModelState::loading});
  state.fill(report);
  ASSERT_EQ(report.models->size(), 1u);
  EXPECT_FALSE(report.models->at(0).smoke_ok);
  state.on_try(true, "", SteadyTime{5s});
  report.models->push_back({.name = "own", .state = ModelState::ready, .smoke_ok = false});
  state.fill(report);
  EXPECT_EQ(report.models->at(0).smoke_ok, true);
  EXPECT_EQ(report.models->at(1).smoke_ok, false) << "what the worker says of itself stands";
}

TEST(Smoke, runs_the_program_again_and_again_until_it_is_destroyed) {
  char name[] = "/tmp/smoke_test.XXXXXX";
  const std::string folder = ::mkdtemp(name);
  config::SmokeHook h;
  h.interval = 20ms;
  h.command = {"/bin/sh", "-c", "echo x >> " + folder + "/tries; test -e " + folder + "/good", "{pid}"};
  boost::asio::io_context io{1};
  const SystemClock clock;
  int changes = 0;
  auto smoke = std::make_unique<Smoke>(io, h, HookSubject{"w", "i", "", 1}, clock, [&] { ++changes; });
  const auto run_until = [&](const std::function<bool()>& condition) {
    for (int i = 0; i < 5000 && !condition(); ++i) {
      io.restart();
      io.run_for(2ms);
    }
    return condition();
  };
  EXPECT_TRUE(run_until([&] {
    return std::filesystem::exists(folder + "/tries") && std::filesystem::file_size(folder + "/tries") >= 6;
  }));
  EXPECT_EQ(changes, 1) << "the words of the first miss";
  std::ofstream(folder + "/good") << "";
  EXPECT_TRUE(run_until([&] { return changes == 2; }));
  smoke.reset();
  io.restart();
  io.run();  // nothing is left to wait for
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace paramedic::agent
