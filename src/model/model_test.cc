#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/finding.h"
#include "model/histogram.h"
#include "model/input.h"
#include "model/metric_set.h"
#include "model/notification.h"
#include "model/view.h"

namespace paramedic {

TEST(MetricSet, finds_by_name_and_hides_what_is_not_known) {
  const MetricSet set{std::make_shared<const MetricNames>(MetricNames{"cpu_percent", "memory_mb"}),
                      {41.2, std::nan("")}};
  EXPECT_EQ(set.find("cpu_percent"), 41.2);
  EXPECT_FALSE(set.find("memory_mb"));
  EXPECT_FALSE(set.find("disk_percent"));
  EXPECT_FALSE(MetricSet{}.find("cpu_percent"));
  EXPECT_EQ(set.size(), 2u);
}

TEST(Matcher, is_read_as_people_write_it) {
  EXPECT_EQ(*parse_matcher("pool=thumbs"), (Matcher{"pool", MatchOp::equal, "thumbs"}));
  EXPECT_EQ(*parse_matcher("severity != \"info\""), (Matcher{"severity", MatchOp::not_equal, "info"}));
  EXPECT_EQ(*parse_matcher("host=~h[12]=x"), (Matcher{"host", MatchOp::matches, "h[12]=x"}));
  EXPECT_EQ(*parse_matcher("host!~.*"), (Matcher{"host", MatchOp::not_matches, ".*"}));
  EXPECT_EQ(*parse_matcher("zone="), (Matcher{"zone", MatchOp::equal, ""}));
  for (const char* wrong : {"", "pool", "=x", "!x", "pool!x"}) EXPECT_FALSE(parse_matcher(wrong)) << wrong;
  EXPECT_EQ(to_text({{"pool", MatchOp::equal, "p"}, {"host", MatchOp::not_matches, "h.*"}}), "pool=p, host!~h.*");
}

TEST(Quantise, keeps_the_decimals_of_the_metric) {
  EXPECT_EQ(quantise(41.23456, metric_decimals("cpu_percent")), 41.23);
  EXPECT_EQ(quantise(512.34, metric_decimals("memory_mb")), 512.3);
  EXPECT_EQ(quantise(0.12345, metric_decimals("error_rate")), 0.1235);
  EXPECT_EQ(quantise(12.6, metric_decimals("total_tasks")), 13);
  EXPECT_EQ(quantise(1.23456, metric_decimals("anything")), 1.235);
  EXPECT_EQ(quantise(1e300, 3), 1e300);
  EXPECT_TRUE(std::isnan(quantise(std::nan(""), 2)));
}

TEST(DurationHistogram, has_the_bounds_of_the_design) {
  EXPECT_EQ(duration_bound(0), 0.001);
  EXPECT_EQ(duration_bound(22), 0.001 * 4194304);
  EXPECT_TRUE(std::isinf(duration_bound(23)));
  EXPECT_EQ(duration_bucket(0.001), 0u);
  EXPECT_EQ(duration_bucket(0.0011), 1u);
  EXPECT_EQ(duration_bucket(1e9), 23u);
}

TEST(DurationHistogram, counts_differences_and_survives_a_reset) {
  DurationHistogram a;
  a.observe(0.5);
  const DurationHistogram earlier = a;
  a.observe(2);
  EXPECT_EQ(a.since(earlier).count(), 1u);
  EXPECT_DOUBLE_EQ(a.since(earlier).sum_seconds, 2);
  DurationHistogram after_reset;
  after_reset.observe(1);
  EXPECT_EQ(after_reset.since(a).count(), 1u);
  DurationHistogram sum = earlier;
  sum.add(after_reset);
  EXPECT_EQ(sum.count(), 2u);
}

RC_GTEST_PROP(DurationHistogram, quantiles_are_ordered_and_near_the_truth, ()) {
  DurationHistogram h;
  const auto n = *rc::gen::inRange(1, 200);
  double largest = 0;
  for (int i = 0; i < n; ++i) {
    const double v = *rc::gen::inRange(1, 100'000) / 1000.0;
    largest = std::max(largest, v);
    h.observe(v);
  }
  RC_ASSERT(*h.quantile_seconds(0.5) <= *h.quantile_seconds(0.99));
  RC_ASSERT(*h.quantile_seconds(0.99) <= 2 * largest);
}

TEST(DurationHistogram, of_nothing_has_no_quantile_and_the_open_bucket_answers_its_lower_bound) {
  EXPECT_FALSE(DurationHistogram{}.quantile_seconds(0.5));
  DurationHistogram h;
  h.observe(1e9);
  EXPECT_EQ(*h.quantile_seconds(0.5), duration_bound(22));
}

TEST(Finding, says_in_one_sentence_what_is_wrong) {
  Finding finding{.check = "heartbeat"};
  EXPECT_EQ(finding.message(), "Heartbeat normal");
  finding.causes = {
      {.reason = Reason::silent, .status = FindingStatus::critical, .value = 72.04, .limit = 60, .unit = "s"},
      {.reason = Reason::late, .status = FindingStatus::healthy}};
  EXPECT_EQ(finding.message(), "no heartbeat: 72 s (limit 60 s)");
  EXPECT_EQ(describe({.reason = Reason::disk_usage_high, .value = 97.26, .limit = 95, .unit = "%", .subject = "/data"}),
            "/data: disk nearly full: 97.3 % (limit 95 %)");
  EXPECT_EQ(describe({.reason = Reason::gpu_error, .value = 79}), "fatal GPU error (Xid): 79");
  EXPECT_EQ(
      (Finding{.check = "queue_connection", .status = FindingStatus::unknown, .note = "no queue reported"}.message()),
      "no queue reported");
}

TEST(Finding, every_reason_has_words) {
  for (std::size_t i = 1; i < kEnumCount<Reason>; ++i)
    EXPECT_NE(describe({.reason = static_cast<Reason>(i)}), "normal") << i;
  for (const char* check : {"resources", "task_performance", "queue_connection", "model_loading", "disk_space"})
    EXPECT_NE(Finding{.check = check}.message(), "Normal");
}

TEST(Input, exits_connections_and_commands_are_urgent) {
  ReportInput report;
  EXPECT_FALSE(is_urgent(report));
  report.report.process = ProcessPart{.exit = ExitInfo{.signal = 9}};
  EXPECT_TRUE(is_urgent(report));
  report.backlog = true;
  EXPECT_FALSE(is_urgent(report));
  EXPECT_TRUE(is_urgent(CommandInput{}));
  EXPECT_TRUE(is_urgent(SourceInput{}));
  EXPECT_FALSE(is_urgent(SourceFrameInput{}));
}

TEST(FleetView, finds_a_worker_across_pages) {
  FleetView view;
  for (int p = 0; p < 3; ++p) {
    auto page = std::make_shared<WorkerPage>();
    for (int i = 0; i < 3; ++i) {
      auto worker = std::make_shared<WorkerView>();
      worker->worker_id = std::string(1, char('a' + p * 3 + i));
      page->workers.push_back(worker);
    }
    view.pages.push_back(page);
  }
  EXPECT_EQ(view.find("a")->worker_id, "a");
  EXPECT_EQ(view.find("e")->worker_id, "e");
  EXPECT_EQ(view.find("i")->worker_id, "i");
  EXPECT_FALSE(view.find("z"));
  EXPECT_FALSE(view.find("dd"));
}

TEST(WorkerView, lists_its_issues_worst_first) {
  Verdict verdict;
  verdict.findings = {
      {.check = "resources",
       .causes =
           {{.reason = Reason::cpu_high, .status = FindingStatus::warning, .value = 93, .limit = 90, .unit = "%"}}},
      {.check = "heartbeat", .causes = {{.reason = Reason::exited, .status = FindingStatus::critical}}},
      {.check = "disk_space", .status = FindingStatus::error, .note = "the check failed"}};
  WorkerView worker;
  EXPECT_TRUE(worker.issues().empty());
  worker.verdict = std::make_shared<const Verdict>(std::move(verdict));
  EXPECT_EQ(worker.issues(),
            (std::vector<std::string>{"process ended", "high CPU usage: 93 % (limit 90 %)", "the check failed"}));
}

}  // namespace paramedic
