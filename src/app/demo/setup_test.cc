#include "app/demo/setup.h"

#include <gtest/gtest.h>

#include "app/demo/test_support.h"
#include "app/demo/work.h"

namespace paramedic::demo {
namespace {

struct SetupTest : testing::Test {
  DemoSetupOptions options() {
    return {.root = folder.path(),
            .program = "/opt/para medic",
            .listen = "127.0.0.1:0",
            .monitor_url = "http://127.0.0.1:9",
            .workers = 5};
  }
  TempFolder folder;
};

TEST_F(SetupTest, makes_all_that_a_demo_needs) {
  const auto setup = prepare_demo(options());
  ASSERT_TRUE(setup) << setup.error().message;
  EXPECT_EQ(setup->worker_ids, (std::vector<std::string>{"thumbs-1", "thumbs-2", "thumbs-3", "hashes-1", "hashes-2"}));
  EXPECT_EQ(demo_workers(folder.path()).size(), 5u);
  EXPECT_GT(setup->broker_tasks_per_second, 6);
  EXPECT_GE(setup->shortenings.size(), 5u);
  const DemoLayout layout{folder.path()};
  for (const std::string pool : {"thumbs", "hashes"}) {
    ModelLoad load{.path = layout.model(pool), .pace = 0s};
    EXPECT_TRUE(load_model(load, [](double) {}));
  }
  EXPECT_TRUE(broker_wanted(folder.path()));
  EXPECT_EQ(*read_file(setup->monitor_yaml), monitor_yaml(options()));
  EXPECT_EQ(*read_file(setup->agent_yaml), agent_yaml(options()));
}

TEST_F(SetupTest, a_second_start_cures_what_was_broken_in_the_first) {
  ASSERT_TRUE(prepare_demo(options()));
  ASSERT_TRUE(break_worker(folder.path(), "thumbs-2", Fault::hang));
  ASSERT_TRUE(set_broker(folder.path(), false));
  ASSERT_TRUE(prepare_demo(options()));
  EXPECT_EQ(wanted_fault(DemoLayout{folder.path()}.control("thumbs-2")), Fault::none);
  EXPECT_TRUE(broker_wanted(folder.path()));
}

TEST_F(SetupTest, the_files_name_address_program_and_limits) {
  EXPECT_NE(monitor_yaml(options()).find("listen: \"127.0.0.1:0\""), std::string::npos);
  const auto agent = agent_yaml(options());
  EXPECT_NE(agent.find("url: \"http://127.0.0.1:9\""), std::string::npos);
  EXPECT_NE(agent.find("\"/opt/para medic\", demo-worker"), std::string::npos);
  EXPECT_NE(agent.find("memory_limit_mb: 200"), std::string::npos);
  EXPECT_NE(agent.find("disk_quota_mb: 64"), std::string::npos);
  EXPECT_NE(agent.find("count: 3"), std::string::npos);
  EXPECT_NE(agent.find("count: 2"), std::string::npos);
  auto one = options();
  one.workers = 1;
  EXPECT_EQ(agent_yaml(one).find("hashes"), std::string::npos);
}

TEST_F(SetupTest, refuses_what_cannot_work) {
  auto bad = options();
  bad.workers = 0;
  EXPECT_EQ(prepare_demo(bad).error().code, Errc::invalid_argument);
  bad.workers = kMaxDemoWorkers + 1;
  EXPECT_EQ(prepare_demo(bad).error().code, Errc::invalid_argument);
  bad = options();
  bad.root = folder.path() / "a%i";
  EXPECT_EQ(prepare_demo(bad).error().code, Errc::invalid_argument);
  bad.root = "/proc/paramedic-demo";
  const auto failed = prepare_demo(bad);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("--data-dir"), std::string::npos);
}

}  // namespace
}  // namespace paramedic::demo
