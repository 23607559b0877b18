// read_columns of every History (the suite is instantiated in history_conformance_test.cc): the same points as read.
#include <map>

#include "io/history/history_conformance.h"

namespace paramedic {

namespace {

// Cell by cell, from the rows alone.
void expect_same(const HistoryColumns& columns, const std::vector<HistoryRow>& rows) {
  ASSERT_EQ(columns.size(), rows.size());
  ASSERT_EQ(columns.status.size(), rows.size());
  ASSERT_EQ(columns.score.size(), rows.size());
  ASSERT_EQ(columns.marks.size(), rows.size());
  for (std::size_t m = 1; m < columns.metrics.size(); ++m)
    EXPECT_LT(columns.metrics[m - 1].metric, columns.metrics[m].metric);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const HistoryRow& row = rows[i];
    EXPECT_EQ(WallTime{std::chrono::milliseconds(columns.at[i])}, row.at);
    EXPECT_EQ(columns.status[i], row.status);
    EXPECT_EQ(std::isnan(columns.score[i]) ? std::nullopt : std::optional(columns.score[i]), row.score);
    EXPECT_EQ(bool(columns.marks[i] & HistoryColumns::kTransition), row.transition);
    EXPECT_EQ(bool(columns.marks[i] & HistoryColumns::kBacklog), row.backlog);
    std::size_t known = 0;
    for (const HistoryColumn& column : columns.metrics) {
      ASSERT_EQ(column.values.size(), rows.size()) << column.metric;
      const double v = column.values[i];
      EXPECT_EQ(row.metrics.find(column.metric), std::isnan(v) ? std::nullopt : std::optional(v)) << column.metric;
      known += !std::isnan(v);
    }
    std::size_t expected = 0;
    for (const double v : row.metrics.values) expected += !std::isnan(v);
    EXPECT_EQ(known, expected) << "no metric of the row is missing";
  }
}

}  // namespace

TEST_P(HistoryConformance, columns_say_what_was_written) {
  open();
  const double none = std::nan(""), third = 1.0 / 3;
  const auto shape = names({"a_rate", "b"});
  // Gaps, true doubles, a row without metrics, a name that comes midway, a late row that takes the place of another.
  write({{"w", t0_, Status::critical, 0.25, {shape, {none, third}}, true, true},
         {"w", t0_ + 1s, Status::unknown, std::nullopt, {}},
         {"w", t0_ + 2s, Status::healthy, 1, {shape, {0.125, -1e300}}}});
  write({{"w", t0_ + 2s, Status::warning, 0.5, {names({"b", "late"}), {7, 8}}},
         {"w", t0_ + 3s, Status::healthy, 1, {names({"late"}), {9}}}});
  const auto got = history_->read_columns({.worker_id = "w", .from = t0_, .to = t0_ + 1h});
  ASSERT_TRUE(got) << got.error().message;
  const std::int64_t first = std::chrono::floor<std::chrono::milliseconds>(t0_.time_since_epoch()).count();
  EXPECT_EQ(got->at, (std::vector<std::int64_t>{first, first + 1000, first + 2000, first + 3000}));
  EXPECT_EQ(got->status, (std::vector<Status>{Status::critical, Status::unknown, Status::warning, Status::healthy}));
  EXPECT_EQ(got->marks, (std::vector<std::uint8_t>{HistoryColumns::kTransition | HistoryColumns::kBacklog, 0, 0, 0}));
  std::map<std::string, std::vector<std::optional<double>>> cells;
  for (const auto& column : got->metrics)
    for (const double v : column.values)
      cells[column.metric].push_back(std::isnan(v) ? std::nullopt : std::optional(v));
  const std::optional<double> no;
  EXPECT_EQ(cells["b"], (std::vector<std::optional<double>>{third, no, 7, no}));
  EXPECT_EQ(cells["late"], (std::vector<std::optional<double>>{no, no, 8, 9}));
  const auto other = history_->read_columns({.worker_id = "other", .from = t0_, .to = t0_ + 1h});
  ASSERT_TRUE(other);
  EXPECT_TRUE(other->empty());
  const auto refused = history_->read_columns({.worker_id = "w", .from = t0_, .to = t0_ + 1h, .max_rows = 3});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_large);
}

// Days, hours, the open hour and late rows in any mixture: both forms are made of the same points, and these are what
// a sorted map holds.
TEST_P(HistoryConformance, columns_and_rows_agree_over_days_hours_and_late_rows) {
  open();
  std::map<std::int64_t, std::vector<std::pair<std::string, double>>> model;
  std::uint64_t state = 7;
  const auto random = [&](std::uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  for (int hour = 0; hour < 60; ++hour) {
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 12; ++i) {
      if (random(10) == 0) continue;  // a gap
      std::int64_t at = hour * 3600 + i * 300;
      const bool late = hour > 30 && random(12) == 0;
      if (late) at -= 3600 * std::int64_t(random(30)) + (random(2) ? 0 : 11);  // mostly in the place of another
      std::vector<std::pair<std::string, double>> values{{"cpu_percent", double(random(10'000)) / 100},
                                                         {"wild", double(random(1u << 30)) / 3}};
      if (hour >= 20) values.emplace_back("zz_new", double(hour));
      if (random(8) == 0) values[0].second = std::nan("");
      MetricNames list;
      std::vector<double> numbers;
      for (const auto& [name, value] : values) {
        list.push_back(name);
        numbers.push_back(value);
      }
      rows.push_back({"w",
                      t0_ + std::chrono::seconds(at),
                      Status(random(4)),
                      double(random(10'001)) / 10'000,
                      {names(std::move(list)), std::move(numbers)},
                      random(20) == 0,
                      late});
      model[at] = std::move(values);
    }
    write(std::move(rows));
    clock_.advance(1h);
    ASSERT_TRUE(history_->retain(clock_.now()));
    if (hour == 40) open();
  }
  for (const auto& [from, to] : {std::pair{0, 60}, {13, 14}, {20, 45}, {59, 60}, {70, 80}})
    for (const Duration step : {Duration{0}, Duration{7min}, Duration{1h}})
      for (const MetricNames& metrics : {MetricNames{}, MetricNames{"wild"}, MetricNames{"zz_new", "nobody"}}) {
        const HistoryQuery query{.worker_id = "w",
                                 .from = t0_ + from * 1h,
                                 .to = t0_ + to * 1h,
                                 .step = step,
                                 .metrics = metrics,
                                 .p95 = step.count() > 0};
        const auto columns = history_->read_columns(query);
        const auto rows = history_->read(query);
        ASSERT_TRUE(columns && rows);
        expect_same(*columns, *rows);
        if (step.count() > 0 || !metrics.empty()) continue;
        auto expected = model.lower_bound(from * 3600);
        for (std::size_t i = 0; i < columns->size(); ++i, ++expected) {
          ASSERT_NE(expected, model.end());
          ASSERT_EQ(rows->at(i).at, t0_ + std::chrono::seconds(expected->first));
          for (const auto& [name, value] : expected->second)
            ASSERT_EQ(rows->at(i).metrics.find(name), std::isnan(value) ? std::nullopt : std::optional(value));
        }
        EXPECT_EQ(expected, model.upper_bound(to * 3600));
      }
}

}  // namespace paramedic
