#include "app/demo/control.h"

#include <fstream>

#include <gtest/gtest.h>

#include "app/demo/test_support.h"

namespace paramedic::demo {
namespace {

struct ControlTest : testing::Test {
  void SetUp() override {
    std::filesystem::create_directories(layout.worker("thumbs-1"));
    std::filesystem::create_directories(layout.worker("hashes-1"));
    std::filesystem::create_directories(layout.broker());
  }
  TempFolder folder;
  DemoLayout layout{folder.path()};
};

TEST_F(ControlTest, every_fault_reaches_the_worker_and_is_described) {
  for (const auto name : EnumNames<Fault>::kNames) {
    const auto fault = *parse_enum<Fault>(name);
    ASSERT_TRUE(break_worker(folder.path(), "thumbs-1", fault));
    EXPECT_EQ(wanted_fault(layout.control("thumbs-1")), fault) << name;
    EXPECT_FALSE(describe(fault).empty()) << name;
    EXPECT_EQ(wanted_fault(layout.control("hashes-1")), Fault::none);
  }
}

TEST_F(ControlTest, healing_ends_the_fault) {
  ASSERT_TRUE(break_worker(folder.path(), "thumbs-1", Fault::slow));
  ASSERT_TRUE(heal_worker(folder.path(), "thumbs-1"));
  EXPECT_EQ(wanted_fault(layout.control("thumbs-1")), Fault::none);
}

TEST_F(ControlTest, an_unknown_worker_is_refused_with_the_names_of_those_that_exist) {
  for (const std::string id : {"thumbs-9", "../thumbs-1", "", ".", "thumbs-1/../hashes-1"}) {
    const auto broken = break_worker(folder.path(), id, Fault::crash);
    ASSERT_FALSE(broken) << id;
    EXPECT_EQ(broken.error().code, Errc::not_found);
    EXPECT_NE(broken.error().message.find("hashes-1, thumbs-1"), std::string::npos);
  }
}

TEST_F(ControlTest, nonsense_in_the_file_is_no_fault) {
  for (const std::string text : {"", "\n", "explode\n", "crash now\n"}) {
    std::ofstream(layout.control("thumbs-1")) << text;
    EXPECT_EQ(wanted_fault(layout.control("thumbs-1")), Fault::none) << text;
  }
  std::ofstream(layout.control("thumbs-1")) << "crash \r\n";
  EXPECT_EQ(wanted_fault(layout.control("thumbs-1")), Fault::crash);
}

TEST_F(ControlTest, the_broker_is_wanted_until_it_is_switched_off) {
  EXPECT_TRUE(broker_wanted(folder.path()));
  ASSERT_TRUE(set_broker(folder.path(), false));
  EXPECT_FALSE(broker_wanted(folder.path()));
  ASSERT_TRUE(set_broker(folder.path(), true));
  EXPECT_TRUE(broker_wanted(folder.path()));
}

TEST_F(ControlTest, the_command_takes_workers_modes_and_the_broker) {
  EXPECT_NE(demo_break(folder.path(), "thumbs-1", "hang")->find("silent"), std::string::npos);
  EXPECT_EQ(wanted_fault(layout.control("thumbs-1")), Fault::hang);
  EXPECT_TRUE(demo_break(folder.path(), "thumbs-1", "none"));
  EXPECT_EQ(demo_break(folder.path(), "thumbs-1", "explode").error().code, Errc::invalid_argument);
  EXPECT_NE(demo_break(folder.path(), "thumbs-1", "explode").error().message.find("starve"), std::string::npos);
  EXPECT_EQ(demo_break(folder.path(), "nobody", "hang").error().code, Errc::not_found);
  EXPECT_TRUE(demo_break(folder.path(), "broker", "off"));
  EXPECT_FALSE(broker_wanted(folder.path()));
  EXPECT_TRUE(demo_break(folder.path(), "broker", "on"));
  EXPECT_TRUE(broker_wanted(folder.path()));
  EXPECT_TRUE(demo_break(folder.path(), "broker", ""));
  EXPECT_FALSE(broker_wanted(folder.path()));
  EXPECT_FALSE(demo_break(folder.path(), "broker", "hang"));
}

TEST_F(ControlTest, a_folder_without_demo_has_no_workers) {
  EXPECT_TRUE(demo_workers(folder.path() / "nowhere").empty());
  EXPECT_FALSE(set_broker(folder.path() / "nowhere", true));
  EXPECT_EQ(demo_workers(folder.path()), (std::vector<std::string>{"hashes-1", "thumbs-1"}));
}

}  // namespace
}  // namespace paramedic::demo
