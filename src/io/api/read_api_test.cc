// Routes that read.
#include <algorithm>

#include "io/api/test_api.h"

namespace paramedic::api {
namespace {

using testing::HasSubstr;

class ReadApi : public ApiTest {
 protected:
  void SetUp() override {
    fake.fleet = make_fleet(
        {make_full_worker("w-1"), make_worker("w-2", Status::healthy), make_worker("a/b", Status::unknown, "other")});
  }
  static Incident incident(std::string id, bool open) {
    Incident i{.id = std::move(id),
               .scope = "worker/w-1",
               .severity = Severity::critical,
               .title = "w-1 is silent",
               .pool = "thumbs",
               .workers = {"w-1"},
               .affected_workers = 1};
    i.timeline = {TimelineEntry{WallTime{1s}, TimelineKind::detected, "silent"}};
    i.started_at = WallTime{5s};
    if (!open) i.ended_at = WallTime{9s};
    return i;
  }
};

TEST_F(ReadApi, lists_workers_with_the_fields_of_the_brief) {
  const Answer a = get("/health/workers");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.header("Content-Type"), "application/json");
  EXPECT_EQ(a.at("/total_workers"), "3");
  EXPECT_EQ(a.at("/matching"), "3");
  EXPECT_EQ(a.at("/workers/1/worker_id"), "w-1");
  EXPECT_EQ(a.at("/workers/1/metrics/cpu_percent"), "4.15E1");
  EXPECT_EQ(a.at("/workers/1/metrics/memory_mb"), "null");
  EXPECT_THAT(a.at("/workers/1/issues/0"), HasSubstr("72 s"));
}

TEST_F(ReadApi, filters_sorts_and_pages_workers) {
  EXPECT_EQ(get("/health/workers?status=critical,unknown").at("/matching"), "2");
  EXPECT_EQ(get("/health/workers?pool=other").at("/workers/0/worker_id"), "a/b");
  const Answer page = get("/health/workers?sort=-worker_id&limit=1&offset=1");
  EXPECT_EQ(page.at("/matching"), "3");
  EXPECT_EQ(page.at("/workers/0/worker_id"), "w-1");
  EXPECT_EQ(page.json().at("workers").as_array().size(), 1u);
  expect_problem(get("/health/workers?status=sick"), 400, "'sick' is none of unknown, critical, warning, healthy");
  expect_problem(get("/health/workers?statsu=critical"), 400, "unknown parameter 'statsu'");
  expect_problem(get("/health/workers?limit=0"), 400, "whole number from 1");
}

TEST_F(ReadApi, sends_a_large_fleet_in_chunks_with_the_same_text) {
  std::vector<WorkerRef> workers;
  for (int i = 0; i < 1000; ++i) workers.push_back(make_worker("n-" + std::to_string(10000 + i), Status::healthy));
  fake.fleet = make_fleet(workers);
  const Answer all = get("/health/workers");
  EXPECT_EQ(all.header("Transfer-Encoding"), "chunked");
  EXPECT_FALSE(all.header("Content-Security-Policy").empty());
  const auto list = all.json().at("workers").as_array();
  ASSERT_EQ(list.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    const auto& id = list[std::size_t(i)].at("worker_id").as_string();
    EXPECT_EQ(std::string(id), "n-" + std::to_string(10000 + i));
  }
  EXPECT_EQ(get("/health/workers?limit=64").header("Transfer-Encoding"), "");
  EXPECT_EQ(call("HEAD", "/health/workers").header("Content-Length"), std::to_string(all.body.size()));
}

TEST_F(ReadApi, shows_one_worker_by_its_encoded_id) {
  const Answer a = get("/health/workers/w-1");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.at("/findings/0/check_name"), "heartbeat");
  EXPECT_EQ(a.at("/in_flight/0/id"), "t-1");
  EXPECT_EQ(get("/health/workers/a%2Fb").at("/worker_id"), "a/b");
  expect_problem(get("/health/workers/w-9"), 404, "worker 'w-9' is not known");
  expect_problem(get("/health/workers/%zz"), 400, "");
  expect_problem(get("/health/workers/w-1?x=1"), 400, "unknown parameter 'x'");
}

TEST_F(ReadApi, lists_what_the_analysis_says_the_worst_first) {
  auto view = std::make_shared<FleetView>(*fake.fleet);
  auto page = std::make_shared<WorkerPage>(*view->pages.at(0));
  const auto place = std::find_if(page->workers.begin(), page->workers.end(), [](const auto& w) { return w->worker_id == "w-1"; });
  ASSERT_NE(place, page->workers.end());
  auto worker = std::make_shared<WorkerView>(**place);
  WorkerAnalysisView analysis;
  analysis.scored = true;
  analysis.anomalies = {Anomaly{.metric = "cpu_percent", .score = 4, .statistic = AnomalyStatistic::level, .top = {{"cpu_percent", 4}}},
                        Anomaly{.metric = "memory_mb", .score = 5}};
  analysis.forecasts = {Forecast{.metric = "disk_percent", .limit = 95, .reaches_at = WallTime{1h}},
                        Forecast{.metric = "memory_percent", .limit = 95, .reaches_at = WallTime{2h}, .alert_since = WallTime{5s}}};
  worker->analysis = std::make_shared<const WorkerAnalysisView>(std::move(analysis));
  *place = worker;
  view->pages.at(0) = page;
  view->degradations = std::make_shared<const std::vector<TaskDegradation>>(
      1, TaskDegradation{.pool = "thumbs", .type = "resize", .scope = DegradationScope::version, .name = "1.4.3", .before = 0.8, .after = 2.1});
  fake.fleet = view;
  EXPECT_EQ(get("/anomalies").at("/anomalies/0/metric"), "memory_mb") << "the rarest first";
  EXPECT_EQ(get("/anomalies?metric=cpu_percent&limit=1").at("/anomalies/0/top/0/metric"), "cpu_percent");
  EXPECT_EQ(get("/anomalies?pool=nowhere").json().at("anomalies").as_array().size(), 0u);
  EXPECT_EQ(get("/anomalies?limit=0").status, 400);
  EXPECT_EQ(get("/forecasts").at("/forecasts/0/metric"), "memory_percent") << "those that alert first";
  EXPECT_EQ(get("/forecasts?worker_id=" + worker->worker_id).json().at("forecasts").as_array().size(), 2u);
  EXPECT_EQ(get("/degradations").at("/degradations/0/name"), "1.4.3");
  EXPECT_EQ(get("/degradations?pool=nowhere").json().at("degradations").as_array().size(), 0u);
  EXPECT_EQ(get("/degradations?pol=x").status, 400);
  EXPECT_EQ(get("/health/workers/" + worker->worker_id).at("/analysis/forecasts/0/metric"), "disk_percent");
}

TEST_F(ReadApi, shows_summary_pools_queues_alerts_and_maintenance) {
  auto view = std::make_shared<FleetView>(*fake.fleet);
  view->pools = {PoolView{.name = "thumbs", .frozen = "the broker is down", .frozen_since = WallTime{5s}}};
  view->queues = {QueueView{.broker = "redis-a", .name = "thumbs", .ready = 4, .pools = {"thumbs"}}};
  view->sources = {SourceView{.id = "http", .kind = SourceKind::http}};
  view->alerts = {Alert{.key = "worker/w-1/heartbeat/silent", .severity = Severity::critical, .worker_id = "w-1"},
                  Alert{.key = "monitor/lag", .severity = Severity::warning}};
  view->incidents = {incident("i-1", true), incident("i-0", false)};
  PoisonTask poison{.pool = "thumbs", .type = "resize", .args_digest = "3f2a", .seen = 3, .deaths = 3};
  poison.evidence.push_back({.worker_id = "w-1", .incarnation = "1", .how = "signal 9", .at = WallTime{5s}, .ran = 3s});
  view->poison_tasks = std::make_shared<const std::vector<PoisonTask>>(1, poison);
  view->maintenance = {MaintenanceRecord{.id = "fleet", .reason = "move", .actor = "ops", .on = true}};
  fake.fleet = view;
  EXPECT_EQ(get("/health/summary").at("/open_incidents/0/id"), "i-1");
  EXPECT_EQ(get("/health/pools").at("/pools/0/frozen"), "the broker is down");
  EXPECT_EQ(get("/health/queues").at("/queues/0/ready"), "4");
  EXPECT_EQ(get("/poison_tasks").at("/poison_tasks/0/evidence/0/ran_seconds"), "3");
  EXPECT_EQ(get("/alerts").json().at("alerts").as_array().size(), 2u);
  EXPECT_EQ(get("/alerts?severity=critical").at("/alerts/0/worker_id"), "w-1");
  EXPECT_EQ(get("/alerts?worker_id=w-2").at("/alerts"), "[]");
  EXPECT_EQ(get("/maintenance").at("/maintenance/0/id"), "fleet");
  for (const char* path : {"/health/summary", "/health/pools", "/health/queues", "/alerts", "/maintenance"})
    expect_problem(get(std::string(path) + "?bogus=1"), 400, "unknown parameter 'bogus'");
}

TEST_F(ReadApi, reads_history_of_the_time_asked_for) {
  fake.points = HistoryColumns{.at = {0, 1000, 2000},
                               .status = {Status::healthy, Status::healthy, Status::critical},
                               .score = {1, 0.5, std::nan("")},
                               .marks = {0, HistoryColumns::kTransition, HistoryColumns::kBacklog},
                               .metrics = {{"cpu_percent", {0, 12.25, std::nan("")}}}};
  const Answer a = get("/health/workers/w-1/history?hours=2&step=5m&metrics=cpu_percent,memory_mb");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.json().as_array().size(), 3u);
  EXPECT_EQ(a.at("/1/transition"), "true");
  EXPECT_EQ(a.at("/1/metrics/cpu_percent"), "1.225E1");
  EXPECT_EQ(a.at("/2/metrics"), "{}");
  EXPECT_EQ(fake.history_query.to - fake.history_query.from, 2h);
  EXPECT_EQ(fake.history_query.step, Duration(5min));
  EXPECT_THAT(fake.history_query.metrics, testing::ElementsAre("cpu_percent", "memory_mb"));
  get("/health/workers/w-1/history?start=2026-11-01T00:00:00Z&end=2026-11-02T00:00:00Z");
  EXPECT_EQ(fake.history_query.to - fake.history_query.from, 24h);
  EXPECT_FALSE(fake.history_query.step);
}

TEST_F(ReadApi, gives_history_as_columns_on_request) {
  fake.points = HistoryColumns{.at = {0, 1000, 2000},
                               .status = {Status::healthy, Status::healthy, Status::critical},
                               .score = {1, 0.5, std::nan("")},
                               .marks = {0, HistoryColumns::kTransition, HistoryColumns::kBacklog},
                               .metrics = {{"cpu_percent", {0, 12.25, std::nan("")}}}};
  EXPECT_EQ(get("/health/workers/w-1/history?format=columns").body,
            R"({"worker_id":"w-1","timestamps_ms":[0,1000,2000],"status":[[0,"healthy"],[2,"critical"]],)"
            R"("health_score":[1,0.5,null],"transitions":[1],"backlog":[2],"metrics":{"cpu_percent":[0,12.25,null]}})");
  EXPECT_EQ(get("/health/workers/w-1/history").body, get("/health/workers/w-1/history?format=rows").body);
  expect_problem(get("/health/workers/w-1/history?format=csv"), 400, "'format': must be rows or columns");
  fake.points = {};
  EXPECT_EQ(get("/health/workers/w-1/history?format=columns").body,
            R"({"worker_id":"w-1","timestamps_ms":[],"status":[],"health_score":[],"transitions":[],"backlog":[],)"
            R"("metrics":{}})");
  expect_problem(get("/health/workers/nobody/history?format=columns"), 404, "has no history");
}

TEST_F(ReadApi, reads_task_history_with_percentiles) {
  TaskIncrease resize{.type = "resize", .completed = 3, .failed = 1, .lost = 2};
  for (const double seconds : {0.003, 0.003, 0.003, 3.0}) resize.durations.observe(seconds);
  fake.task_points = {{WallTime{1h}, {resize, TaskIncrease{.type = "thumb", .retried = 1}}}};
  const Answer a = get("/health/workers/w-1/tasks/history?hours=2&step=5m&type=resize");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.at("/0/tasks/0/type"), "resize");
  EXPECT_EQ(a.at("/0/tasks/0/completed"), "3");
  EXPECT_EQ(a.at("/0/tasks/0/lost"), "2");
  EXPECT_EQ(a.at("/0/tasks/0/duration_seconds/count"), "4");
  EXPECT_EQ(a.at("/0/tasks/0/duration_seconds/p99"), "4.01408E0");
  EXPECT_EQ(a.at("/0/tasks/1/duration_seconds/p50"), "null");
  EXPECT_EQ(fake.task_query.to - fake.task_query.from, 2h);
  EXPECT_EQ(fake.task_query.step, Duration(5min));
  EXPECT_EQ(fake.task_query.type, "resize");
  get("/health/workers/w-1/tasks/history");
  EXPECT_EQ(fake.task_query.step, Duration(10min));
  EXPECT_EQ(fake.task_query.type, "");
  fake.task_points.clear();
  expect_problem(get("/health/workers/nobody/tasks/history"), 404, "has no history");
  expect_problem(get("/health/workers/w-1/tasks/history?metrics=a"), 400, "unknown parameter 'metrics'");
  get("/health/workers/w-1/history?step=5m&p95=true");
  EXPECT_TRUE(fake.history_query.p95);
  expect_problem(get("/health/workers/w-1/history?p95=true"), 400, "needs a step");
}

TEST_F(ReadApi, refuses_history_that_cannot_be_answered) {
  expect_problem(get("/health/workers/w-1/history?hours=0"), 400, "'hours'");
  expect_problem(get("/health/workers/w-1/history?start=yesterday"), 400, "'start'");
  expect_problem(get("/health/workers/w-1/history?hours=1&start=2026-11-01T00:00:00Z"), 400, "either hours or start");
  expect_problem(get("/health/workers/w-1/history?start=2026-11-02T00:00:00Z&end=2026-11-01T00:00:00Z"), 400,
                 "before end");
  expect_problem(get("/health/workers/w-1/history?start=2020-11-01T00:00:00Z&end=2026-11-01T00:00:00Z"), 400,
                 "at most");
  expect_problem(get("/health/workers/w-1/history?step=never"), 400, "'step'");
  expect_problem(get("/health/workers/nobody/history"), 404, "has no history");
  EXPECT_EQ(get("/health/workers/w-1/history").body, "[]");
  fake.store_error = make_error(Errc::corrupt, "chunk 7 does not decode: run check-data");
  expect_problem(get("/health/workers/w-1/history"), 422, "chunk 7");
}

TEST_F(ReadApi, refuses_history_larger_than_the_limit_and_says_what_to_do) {
  ApiOptions options;
  options.max_history_bytes = 100;
  fake.points.at.resize(50);
  fake.points.status.resize(50);
  fake.points.score.resize(50);
  fake.points.marks.resize(50);
  serve(std::move(options));
  expect_problem(get("/health/workers/w-1/history"), 413, "shorter time");
  expect_problem(get("/health/workers/w-1/history?format=columns"), 413, "shorter time");
}

TEST_F(ReadApi, pages_the_ledger_by_time) {
  for (int i = 3; i > 0; --i)
    fake.actions.push_back(ActionRecord{.action_id = "a-" + std::to_string(i),
                                        .worker_id = "w-1",
                                        .pool = "thumbs",
                                        .requested_at = WallTime{Duration{std::chrono::seconds(i)}}});
  const Answer first = get("/restarts?worker_id=w-1&pool=thumbs&limit=2");
  EXPECT_EQ(first.json().at("restarts").as_array().size(), 2u);
  EXPECT_EQ(first.at("/next"), "1970-01-01T00:00:02.000Z");
  EXPECT_EQ(fake.ledger_query.worker_id, "w-1");
  const Answer second = get("/restarts?before=1970-01-01T00:00:02.000Z");
  EXPECT_EQ(fake.ledger_query.before, WallTime{2s});
  EXPECT_FALSE(second.json().as_object().contains("next"));
  expect_problem(get("/restarts?limit=5000"), 400, "1 to 1000");

  fake.audits = {AuditRecord{.at = WallTime{1s}, .actor = "ops", .verb = "restart", .target = "w-1"}};
  EXPECT_EQ(get("/audit?target=w-1&limit=1").at("/next"), "1970-01-01T00:00:01.000Z");
  EXPECT_EQ(fake.ledger_query.worker_id, "w-1");
  expect_problem(get("/audit?worker_id=x"), 400, "unknown parameter 'worker_id'; known are target, before, limit");
  fake.store_error = make_error(Errc::io, "ledger.db: disk I/O error");
  for (const char* path : {"/restarts", "/audit", "/incidents", "/incidents/i-1"})
    expect_problem(get(path), 500, "disk I/O");
}

TEST_F(ReadApi, shows_silences_acknowledgements_and_what_became_of_messages) {
  const WallTime at = clock.now().wall;
  const Silence silence{.id = "sil-1", .matchers = {{"pool", MatchOp::equal, "p"}}, .ends_at = at, .author = "ann"};
  auto view = std::make_shared<FleetView>(*fake.view());
  view->silences = {silence};
  view->acknowledgements = {Acknowledgement{.incident_id = "inc-1", .author = "ann", .at = at, .until = at + 8h}};
  fake.set_fleet(view);
  fake.stored_silences = {silence, Silence{.id = "sil-0", .created_at = at - 1h, .ended_at = at, .ended_by = "bob"}};
  NotificationRecord record;
  record.notification = {.id = "n-1", .group_key = "g", .channel = "pager", .title = "Worker w-1: silent", .at = at};
  record.notification.alerts = {Alert{.key = "worker/w-1/heartbeat/silent", .annotations = {{"summary", "s"}}}};
  record.state = DeliveryState::delivered;
  record.ended_at = at;
  fake.stored_notifications = {record};
  EXPECT_EQ(get("/silences").at("/silences/0/matchers/0/value"), "p");
  EXPECT_EQ(get("/silences?state=all").at("/silences/1/ended_by"), "bob");
  EXPECT_EQ(get("/acknowledgements").at("/acknowledgements/0/author"), "ann");
  const Answer sent = get("/notifications?state=open&worker_id=w-1&limit=1");
  EXPECT_EQ(sent.at("/notifications/0/state"), "delivered");
  EXPECT_EQ(sent.at("/notifications/0/notification/alerts/0/annotations/summary"), "s");
  EXPECT_TRUE(fake.ledger_query.open_only);
  EXPECT_EQ(fake.ledger_query.worker_id, "w-1");
  expect_problem(get("/notifications?state=lost"), 400, "open or all");
  expect_problem(get("/silences?state=lost"), 400, "current or all");
}

TEST_F(ReadApi, shows_incidents_open_ones_from_memory_all_from_the_ledger) {
  auto view = std::make_shared<FleetView>(*fake.fleet);
  view->incidents = {incident("i-2", true), incident("i-1", false)};
  fake.fleet = view;
  fake.stored_incidents = {incident("i-1", false), incident("i-0", false)};
  EXPECT_EQ(get("/incidents?state=open").json().at("incidents").as_array().size(), 1u);
  EXPECT_EQ(get("/incidents?state=open&pool=other").at("/incidents"), "[]");
  EXPECT_EQ(get("/incidents?state=open&worker_id=w-2").at("/incidents"), "[]");
  EXPECT_EQ(get("/incidents?limit=2").at("/incidents/1/id"), "i-0");
  EXPECT_EQ(get("/incidents/i-2").at("/timeline/0/kind"), "detected");
  EXPECT_EQ(get("/incidents/i-0").at("/open"), "false");
  expect_problem(get("/incidents/i-9"), 404, "incident 'i-9' is not known");
  expect_problem(get("/incidents?state=closed"), 400, "open or all");
}

TEST_F(ReadApi, answers_probes_and_names_what_is_degraded) {
  EXPECT_EQ(get("/healthz").at("/status"), "ok");
  EXPECT_EQ(get("/readyz").at("/status"), "ok");
  fake.ready.push_back({"history", PartState::degraded, "cannot write: disk full"});
  EXPECT_EQ(get("/readyz").status, 200);
  fake.ready.push_back({"engine", PartState::failed, "no step for 12 s"});
  const Answer failed = get("/readyz");
  EXPECT_EQ(failed.status, 503);
  EXPECT_EQ(failed.at("/status"), "failed");
  EXPECT_EQ(failed.at("/parts/1/text"), "cannot write: disk full");
}

TEST_F(ReadApi, lists_what_is_recorded_of_the_inputs) {
  for (int i = 1; i <= 3; ++i)
    fake.inputs.segments.push_back({.file = "000" + std::to_string(i) + ".inputs",
                                    .run = "r",
                                    .build_id = "0.1.0 ab",
                                    .config_hash = "c",
                                    .from = WallTime{i * 1s},
                                    .to = WallTime{(i + 1) * 1s},
                                    .bytes = 10,
                                    .first_record = std::uint64_t(i - 1),
                                    .current = i == 3});
  fake.inputs.dropped_inputs = 7;
  const Answer all = get("/inputs");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.at("/dropped_inputs"), "7");
  EXPECT_EQ(all.at("/segments/0/file"), "0003.inputs");
  EXPECT_EQ(all.at("/segments/0/current"), "true");
  EXPECT_EQ(all.at("/segments/2/to"), "1970-01-01T00:00:02.000Z");
  EXPECT_EQ(get("/inputs?limit=2").at("/next"), "1970-01-01T00:00:02.000Z");
  EXPECT_EQ(get("/inputs?before=1970-01-01T00:00:02Z").at("/segments/0/file"), "0001.inputs");
  expect_problem(get("/inputs?run=r"), 400, "unknown parameter 'run'; known are before, limit");
}

TEST_F(ReadApi, says_how_to_record_inputs_when_none_are) {
  Ports ports = fake.all();
  ports.inputs = nullptr;
  serve({}, nullptr, ports);
  expect_problem(get("/inputs"), 404, "record: full");
}

TEST_F(ReadApi, chooses_the_format_of_the_metrics_page_by_accept) {
  const auto format = [&](std::string accept) { return get("/metrics", {{"Accept", std::move(accept)}}).body; };
  EXPECT_EQ(get("/metrics").body, "# text\n");
  EXPECT_EQ(get("/metrics").header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(format("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                   "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            "# openmetrics\n");
  EXPECT_EQ(format("text/plain;version=0.0.4, application/openmetrics-text; version=1.0.0; q=0.3"), "# text\n");
  EXPECT_EQ(format("application/openmetrics-text; version=0.0.1"), "# text\n");
  EXPECT_EQ(format("application/openmetrics-text; version=1.0.0; escaping=allow-utf-8"), "# openmetrics\n");
}

TEST_F(ReadApi, serves_files_with_etag) {
  const Answer page = get("/");
  EXPECT_EQ(page.body, "<html>");
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.header("Cache-Control"), "no-cache");
  EXPECT_EQ(get("/index.html", {{"If-None-Match", "\"e1\""}}).status, 304);
  EXPECT_EQ(get("/openapi.json").status, 200);
  expect_problem(get("/nothing.js"), 404, "nothing at /nothing.js");
  expect_problem(post("/nothing.js"), 404, "nothing at /nothing.js");
}

TEST_F(ReadApi, answers_other_methods_with_allow) {
  const Answer wrong = call("PUT", "/health/workers/w-1");
  expect_problem(wrong, 405, "does not take PUT");
  EXPECT_EQ(wrong.header("Allow"), "GET, HEAD, DELETE, OPTIONS");
  const Answer options = call("OPTIONS", "/recovery/freeze");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("Allow"), "POST, OPTIONS");
  expect_problem(get("/recovery/freeze"), 405, "does not take GET, only POST");
  const Answer head = call("HEAD", "/health/summary");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
}

TEST_F(ReadApi, counts_answers_by_route_and_status) {
  get("/health/workers/w-1");
  get("/health/workers/w-9");
  get("/nothing");
  std::map<std::string, std::uint64_t> counts;
  for (const RouteCount& c : api->stats().requests)
    counts[std::string(c.method) + " " + std::string(c.route) + " " + std::to_string(c.status)] = c.count;
  EXPECT_EQ(counts["GET /health/workers/{worker_id} 200"], 1u);
  EXPECT_EQ(counts["GET /health/workers/{worker_id} 404"], 1u);
  EXPECT_EQ(counts["any other 404"], 1u);
}

}  // namespace
}  // namespace paramedic::api
