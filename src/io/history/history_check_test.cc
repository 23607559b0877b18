#include "io/history/history_check.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "io/history/history.h"
#include "io/sqlite/database.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;

// Three hours of one worker: chunks and a log.
class HistoryCheckTest : public ::testing::Test {
 protected:
  HistoryCheckTest() {
    char path[] = "/tmp/paramedic_check_XXXXXX";
    dir_ = ::mkdtemp(path);
    auto history = open_sqlite_history({.data_dir = dir_});
    EXPECT_TRUE(history);
    const auto names = std::make_shared<const MetricNames>(MetricNames{"cpu_percent"});
    for (int i = 0; i < 180; ++i) {
      (*history)->append({{"w", t0_ + i * 60s, Status::healthy, 1.0, {names, {double(i % 50)}}}});
      EXPECT_TRUE((*history)->flush());
    }
  }
  ~HistoryCheckTest() override { fs::remove_all(dir_); }
  std::string file() const { return dir_ + "/history.db"; }
  void sql(const char* text) {
    auto db = sqlite::Database::open(file());
    ASSERT_TRUE(db);
    const auto done = db->run(text);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::vector<DataCheck> check(AsideFolder* aside = nullptr) {
    auto parts = check_history(file(), aside);
    EXPECT_TRUE(parts) << (parts ? "" : parts.error().message);
    return parts ? std::move(*parts) : std::vector<DataCheck>();
  }

  const WallTime t0_{std::chrono::milliseconds(1'795'000'000'000)};
  std::string dir_;
};

TEST_F(HistoryCheckTest, ASoundFileIsReadWhole) {
  const auto parts = check();
  ASSERT_EQ(parts.size(), 4u);
  for (const auto& part : parts) EXPECT_EQ(part.damaged, 0u) << part.name << ": " << part.problems.front();
  EXPECT_GE(parts[1].records, 2u) << "chunks";
  EXPECT_EQ(parts[2].records, 180u) << "log entries";
  EXPECT_TRUE(parts[0].remarks.empty()) << "the format that this test writes is the one that is checked";
}

TEST_F(HistoryCheckTest, EachKindOfDamageIsNamed) {
  sql("UPDATE chunk SET t0=t0-1 WHERE id=1;"
      "UPDATE chunk SET rows=rows+1 WHERE id=2;"
      "INSERT INTO chunk(worker, kind, t0, t1, rows, data) SELECT 99, 0, t0, t1, rows, data FROM chunk WHERE id=1;"
      "INSERT INTO chunk(worker, kind, t0, t1, rows, data) SELECT worker, 9, t0, t1, rows, data FROM chunk WHERE id=1;"
      "INSERT INTO chunk(worker, kind, t0, t1, rows, data) VALUES(1, 0, 1, 2, 2, x'');"
      "UPDATE log SET rows=substr(rows, 1, length(rows) - 1) WHERE id=180;"
      "INSERT INTO state(name, at, data) VALUES('worker/w', 1, x'0102030405')");
  const auto parts = check();
  EXPECT_EQ(parts[1].damaged, 5u);
  EXPECT_EQ(parts[2].damaged, 1u);
  EXPECT_EQ(parts[2].problems.at(0), "log 180: the checksum is wrong");
  EXPECT_EQ(parts[3].problems.at(0), "state 1: the checksum is wrong");
}

TEST_F(HistoryCheckTest, ARepairTakesOutWhatIsDamagedAndNothingElse) {
  const auto before = check();
  sql("UPDATE chunk SET data=substr(data, 2) WHERE id=1; UPDATE log SET rows=x'00' WHERE id=7");
  AsideFolder aside(dir_, "T");
  auto parts = check(&aside);
  EXPECT_EQ(parts[1].set_aside, 1u);
  EXPECT_EQ(parts[2].set_aside, 1u);
  EXPECT_TRUE(fs::exists(aside.path() + "/history-chunk-1"));
  EXPECT_EQ(fs::file_size(aside.path() + "/history-log-7"), 1u);
  parts = check();
  EXPECT_EQ(parts[1].damaged + parts[2].damaged, 0u);
  EXPECT_EQ(parts[1].records, before[1].records - 1);
  EXPECT_EQ(parts[2].records, before[2].records - 1);
}

TEST_F(HistoryCheckTest, ANewerFormatIsNotTouched) {
  sql("PRAGMA user_version=9; UPDATE log SET rows=x'00' WHERE id=7");
  AsideFolder aside(dir_, "T");
  const auto parts = check(&aside);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].damaged, 1u);
  EXPECT_FALSE(aside.used());
}

TEST_F(HistoryCheckTest, AMissingFileIsAnError) {
  const auto parts = check_history(dir_ + "/none.db", nullptr);
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code, Errc::not_found);
  EXPECT_FALSE(fs::exists(dir_ + "/none.db"));
}

}  // namespace
}  // namespace paramedic
