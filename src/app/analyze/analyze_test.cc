#include "app/analyze/analyze.h"

#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "app/analyze/csv_series.h"
#include "base/text.h"

namespace paramedic::analyze {
namespace {

std::string problem(const std::string& csv) {
  std::istringstream in(csv);
  std::ostringstream out;
  const auto done = analyze_csv(in, "x.csv", out);
  return done ? "" : done.error().message;
}
std::string scored(const std::string& csv) {
  std::istringstream in(csv);
  std::ostringstream out;
  EXPECT_TRUE(analyze_csv(in, "x.csv", out));
  return out.str();
}
CsvSample first(const std::string& csv) {
  std::istringstream in(csv);
  CsvSeries series(in, "x.csv");
  const auto sample = series.next();
  EXPECT_TRUE(sample && *sample) << csv;
  return **sample;
}

TEST(CsvSeries, takes_times_as_people_and_as_programs_write_them) {
  const WallTime expected = parse_time("2014-04-01T00:05:00Z").value();
  for (const char* time : {"2014-04-01 00:05:00", "\"2014-04-01T00:05:00Z\"", "1396310700", "1396310700000",
                           "1396310700000000", "1396310700000000000", "1396310700.0"})
    EXPECT_EQ(first("timestamp,value\n" + std::string(time) + ",7\n").at, expected) << time;
}

TEST(CsvSeries, finds_its_columns_by_name_or_takes_the_first_two) {
  EXPECT_EQ(first("host,Value,TimeStamp\nh,7,100\n").value, 7);
  EXPECT_EQ(first("100,7,0\n").value, 7);
  EXPECT_EQ(first("when,what\n\n100,7\r\n").value, 7);
  EXPECT_EQ(first("\xEF\xBB\xBFtimestamp,value\n100,7").value, 7);
  EXPECT_TRUE(std::isnan(first("timestamp,value\n100,\n").value));
}

TEST(CsvSeries, says_file_and_line_of_what_is_wrong) {
  EXPECT_EQ(problem("timestamp,value\n100,7\n200,high\n"), "x.csv:3: 'high' is no number");
  EXPECT_NE(problem("timestamp,value\nyesterday,7\n").find("x.csv:2: 'yesterday' is no time"), std::string::npos);
  EXPECT_EQ(problem("timestamp,value\n100\n"), "x.csv:2: has no timestamp and value");
  EXPECT_EQ(problem("timestamp,value\n100," + std::string(5000, '1')), "x.csv:2: longer than 4096 bytes");
  EXPECT_EQ(problem("timestamp,value\n" + std::string(100, ',')), "x.csv:2: more than 64 columns");
  EXPECT_EQ(problem(""), "x.csv: has no samples");
  EXPECT_EQ(problem("timestamp,value\n"), "x.csv: has no samples");
}

TEST(Analyze, writes_what_it_read_with_a_score) {
  EXPECT_EQ(scored("timestamp,value\n2014-04-01 00:00:00,7.50\n2014-04-01 00:05:00,\n"),
            "timestamp,value,anomaly_score\n2014-04-01 00:00:00,7.50,0\n2014-04-01 00:05:00,,0\n");
}

TEST(Analyze, a_spike_gets_the_largest_score_and_the_future_does_not_matter) {
  std::mt19937 dice(1);
  std::normal_distribution<double> normal(50, 2);
  std::string csv = "timestamp,value\n";
  for (int i = 0; i < 2000; ++i)
    csv += std::to_string(1'700'000'000 + i * 60) + "," + std::to_string(normal(dice)) + "\n";
  const std::string calm = scored(csv);
  const std::string spike = scored(csv + "1700120000,90\n1700120060,50\n");
  EXPECT_EQ(spike.substr(0, calm.size()), calm);
  std::istringstream lines(spike);
  std::string line, largest;
  double most = -1;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const double score = std::stod(line.substr(line.rfind(',') + 1));
    if (score > most) most = score, largest = line;
  }
  EXPECT_EQ(largest.substr(0, 13), "1700120000,90");
}

TEST(Analyze, what_was_scored_before_an_error_is_written) {
  std::istringstream in("timestamp,value\n100,7\n200,x\n");
  std::ostringstream out;
  EXPECT_FALSE(analyze_csv(in, "x.csv", out));
  EXPECT_EQ(out.str(), "timestamp,value,anomaly_score\n100,7,0\n");
}

}  // namespace
}  // namespace paramedic::analyze
