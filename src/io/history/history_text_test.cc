#include "io/history/history_text.h"

#include <cmath>

#include <gtest/gtest.h>

namespace paramedic {
namespace {

const WallTime kStart{std::chrono::milliseconds(1'795'000'000'250)};
const double kNone = std::nan("");

void append(void* to, std::string_view piece) { *static_cast<std::string*>(to) += piece; }
std::string text_of(void (*write)(const std::vector<HistoryRow>&, PutText, void*),
                    const std::vector<HistoryRow>& rows) {
  std::string out;
  write(rows, append, &out);
  return out;
}

std::vector<HistoryRow> some_rows() {
  const auto one = std::make_shared<const MetricNames>(MetricNames{"cpu_percent", "depth"});
  const auto two = std::make_shared<const MetricNames>(MetricNames{"cpu_percent", "memory_mb"});
  std::vector<HistoryRow> rows{
      {"w/1", kStart, Status::healthy, 1.0, {one, {41.25, -3}}},
      {"w/1", kStart + 1s, Status::critical, 0.1234, {two, {kNone, 512.5}}},
      {"w/1", kStart + 1s + 1ms, Status::unknown, std::nullopt, {}},
      {"w/1", kStart + 100h, Status::warning, 0.0, {one, {1e-7, 1e300}}},
  };
  rows[1].transition = true;
  rows[2].backlog = true;
  rows[3].transition = rows[3].backlog = true;
  return rows;
}

void expect_same(const std::vector<HistoryRow>& a, const std::vector<HistoryRow>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].worker_id, b[i].worker_id);
    EXPECT_EQ(a[i].at, b[i].at) << i;
    EXPECT_EQ(a[i].status, b[i].status) << i;
    EXPECT_EQ(a[i].score, b[i].score) << i;
    EXPECT_EQ(a[i].transition, b[i].transition) << i;
    EXPECT_EQ(a[i].backlog, b[i].backlog) << i;
    for (const char* name : {"cpu_percent", "depth", "memory_mb"}) {
      const auto known = [&](const HistoryRow& row) { return row.metrics.find(name).value_or(kNone); };
      if (std::isnan(known(a[i])))
        EXPECT_TRUE(std::isnan(known(b[i]))) << i << name;
      else
        EXPECT_EQ(known(a[i]), known(b[i])) << i << name;
    }
  }
}

TEST(HistoryText, BothFormatsReadBackTheSame) {
  const auto rows = some_rows();
  for (const auto write : {write_history_csv, write_history_openmetrics}) {
    const auto again = parse_history_text(text_of(write, rows));
    ASSERT_TRUE(again) << again.error().message;
    expect_same(rows, *again);
  }
}

TEST(HistoryText, CsvAsASpreadsheetShowsIt) {
  const std::string text = text_of(write_history_csv, some_rows());
  EXPECT_EQ(text.substr(0, text.find('\n', text.find('\n') + 1) + 1),
            "worker_id,timestamp,status,health_score,marks,cpu_percent,depth,memory_mb\n"
            "w/1,2026-11-18T11:06:40.250Z,healthy,1,,41.25,-3,\n");
}

TEST(HistoryText, OpenMetricsNamesWorkerAndMetricInLabels) {
  const std::string text = text_of(write_history_openmetrics, some_rows());
  EXPECT_NE(text.find("\nparamedic_history_metric{worker_id=\"w/1\",metric=\"cpu_percent\"} 41.25 1795000000.250\n"),
            text.npos)
      << text;
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(HistoryText, LargeTextComesInPieces) {
  const auto names = std::make_shared<const MetricNames>(MetricNames{"m"});
  std::vector<HistoryRow> rows;
  for (int i = 0; i < 5000; ++i) rows.push_back({"w", kStart + i * 1s, Status::healthy, 1.0, {names, {double(i)}}});
  std::size_t pieces = 0;
  write_history_csv(
      rows, [](void* n, std::string_view) { ++*static_cast<std::size_t*>(n); }, &pieces);
  EXPECT_GT(pieces, 2u);
  const auto again = parse_history_text(text_of(write_history_csv, rows));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->size(), 5000u);
}

TEST(HistoryText, ForeignColumnsMayStandInAnyOrderAndTheLaterLineWins) {
  const auto rows = parse_history_text(
      "worker_id,timestamp,status,health_score,marks,b,a\r\n"
      "w,2026-11-18T13:06:41Z,healthy,,,1,2\r\n"
      "w,2026-11-18T13:06:40Z,healthy,,,3,4\r\n"
      "w,2026-11-18T13:06:41Z,warning,,,5,\r\n");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->at(0).metrics.find("a"), 4);
  EXPECT_EQ(rows->at(1).status, Status::warning);
  EXPECT_EQ(rows->at(1).metrics.find("b"), 5);
}

struct Bad {
  std::string text, told;
};
class BadHistoryText : public ::testing::TestWithParam<Bad> {};

TEST_P(BadHistoryText, IsRefusedWithItsLine) {
  const auto rows = parse_history_text(GetParam().text);
  ASSERT_FALSE(rows) << GetParam().told;
  EXPECT_EQ(rows.error().code, Errc::invalid_argument);
  EXPECT_NE(rows.error().message.find(GetParam().told), std::string::npos) << rows.error().message;
}

const std::string kHead = "worker_id,timestamp,status,health_score,marks,m\n";
const std::string kGood = "w,2026-11-18T13:06:40Z,healthy,1,,5\n";
const std::string kSample = "paramedic_history_metric{worker_id=\"w\",metric=\"m\"} 5 1795000000.000\n";

INSTANTIATE_TEST_SUITE_P(
    Csv, BadHistoryText,
    ::testing::Values(Bad{"", "line 1: must begin with"}, Bad{"a,b\n", "line 1: must begin with"}, Bad{kHead, "no row"},
                      Bad{kHead + kGood + "w,2026\n", "line 3: 2 cells instead of 6"},
                      Bad{kHead + kGood + "x,2026-11-18T13:06:41Z,healthy,1,,5\n", "line 3: worker 'x' after w"},
                      Bad{kHead + "a b,2026-11-18T13:06:41Z,healthy,1,,5\n", "line 2: "},
                      Bad{kHead + "w,yesterday,healthy,1,,5\n", "line 2: "},
                      Bad{kHead + "w,2026-11-18T13:06:40Z,well,1,,5\n", "line 2: status 'well'"},
                      Bad{kHead + "w,2026-11-18T13:06:40Z,healthy,2,,5\n", "line 2: health_score '2'"},
                      Bad{kHead + "w,2026-11-18T13:06:40Z,healthy,1,x,5\n", "line 2: marks 'x'"},
                      Bad{kHead + "w,2026-11-18T13:06:40Z,healthy,1,,inf\n", "line 2: m 'inf'"},
                      Bad{kHead + "w,2026-11-18T13:06:40Z,healthy,1,,5x\n", "line 2: m '5x'"},
                      Bad{kHead + kGood.substr(0, kGood.size() - 1), "line 2: it does not end"},
                      Bad{"worker_id,timestamp,status,health_score,marks,m,m\n", "metric m stands there twice"},
                      Bad{"worker_id,timestamp,status,health_score,marks,5m\n", "line 1: '5m'"}));

INSTANTIATE_TEST_SUITE_P(
    OpenMetrics, BadHistoryText,
    ::testing::Values(
        Bad{"# EOF\n", "no row"}, Bad{"# x\n" + kSample, "cut off"},
        Bad{"# x\n" + kSample + "# EOF\n" + kSample, "line 4: there must be nothing"},
        Bad{"# x\nother{worker_id=\"w\"} 1 2\n# EOF\n", "line 2: 'other'"},
        Bad{"# x\nup 1 2\n# EOF\n", "line 2: must be NAME"}, Bad{"# x\nup{a=\"b\"} 1 2\n# EOF\n", "line 2: label 'a'"},
        Bad{"# x\nparamedic_history_metric{worker_id=\"w\n# EOF\n", "line 2: its labels do not end"},
        Bad{"# x\nparamedic_history_metric{worker_id=\"w\",metric=\"m\"} 1\n# EOF\n", "timestamp is missing"},
        Bad{"# x\nparamedic_history_metric{worker_id=\"w\",metric=\"m\"} NaN 1\n# EOF\n", "value 'NaN'"},
        Bad{"# x\nparamedic_history_metric{worker_id=\"w\",metric=\"m\"} 1 1e300\n# EOF\n", "timestamp '1e300'"},
        Bad{"# x\nparamedic_history_metric{worker_id=\"w\",metric=\"-\"} 1 1\n# EOF\n", "'-' is no name"},
        Bad{"# x\nparamedic_history_status{worker_id=\"w\"} 4 1\n# EOF\n", "a status must be"},
        Bad{"# x\nparamedic_history_marks{worker_id=\"w\"} 0.5 1\n# EOF\n", "marks must be"},
        Bad{"# x\nparamedic_history_health_score{worker_id=\"w\"} -1 1\n# EOF\n", "health score must"}));

}  // namespace
}  // namespace paramedic
