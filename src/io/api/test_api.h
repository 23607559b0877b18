// For the tests of io/api: a fake of every port, a real HttpServer on a free port, and a client. With
// PARAMEDIC_API_RECORD set, every answer is appended to that file as one JSON line; tests/api/test_recorded_answers.py
// checks them against docs/openapi.yaml.
#pragma once
#include <cstdlib>
#include <fstream>
#include <mutex>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/api/api.h"
#include "io/net/http_client.h"
#include "io/net/http_server.h"
#include "io/net/test_support.h"

namespace paramedic::api {

using WorkerRef = std::shared_ptr<const WorkerView>;

inline std::shared_ptr<WorkerView> make_worker(std::string id, Status status, std::string pool = "thumbs") {
  auto w = std::make_shared<WorkerView>();
  w->worker_id = std::move(id);
  w->pool = std::move(pool);
  w->host = "h1";
  w->version = "1.4.2";
  w->incarnation = "i1";
  w->source = "http";
  w->state = WorkerState::running;
  Verdict verdict;
  verdict.status = status;
  if (status != Status::unknown) verdict.score = status == Status::critical ? 0.0 : 1.0;
  w->verdict = std::make_shared<const Verdict>(std::move(verdict));
  auto names = std::make_shared<MetricNames>(MetricNames{"cpu_percent", "memory_mb"});
  w->metrics = MetricSet{names, {41.5, std::nan("")}};
  w->labels = {{"zone", "a"}};
  return w;
}

// A worker in which every optional part is set.
inline std::shared_ptr<WorkerView> make_full_worker(std::string id) {
  auto w = make_worker(std::move(id), Status::critical);
  const WallTime at{Duration{1'795'000'000'000'000'000}};
  Cause cause{.reason = Reason::silent, .status = FindingStatus::critical, .value = 72, .limit = 60, .unit = "s"};
  cause.since = at;
  Verdict verdict = *w->verdict;
  verdict.findings = {Finding{.check = "heartbeat", .status = FindingStatus::critical, .causes = {cause}}};
  verdict.pending = {Pending{.check = "resources", .reason = Reason::cpu_high, .to = FindingStatus::warning}};
  w->verdict = std::make_shared<const Verdict>(std::move(verdict));
  w->pid = 4711;
  w->last_report = w->alive_at = w->started_at = at - 5s;
  TaskTypeView tasks{.type = "resize", .completed = 3};
  tasks.durations.observe(0.5);
  w->tasks = {tasks};
  w->in_flight = {InFlightTask{.id = "t-1", .type = "resize", .started_at = at - 3s}, InFlightTask{.id = "t-2"}};
  w->queues = {QueuePart{.broker = "redis-a", .name = "thumbs", .connected = true, .ready = 3}};
  w->models = {ModelPart{.name = "clip", .state = ModelState::ready}};
  w->held = HoldBack{RemedyKind::restart, HoldCode::frozen, "the pool is frozen", at + 60s};
  w->action = ActionRecord{.action_id = "a-1", .worker_id = w->worker_id, .pool = w->pool, .sent_at = at};
  w->last_exit = ExitInfo{.signal = 9};
  return w;
}

inline std::shared_ptr<const FleetView> make_fleet(std::vector<WorkerRef> workers, std::uint64_t generation = 1) {
  auto view = std::make_shared<FleetView>();
  view->generation = generation;
  view->at = WallTime{Duration{1'795'000'000'000'000'000}};
  std::sort(workers.begin(), workers.end(), [](const auto& a, const auto& b) { return a->worker_id < b->worker_id; });
  for (std::size_t i = 0; i < workers.size(); i += kWorkersPerPage) {
    auto page = std::make_shared<WorkerPage>();
    const auto end = std::min(i + kWorkersPerPage, workers.size());
    page->workers.assign(workers.begin() + std::ptrdiff_t(i), workers.begin() + std::ptrdiff_t(end));
    view->pages.push_back(std::move(page));
  }
  view->counts.total = int(workers.size());
  return view;
}

// Every port at once. What a test sets is read by other threads: set it before the request, or under `mutex`.
struct FakePorts final : FleetReader,
                         Commands,
                         Intake,
                         HistoryReader,
                         LedgerReader,
                         Readiness,
                         MetricsPage,
                         DeltaFeed,
                         StaticFiles,
                         AgentLink,
                         Reload,
                         DemoControl,
                         InputRecorder {
  std::shared_ptr<const FleetView> view() const override {
    const std::lock_guard lock(mutex);
    return fleet;
  }
  void set_fleet(std::shared_ptr<const FleetView> next) {
    const std::lock_guard lock(mutex);
    fleet = std::move(next);
  }
  boost::asio::awaitable<CommandResult> submit(CommandInput command) override {
    commands.push_back(std::move(command));
    co_return answer;
  }
  Result<std::vector<IntakeRefusal>> push(std::vector<ReportInput> reports) override {
    const std::lock_guard lock(mutex);
    if (inbox_full) return make_error(Errc::unavailable, "the inbox is full: send again in 1 s");
    std::vector<IntakeRefusal> out;
    for (std::size_t i = 0; i < reports.size(); ++i) {
      if (reports[i].report.worker_id == "refuse-me")
        out.push_back({i, make_error(Errc::too_many, "too many new workers: send again later")});
      else
        taken.push_back(std::move(reports[i]));
    }
    return out;
  }
  Result<HistoryColumns> read(const HistoryQuery& query) override {
    history_query = query;
    if (store_error) return *store_error;
    return points;
  }
  Result<std::vector<TaskHistoryPoint>> read_tasks(const TaskHistoryQuery& query) override {
    task_query = query;
    if (store_error) return *store_error;
    return task_points;
  }
  template <class T>
  Result<std::vector<T>> stored(const std::vector<T>& all, const LedgerQuery& query) {
    ledger_query = query;
    if (store_error) return *store_error;
    return std::vector<T>(all.begin(), all.begin() + std::ptrdiff_t(std::min(all.size(), query.limit)));
  }
  Result<std::vector<ActionRecord>> restarts(const LedgerQuery& query) override { return stored(actions, query); }
  Result<std::vector<Incident>> incidents(const LedgerQuery& query) override { return stored(stored_incidents, query); }
  Result<std::vector<NotificationRecord>> notifications(const LedgerQuery& query) override {
    return stored(stored_notifications, query);
  }
  Result<std::vector<Silence>> silences(const LedgerQuery& query) override { return stored(stored_silences, query); }
  Result<std::vector<AuditRecord>> audit(const LedgerQuery& query) override { return stored(audits, query); }
  Result<std::optional<Incident>> incident(const std::string& id) override {
    if (store_error) return *store_error;
    for (const Incident& i : stored_incidents)
      if (i.id == id) return std::optional(i);
    return std::optional<Incident>();
  }
  std::vector<ReadinessPart> parts() const override { return ready; }
  std::string text(MetricsFormat format) override { return "# " + std::string(to_string(format)) + "\n"; }
  std::unique_ptr<Subscription> subscribe(Callback callback) override {
    publish = std::move(callback);
    return std::make_unique<Subscription>();
  }
  std::optional<StaticFile> find(std::string_view path) const override {
    if (path == "/index.html")
      return StaticFile{"text/html; charset=utf-8", std::make_shared<const std::string>("<html>"), "\"e1\""};
    if (path == "/openapi.json")
      return StaticFile{"application/json",
                        std::make_shared<const std::string>(R"({"openapi":"3.1.0","info":{},"paths":{}})"), "\"e2\""};
    return std::nullopt;
  }
  boost::asio::awaitable<void> accept(std::shared_ptr<WebSocket> socket, std::string, AgentCredentials who) override {
    auto hello = std::make_shared<const std::string>("hello " + who.name + " " + who.pool);
    const auto sent = co_await socket->send(std::move(hello));
    EXPECT_TRUE(sent);
  }
  Result<std::string> reload(std::string_view actor) override {
    if (config_error) return *config_error;
    return "m.yaml is in force, for " + std::string(actor);
  }
  std::optional<Error> config_error;
  std::vector<std::string> modes() const override { return {"crash", "hang"}; }
  Result<std::string> break_worker(const std::string& worker_id, const std::string& mode) override {
    if (mode != "crash") return make_error(Errc::not_found, "no mode '" + mode + "'; known are crash, hang");
    return worker_id + " crashes";
  }

  RecordedInputs recorded() const override { return inputs; }

  Ports all() {
    Ports p;
    p.fleet = this, p.commands = this, p.intake = this, p.history = this, p.ledger = this, p.readiness = this;
    p.metrics = this, p.feed = this, p.files = this, p.agents = this, p.demo = this;
    p.reload = this;
    p.inputs = this;
    return p;
  }

  mutable std::mutex mutex;
  std::shared_ptr<const FleetView> fleet = make_fleet({});
  std::vector<CommandInput> commands;
  CommandResult answer{.success = true, .message = "done"};
  std::vector<ReportInput> taken;
  bool inbox_full = false;
  HistoryQuery history_query;
  TaskHistoryQuery task_query;
  std::vector<TaskHistoryPoint> task_points;
  LedgerQuery ledger_query;
  std::optional<Error> store_error;
  HistoryColumns points;
  std::vector<ActionRecord> actions;
  std::vector<Incident> stored_incidents;
  std::vector<AuditRecord> audits;
  std::vector<NotificationRecord> stored_notifications;
  std::vector<Silence> stored_silences;
  RecordedInputs inputs{.bytes = 4096, .max_bytes = 1 << 30};
  std::vector<ReadinessPart> ready{{"engine", PartState::ok, "last step 3 ms ago"}};
  Callback publish;
};

struct Answer {
  int status = 0;
  std::string body;
  HttpHeaders headers;
  std::string_view header(std::string_view name) const {
    const std::string* value = find_header(headers, name);
    return value ? std::string_view(*value) : std::string_view();
  }
  boost::json::value json() const {
    boost::system::error_code failed;
    auto value = boost::json::parse(body, failed);
    EXPECT_FALSE(failed) << body.substr(0, 300);
    return value;
  }
  std::string at(const char* pointer) const {
    const auto value = json();
    boost::system::error_code failed;
    const auto* found = value.find_pointer(pointer, failed);
    if (!found) return "(nothing at " + std::string(pointer) + ")";
    return found->is_string() ? std::string(found->get_string()) : boost::json::serialize(*found);
  }
};

class ApiTest : public testing::Test {
 protected:
  // Call once, before the first request; without it the first request does it.
  void serve(ApiOptions options = {}, std::shared_ptr<const TokenTable> tokens = nullptr, Ports ports = {}) {
    if (!ports.fleet) ports = fake.all();
    options.version = "0.1.0";
    api = std::make_unique<Api>(std::move(options), ports, std::move(tokens), pool, clock, *logger);
    HttpServerOptions http;
    http.port = 0;
    http.body_limit_for = Api::body_limit;
    server = std::make_unique<HttpServer>(std::move(http), *api, *logger);
    const auto started = server->start();
    ASSERT_TRUE(started);
  }
  void TearDown() override {
    if (server) server->stop(1s);
    pool.stop();  // before the server's loops go: see io/net/blocking_pool.h
    server.reset();
    api.reset();
  }

  std::string url(std::string_view target) {
    if (!server) serve();
    return "http://127.0.0.1:" + std::to_string(server->port()) + std::string(target);
  }
  Answer call(std::string method, std::string target, std::string body = {}, HttpHeaders headers = {}) {
    HttpCall request{.method = method, .url = url(target), .body = std::move(body), .headers = std::move(headers)};
    if (method == "POST" && !find_header(request.headers, "Content-Type"))
      request.headers.emplace_back("Content-Type", "application/json");
    const auto response = http_request(std::move(request));
    if (!response) {
      ADD_FAILURE() << method << " " << target << ": " << response.error().message;
      return {};
    }
    Answer answer{response->status, std::string(response->body_view()), response->headers};
    record(method, target, answer);
    return answer;
  }
  Answer get(std::string target, HttpHeaders headers = {}) { return call("GET", std::move(target), {}, headers); }
  Answer post(std::string target, std::string body = {}, HttpHeaders headers = {}) {
    return call("POST", std::move(target), std::move(body), std::move(headers));
  }

  static void record(const std::string& method, const std::string& target, const Answer& answer) {
    const char* file = std::getenv("PARAMEDIC_API_RECORD");
    if (!file) return;
    const boost::json::value line{{"method", method},
                                  {"target", target},
                                  {"status", answer.status},
                                  {"type", answer.header("Content-Type")},
                                  {"body", answer.body}};
    std::ofstream(file, std::ios::app) << boost::json::serialize(line) << "\n";
  }

  FakePorts fake;
  ManualClock clock;
  std::unique_ptr<Logger> logger = make_null_logger();
  BlockingPool pool{2};
  std::unique_ptr<Api> api;
  std::unique_ptr<HttpServer> server;
};

inline void expect_problem(const Answer& answer, int status, std::string_view part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(answer.at("/status"), std::to_string(status));
  EXPECT_THAT(answer.at("/detail"), testing::HasSubstr(std::string(part)));
}

}  // namespace paramedic::api
