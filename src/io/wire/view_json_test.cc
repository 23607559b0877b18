#include "io/wire/view_json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace paramedic::wire {
namespace {

namespace json = boost::json;

const WallTime kNow{Duration{1'795'000'000'000'000'000}};

WorkerView sample_worker(std::string id) {
  WorkerView v;
  v.worker_id = std::move(id);
  v.pool = "thumbs";
  v.pid = 4711;
  v.labels = {{"zone", "a"}};
  v.state = WorkerState::running;
  v.last_check = kNow;
  v.alive_at = kNow - 12s;
  v.metrics = {std::make_shared<MetricNames>(MetricNames{"cpu_percent", "memory_mb"}), {41.25, std::nan("")}};
  Finding f;
  f.check = "heartbeat";
  f.status = FindingStatus::critical;
  f.metrics = {{"last_heartbeat_seconds", 72.0}};
  Cause c;
  c.reason = Reason::silent;
  c.status = FindingStatus::critical;
  c.value = 72;
  c.limit = 60;
  c.unit = "s";
  c.since = kNow - 12s;
  f.causes = {c};
  const Pending pending{"resources", Reason::cpu_high, "", FindingStatus::healthy, FindingStatus::warning, 1, 2};
  v.verdict = std::make_shared<const Verdict>(Verdict{Status::critical, 0.0, 0.8, {f}, {pending}});
  return v;
}

json::value parsed(const std::string& text) {
  boost::system::error_code failed;
  auto v = json::parse(text, failed);
  EXPECT_FALSE(failed) << failed.message() << "\n" << text;
  return v;
}
std::string text_of(const json::value& v) { return json::serialize(v); }

TEST(WorkerJson, has_the_names_of_the_brief) {
  std::string out;
  JsonWriter w(out);
  write_worker(w, sample_worker("w-17"));
  const auto v = parsed(out);
  for (const auto* key :
       {"worker_id", "status", "health_score", "last_check", "issues", "metrics", "pool", "host", "pid", "version",
        "incarnation", "labels", "state", "confidence", "pending", "held", "action"})
    EXPECT_TRUE(v.as_object().contains(key)) << key;
  EXPECT_EQ(v.at("status").as_string(), "critical");
  EXPECT_EQ(v.at("health_score").to_number<double>(), 0.0);
  EXPECT_EQ(text_of(v.at("metrics")), R"({"cpu_percent":4.125E1,"memory_mb":null})");
  EXPECT_EQ(v.at("issues").as_array().size(), 1u);
  EXPECT_TRUE(v.at("host").is_null()) << "unknown is null, not empty";
  EXPECT_EQ(v.at("pending").as_array().at(0).at("to").as_string(), "warning");
}

TEST(WorkerJson, an_unknown_score_is_null_and_an_inactive_worker_keeps_its_status) {
  WorkerView view = sample_worker("w");
  view.state = WorkerState::stopped;
  Verdict without_score = *view.verdict;
  without_score.score.reset();
  view.verdict = std::make_shared<const Verdict>(std::move(without_score));
  view.held = HoldBack{RemedyKind::restart, HoldCode::frozen, "frozen", kNow};
  view.action = ActionRecord{.action_id = "a1"};
  std::string out;
  JsonWriter w(out);
  write_worker(w, view);
  const auto v = parsed(out);
  EXPECT_TRUE(v.at("health_score").is_null());
  EXPECT_EQ(v.at("state").as_string(), "stopped");
  EXPECT_EQ(v.at("status").as_string(), "critical");
  EXPECT_EQ(v.at("held").at("code").as_string(), "frozen");
  EXPECT_EQ(v.at("action").at("action_id").as_string(), "a1");
}

TEST(WorkerDetailJson, adds_findings_and_ages) {
  WorkerView view = sample_worker("w");
  view.tasks.push_back({"resize", 5, 1, 0, 0, 0, {}});
  view.tasks[0].durations.observe(0.3);
  view.in_flight.push_back({"t1", "resize", kNow - 5s, "", ""});
  view.in_flight.push_back({"t2", "resize", std::nullopt, "", ""});
  view.queues.push_back({"redis", "q", true, false, 0.5, 3, std::nullopt, 7});
  view.models.push_back({"clip", ModelState::failed, std::nullopt, std::nullopt, "no file", std::nullopt});
  view.held = HoldBack{};
  view.action = ActionRecord{};
  view.last_exit = ExitInfo{.signal = 9};
  const auto v = parsed(worker_json(view, kNow));
  const auto& cause = v.at("findings").at(0).at("causes").at(0);
  EXPECT_EQ(v.at("findings").at(0).at("check_name").as_string(), "heartbeat");
  EXPECT_EQ(text_of(v.at("findings").at(0).at("metrics")), R"({"last_heartbeat_seconds":72})");
  EXPECT_EQ(cause.at("reason").as_string(), "silent");
  EXPECT_EQ(cause.at("limit").as_int64(), 60);
  EXPECT_EQ(v.at("voice_age_seconds").as_int64(), 12);
  EXPECT_TRUE(v.at("report_age_seconds").is_null());
  EXPECT_EQ(v.at("period_seconds").as_int64(), 30);
  EXPECT_EQ(v.at("tasks").at(0).at("duration_seconds").at("count").as_int64(), 1);
  EXPECT_EQ(v.at("in_flight").at(0).at("running_seconds").as_int64(), 5);
  EXPECT_TRUE(v.at("in_flight").at(1).at("running_seconds").is_null());
  EXPECT_EQ(v.at("models").at(0).at("state").as_string(), "failed");
  EXPECT_EQ(v.at("last_exit").at("signal").as_int64(), 9);
  EXPECT_TRUE(parsed(worker_json(sample_worker("x"), kNow)).at("last_exit").is_null());
}

FleetView sample_fleet() {
  FleetView view;
  view.generation = 7;
  view.at = kNow;
  view.counts = {.total = 2, .healthy = 1, .warning = 0, .critical = 1, .unknown = 0, .inactive = 3};
  auto page = std::make_shared<WorkerPage>();
  page->workers = {std::make_shared<WorkerView>(sample_worker("a")), std::make_shared<WorkerView>(sample_worker("b"))};
  view.pages = {page};
  view.pools = {PoolView{.name = "thumbs", .findings = {Cause{}}, .frozen = "broker down"}};
  view.queues = {QueueView{.name = "q", .pools = {"thumbs"}}};
  view.sources = {SourceView{.id = "agent/h3"}};
  view.incidents = {Incident{.id = "i1", .workers = {"a"}, .alert_keys = {"k"}, .timeline = {TimelineEntry{kNow}}},
                    Incident{.id = "i2", .ended_at = kNow}};
  view.alerts = {Alert{.key = "k", .labels = {{"a", "b"}}}};
  view.events = {FleetEvent{.id = 1, .at = kNow, .kind = "transition", .text = "w-1 \"x\""}};
  view.maintenance = {MaintenanceRecord{.id = "fleet", .on = true}};
  return view;
}

TEST(WorkersJson, has_the_counts_of_the_brief) {
  const FleetView view = sample_fleet();
  const auto v = parsed(workers_json(view, view.pages[0]->workers, 2));
  EXPECT_EQ(v.at("total_workers").as_int64(), 2);
  EXPECT_EQ(v.at("healthy_workers").as_int64(), 1);
  EXPECT_EQ(v.at("warning_workers").as_int64(), 0);
  EXPECT_EQ(v.at("critical_workers").as_int64(), 1);
  EXPECT_EQ(v.at("unknown_workers").as_int64(), 0);
  EXPECT_EQ(v.at("inactive_workers").as_int64(), 3);
  EXPECT_EQ(v.at("workers").as_array().size(), 2u);
}

TEST(StreamJson, snapshot_holds_the_fleet_and_delta_what_changed) {
  const FleetView view = sample_fleet();
  const auto snapshot = parsed(snapshot_json(view));
  EXPECT_EQ(snapshot.at("workers").as_array().size(), 2u);
  EXPECT_EQ(snapshot.at("open_incidents").as_array().size(), 1u);
  EXPECT_EQ(snapshot.at("pools").at(0).at("frozen").as_string(), "broker down");
  EXPECT_EQ(snapshot.at("events").as_array().size(), 1u);
  EXPECT_EQ(parsed(summary_json(view)).at("firing_alerts").as_int64(), 1);
  FleetDelta delta{std::make_shared<FleetView>(view), {view.pages[0]->workers[1]}, {"gone-1"}, view.events};
  const auto d = parsed(delta_json(delta));
  EXPECT_EQ(d.at("generation").as_int64(), 7);
  EXPECT_EQ(d.at("workers").at(0).at("worker_id").as_string(), "b");
  EXPECT_EQ(d.at("removed").at(0).as_string(), "gone-1");
  parsed(delta_json(FleetDelta{}));
}

TEST(ListJson, writes_any_list_with_its_cursor) {
  const FleetView view = sample_fleet();
  const auto incidents = parsed(list_json(
      "incidents", view.incidents, [](JsonWriter& w, const Incident& i) { write_incident(w, i); }, "c9"));
  EXPECT_EQ(incidents.at("incidents").at(0).at("timeline").as_array().size(), 1u);
  EXPECT_EQ(incidents.at("next").as_string(), "c9");
  parsed(list_json("alerts", view.alerts, write_alert));
  const std::vector<AuditRecord> audit(2);
  EXPECT_EQ(parsed(list_json("audit", audit, write_audit)).at("audit").as_array().size(), 2u);
}

TEST(ProblemJson, follows_rfc_9457) {
  const auto v = parsed(problem_json(make_error(Errc::not_found, "no worker 'x'"), "/health/workers/x"));
  EXPECT_EQ(text_of(v),
            R"({"type":"urn:paramedic:problem:not_found","title":"Not found","status":404,"detail":"no worker 'x'",)"
            R"("code":"not_found","instance":"/health/workers/x"})");
  for (int code = 0; code <= int(Errc::internal); ++code)
    parsed(problem_json(make_error(static_cast<Errc>(code), "x")));
}

TEST(CommandResultJson, says_what_happened) {
  EXPECT_EQ(command_result_json({true, {}, "a1", true, "restart begun"}),
            R"({"success":true,"action_id":"a1","message":"restart begun","running":true})");
  EXPECT_EQ(command_result_json({false, make_error(Errc::conflict, "already restarting"), "", false, ""}),
            R"({"success":false,"action_id":null,"message":"already restarting","running":false})");
}

}  // namespace
}  // namespace paramedic::wire
