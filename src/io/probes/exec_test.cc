#include <fstream>

#include <sys/stat.h>

#include "io/probes/probe_test_support.h"

namespace paramedic::probes {
namespace {

using ::testing::HasSubstr;

class Script {
 public:
  explicit Script(const std::string& body, ::mode_t mode = 0755) {
    char name[] = "/tmp/probe_script.XXXXXX";
    path_ = ::mkdtemp(name);
    path_ += "/ask";
    std::ofstream(path_) << "#!/bin/sh\n" << body << '\n';
    ::chmod(path_.c_str(), mode);
  }
  ~Script() {
    ::unlink(path_.c_str());
    ::rmdir(path_.substr(0, path_.rfind('/')).c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ExecProbe, exit_0_is_an_answer_and_nothing_else_is) {
  const Script good("exit 0"), bad("echo 'the queue is gone'; exit 3"), shot("kill -9 $$");
  EXPECT_EQ(miss(probe_of("exec", {{"program", good.path()}}).probe->run(kLong)), "");
  EXPECT_THAT(miss(probe_of("exec", {{"program", bad.path()}}).probe->run(kLong)),
              HasSubstr("said exit 3: the queue is gone"));
  EXPECT_THAT(miss(probe_of("exec", {{"program", shot.path()}}).probe->run(kLong)), HasSubstr("was ended by signal 9"));
}

TEST(ExecProbe, one_that_hangs_is_a_miss_and_leaves_nothing_running) {
  const Script hangs("sleep 1000 & wait");
  const auto result = probe_of("exec", {{"program", hangs.path()}}).probe->run(kShort);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST(ExecProbe, what_others_may_write_to_or_nobody_may_run_is_not_run) {
  const Script open("exit 0", 0757), plain("exit 0", 0644);
  EXPECT_NE(miss(probe_of("exec", {{"program", open.path()}}).probe->run(kLong)), "");
  EXPECT_NE(miss(probe_of("exec", {{"program", plain.path()}}).probe->run(kLong)), "");
  EXPECT_NE(miss(probe_of("exec", {{"program", "/nowhere/ask"}}).probe->run(kLong)), "");
}

TEST(ExecProbe, a_cancelled_one_refuses_later_tries) {
  const Script good("exit 0");
  const auto probe = probe_of("exec", {{"program", good.path()}});
  probe.probe->cancel();
  EXPECT_NE(miss(probe.probe->run(kLong)), "");
}

}  // namespace
}  // namespace paramedic::probes
