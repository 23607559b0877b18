// Executors in the monitor's file: each tests/config/executors/*.bad.yaml is refused, with the words of its first line.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "app/daemon/reload.h"
#include "io/config/check_config.h"
#include "io/config/yaml.h"

namespace paramedic::daemon {
namespace {

namespace fs = std::filesystem;

std::string problems_of(const std::string& text, const std::string& name) {
  const auto checked = config::check_config(text, name, [](const config::MonitorConfig& config, Problems& problems) {
    (void)make_engine_config(config, problems);
  });
  return config::format_problems(checked.problems);
}

TEST(ExecutorsConfig, each_bad_one_is_refused_with_its_message) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(PARAMEDIC_SOURCE_DIR) / "tests/config/executors")) {
    const std::string name = entry.path().filename().string();
    std::ifstream in(entry.path());
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string marker = "# expect: ";
    ASSERT_TRUE(name.ends_with(".bad.yaml") && text.starts_with(marker)) << name;
    const std::string expected = text.substr(marker.size(), text.find('\n') - marker.size());
    EXPECT_NE(problems_of(text, name).find(expected), std::string::npos) << name << ": " << problems_of(text, name);
    ++files;
  }
  EXPECT_GE(files, 10);
}

TEST(ExecutorsConfig, the_examples_of_the_docs_are_good) {
  std::ifstream in(fs::path(PARAMEDIC_SOURCE_DIR) / "docs/executors.md");
  const std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  int examples = 0;
  for (auto from = page.find("```yaml\n"); from != page.npos; from = page.find("```yaml\n", from)) {
    from += 8;
    const std::string text = page.substr(from, page.find("```", from) - from);
    if (text.starts_with("apiVersion")) continue;  // Kubernetes' own
    EXPECT_EQ(problems_of(text, "docs"), "") << text;
    ++examples;
  }
  EXPECT_GE(examples, 5);
}

}  // namespace
}  // namespace paramedic::daemon
