// For the agent's tests: a monitor that only listens and says what it is told, and an agent with real processes below a
// temporary folder. The agent runs on the test's thread, the monitor on its own.
#pragma once
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "app/agent/agent.h"
#include "io/net/http_server.h"

namespace paramedic::agent {

class FakeMonitor final : public HttpHandler {
 public:
  explicit FakeMonitor(Logger& log, std::uint16_t port = 0, std::string token = {}) : token_(std::move(token)) {
    HttpServerOptions options;
    options.port = port;
    server_ = std::make_unique<HttpServer>(options, *this, log);
    const auto started = server_->start();
    if (!started) ADD_FAILURE() << started.error().message;
  }
  ~FakeMonitor() override { server_->stop(0s); }

  HttpReply handle(HttpRequest&& request) override {
    if (request.path != "/health/agents") return problem_response(404, "no such page");
    if (!token_.empty() && request.header("Authorization") != "Bearer " + token_)
      return problem_response(401, "no token");
    Upgrade upgrade;
    upgrade.run = [this](std::shared_ptr<WebSocket> socket) { return serve(std::move(socket)); };
    return upgrade;
  }

  std::uint16_t port() const { return server_->port(); }
  void send(wire::MonitorFrame frame) {
    const std::lock_guard lock(mutex_);
    if (!socket_) return;
    boost::asio::post(socket_->executor(),
                      [socket = socket_, text = std::make_shared<const std::string>(wire::encode(frame))] {
                        (void)socket->send_soon(text);
                      });
  }
  void ack(const std::string& action_id) {
    wire::MonitorAck frame;
    frame.action_ids.push_back(action_id);
    send(frame);
  }
  void refuse_hello() {
    const std::lock_guard lock(mutex_);
    refuse_ = true;
  }

  template <class Frame>
  std::vector<Frame> frames() const {
    const std::lock_guard lock(mutex_);
    std::vector<Frame> out;
    for (const auto& frame : frames_)
      if (const auto* one = std::get_if<Frame>(&frame)) out.push_back(*one);
    return out;
  }
  std::vector<Report> reports(const std::string& worker, bool backlog = false) const {
    std::vector<Report> out;
    for (const auto& frame : frames<wire::AgentReports>()) {
      EXPECT_EQ(frame.skipped, 0) << frame.first_refusal;
      for (const auto& report : frame.reports)
        if (frame.backlog == backlog && report.worker_id == worker) out.push_back(report);
    }
    return out;
  }
  std::vector<wire::AgentStart> starts() const {
    std::vector<wire::AgentStart> out;
    for (const auto& frame : frames<wire::AgentStarts>())
      out.insert(out.end(), frame.starts.begin(), frame.starts.end());
    return out;
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return frames_.size();
  }

 private:
  boost::asio::awaitable<void> serve(std::shared_ptr<WebSocket> socket) {
    bool refuse = false;
    {
      const std::lock_guard lock(mutex_);
      socket_ = socket;
      refuse = refuse_;
    }
    const wire::MonitorFrame answer =
        refuse ? wire::MonitorFrame(wire::MonitorRefusal{"go away"}) : wire::MonitorFrame(wire::MonitorWelcome{});
    (void)socket->send_soon(std::make_shared<const std::string>(wire::encode(answer)));
    for (;;) {
      const auto text = co_await socket->receive();
      if (!text) break;
      auto frame = wire::decode_agent_frame(*text);
      const std::lock_guard lock(mutex_);
      if (frame)
        frames_.push_back(std::move(*frame));
      else
        ADD_FAILURE() << frame.error().message << ": " << text->substr(0, 400);
    }
    const std::lock_guard lock(mutex_);
    if (socket_ == socket) socket_.reset();
  }

  std::string token_;
  mutable std::mutex mutex_;
  bool refuse_ = false;
  std::vector<wire::AgentFrame> frames_;
  std::shared_ptr<WebSocket> socket_;
  std::unique_ptr<HttpServer> server_;
};

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/agent_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    options_.config.agent_id = "agent-1";
    options_.config.host = "host-1";
    options_.config.data_dir = folder_ + "/data";
    options_.config.report_period = 200ms;
    options_.config.monitor_url = "http://127.0.0.1:1";  // nobody listens
    options_.longest_reconnect_wait = 100ms;
  }
  void TearDown() override {
    agent_.reset();
    monitor_.reset();
    io_.restart();
    io_.poll();
    for (const int pid : pids_) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  config::WorkerSpec& add_worker(const std::string& id, const std::string& script) {
    config::WorkerSpec spec;
    spec.id = id;
    spec.pool = "p";
    spec.command = {"/bin/sh", "-c", script};
    spec.cwd = folder_;
    spec.stdout_to = folder_ + "/out";
    spec.term_grace = 5s;
    options_.config.workers.push_back(std::move(spec));
    return options_.config.workers.back();
  }
  void begin_monitor(std::uint16_t port = 0, std::string token = {}) {
    monitor_ = std::make_unique<FakeMonitor>(*log_, port, std::move(token));
    options_.config.monitor_url = "http://127.0.0.1:" + std::to_string(monitor_->port());
  }
  void begin_agent() {
    agent_ = std::make_unique<Agent>(options_, *log_, clock_);
    const auto started = agent_->start(io_);
    ASSERT_TRUE(started) << started.error().message;
    note_pids();
  }
  // As kill -9 would: nothing is said, nothing is ended.
  void crash_agent() {
    note_pids();
    agent_.reset();
  }
  // Runs the agent until `condition`, 20 s at most.
  ::testing::AssertionResult eventually(const std::function<bool()>& condition, Duration limit = 20s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return ::testing::AssertionSuccess();
      io_.restart();
      io_.run_for(2ms);
      note_pids();
    }
    return condition() ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << "not within the limit";
  }
  void pass(Duration d) {
    eventually([] { return false; }, d);
  }
  void note_pids() {
    if (!agent_) return;
    for (const auto& worker : agent_->workers())
      if (worker->pid() > 0) pids_.insert(worker->pid());
  }
  Worker& worker(std::size_t index = 0) { return *agent_->workers().at(index); }
  int pid(std::size_t index = 0) { return worker(index).pid(); }
  void kill_worker(std::size_t index = 0) {
    const int before = pid(index);
    ASSERT_GT(before, 0);
    ::kill(before, SIGKILL);
  }
  std::string read(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_ + "/" + name); }
  // How many processes carry this worker's settings.
  int copies(const std::string& id) const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream in(entry.path() / "environ");
      std::stringstream text;
      text << in.rdbuf();
      const auto environment = text.str();
      if (environment.find("PARAMEDIC_WORKER_ID=" + id + '\0') != std::string::npos &&
          environment.find(folder_) != std::string::npos)
        ++count;
    }
    return count;
  }
  static bool is_alive(int process) { return ::kill(process, 0) == 0; }

  std::string folder_;
  std::unique_ptr<Logger> log_ = ::getenv("AGENT_TEST_LOG") ? make_stderr_logger(LogLevel::debug) : make_null_logger();
  SystemClock clock_;
  boost::asio::io_context io_{1};
  AgentOptions options_;
  std::unique_ptr<FakeMonitor> monitor_;
  std::unique_ptr<Agent> agent_;
  std::set<int> pids_;
};

}  // namespace paramedic::agent
