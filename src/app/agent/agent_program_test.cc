#include "app/agent/agent_program.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace paramedic::agent {
namespace {

class AgentProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/agent_program_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    ::testing::internal::CaptureStderr();
    capturing_ = true;
  }
  void TearDown() override {
    said();
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);  // the program asked for it; other tests of this process did not
    std::filesystem::remove_all(folder_);
  }
  std::string said() {
    return std::exchange(capturing_, false) ? ::testing::internal::GetCapturedStderr() : std::string();
  }
  std::string file(const std::string& text) const {
    std::ofstream(folder_ + "/agent.yaml") << text;
    return folder_ + "/agent.yaml";
  }
  SingleWorker single(std::vector<std::string> command) const {
    SingleWorker worker;
    worker.monitor_url = "http://127.0.0.1:1";
    worker.data_dir = folder_ + "/data";
    worker.command = std::move(command);
    return worker;
  }
  std::string folder_;
  bool capturing_ = false;
};

TEST_F(AgentProgramTest, a_missing_or_wrong_file_is_named) {
  EXPECT_NE(run_agent_file(folder_ + "/none.yaml", "1"), 0);
  EXPECT_NE(run_agent_file(file("workers:\n  - id: a b\n    command: [x]\n"), "1"), 0);
  const auto text = said();
  EXPECT_NE(text.find("none.yaml"), std::string::npos) << text;
  EXPECT_NE(text.find("agent.yaml:"), std::string::npos) << text;
}

TEST_F(AgentProgramTest, a_command_that_ends_well_ends_the_supervisor) {
  EXPECT_EQ(run_single_worker(single({"/bin/sh", "-c", "echo $PARAMEDIC_WORKER_ID > " + folder_ + "/id"}), "1"), 0);
  std::ifstream in(folder_ + "/id");
  std::string id;
  in >> id;
  EXPECT_TRUE(id.ends_with(".sh")) << id;
}

TEST_F(AgentProgramTest, a_command_that_crashes_is_started_again) {
  const auto script = "echo life >> " + folder_ + "/lives; test $(wc -l < " + folder_ + "/lives) -ge 2";
  EXPECT_EQ(run_single_worker(single({"/bin/sh", "-c", script}), "1"), 0);
  std::ifstream in(folder_ + "/lives");
  const std::string lives((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(lives, "life\nlife\n");
}

TEST_F(AgentProgramTest, the_default_folder_is_below_the_state_home) {
  ::setenv("XDG_STATE_HOME", (folder_ + "/state").c_str(), 1);
  auto worker = single({"/bin/true"});
  worker.data_dir.clear();
  EXPECT_EQ(run_single_worker(worker, "1"), 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/state/paramedic"));
  ::unsetenv("XDG_STATE_HOME");
}

TEST_F(AgentProgramTest, bad_arguments_are_refused) {
  EXPECT_NE(run_single_worker(single({}), "1"), 0);
  auto worker = single({"/bin/true"});
  worker.id = "a b";
  EXPECT_NE(run_single_worker(worker, "1"), 0);
  worker.id = "a";
  worker.pool = "p p";
  EXPECT_NE(run_single_worker(worker, "1"), 0);
  const auto text = said();
  EXPECT_NE(text.find("after --"), std::string::npos);
  EXPECT_NE(text.find("--id"), std::string::npos);
  EXPECT_NE(text.find("--pool"), std::string::npos);
}

}  // namespace
}  // namespace paramedic::agent
