#include <cerrno>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace paramedic {

TEST(Errc, has_one_name_status_and_exit_code_each) {
  EXPECT_EQ(to_string(Errc::too_many), "too_many");
  EXPECT_EQ(http_status(Errc::too_many), 429);
  EXPECT_EQ(http_status(Errc::unavailable), 503);
  EXPECT_EQ(exit_code(Errc::invalid_argument), 2);
  EXPECT_EQ(to_string(Errc::internal), "internal");
}

TEST(Error, translates_errno_and_keeps_context) {
  const Error error = with_context(errno_error("cannot open /x", EACCES), "ledger");
  EXPECT_EQ(error.code, Errc::forbidden);
  EXPECT_EQ(error.message, "ledger: cannot open /x: Permission denied");
  EXPECT_EQ(errno_error("a", EADDRINUSE).code, Errc::conflict);
  EXPECT_EQ(errno_error("a", ENOSPC).code, Errc::io);
}

TEST(Result, of_an_error_throws_when_used_as_a_value) {
  const Result<int> failed = Error{Errc::timeout, "late"};
  EXPECT_THROW((void)failed.value(), std::logic_error);
}

TEST(Log, writes_one_line_per_event) {
  EXPECT_EQ(format_log_line("worker_exited",
                            {{"worker", "w-1"}, {"reason", "signal 9"}, {"pid", 17}, {"ok", true}, {"load", 0.5}}),
            "worker_exited worker=w-1 reason=\"signal 9\" pid=17 ok=true load=0.5");
  EXPECT_EQ(format_log_line("x", {{"text", "a\n\"b\""}, {"empty", ""}}), "x text=\"a\\x0a\\\"b\\\"\" empty=\"\"");
}

TEST(Log, writes_to_standard_error_above_its_minimum) {
  testing::internal::CaptureStderr();
  const auto log = make_stderr_logger(LogLevel::warning);
  log->info("quiet");
  log->error("loud", {{"n", 1}});
  make_null_logger()->error("never");
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.find("quiet"), std::string::npos);
  EXPECT_NE(out.find("loud n=1"), std::string::npos);
}

TEST(ManualClock, moves_only_when_told) {
  ManualClock clock;
  const Now before = clock.now();
  clock.advance(5s);
  clock.jump_wall(-1h);
  EXPECT_EQ(clock.now().steady - before.steady, 5s);
  EXPECT_EQ(clock.now().wall - before.wall, 5s - 1h);
  EXPECT_EQ(wall_at(before.steady, before), before.wall);
  EXPECT_EQ(steady_at(before.wall, before), before.steady);
  EXPECT_GT(SystemClock().now().wall.time_since_epoch().count(), 0);
}

}  // namespace paramedic
