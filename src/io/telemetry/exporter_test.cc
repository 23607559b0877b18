#include "io/telemetry/exporter.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paramedic::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const WallTime kNow{Duration{1'795'000'000'000'000'000}};

std::shared_ptr<WorkerView> worker(std::string id, std::optional<double> score, Status status) {
  auto w = std::make_shared<WorkerView>();
  w->worker_id = std::move(id);
  w->pool = "thumbs";
  w->host = "h1";
  w->version = "1.0";
  w->source = "agent/a";
  w->state = WorkerState::running;
  Verdict verdict;
  verdict.status = status;
  verdict.score = score;
  w->verdict = std::make_shared<const Verdict>(std::move(verdict));
  w->status_since = kNow - 1h;
  w->last_check = w->status_since;
  return w;
}

std::shared_ptr<WorkerView> full_worker() {
  auto w = worker("w-1", 0.75, Status::warning);
  auto names = std::make_shared<MetricNames>(MetricNames{"cpu_percent", "memory_mb"});
  w->metrics = MetricSet{names, {41.5, 512}};
  TaskTypeView tasks{.type = "resize \"big\"\\\n", .completed = 3, .failed = 1};
  tasks.durations.observe(0.0005);
  tasks.durations.observe(0.003);
  tasks.durations.observe(1e9);
  w->tasks = {tasks};
  w->alive_at = kNow - 5s;
  w->last_report = kNow - 2s;
  WorkerAnalysisView analysis;
  analysis.scored = true;
  analysis.score = 4.5;
  analysis.level = AnomalyLevel::warning;
  analysis.forecasts.push_back({.metric = "memory_mb", .reaches_at = kNow + 1h, .alert_since = kNow});
  w->analysis = std::make_shared<const WorkerAnalysisView>(std::move(analysis));
  w->held = HoldBack{.wanted = RemedyKind::restart, .code = HoldCode::frozen};
  return w;
}

FleetView fleet(std::vector<std::shared_ptr<WorkerView>> workers) {
  FleetView view;
  view.at = kNow;
  auto page = std::make_shared<WorkerPage>();
  for (auto& w : workers) page->workers.push_back(std::move(w));
  view.pages.push_back(std::move(page));
  return view;
}

// Every family has at least one sample.
FleetView full_fleet() {
  FleetView view = fleet({full_worker()});
  view.counts = {.total = 1, .warning = 1};
  view.pools = {PoolView{.name = "thumbs", .frozen = "broker down"}};
  view.queues = {
      QueueView{.broker = "redis-a", .name = "thumbs", .ready = 4, .oldest_age_seconds = 1.5, .connected = 1}};
  view.sources = {SourceView{.id = "agent/a"}};
  view.incidents = {Incident{.severity = Severity::critical}};
  view.alerts = {Alert{.severity = Severity::warning}};
  view.rollings = {RollingRecord{}};
  view.stats.held = {{"stop/frozen", 2}, {"start/backoff", 1}};
  return view;
}

MonitorStats full_stats() {
  MonitorStats s;
  s.config_reloaded = WallTime{} + 1h;
  s.version = "0.1.0";
  s.probes = {{"redis-a", true, 0.002, 3}};
  s.started_at = kNow - 1h;
  s.inbox = {{"urgent", 0, 0}, {"live", 3, 1}};
  s.http = {{"GET", "/health/workers/{worker_id}", 200, 7}};
  s.history_bytes = 4096;
  s.input_journal = {
      .size_bytes = 4096, .queued_bytes = 1, .written_bytes = 5, .records = 6, .dropped = 7, .errors = 8};
  s.remote_write = {{.destination = "vm",
                     .pending_samples = 12,
                     .sent_samples = 7,
                     .lag_seconds = 2.5,
                     .dropped = {{"rejected", 3}, {"queue_full", 0}},
                     .failed = {{"timeout", 1}}}};
  ExecutorRow executor;
  executor.pool = "jobs";
  executor.kind = "docker";
  executor.jobs = {{"succeeded", 4}, {"failed", 0}};
  executor.seconds.observe(1.5);
  s.executors = {executor};
  NotificationRow row;
  row.channel = "chat";
  row.queued = 3;
  row.ended = {{"delivered", 5}};
  row.sends = {{"retry", 2}};
  row.send_seconds.observe(0.2);
  row.delivery_seconds.observe(0.3);
  s.notifications = {row};
  s.dead_man = DeadManRow{{{"sent", 4}}, kNow};
  return s;
}

std::set<std::string> names_in(const std::string& page) {
  std::set<std::string> names;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);)
    if (line.rfind("# TYPE ", 0) == 0) names.insert(line.substr(7, line.find(' ', 7) - 7));
  return names;
}

std::string run_promtool(const std::string& page, int& status) {
  std::string path = "/tmp/paramedic_metrics_XXXXXX";
  const int file = mkstemp(path.data());
  EXPECT_GE(file, 0);
  EXPECT_EQ(::write(file, page.data(), page.size()), ssize_t(page.size()));
  ::close(file);
  FILE* pipe = popen(("promtool check metrics < " + path + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[512];
  while (pipe && fgets(buffer, sizeof buffer, pipe)) output += buffer;
  status = pipe ? pclose(pipe) : -1;
  std::remove(path.c_str());
  return output;
}

TEST(Exporter, writes_the_names_of_the_brief) {
  const auto page = render(full_fleet(), full_stats(), PageFormat::text);
  EXPECT_THAT(page, HasSubstr("\nworker_health_score{worker_id=\"w-1\"} 0.75\n"));
  EXPECT_THAT(page, HasSubstr("\nworker_cpu_percent{worker_id=\"w-1\"} 41.5\n"));
  EXPECT_THAT(page, HasSubstr("\nworker_memory_mb{worker_id=\"w-1\"} 512\n"));
  const std::string labels = R"({worker_id="w-1",task_type="resize \"big\"\\\n")";
  EXPECT_THAT(page, HasSubstr("\ntask_total" + labels + ",status=\"completed\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("\ntask_total" + labels + ",status=\"lost\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("\ntask_duration_seconds_bucket" + labels + ",le=\"0.001\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("\ntask_duration_seconds_bucket" + labels + ",le=\"0.004\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("\ntask_duration_seconds_bucket" + labels + ",le=\"4194.304\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("\ntask_duration_seconds_bucket" + labels + ",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("\ntask_duration_seconds_count" + labels + "} 3\n"));
}

TEST(Exporter, tells_of_the_input_journal_only_where_one_is) {
  EXPECT_THAT(render(full_fleet(), full_stats(), PageFormat::text),
              HasSubstr("\nparamedic_input_journal_dropped_total 7\n"));
  EXPECT_THAT(render(full_fleet(), MonitorStats{}, PageFormat::text), Not(HasSubstr("input_journal")));
}

TEST(Exporter, writes_each_receiver_of_remote_write) {
  const auto page = render(full_fleet(), full_stats(), PageFormat::text);
  EXPECT_THAT(page, HasSubstr("\nparamedic_remote_write_pending_samples{destination=\"vm\"} 12\n"));
  EXPECT_THAT(page, HasSubstr("\nparamedic_remote_write_lag_seconds{destination=\"vm\"} 2.5\n"));
  EXPECT_THAT(page,
              HasSubstr("\nparamedic_remote_write_samples_dropped_total{destination=\"vm\",reason=\"rejected\"} 3\n"));
  EXPECT_THAT(
      page, HasSubstr("\nparamedic_remote_write_samples_dropped_total{destination=\"vm\",reason=\"queue_full\"} 0\n"));
  EXPECT_THAT(page,
              HasSubstr("\nparamedic_remote_write_requests_failed_total{destination=\"vm\",reason=\"timeout\"} 1\n"));
}

TEST(Exporter, leaves_the_score_of_an_unknown_worker_out) {
  const auto page = render(fleet({worker("w-2", std::nullopt, Status::unknown)}), {}, PageFormat::text);
  EXPECT_THAT(page, Not(HasSubstr("worker_health_score{")));
  EXPECT_THAT(page, HasSubstr("paramedic_worker_status{worker_id=\"w-2\",status=\"unknown\"} 1"));
}

TEST(Exporter, exports_a_gone_worker_as_0_for_15_minutes_and_then_no_more) {
  auto gone = full_worker();
  gone->state = WorkerState::gone;
  gone->status_since = gone->last_check = kNow - 15min;
  gone->last_report = kNow - 20min;
  auto page = render(fleet({gone}), {}, PageFormat::text);
  EXPECT_THAT(page, HasSubstr("worker_health_score{worker_id=\"w-1\"} 0\n"));
  EXPECT_THAT(page, Not(HasSubstr("worker_cpu_percent{")));
  gone->status_since = gone->last_check = kNow - 15min - 1s;
  page = render(fleet({gone}), {}, PageFormat::text);
  EXPECT_THAT(page, Not(HasSubstr("w-1")));
}

TEST(Exporter, shows_what_the_analysis_says_of_workers) {
  const auto page = render(full_fleet(), {}, PageFormat::text);
  EXPECT_THAT(page, HasSubstr("paramedic_worker_anomaly_score{worker_id=\"w-1\"} 4.5\n"));
  EXPECT_THAT(page, HasSubstr("paramedic_worker_limit_reached_in_seconds{worker_id=\"w-1\",metric=\"memory_mb\"} 3600\n"));
  EXPECT_THAT(page, HasSubstr("paramedic_workers_unusual{level=\"warning\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("paramedic_forecasts_firing 1\n"));
}

TEST(Exporter, counts_rolling_restarts_by_state) {
  FleetView view = fleet({});
  view.rollings.resize(3);
  view.rollings[2].state = RollingState::paused;
  const auto page = render(view, {}, PageFormat::text);
  EXPECT_THAT(page, HasSubstr("paramedic_rolling_restarts{state=\"running\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("paramedic_rolling_restarts{state=\"paused\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("paramedic_rolling_restarts{state=\"aborted\"} 0\n"));
}

TEST(Exporter, splits_the_key_of_a_held_remedy_into_kind_and_reason) {
  const auto page = render(full_fleet(), {}, PageFormat::text);
  EXPECT_THAT(page, HasSubstr("paramedic_remedies_held_total{kind=\"stop\",reason=\"frozen\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("paramedic_remedies_held_total{kind=\"start\",reason=\"backoff\"} 1\n"));
}

TEST(Exporter, exports_every_family_of_the_catalogue_once_and_each_has_one_row_in_the_document) {
  std::set<std::string> catalogue, documented;
  for (const MetricFamily& family : metric_catalogue()) EXPECT_TRUE(catalogue.insert(std::string(family.name)).second);
  const std::set<std::string> shown = names_in(render(full_fleet(), full_stats(), PageFormat::text));
  for (const std::string& name : catalogue) EXPECT_TRUE(shown.contains(name)) << name << " is not shown";
  EXPECT_EQ(shown, catalogue);

  std::ifstream document(PARAMEDIC_SOURCE_DIR "/docs/metrics.md");
  for (std::string line; std::getline(document, line);)
    if (line.rfind("| `", 0) == 0) {
      EXPECT_TRUE(documented.insert(line.substr(3, line.find('`', 3) - 3)).second) << line;
    }
  EXPECT_EQ(documented, catalogue);
}

TEST(Exporter, names_follow_the_conventions) {
  for (const MetricFamily& family : metric_catalogue()) {
    const std::string name(family.name);
    EXPECT_EQ(family.type == MetricType::counter, name.ends_with("_total")) << name;
    EXPECT_EQ(family.type == MetricType::info, name.ends_with("_info")) << name;
    std::string bare = name.ends_with("_total") ? name.substr(0, name.size() - 6) : name;
    if (!family.unit.empty()) {
      EXPECT_TRUE(bare.ends_with("_" + std::string(family.unit))) << name;
    }
  }
}

TEST(Exporter, promtool_accepts_the_page_and_complains_only_of_the_name_that_the_brief_fixes) {
  int status = 0;
  const auto output = run_promtool(render(full_fleet(), full_stats(), PageFormat::text), status);
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) EXPECT_THAT(line, HasSubstr("worker_memory_mb")) << output;
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3) << output;
}

TEST(Exporter, open_metrics_page_strips_endings_from_headings_and_ends_with_eof) {
  const auto page = render(full_fleet(), full_stats(), PageFormat::openmetrics);
  EXPECT_THAT(page, HasSubstr("# TYPE task counter\n"));
  EXPECT_THAT(page, HasSubstr("\ntask_total{"));
  EXPECT_THAT(page, HasSubstr("# TYPE paramedic_build info\n"));
  EXPECT_THAT(page, HasSubstr("# UNIT task_duration_seconds seconds\n"));
  EXPECT_THAT(page, HasSubstr("# UNIT paramedic_process_cpu_seconds seconds\nparamedic_process_cpu_seconds_total 0\n"));
  EXPECT_TRUE(page.ends_with("# EOF\n"));
  EXPECT_THAT(page, Not(HasSubstr("\n\n")));
  EXPECT_EQ(content_type(PageFormat::openmetrics), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(MetricsWriter, escapes_help_and_leaves_families_without_samples_out) {
  static constexpr MetricFamily kFamily{"a_total", MetricType::counter, "say \"x\"\\y\nz"};
  static constexpr MetricFamily kEmpty{"b", MetricType::gauge, "none"};
  for (const auto format : {PageFormat::text, PageFormat::openmetrics}) {
    MetricsWriter out(format);
    out.begin(kEmpty);
    out.begin(kFamily);
    out.sample({}, 1.5);
    const bool text = format == PageFormat::text;
    EXPECT_EQ(out.finish(), text ? "# HELP a_total say \"x\"\\\\y\\nz\n# TYPE a_total counter\na_total 1.5\n"
                                 : "# HELP a say \\\"x\\\"\\\\y\\nz\n# TYPE a counter\na_total 1.5\n# EOF\n");
  }
}

TEST(MetricsWriter, spells_numbers_as_prometheus_reads_them) {
  static constexpr MetricFamily kFamily{"g", MetricType::gauge, "h"};
  MetricsWriter out(PageFormat::text);
  out.begin(kFamily);
  out.sample({}, std::nan(""));
  out.sample({}, HUGE_VAL);
  out.sample({}, -HUGE_VAL);
  out.sample({}, std::uint64_t{18446744073709551615u});
  EXPECT_THAT(out.finish(), HasSubstr("\ng NaN\ng +Inf\ng -Inf\ng 18446744073709551615\n"));
}

}  // namespace
}  // namespace paramedic::telemetry
