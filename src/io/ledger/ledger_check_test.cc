#include "io/ledger/ledger_check.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "io/ledger/ledger.h"
#include "io/ledger/ledger_rows.h"
#include "io/ledger/spool.h"
#include "io/sqlite/database.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;

class LedgerCheckTest : public ::testing::Test {
 protected:
  LedgerCheckTest() {
    char path[] = "/tmp/paramedic_check_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~LedgerCheckTest() override { fs::remove_all(dir_); }
  std::string file(const char* name) const { return dir_ + "/" + name; }

  std::string dir_;
};

TEST_F(LedgerCheckTest, RecordsThatDoNotDecodeAreFoundAndSetAside) {
  {
    auto ledger = open_sqlite_ledger({.data_dir = dir_, .reserve_bytes = 0});
    ASSERT_TRUE(ledger);
    const std::vector<LedgerEntry> entries{{WallTime{}, QuarantineRecord{.worker_id = "a"}},
                                           {WallTime{}, QuarantineRecord{.worker_id = "b"}},
                                           {WallTime{}, QuarantineRecord{.worker_id = "c"}},
                                           {WallTime{}, InputRecord{.what = RecordedBroker{"redis-a", true}}}};
    ASSERT_TRUE((*ledger)->commit(entries));
  }
  auto parts = check_ledger(file("ledger.db"), nullptr);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ(parts->at(1).records, 4u);
  EXPECT_EQ(parts->at(0).damaged + parts->at(1).damaged, 0u);
  EXPECT_TRUE(parts->at(0).remarks.empty()) << "the format that the ledger writes is the one that is checked";
  {
    auto db = sqlite::Database::open(file("ledger.db"));
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->run("UPDATE record SET body='{' WHERE id=2; UPDATE record SET kind=77 WHERE id=3"));
  }
  AsideFolder aside(dir_, "T");
  parts = check_ledger(file("ledger.db"), &aside);
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->at(1).damaged, 2u);
  EXPECT_EQ(parts->at(1).set_aside, 2u);
  EXPECT_EQ(fs::file_size(aside.path() + "/ledger-record-2-kind-3"), 1u);
  parts = check_ledger(file("ledger.db"), nullptr);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->at(1).records, 2u) << "records of every kind that is written are sound";
  EXPECT_EQ(parts->at(1).damaged, 0u);
}

TEST_F(LedgerCheckTest, ATornSpoolIsFoundAndCutOnlyByARepair) {
  {
    auto spool = Spool::open({.file = file("spool"), .reserve_bytes = 0});
    ASSERT_TRUE(spool);
    ASSERT_TRUE((*spool)->append(encode_batch({.epoch = 1, .sequence = 1, .rows = {LedgerRow{.key = "k"}}})));
    ASSERT_TRUE((*spool)->append(encode_batch({.epoch = 1, .sequence = 2, .rows = {LedgerRow{.key = "k"}}})));
  }
  auto part = check_spool(file("spool"), false);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->records, 2u);
  EXPECT_EQ(part->damaged, 0u);
  const auto whole = fs::file_size(file("spool"));
  fs::resize_file(file("spool"), whole - 1);
  part = check_spool(file("spool"), false);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->records, 1u);
  EXPECT_EQ(part->damaged, 1u);
  EXPECT_EQ(fs::file_size(file("spool")), whole - 1) << "only looked at";
  part = check_spool(file("spool"), true);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->set_aside, 1u);
  part = check_spool(file("spool"), false);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->damaged, 0u);
  EXPECT_EQ(part->records, 1u);
}

TEST_F(LedgerCheckTest, AnotherProgramsFileIsNoSpool) {
  std::ofstream(file("spool")) << "hello, this is a letter";
  const auto part = check_spool(file("spool"), true);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->damaged, 1u);
  EXPECT_EQ(part->set_aside, 0u);
  EXPECT_EQ(fs::file_size(file("spool")), 23u);
}

}  // namespace
}  // namespace paramedic
