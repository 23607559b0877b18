// The parts of the monitor's file that modules read by themselves: each tests/config/PART/*.bad.yaml is refused, with
// the words of its first line, and the examples of their pages are good.
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
const fs::path kRoot = PARAMEDIC_SOURCE_DIR;

std::string problems_of(const std::string& text, const std::string& name) {
  const auto checked = config::check_config(text, name, [](const config::MonitorConfig& config, Problems& problems) {
    (void)make_engine_config(config, problems);
  });
  return config::format_problems(checked.problems);
}

std::string read(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class ConfigParts : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, ConfigParts, ::testing::Values("analysis", "executors", "pools", "probes"),
                         [](const auto& part) { return std::string(part.param); });

TEST_P(ConfigParts, each_bad_one_is_refused_with_its_message) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "tests/config" / GetParam())) {
    const std::string name = entry.path().filename().string(), text = read(entry.path()), marker = "# expect: ";
    ASSERT_TRUE(name.ends_with(".bad.yaml") && text.starts_with(marker)) << name;
    const std::string expected = text.substr(marker.size(), text.find('\n') - marker.size());
    EXPECT_NE(problems_of(text, name).find(expected), std::string::npos) << name << ": " << problems_of(text, name);
    ++files;
  }
  EXPECT_GE(files, 2);
}

TEST(ConfigPartsExamples, those_of_the_docs_are_good) {
  for (const auto& [file, least] :
       {std::pair("executors.md", 5), std::pair("probes.md", 1), std::pair("recovery.md", 1)}) {
    const std::string page = read(kRoot / "docs" / file);
    int examples = 0;
    for (auto from = page.find("```yaml\n"); from != page.npos; from = page.find("```yaml\n", from)) {
      from += 8;
      const std::string text = page.substr(from, page.find("```", from) - from);
      if (text.starts_with("apiVersion")) continue;  // Kubernetes' own
      EXPECT_EQ(problems_of(text, file), "") << text;
      ++examples;
    }
    EXPECT_GE(examples, least) << file;
  }
}

}  // namespace
}  // namespace paramedic::daemon
