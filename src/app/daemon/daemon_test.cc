// The whole monitor in one process: real stores in a temporary directory, real HTTP on a free port.
#include "app/daemon/daemon.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/daemon/ports.h"
#include "base/text.h"
#include "io/history/remote_write/test_support.h"
#include "io/journal/journal_reader.h"
#include "io/net/http_client.h"
#include "io/net/redis/redis_test_support.h"
#include "io/net/test_support.h"

namespace paramedic::daemon {

namespace fs = std::filesystem;

namespace {

struct TempDir {
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "paramedic-daemon-test-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

struct Monitor {
  TempDir dir;
  SystemClock clock;
  std::unique_ptr<Logger> log = make_null_logger();
  std::unique_ptr<Daemon> daemon;

  config::MonitorConfig config() const {
    config::MonitorConfig out;
    out.listen.port = 0;
    out.data_dir = dir.path.string();
    out.history.resolution = 1s;
    out.shutdown_grace = 1s;
    return out;
  }
  Result<void> start(const config::MonitorConfig& config) {
    Problems problems;
    DaemonOptions options{.config = config, .engine = make_engine_config(config, problems), .version = "test"};
    auto started = Daemon::start(std::move(options), clock, *log);
    if (!started) return started.error();
    daemon = std::move(*started);
    return {};
  }
  void restart() {
    daemon->stop();
    daemon.reset();
    const auto started = start(config());
    ASSERT_TRUE(started) << started.error().message;
  }
  HttpResponse call(std::string method, const std::string& path, std::string body = {}) const {
    HttpCall call{.method = std::move(method),
                  .url = fmt::format("http://127.0.0.1:{}{}", daemon->port(), path),
                  .body = std::move(body)};
    if (call.method == "POST") call.headers.emplace_back("Content-Type", "application/json");
    auto answer = http_request(std::move(call));
    EXPECT_TRUE(answer) << path << ": " << (answer ? "" : answer.error().message);
    return answer ? *answer : HttpResponse{.status = 0};
  }
  // Asks until `text` stands in the answer.
  std::string wait_for(const std::string& path, const std::string& text) const {
    std::string body;
    for (int i = 0; i < 3000; ++i) {
      body = call("GET", path).body;
      if (body.find(text) != std::string::npos) return body;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << path << " never had " << text << "; last: " << body.substr(0, 2000);
    return body;
  }
};

struct DaemonTest : testing::Test {
  Monitor monitor;
  void SetUp() override {
    const auto started = monitor.start(monitor.config());
    ASSERT_TRUE(started) << started.error().message;
  }
};

}  // namespace

TEST_F(DaemonTest, shows_a_worker_that_reports_over_http) {
  EXPECT_EQ(monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs","resources":{"cpu_percent":12.5}})")
                .status,
            202);
  const std::string body = monitor.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
  EXPECT_NE(body.find("\"cpu_percent\":12.5"), std::string::npos);
  EXPECT_NE(monitor.call("GET", "/metrics").body.find("worker_health_score{worker_id=\"w-1\"} 1"), std::string::npos);
  EXPECT_EQ(monitor.call("GET", "/readyz").status, 200);
}

TEST_F(DaemonTest, stores_history_that_survives_a_restart) {
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs","resources":{"cpu_percent":12.5}})");
  monitor.wait_for("/health/workers/w-1/history?hours=1", "\"cpu_percent\":12.5");
  monitor.restart();
  EXPECT_NE(monitor.call("GET", "/health/workers/w-1/history?hours=1").body.find("\"cpu_percent\":12.5"),
            std::string::npos);
  // Known, but not heard since: unknown, not dead.
  EXPECT_NE(monitor.call("GET", "/health/workers/w-1").body.find("\"status\":\"unknown\""), std::string::npos);
}

TEST_F(DaemonTest, records_no_inputs_unless_told) {
  EXPECT_EQ(monitor.call("GET", "/inputs").status, 404);
  EXPECT_FALSE(fs::exists(monitor.dir.path / "inputs"));
}

TEST(DaemonInputs, are_recorded_listed_and_read_back) {
  Monitor monitor;
  config::MonitorConfig config = monitor.config();
  config.history.record = config::RecordKind::full;
  config.hash = "0123456789abcdef";
  ASSERT_TRUE(monitor.start(config));
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs","resources":{"cpu_percent":12.5}})");
  monitor.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
  monitor.call("POST", "/recovery/freeze", R"({"reason":"deploy"})");
  const std::string listed = monitor.wait_for("/inputs", "00000000000000000001.inputs");
  EXPECT_NE(listed.find("\"config_hash\":\"0123456789abcdef\""), std::string::npos) << listed;
  EXPECT_NE(listed.find("\"build_id\":\"test "), std::string::npos) << listed;
  EXPECT_NE(monitor.call("GET", "/metrics").body.find("paramedic_input_journal_dropped_total 0"), std::string::npos);
  EXPECT_NE(monitor.call("GET", "/readyz").body.find("{\"name\":\"inputs\",\"state\":\"ok\""), std::string::npos);
  monitor.daemon->stop();
  const auto reader = journal::JournalReader::open((monitor.dir.path / "inputs").string());
  ASSERT_TRUE(reader);
  std::set<std::string> got;
  for (auto event = (*reader)->next(); event && *event; event = (*reader)->next()) {
    if (const auto* run = std::get_if<journal::RunBegins>(&(*event)->what)) got.insert(run->whole ? "run" : "part");
    if (std::holds_alternative<journal::EndRecord>((*event)->what)) got.insert("end");
    if (const auto* step = std::get_if<journal::RecordedStep>(&(*event)->what))
      for (const Input& input : step->inputs) {
        if (const auto* report = std::get_if<ReportInput>(&input)) got.insert(report->report.worker_id);
        if (const auto* command = std::get_if<CommandInput>(&input)) got.insert(command->reason);
        if (std::holds_alternative<ShutdownInput>(input)) got.insert("shutdown");
      }
  }
  EXPECT_EQ(got, (std::set<std::string>{"run", "w-1", "deploy", "shutdown", "end"}));
}

TEST(DaemonInputs, that_cannot_be_written_stop_nothing_and_are_told) {
  Monitor monitor;
  config::MonitorConfig config = monitor.config();
  config.history.record = config::RecordKind::full;
  std::ofstream(monitor.dir.path / "inputs") << "no folder";
  ASSERT_TRUE(monitor.start(config));
  const std::string ready = monitor.wait_for("/readyz", "cannot record inputs");
  EXPECT_NE(ready.find("\"status\":\"degraded\""), std::string::npos) << ready;
  EXPECT_EQ(monitor.call("GET", "/readyz").status, 200);
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs"})");
  monitor.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
  monitor.wait_for("/metrics", "paramedic_input_journal_degraded 1");
  monitor.daemon->stop();
}

TEST_F(DaemonTest, refuses_a_worker_of_another_pool_and_says_so) {
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs"})");
  monitor.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
  const HttpResponse refused = monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"other"})");
  EXPECT_EQ(refused.status, 409);
  EXPECT_NE(refused.body.find("belongs to pool 'thumbs'"), std::string::npos);
}

TEST_F(DaemonTest, answers_operators_and_remembers_them) {
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs"})");
  monitor.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
  EXPECT_EQ(monitor.call("POST", "/recovery/freeze", R"({"reason":"deploy"})").status, 200);
  monitor.wait_for("/health/summary", "deploy");
  monitor.restart();
  monitor.wait_for("/health/summary", "deploy");  // the big switch survives
  EXPECT_NE(monitor.wait_for("/audit", "freeze").find("deploy"), std::string::npos);
  EXPECT_EQ(monitor.call("POST", "/recovery/thaw", "{}").status, 200);
  // Nobody can restart what reports over HTTP.
  EXPECT_GE(monitor.call("POST", "/health/workers/w-1/restart", "{}").status, 400);
  EXPECT_EQ(monitor.call("DELETE", "/health/workers/w-1").status, 200);
  EXPECT_EQ(monitor.call("DELETE", "/health/workers/nobody").status, 404);
}

TEST_F(DaemonTest, streams_transitions_at_once) {
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs"})");
  monitor.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
  bool snapshot = false, exit = false;
  std::thread poster;
  HttpCall call{.url = fmt::format("http://127.0.0.1:{}/health/events", monitor.daemon->port())};
  const auto followed = follow_lines(std::move(call), [&](std::string_view line) {
    if (line.starts_with("event: snapshot")) {
      snapshot = true;
      poster = std::thread([this] {
        monitor.call("POST", "/health/workers/w-1/report", R"({"process":{"state":"X","exit":{"signal":9}}})");
      });
    }
    exit = exit || (snapshot && line.find("\"kind\":\"exit\"") != std::string_view::npos);
    return !exit;
  });
  if (poster.joinable()) poster.join();
  EXPECT_TRUE(followed);
  EXPECT_TRUE(snapshot && exit);
}

TEST_F(DaemonTest, names_the_thing_when_it_cannot_start) {
  Monitor second;
  auto config = second.config();
  config.listen.port = monitor.daemon->port();
  auto failed = second.start(config);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::conflict);
  EXPECT_NE(failed.error().message.find(std::to_string(config.listen.port)), std::string::npos);

  config = second.config();
  config.data_dir = monitor.dir.path.string();
  failed = second.start(config);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::conflict);

  config = second.config();
  config.listen.address = "0.0.0.0";
  failed = second.start(config);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::forbidden);

  config = second.config();
  config.token_file = "/no/such/file";
  failed = second.start(config);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("/no/such/file"), std::string::npos);
}

TEST(Daemon, sends_history_to_a_receiver_and_ends_the_series_of_a_forgotten_worker) {
  std::mutex mutex;
  std::string received;
  TestServer receiver([&](HttpRequest&& request) {
    const std::lock_guard lock(mutex);
    for (const std::string& line : remote_write::RequestReader::lines(request.body)) received += line + "\n";
    HttpResponse response;
    response.status = 204;
    return response;
  });
  const auto has = [&](const std::string& text) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return received.find(text) != std::string::npos;
    });
  };
  // Behind the last value in one line, or alone in the next request.
  const auto ends = [&](const std::string& worker_id) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return std::regex_search(received, std::regex("worker_cpu_percent,worker_id=" + worker_id + "[^\\n]* stale@"));
    });
  };
  Monitor monitor;
  auto config = monitor.config();
  config.remote_write.push_back({.name = "it", .url = receiver.url("/api/v1/write"), .max_wait = 10ms});
  ASSERT_TRUE(monitor.start(config));
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs","resources":{"cpu_percent":12.5}})");
  EXPECT_TRUE(has("__name__=worker_cpu_percent,worker_id=w-1 12.5@"));
  EXPECT_TRUE(has("__name__=paramedic_worker_status,status=healthy,worker_id=w-1 1@"));
  monitor.wait_for("/metrics", "paramedic_remote_write_pending_samples{destination=\"it\"} 0");
  EXPECT_NE(monitor.call("GET", "/readyz").body.find(R"("name":"remote_write/it","state":"ok")"), std::string::npos);
  EXPECT_EQ(monitor.call("DELETE", "/health/workers/w-1").status, 200);
  EXPECT_TRUE(ends("w-1"));
  monitor.call("POST", "/health/workers/w-2/report", R"({"pool":"thumbs","resources":{"cpu_percent":7}})");
  EXPECT_TRUE(has("__name__=worker_cpu_percent,worker_id=w-2 7@"));
  monitor.call("POST", "/health/workers/w-2/report", R"({"state":"stopped","stop":{"reason":"scale_down"}})");
  EXPECT_TRUE(ends("w-2")) << "stopped on purpose";
}

TEST(Daemon, a_receiver_that_refuses_degrades_readiness_and_nothing_else) {
  Monitor receiver, monitor;  // a monitor has no /api/v1/write
  ASSERT_TRUE(receiver.start(receiver.config()));
  auto config = monitor.config();
  config.remote_write.push_back({.name = "wrong",
                                 .url = fmt::format("http://127.0.0.1:{}/api/v1/write", receiver.daemon->port()),
                                 .max_wait = 10ms});
  ASSERT_TRUE(monitor.start(config));
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs"})");
  const std::string body = monitor.wait_for("/readyz", "check url, credential and headers");
  EXPECT_NE(body.find(R"("name":"remote_write/wrong","state":"degraded")"), std::string::npos);
  EXPECT_EQ(monitor.call("GET", "/readyz").status, 200);
  monitor.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
}

TEST(Daemon, two_fit_in_one_process) {
  Monitor a, b;
  ASSERT_TRUE(a.start(a.config()));
  ASSERT_TRUE(b.start(b.config()));
  a.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs"})");
  a.wait_for("/health/workers/w-1", "\"status\":\"healthy\"");
  EXPECT_EQ(b.call("GET", "/health/workers/w-1").status, 404);
}

TEST(LedgerReadiness, tells_what_the_store_does_not_do_now_and_never_promised) {
  const auto shown = [](const LedgerStats& stats, bool cannot_commit = false, std::string_view why = {}) {
    const auto part = ledger_readiness(stats, cannot_commit, why);
    return fmt::format("{}: {}", to_string(part.state), part.text);
  };
  EXPECT_EQ(shown({}), "ok: ");
  EXPECT_EQ(shown({}, true), "degraded: cannot commit: stops are held, starts and notices go on");
  EXPECT_EQ(shown({.reserve_spent = true}, true, "disk full; free some space"),
            "degraded: cannot commit: stops are held, starts and notices go on: disk full; free some space; "
            "no space is held in reserve: free some on the file system of data_dir");
  EXPECT_EQ(shown({.store_away = true, .problem = "refused", .spool_waiting = 3}),
            "degraded: Redis does not take commits, 3 wait on local disk: refused");
  EXPECT_EQ(shown({.weaker_durability = "appendonly is off"}), "ok: weaker durability: appendonly is off");
  EXPECT_EQ(shown({.store_away = true, .fenced = true, .problem = "another monitor took over"}, true),
            "failed: another monitor took over; cannot commit: stops are held, starts and notices go on");
}

TEST(HistoryReadiness, tells_what_waits_and_why) {
  const auto shown = [](const HistoryStats& stats, const HistoryWriterStats& writer = {}) {
    const auto part = history_readiness(stats, writer);
    return fmt::format("{}: {}", to_string(part.state), part.text);
  };
  EXPECT_EQ(shown({}), "ok: ");
  EXPECT_EQ(shown({.buffered = 7}), "ok: ") << "between two group commits";
  EXPECT_EQ(shown({.buffered = 7}, {.degraded = true, .problem = "refused"}),
            "degraded: cannot write, 7 rows wait in memory: refused");
  EXPECT_EQ(shown({.buffered = 7, .fenced = true}, {.degraded = true, .problem = "another monitor took over"}),
            "failed: no rows are stored any more: another monitor took over");
  EXPECT_EQ(shown({.weaker_durability = "appendonly is off"}), "ok: weaker durability: appendonly is off");
}

TEST(Daemon, names_what_keeps_it_from_its_ledger_on_redis) {
  Monitor monitor;
  auto config = monitor.config();
  config.ledger.store = config::StoreKind::redis;
  config.ledger.redis.address = "unix:" + monitor.dir.path.string() + "/none";
  config.ledger.redis.password_file = monitor.dir.path.string() + "/password";
  const auto refused = monitor.start(config);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("cannot read password_file"), std::string::npos) << refused.error().message;
}

TEST(Daemon, keeps_judging_while_redis_with_its_history_is_away) {
  RedisServer redis;
  Monitor monitor;
  auto config = monitor.config();
  config.history.store = config::StoreKind::redis;
  config.history.redis.address = redis.unix_socket();
  ASSERT_TRUE(monitor.start(config));
  const std::string history = "/health/workers/w-1/history?hours=1";
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs","resources":{"cpu_percent":12.5}})");
  monitor.wait_for(history, "\"cpu_percent\":12.5");
  redis.kill();
  monitor.wait_for("/readyz", R"("name":"history","state":"degraded")");
  EXPECT_EQ(monitor.call("GET", "/readyz").status, 200);
  monitor.call("POST", "/health/workers/w-1/report", R"({"pool":"thumbs","resources":{"cpu_percent":33.5}})");
  monitor.wait_for("/health/workers/w-1", "\"cpu_percent\":33.5");
  EXPECT_NE(monitor.call("GET", "/health/workers/w-1").body.find("\"status\":\"healthy\""), std::string::npos);
  redis.start();
  monitor.wait_for("/readyz", R"("name":"history","state":"ok")");
  monitor.wait_for(history, "\"cpu_percent\":33.5");
  monitor.daemon->stop();
  monitor.daemon.reset();
  ASSERT_TRUE(monitor.start(config));
  const std::string after = monitor.call("GET", history).body;
  EXPECT_NE(after.find("\"cpu_percent\":12.5"), std::string::npos);
  EXPECT_NE(after.find("\"cpu_percent\":33.5"), std::string::npos);
}

}  // namespace paramedic::daemon
