#include "io/sqlite/database.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace paramedic::sqlite {
namespace {

namespace fs = std::filesystem;

// For as long as it lives no file of this process grows beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() {
    char path[] = "/tmp/paramedic_database_XXXXXX";
    dir_ = ::mkdtemp(path);
    auto opened = Database::open(dir_ + "/a.db");
    EXPECT_TRUE(opened);
    db_ = std::move(*opened);
    EXPECT_TRUE(db_.run("CREATE TABLE t(x BLOB)"));
  }
  ~DatabaseTest() override {
    db_ = {};
    fs::remove_all(dir_);
  }

  std::string dir_;
  Database db_;
};

TEST_F(DatabaseTest, a_limit_on_file_sizes_is_a_lack_of_space_and_named) {
  {
    const FileSizeLimit limit(256 * 1024);
    const auto done = db_.run("INSERT INTO t VALUES(zeroblob(400000))");
    ASSERT_FALSE(done);
    EXPECT_TRUE(db_.out_of_space());
    EXPECT_EQ(done.error().code, Errc::unavailable);
    EXPECT_NE(done.error().message.find("LimitFSIZE"), std::string::npos) << done.error().message;
  }
  EXPECT_TRUE(db_.run("INSERT INTO t VALUES(zeroblob(400000))"));
}

TEST_F(DatabaseTest, a_file_that_another_holds_is_no_lack_of_space) {
  auto other = Database::open(dir_ + "/a.db");
  ASSERT_TRUE(other && other->run("PRAGMA busy_timeout=1"));
  ASSERT_TRUE(db_.run("BEGIN IMMEDIATE"));
  const auto done = other->run("INSERT INTO t VALUES(1)");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_FALSE(other->out_of_space());
}

TEST(FreeBytes, a_file_system_that_does_not_tell_is_not_full) {
  EXPECT_GT(free_bytes("/tmp"), 0u);
  EXPECT_EQ(free_bytes("/no/such/folder"), std::numeric_limits<std::uint64_t>::max());
}

}  // namespace
}  // namespace paramedic::sqlite
