#include "io/sqlite/backup.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "io/sqlite/database.h"

namespace paramedic::sqlite {
namespace {

namespace fs = std::filesystem;

class BackupTest : public ::testing::Test {
 protected:
  BackupTest() {
    char path[] = "/tmp/paramedic_backup_XXXXXX";
    dir_ = ::mkdtemp(path);
    auto opened = Database::open(file("a.db"), {.incremental_vacuum = true, .page_size = 1024});
    EXPECT_TRUE(opened);
    db_ = std::move(*opened);
    run("CREATE TABLE t(x INTEGER PRIMARY KEY, y TEXT); INSERT INTO t VALUES(1, 'one'), (2, 'two');"
        "PRAGMA user_version=7");
  }
  ~BackupTest() override { fs::remove_all(dir_); }
  std::string file(const std::string& name) const { return dir_ + "/" + name; }
  void run(const char* sql) {
    const auto done = db_.run(sql);
    ASSERT_TRUE(done) << done.error().message;
  }

  std::string dir_;
  Database db_;
};

TEST_F(BackupTest, CopiesWhatIsCommittedWithItsSettings) {
  run("BEGIN; INSERT INTO t VALUES(3, 'open')");
  const auto bytes = copy_database(file("a.db"), file("b.db"));
  ASSERT_TRUE(bytes) << bytes.error().message;
  run("COMMIT");
  EXPECT_EQ(*bytes, fs::file_size(file("b.db")));
  EXPECT_FALSE(fs::exists(file("b.db-wal"))) << "the copy is one file";
  EXPECT_EQ(fs::status(file("b.db")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  auto copy = Database::open(file("b.db"));
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(*copy->number("SELECT count(*) FROM t"), 2) << "nothing of the open transaction";
  EXPECT_EQ(*copy->number("PRAGMA user_version"), 7);
  EXPECT_EQ(*copy->number("PRAGMA auto_vacuum"), 2) << "incremental vacuum cannot be set later";
  EXPECT_EQ(*copy->number("PRAGMA page_size"), 1024);
}

TEST_F(BackupTest, NeverWritesOverAFile) {
  std::ofstream(file("b.db")) << "precious";
  const auto refused = copy_database(file("a.db"), file("b.db"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(fs::file_size(file("b.db")), 8u);
}

TEST_F(BackupTest, LeavesNothingBehindWhenItFails) {
  const auto missing = copy_database(file("none.db"), file("b.db"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  std::ofstream(file("text.db")) << std::string(5000, 'x');
  const auto damaged = copy_database(file("text.db"), file("b.db"));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::corrupt) << damaged.error().message;
  EXPECT_FALSE(fs::exists(file("b.db")));
}

}  // namespace
}  // namespace paramedic::sqlite
