#include "app/agent/collectors/collectors_fixture.h"

namespace paramedic::agent {
namespace {

using ProcessCollectorTest = CollectorFixture;

TEST_F(ProcessCollectorTest, fills_state_threads_and_files) {
  Report report;
  report.process.emplace().pid = 7;
  make_process_collector(setup())->collect(alive(), SteadyTime{1h}, report);
  EXPECT_EQ(report.process->pid, 7);
  EXPECT_EQ(report.process->state, 'S');
  EXPECT_EQ(report.process->threads, 3);
  EXPECT_EQ(report.process->open_files, 12);
}

TEST_F(ProcessCollectorTest, a_traced_process_counts_as_stopped_and_an_idle_one_as_sleeping) {
  auto sample = alive();
  sample.state = 't';
  Report report;
  make_process_collector(setup())->collect(sample, SteadyTime{1h}, report);
  EXPECT_EQ(report.process->state, 'T');
  sample.state = 'I';
  make_process_collector(setup())->collect(sample, SteadyTime{1h}, report);
  EXPECT_EQ(report.process->state, 'S');
}

TEST_F(ProcessCollectorTest, says_nothing_of_a_process_that_is_gone) {
  Report report;
  make_process_collector(setup())->collect(TreeSample{}, SteadyTime{1h}, report);
  EXPECT_FALSE(report.process);
}

// A collector without test or documentation must not pass.
TEST(Collectors, each_has_a_file_a_test_and_a_docs_row) {
  const std::filesystem::path root = PARAMEDIC_SOURCE_DIR;
  std::ifstream docs(root / "docs/agent.md");
  const std::string text((std::istreambuf_iterator<char>(docs)), {});
  for (const auto name : collector_names()) {
    const auto base = root / "src/app/agent/collectors";
    EXPECT_TRUE(std::filesystem::exists(base / (std::string(name) + ".cc"))) << name;
    EXPECT_TRUE(std::filesystem::exists(base / (std::string(name) + "_test.cc"))) << name;
    EXPECT_NE(text.find("| `" + std::string(name) + "` |"), std::string::npos)
        << name << " has no row in docs/agent.md";
  }
  EXPECT_EQ(collector_names().size(), 4u);
}

}  // namespace
}  // namespace paramedic::agent
