#include "app/replay/recorded_rows.h"

#include <filesystem>

#include <gtest/gtest.h>

namespace paramedic::replay {
namespace {

namespace fs = std::filesystem;

struct RecordedRowsTest : testing::Test {
  RecordedRowsTest() {
    std::string pattern = (fs::temp_directory_path() / "paramedic-rows-XXXXXX").string();
    dir = ::mkdtemp(pattern.data());
    history = std::move(*open_sqlite_history({.data_dir = dir.string()}));
  }
  ~RecordedRowsTest() override {
    history.reset();
    std::error_code ignored;
    fs::remove_all(dir, ignored);
  }
  void write(const std::string& worker, WallTime at, double cpu, std::uint64_t completed = 0) {
    HistoryRow row{worker, at, Status::healthy, 1.0, {names, {cpu}}};
    if (completed > 0) row.tasks.push_back({.type = "resize", .completed = completed});
    std::vector<HistoryRow> rows;
    rows.push_back(std::move(row));
    history->append(std::move(rows));
  }
  // "worker@seconds=cpu+completed"
  std::vector<std::string> read(WallTime from, WallTime to, RowsOptions options = RowsOptions()) {
    RecordedRows rows(*history, history->worker_ids(), from, to, std::move(options));
    std::vector<std::string> out;
    RecordedRow row;
    for (;;) {
      const auto more = rows.next(row);
      EXPECT_TRUE(more) << more.error().message;
      if (!more || !*more) break;
      std::string text = *row.worker_id + "@" + std::to_string(int(to_seconds(row.at - t0))) + "=" +
                         std::to_string(int(row.metric("cpu_percent").value_or(-1)));
      if (row.tasks) text += "+" + std::to_string(row.tasks->front().completed);
      EXPECT_FALSE(row.metric("other"));
      out.push_back(std::move(text));
    }
    EXPECT_EQ(rows.rows(), out.size());
    return out;
  }

  fs::path dir;
  std::unique_ptr<History> history;
  std::shared_ptr<const MetricNames> names = std::make_shared<const MetricNames>(MetricNames{"cpu_percent"});
  const WallTime t0{std::chrono::hours(500'000)};
};

TEST_F(RecordedRowsTest, come_in_the_order_of_time_over_all_workers) {
  write("b", t0 + 10s, 1);
  write("a", t0 + 20s, 2, 7);
  write("b", t0 + 30s, 3, 8);
  write("a", t0 + 30s, 4);
  ASSERT_TRUE(history->flush());
  EXPECT_EQ(read(t0, t0 + 1h), (std::vector<std::string>{"b@10=1", "a@20=2+7", "a@30=4", "b@30=3+8"}));
  EXPECT_EQ(read(t0 + 20s, t0 + 30s), (std::vector<std::string>{"a@20=2+7"}));  // the end is not part of it
  EXPECT_TRUE(read(t0 + 2h, t0 + 3h).empty());
  EXPECT_TRUE(read(t0 + 1h, t0 + 1h).empty());
}

// Whatever the windows are, each row comes once and in order.
TEST_F(RecordedRowsTest, windows_change_nothing) {
  for (int i = 0; i < 2000; ++i)
    for (const char* worker : {"a", "b", "c"})
      if (i % 3 != worker[0] - 'a') write(worker, t0 + i * 30s, i % 100, std::uint64_t(i % 5));
  ASSERT_TRUE(history->flush());
  const auto whole = read(t0, t0 + 24h);
  EXPECT_EQ(whole.size(), 4000u);
  RowsOptions narrow;
  narrow.memory_bytes = 1000;  // a few rows
  EXPECT_EQ(read(t0, t0 + 24h, narrow), whole);
  narrow.first_window = 24h;
  narrow.memory_bytes = 1u << 30;
  EXPECT_EQ(read(t0, t0 + 24h, narrow), whole);
}

TEST_F(RecordedRowsTest, tasks_are_left_out_when_not_asked_for) {
  write("a", t0, 1, 5);
  ASSERT_TRUE(history->flush());
  EXPECT_EQ(read(t0, t0 + 1h, {.tasks = false}), std::vector<std::string>{"a@0=1"});
}

}  // namespace
}  // namespace paramedic::replay
