#include "io/wire/history_json.h"

#include <charconv>
#include <cmath>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "base/text.h"
#include "io/wire/json_number.h"
#include "io/wire/wire_test_values.h"

namespace paramedic::wire {
namespace {

namespace json = boost::json;
using testing::holds;

constexpr std::size_t kMost = 1 << 30;
const double kNone = std::nan("");
const std::int64_t kNowMs = 1'795'000'000'000;

HistoryColumns two_points() {
  return {.at = {kNowMs, kNowMs + 250},
          .status = {Status::warning, Status::unknown},
          .score = {0.75, kNone},
          .marks = {HistoryColumns::kTransition | HistoryColumns::kBacklog, 0},
          .metrics = {{"a", {1, kNone}}, {"b\"c", {-0.25, kNone}}}};
}
// Any columns at all, most of them sparse.
HistoryColumns some_columns() {
  HistoryColumns out;
  const auto rows = *rc::gen::inRange<std::size_t>(0, 300);
  std::int64_t at = *rc::gen::inRange<std::int64_t>(-5'000'000'000, 5'000'000'000'000);
  for (std::size_t i = 0; i < rows; ++i) {
    out.at.push_back(at += *rc::gen::inRange<std::int64_t>(1, 100'000'000));
    out.status.push_back(Status(*rc::gen::inRange(0, 4)));
    out.score.push_back(*rc::gen::inRange(0, 3) ? *rc::gen::inRange(0, 10'001) / 1e4 : kNone);
    out.marks.push_back(std::uint8_t(*rc::gen::inRange(0, 4)));
  }
  for (const char* name : {"cpu_percent", "ä\n", "z"}) {
    auto& values = out.metrics.emplace_back(HistoryColumn{name, {}}).values;
    for (std::size_t i = 0; i < rows; ++i) values.push_back(*rc::gen::inRange(0, 3) ? testing::some_number() : kNone);
  }
  return out;
}
// Boost's reader may miss by a bit; exactness is the matter of the tests of JsonNumber.
bool same(const json::value& text, double value) {
  return std::isnan(value) ? text.is_null() : std::fabs(text.to_number<double>() - value) <= 1e-14 * std::fabs(value);
}

TEST(HistoryRowsJson, is_a_list_of_points) {
  EXPECT_EQ(history_rows_json(two_points(), kMost),
            R"([{"timestamp":"2026-11-18T11:06:40.000Z","status":"warning","health_score":0.75,)"
            R"("metrics":{"a":1,"b\"c":-0.25},"transition":true,"backlog":true},)"
            R"({"timestamp":"2026-11-18T11:06:40.250Z","status":"unknown","health_score":null,"metrics":{}}])");
  EXPECT_EQ(history_rows_json({}, kMost), "[]");
}

TEST(HistoryColumnsJson, is_a_list_per_metric) {
  EXPECT_EQ(history_columns_json("w/\"1", two_points(), kMost),
            R"({"worker_id":"w/\"1","timestamps_ms":[1795000000000,1795000000250],)"
            R"("status":[[0,"warning"],[1,"unknown"]],"health_score":[0.75,null],"transitions":[0],"backlog":[0],)"
            R"("metrics":{"a":[1,null],"b\"c":[-0.25,null]}})");
}

TEST(HistoryJson, both_forms_say_the_same) {
  EXPECT_TRUE(holds([] {
    const HistoryColumns points = some_columns();
    const json::value rows = json::parse(*history_rows_json(points, kMost));
    const json::value columns = json::parse(*history_columns_json("w", points, kMost));
    RC_ASSERT(rows.as_array().size() == points.size());
    RC_ASSERT(columns.at("timestamps_ms").as_array().size() == points.size());
    const auto& changes = columns.at("status").as_array();
    std::size_t change = 0, transitions = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const json::value& row = rows.at(i);
      const WallTime at{std::chrono::milliseconds(points.at[i])};
      RC_ASSERT(row.at("timestamp").as_string() == format_time(at));
      RC_ASSERT(columns.at("timestamps_ms").at(i).as_int64() == points.at[i]);
      if (change + 1 < changes.size() && changes[change + 1].at(0).to_number<std::size_t>() == i) ++change;
      RC_ASSERT(row.at("status").as_string() == to_string(points.status[i]));
      RC_ASSERT(changes[change].at(1).as_string() == to_string(points.status[i]));
      RC_ASSERT(same(row.at("health_score"), points.score[i]));
      RC_ASSERT(same(columns.at("health_score").at(i), points.score[i]));
      RC_ASSERT(row.as_object().contains("transition") == bool(points.marks[i] & HistoryColumns::kTransition));
      if (points.marks[i] & HistoryColumns::kTransition)
        RC_ASSERT(columns.at("transitions").at(transitions++).to_number<std::size_t>() == i);
      for (const auto& column : points.metrics) {
        RC_ASSERT(same(columns.at("metrics").at(column.metric).at(i), column.values[i]));
        if (!row.at("metrics").as_object().empty())
          RC_ASSERT(same(row.at("metrics").at(column.metric), column.values[i]));
        else
          RC_ASSERT(std::isnan(column.values[i]));
      }
    }
  }));
}

TEST(HistoryJson, stops_at_the_limit) {
  const HistoryColumns points = two_points();
  const std::size_t rows = history_rows_json(points, kMost)->size();
  EXPECT_TRUE(history_rows_json(points, rows));
  EXPECT_FALSE(history_rows_json(points, rows - 1));
  const std::size_t columns = history_columns_json("w", points, kMost)->size();
  EXPECT_TRUE(history_columns_json("w", points, columns));
  EXPECT_FALSE(history_columns_json("w", points, columns - 1));
}

TEST(JsonNumbers, a_list_longer_than_the_buffer_is_whole) {
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < 5000; ++i) numbers.push_back(std::int64_t(i) * i * i * i * (i % 2 ? -1 : 1));
  std::string out;
  append_integers(out, numbers);
  const json::value back = json::parse(out);
  ASSERT_EQ(back.as_array().size(), numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(back.at(i).as_int64(), numbers[i]);
}

TEST(JsonNumbers, integers_of_every_length) {
  std::uint64_t number = 9;
  for (int digits = 1; digits < 20; ++digits, number = number * 10 + 9)
    for (const std::uint64_t n : {number, number - 1, number + 1, number / 2}) {
      char text[kMaxNumber];
      EXPECT_EQ(std::string_view(text, std::size_t(put_unsigned(text, n) - text)), std::to_string(n));
    }
}

TEST(JsonNumbers, four_decimals_are_exact) {
  for (int i = 0; i < 200'000; i += 7) {
    char text[kMaxNumber];
    const double value = double(i) / 10'000;
    const char* end = put_number(text, value);
    char shortest[kMaxNumber];
    const char* other = std::to_chars(shortest, shortest + kMaxNumber, value, std::chars_format::fixed).ptr;
    ASSERT_EQ(std::string_view(text, std::size_t(end - text)),
              std::string_view(shortest, std::size_t(other - shortest)));
  }
}

}  // namespace
}  // namespace paramedic::wire
