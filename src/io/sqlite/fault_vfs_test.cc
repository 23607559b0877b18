#include "io/sqlite/fault_vfs.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "io/sqlite/database.h"

namespace paramedic::sqlite {
namespace {

namespace fs = std::filesystem;

class FaultVfsTest : public ::testing::Test {
 protected:
  FaultVfsTest() {
    char path[] = "/tmp/paramedic_faults_XXXXXX";
    dir_ = ::mkdtemp(path);
    open();
    run("CREATE TABLE t(x INTEGER PRIMARY KEY, y BLOB)");
  }
  ~FaultVfsTest() override {
    db_ = {};
    fs::remove_all(dir_);
  }
  std::string file() const { return dir_ + "/a.db"; }
  void open() {
    auto opened = Database::open(file());
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = std::move(*opened);
  }
  void run(const char* sql) {
    const auto done = db_.run(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  Result<void> insert() { return db_.run("INSERT INTO t(y) VALUES(zeroblob(3000))"); }
  std::int64_t rows() { return *db_.number("SELECT count(*) FROM t"); }

  FaultVfs vfs_;
  std::string dir_;
  Database db_;
};

TEST_F(FaultVfsTest, each_kind_fails_once_at_its_turn_and_goes_on) {
  for (const auto operation : {Operation::write, Operation::sync}) {
    vfs_.arm({.operation = operation});
    const auto failed = insert();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::io) << failed.error().message;
    EXPECT_TRUE(vfs_.struck());
    EXPECT_TRUE(insert()) << "only this one";
  }
  EXPECT_EQ(rows(), 2);
  vfs_.arm({.operation = Operation::open});
  EXPECT_FALSE(Database::open(dir_ + "/b.db"));
  vfs_.arm({.operation = Operation::truncate});
  EXPECT_FALSE(db_.run("PRAGMA wal_checkpoint(TRUNCATE)"));
  db_ = {};
  open();
  vfs_.arm({.operation = Operation::read});
  EXPECT_FALSE(db_.number("SELECT count(*) FROM t"));
  EXPECT_EQ(rows(), 2);
}

TEST_F(FaultVfsTest, a_lasting_fault_ends_when_it_is_healed) {
  vfs_.arm({.operation = Operation::write, .nth = 2, .harm = Harm::half, .lasting = true});
  EXPECT_FALSE(insert());
  EXPECT_FALSE(insert());
  EXPECT_GT(vfs_.count(Operation::write), 2u);
  vfs_.heal();
  EXPECT_TRUE(insert());
  EXPECT_EQ(rows(), 1);
}

TEST_F(FaultVfsTest, a_full_disk_says_so_and_takes_what_fits) {
  vfs_.fill(20'000);
  int taken = 0;
  Result<void> done;
  while ((done = insert())) ++taken;
  EXPECT_EQ(done.error().code, Errc::unavailable) << done.error().message;
  EXPECT_GT(taken, 0);
  EXPECT_EQ(rows(), taken);
  vfs_.heal();
  EXPECT_TRUE(insert());
}

// What is in the file after the power went at the nth change of a second commit. The first was acknowledged.
TEST_F(FaultVfsTest, a_power_loss_takes_only_what_was_not_synced) {
  for (const Loss loss : {Loss::nothing, Loss::all, Loss::torn})
    for (std::uint64_t nth = 1;; ++nth) {
      run("DELETE FROM t");
      ASSERT_TRUE(insert());
      vfs_.arm({.operation = Operation::change, .nth = nth, .harm = Harm::power_off});
      const auto second = insert();
      if (second) {
        EXPECT_FALSE(vfs_.struck());
        vfs_.heal();
        break;
      }
      EXPECT_FALSE(insert()) << "nothing goes without power";
      EXPECT_FALSE(Database::open(dir_ + "/b.db"));
      db_ = {};
      vfs_.power_on(loss, nth);
      open();
      EXPECT_GE(rows(), 1);
      EXPECT_LE(rows(), 2);
      EXPECT_EQ(*db_.number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
    }
}

TEST_F(FaultVfsTest, without_a_sync_a_commit_can_be_lost) {
  run("PRAGMA synchronous=OFF");
  ASSERT_TRUE(insert());
  vfs_.arm({.operation = Operation::change, .harm = Harm::power_off});
  EXPECT_FALSE(insert());
  db_ = {};
  vfs_.power_on(Loss::all, 1);
  open();
  EXPECT_EQ(rows(), 0) << "this layer would notice a store that forgets to sync";
}

}  // namespace
}  // namespace paramedic::sqlite
