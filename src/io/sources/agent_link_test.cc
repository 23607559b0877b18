// The monitor's end of an agent's connection, over real sockets on a free port.
#include "io/sources/agent_link.h"

#include <condition_variable>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "io/net/deadline.h"
#include "io/net/http_server.h"
#include "io/net/ws_client.h"

namespace paramedic {

namespace asio = boost::asio;

namespace {

// Takes inputs; can be told to be full.
class Sink final : public InputSink {
 public:
  Result<void> push(std::vector<Input>& inputs) override {
    const std::lock_guard lock(mutex_);
    if (full_) return Error{Errc::unavailable, "full"};
    for (Input& input : inputs) inputs_.push_back(std::move(input));
    inputs.clear();
    changed_.notify_all();
    return {};
  }
  bool nearly_full() const override { return false; }
  void set_full(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
  }
  template <class T>
  std::vector<T> all() {
    const std::lock_guard lock(mutex_);
    std::vector<T> out;
    for (const Input& input : inputs_)
      if (const auto* one = std::get_if<T>(&input)) out.push_back(*one);
    return out;
  }
  template <class T>
  bool wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      std::size_t n = 0;
      for (const Input& input : inputs_) n += std::holds_alternative<T>(input);
      return n >= count;
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Input> inputs_;
  bool full_ = false;
};

struct LinkTest : testing::Test, HttpHandler {
  Sink sink;
  SystemClock clock;
  std::unique_ptr<Logger> log = make_null_logger();
  AgentLinks links{sink, clock, *log, {.max_agents = 2, .hello_timeout = 500ms, .version = "test"}};
  HttpServer server{{.port = 0}, *this, *log};
  std::string pool;  // of the token

  HttpReply handle(HttpRequest&&) override {
    return Upgrade{.run = [this](std::shared_ptr<WebSocket> socket) { return links.accept(std::move(socket), pool); }};
  }
  void SetUp() override { ASSERT_TRUE(server.start()); }
  void TearDown() override { server.stop(1s); }

  // Runs one agent's script on a loop of its own.
  template <class Script>
  void agent(Script script) {
    asio::io_context loop;
    std::exception_ptr failed;
    asio::co_spawn(loop, run(std::move(script)), [&](std::exception_ptr e) { failed = e; });
    loop.run();
    if (failed) std::rethrow_exception(failed);
  }
  template <class Script>
  asio::awaitable<void> run(Script script) {
    WebSocketTarget target{.host = "127.0.0.1", .port = server.port(), .path = "/health/agents"};
    auto connected = co_await connect_websocket(std::move(target));
    EXPECT_TRUE(connected);
    if (connected) co_await script(*connected);
  }
  static asio::awaitable<void> say(std::shared_ptr<WebSocket> socket, std::string text) {
    auto message = std::make_shared<const std::string>(std::move(text));
    (void)co_await socket->send(message);
  }
  static std::string hello(std::string id, std::string host = "h1", std::string boot = "b1") {
    wire::AgentHello frame;
    frame.agent_id = std::move(id);
    frame.host = std::move(host);
    frame.boot_id = std::move(boot);
    frame.period = 30s;
    return wire::encode(wire::AgentFrame(frame));
  }
  static std::string report_of(std::string id, std::string of_pool) {
    Report report;
    report.worker_id = std::move(id);
    report.pool = std::move(of_pool);
    wire::AgentReports frame;
    frame.reports.push_back(std::move(report));
    return wire::encode(wire::AgentFrame(frame));
  }
  static std::string report_of(std::string id) { return report_of(std::move(id), "thumbs"); }
  static std::string progress() {
    return wire::encode(wire::AgentFrame(wire::AgentProgress{.action_id = "x", .worker_id = "w-1"}));
  }
  static std::string starts() {
    wire::AgentStarts frame;
    frame.starts.push_back({.action_id = "y", .worker_id = "w-2", .incarnation = "2"});
    return wire::encode(wire::AgentFrame(frame));
  }
  static wire::MonitorFrame ack() { return wire::MonitorAck{{"x"}}; }
  static asio::awaitable<wire::MonitorFrame> hear(std::shared_ptr<WebSocket> socket) {
    auto text = co_await socket->receive();
    EXPECT_TRUE(text) << text.error().message;
    auto frame = wire::decode_monitor_frame(text ? *text : std::string("{}"));
    co_return frame ? *frame : wire::MonitorFrame{};
  }
};

}  // namespace

TEST_F(LinkTest, greets_takes_reports_and_notices_the_end) {
  agent([&](std::shared_ptr<WebSocket> socket) -> asio::awaitable<void> {
    co_await say(socket, hello("a"));
    const wire::MonitorFrame welcome = co_await hear(socket);
    EXPECT_TRUE(std::holds_alternative<wire::MonitorWelcome>(welcome));
    co_await say(socket, report_of("w-1"));
    co_await say(socket, report_of("w-2"));
    co_await say(socket, "garbage");
    co_await say(socket, progress());
    co_await say(socket, starts());
    socket->close(WebSocketClose::normal, "done");
    (void)co_await socket->receive();
  });
  ASSERT_TRUE(sink.wait<SourceInput>(2));
  const auto sources = sink.all<SourceInput>();
  EXPECT_EQ(sources[0].state, SourceState::connected);
  EXPECT_EQ(sources[0].source, "agent/a");
  EXPECT_TRUE(sources[0].can_restart);
  EXPECT_EQ(sources[1].state, SourceState::disconnected);
  const auto taken = sink.all<ReportInput>();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].report.worker_id, "w-1");
  EXPECT_EQ(taken[0].report.host, "h1");
  EXPECT_EQ(taken[0].report.period, Duration{30s});
  EXPECT_EQ(sink.all<ProgressInput>().size(), 1u);
  EXPECT_EQ(sink.all<AgentStartInput>().size(), 1u);
  EXPECT_EQ(links.stats().frames_refused, 1u);
}

TEST_F(LinkTest, sends_orders_to_the_right_agent_only) {
  agent([&](std::shared_ptr<WebSocket> socket) -> asio::awaitable<void> {
    co_await say(socket, hello("a"));
    (void)co_await hear(socket);
    EXPECT_FALSE(links.send("agent/b", ack()));
    EXPECT_TRUE(links.send("agent/a", ack()));
    const wire::MonitorFrame frame = co_await hear(socket);
    EXPECT_TRUE(std::holds_alternative<wire::MonitorAck>(frame));
  });
  ASSERT_TRUE(sink.wait<SourceInput>(2));
  EXPECT_FALSE(links.send("agent/a", ack()));
}

TEST_F(LinkTest, refuses_strangers_with_a_reason) {
  for (const std::string& first :
       {std::string("{}"), std::string("no json"), hello("bad id"), report_of("w-1"),
        std::string(R"({"type":"hello","protocol":99,"agent_id":"a","host":"h","boot_id":"b"})")}) {
    agent([&](std::shared_ptr<WebSocket> socket) -> asio::awaitable<void> {
      co_await say(socket, first);
      const wire::MonitorFrame frame = co_await hear(socket);
      EXPECT_TRUE(std::holds_alternative<wire::MonitorRefusal>(frame)) << first;
      const auto end = co_await socket->receive();
      EXPECT_FALSE(end);
    });
  }
  EXPECT_TRUE(sink.all<SourceInput>().empty());
  EXPECT_EQ(links.stats().connected, 0u);
}

TEST_F(LinkTest, closes_a_connection_that_never_says_hello) {
  agent([&](std::shared_ptr<WebSocket> socket) -> asio::awaitable<void> {
    for (;;) {
      const auto text = co_await socket->receive();
      if (!text) break;
    }
  });
  // The agent sees the end before the other side has counted it.
  for (int i = 0; i < 400 && links.stats().frames_refused == 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(links.stats().frames_refused, 1u);
}

TEST_F(LinkTest, the_same_host_replaces_its_old_connection_and_another_host_may_not) {
  agent([&](std::shared_ptr<WebSocket> first) -> asio::awaitable<void> {
    co_await say(first, hello("a"));
    (void)co_await hear(first);
    WebSocketTarget target{.host = "127.0.0.1", .port = server.port(), .path = "/health/agents"};
    auto thief = co_await connect_websocket(target);
    EXPECT_TRUE(thief);
    co_await say(*thief, hello("a", "h2", "b2"));
    const wire::MonitorFrame refused = co_await hear(*thief);
    EXPECT_TRUE(std::holds_alternative<wire::MonitorRefusal>(refused));
    auto again = co_await connect_websocket(target);
    EXPECT_TRUE(again);
    co_await say(*again, hello("a"));
    const wire::MonitorFrame welcome = co_await hear(*again);
    EXPECT_TRUE(std::holds_alternative<wire::MonitorWelcome>(welcome));
    const auto end = co_await first->receive();
    EXPECT_FALSE(end);
    co_await say(*again, report_of("w-1"));
    co_await sleep_for(50ms);
  });
  ASSERT_TRUE(sink.wait<ReportInput>(1));
  EXPECT_EQ(links.stats().replaced, 1u);
  // The replaced connection said nothing of an end: the agent was here all the time.
  ASSERT_TRUE(sink.wait<SourceInput>(3));
  const auto sources = sink.all<SourceInput>();
  EXPECT_EQ(sources[0].state, SourceState::connected);
  EXPECT_EQ(sources[1].state, SourceState::connected);
  EXPECT_EQ(sources[2].state, SourceState::disconnected);
}

TEST_F(LinkTest, counts_agents_and_refuses_one_too_many) {
  agent([&](std::shared_ptr<WebSocket> first) -> asio::awaitable<void> {
    co_await say(first, hello("a"));
    (void)co_await hear(first);
    WebSocketTarget target{.host = "127.0.0.1", .port = server.port(), .path = "/health/agents"};
    auto second = co_await connect_websocket(target);
    co_await say(*second, hello("b"));
    (void)co_await hear(*second);
    auto third = co_await connect_websocket(target);
    co_await say(*third, hello("c"));
    const wire::MonitorFrame refused = co_await hear(*third);
    EXPECT_TRUE(std::holds_alternative<wire::MonitorRefusal>(refused));
    EXPECT_EQ(links.stats().connected, 2u);
  });
}

TEST_F(LinkTest, a_token_of_one_pool_brings_no_reports_of_another) {
  pool = "thumbs";
  agent([&](std::shared_ptr<WebSocket> socket) -> asio::awaitable<void> {
    co_await say(socket, hello("a"));
    (void)co_await hear(socket);
    co_await say(socket, report_of("w-1", "other"));
    co_await say(socket, report_of("w-2", "thumbs"));
    co_await sleep_for(50ms);
  });
  ASSERT_TRUE(sink.wait<ReportInput>(1));
  EXPECT_EQ(sink.all<ReportInput>()[0].report.worker_id, "w-2");
  EXPECT_EQ(links.stats().reports_refused, 1u);
}

TEST_F(LinkTest, a_full_inbox_pauses_the_reading_and_loses_nothing) {
  agent([&](std::shared_ptr<WebSocket> socket) -> asio::awaitable<void> {
    co_await say(socket, hello("a"));
    (void)co_await hear(socket);
    sink.set_full(true);
    for (int i = 0; i < 10; ++i) co_await say(socket, report_of("w-" + std::to_string(i)));
    co_await sleep_for(100ms);
    EXPECT_TRUE(sink.all<ReportInput>().empty());
    sink.set_full(false);
    co_await sleep_for(300ms);
  });
  ASSERT_TRUE(sink.wait<ReportInput>(10));
  EXPECT_GT(links.stats().pauses, 0u);
}

}  // namespace paramedic
