#include "app/agent/diagnosis.h"

#include <filesystem>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>
#include <signal.h>

namespace paramedic::agent {
namespace {

class DiagnosisTest : public ::testing::Test {
 protected:
  DiagnosisTest() {
    char name[] = "/tmp/diagnosis_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~DiagnosisTest() override { std::filesystem::remove_all(folder_); }
  void shell(const std::string& script) { hook_.command = {"/bin/sh", "-c", script}; }
  std::unique_ptr<Diagnosis> begin(Duration limit) {
    return std::make_unique<Diagnosis>(
        io_, DiagnosisPlan{hook_, HookSubject{"w-1", "inc-7", "act-9", 4711}, output_, limit},
        [this](int number) {
          signals_.push_back(number);
          if (on_signal_) on_signal_();
          return process_there_;
        },
        [this](const std::string& text) { text_ = text; });
  }
  std::string ask(Duration limit = 10s) {
    const auto diagnosis = begin(limit);
    EXPECT_FALSE(text_) << "never within the caller's turn";
    io_.run();
    return text_.value_or("nothing was told");
  }
  boost::asio::io_context io_{1};
  config::DiagnosticsHook hook_;
  std::string folder_, output_;
  std::function<void()> on_signal_;
  std::vector<int> signals_;
  bool process_there_ = true;
  std::optional<std::string> text_;
};

TEST_F(DiagnosisTest, a_program_is_run_with_what_it_must_know) {
  hook_.command = {"/bin/sh", "-c", "echo $0 $1 $PARAMEDIC_WORKER_PID $PARAMEDIC_ACTION_ID; echo oops >&2; exit 3",
                   "{pid}", "{worker_id}/{incarnation}"};
  const std::string text = ask();
  EXPECT_NE(text.find("4711 w-1/inc-7 4711 act-9\noops"), std::string::npos) << text;
  EXPECT_NE(text.find("(exit 3)"), std::string::npos) << text;
  EXPECT_TRUE(signals_.empty());
}

TEST_F(DiagnosisTest, one_that_does_not_end_is_killed_with_its_children_and_what_it_said_is_kept) {
  shell("echo first; echo $$ > " + folder_ + "/pid; sleep 1000 & wait");
  const std::string text = ask(300ms);
  EXPECT_NE(text.find("did not end within 300ms and was killed"), std::string::npos) << text;
  EXPECT_NE(text.find("first"), std::string::npos) << text;
  int pid = 0;
  std::ifstream(folder_ + "/pid") >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(pid))) << "reaped";
}

TEST_F(DiagnosisTest, whoever_keeps_its_output_open_is_not_waited_for) {
  shell("echo said; sleep 1000 &");
  const std::string text = ask(1min);
  EXPECT_NE(text.find("said"), std::string::npos) << text;
  EXPECT_NE(text.find("(exit 0)"), std::string::npos) << text;
}

TEST_F(DiagnosisTest, a_flood_keeps_its_beginning_and_its_end) {
  shell("echo begin; head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo end");
  const std::string text = ask();
  EXPECT_LE(text.size(), kMaxDiagnosisBytes + 200);
  EXPECT_NE(text.find("begin"), std::string::npos);
  EXPECT_NE(text.find("bytes left out"), std::string::npos);
  EXPECT_TRUE(text.ends_with("end")) << text.substr(text.size() - 40);
}

TEST_F(DiagnosisTest, a_program_that_cannot_be_run_is_said_so) {
  hook_.command = {"/nowhere/py-spy"};
  EXPECT_NE(ask().find("$ /nowhere/py-spy (was not run: binary missing"), std::string::npos) << *text_;
}

TEST_F(DiagnosisTest, after_a_signal_what_the_worker_writes_is_kept) {
  output_ = folder_ + "/out";
  std::ofstream(output_) << "an old line\n";
  on_signal_ = [this] { std::ofstream(output_, std::ios::app) << "goroutine 1 [chan receive]:\x1b[2J\n"; };
  hook_.signal = SIGQUIT;
  const std::string text = ask();
  EXPECT_EQ(signals_, std::vector<int>{SIGQUIT});
  EXPECT_NE(text.find("after SIGQUIT its output says:\ngoroutine 1"), std::string::npos) << text;
  EXPECT_EQ(text.find("old line"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "nothing that commands a terminal";
}

TEST_F(DiagnosisTest, signal_and_program_share_the_limit) {
  hook_.signal = SIGUSR1;
  shell("sleep 1000");
  process_there_ = false;
  const std::string text = ask(1200ms);
  EXPECT_NE(text.find("SIGUSR1 was not sent: the process is gone"), std::string::npos) << text;
  EXPECT_NE(text.find("did not end within 200ms"), std::string::npos) << text;
}

TEST_F(DiagnosisTest, destroying_it_ends_the_program_and_tells_nothing) {
  shell("echo $$ > " + folder_ + "/pid; exec sleep 1000");
  auto diagnosis = begin(1min);
  int pid = 0;
  while (pid == 0) {
    io_.restart();
    io_.run_for(2ms);
    std::ifstream(folder_ + "/pid") >> pid;
  }
  diagnosis.reset();
  io_.restart();
  io_.run();  // nothing is left to wait for
  EXPECT_FALSE(text_);
  EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(pid)));
}

TEST(Appended, a_rotated_or_missing_file_is_no_trouble) {
  char name[] = "/tmp/appended_test.XXXXXX";
  const int fd = ::mkstemp(name);
  ASSERT_EQ(::write(fd, "0123456789", 10), 10);
  EXPECT_EQ(read_appended(name, 4, 100), "456789");
  EXPECT_EQ(read_appended(name, 10, 100), "");
  EXPECT_EQ(read_appended(name, 50, 100), "0123456789") << "shorter than before: it is another file by now";
  EXPECT_EQ(read_appended(name, 0, 4), "01\n… 6 bytes left out …\n89");
  ::close(fd);
  std::filesystem::remove(name);
  EXPECT_EQ(read_appended(name, 0, 100), "");
  EXPECT_EQ(file_size_of("/dev/zero"), 0u);
}

}  // namespace
}  // namespace paramedic::agent
