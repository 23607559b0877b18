// Load generator of our own: paced as real workers are, not as fast as it can.
//   bench_load ws   PORT WORKERS PERIOD_SECONDS SECONDS [AGENTS]   agents over WebSocket, one frame per agent and
//   period bench_load http PORT WORKERS PERIOD_SECONDS SECONDS            one keep-alive connection per worker; period
//   0 = saturated
// Each report carries 20 numbers. Prints one line of JSON: reports sent, answered, refused, seconds.
#include <cstdio>
#include <cstdlib>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "io/net/ws_client.h"
#include "io/wire/agent_protocol.h"
#include "io/wire/report_json.h"

using namespace paramedic;
namespace asio = boost::asio;

namespace {

struct Run {
  unsigned short port = 0;
  int workers = 0;
  double period = 0, seconds = 0;
  int agents = 10;
  std::uint64_t sent = 0, answered = 0, refused = 0, failed = 0;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  bool over() const { return std::chrono::steady_clock::now() - start > std::chrono::duration<double>(seconds); }
};

// 20 numbers: 4 resources, 3 of the disk, 6 task counts, 2 of the queue, 5 of its own.
Report make_report(int worker, std::uint64_t turn) {
  Report r;
  r.worker_id = fmt::format("w-{:05}", worker);
  r.pool = fmt::format("pool-{}", worker % 5);
  r.host = "bench";
  r.incarnation = "1";
  r.seq = turn;
  r.sent_at = r.alive_at = SystemClock().now().wall;
  r.state = WorkerState::running;
  r.capabilities = Capabilities{true, true, true, false, true};
  r.process = ProcessPart{.pid = 1000 + worker, .state = 'S', .threads = 4};
  r.resources = ResourcesPart{.cpu_percent = 40 + double((worker + turn) % 20),
                              .cpu_cores = 1,
                              .memory_percent = 30 + 0.01 * double(turn % 100),
                              .memory_mb = 512 + double(turn % 7)};
  r.disks = {{.mount = "/", .used_percent = 60, .free_bytes = 90'000'000'000ULL + turn, .inodes_used_percent = 10}};
  r.tasks = {{.type = "resize", .started = turn, .completed = turn}};
  r.in_flight.emplace();
  r.queues = {{.broker = "redis-a", .name = r.pool, .connected = true, .rtt_ms = 0.8, .ready = 1, .consumed = turn}};
  for (int i = 0; i < 5; ++i) r.metrics.emplace_back(fmt::format("custom_{}", i), worker * 0.5 + double(turn % 10));
  return r;
}

asio::awaitable<void> pause(double seconds) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds)));
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> agent(Run& run, int index) {
  co_await pause(run.period * index / run.agents);
  WebSocketTarget target{.host = "127.0.0.1", .port = run.port, .path = "/health/agents"};
  auto connected = co_await connect_websocket(std::move(target));
  if (!connected) {
    ++run.failed;
    co_return;
  }
  const auto socket = *connected;
  wire::AgentHello hello{.agent_id = fmt::format("bench-{}", index),
                         .host = fmt::format("h-{}", index),
                         .boot_id = "b",
                         .version = "bench",
                         .period = from_seconds(run.period)};
  auto first = std::make_shared<const std::string>(wire::encode(wire::AgentFrame(hello)));
  (void)co_await socket->send(first);
  for (std::uint64_t turn = 1; !run.over(); ++turn) {
    wire::AgentReports frame;
    for (int w = index; w < run.workers; w += run.agents) frame.reports.push_back(make_report(w, turn));
    const auto count = frame.reports.size();
    auto text = std::make_shared<const std::string>(wire::encode(wire::AgentFrame(std::move(frame))));
    const auto sent = co_await socket->send(text);
    if (!sent) {
      ++run.failed;
      co_return;
    }
    run.sent += count;
    run.answered += count;
    co_await pause(run.period);
  }
  socket->close(WebSocketClose::normal, "done");
}

asio::awaitable<void> http_worker(Run& run, int worker) {
  co_await pause(run.period * worker / run.workers);
  asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
  const asio::ip::tcp::endpoint target(asio::ip::make_address("127.0.0.1"), run.port);
  co_await socket.async_connect(target, asio::use_awaitable);
  socket.set_option(asio::ip::tcp::no_delay(true));
  std::string in;
  for (std::uint64_t turn = 1; !run.over(); ++turn) {
    const std::string body = wire::report_json(make_report(worker, turn));
    const std::string request = fmt::format(
        "POST /health/workers/w-{:05}/report HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: "
        "application/json\r\nContent-Length: {}\r\n\r\n{}",
        worker, run.port, body.size(), body);
    const auto began = std::chrono::steady_clock::now();
    co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
    ++run.sent;
    in.clear();
    const std::size_t head =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(in), "\r\n\r\n", asio::use_awaitable);
    std::size_t length = 0;
    if (const auto at = in.find("ontent-Length: "); at != std::string::npos && at < head)
      length = std::strtoul(in.c_str() + at + 15, nullptr, 10);
    while (in.size() < head + length) {
      std::array<char, 4096> more;
      const std::size_t n = co_await socket.async_read_some(asio::buffer(more), asio::use_awaitable);
      in.append(more.data(), n);
    }
    if (in.compare(9, 1, "2") == 0)
      ++run.answered;
    else
      ++run.refused;
    const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (run.period > spent) co_await pause(run.period - spent);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: bench_load ws|http PORT WORKERS PERIOD_SECONDS SECONDS [AGENTS]\n");
    return 2;
  }
  Run run;
  run.port = static_cast<unsigned short>(std::atoi(argv[2]));
  run.workers = std::atoi(argv[3]);
  run.period = std::atof(argv[4]);
  run.seconds = std::atof(argv[5]);
  if (argc > 6) run.agents = std::atoi(argv[6]);
  const bool ws = std::string_view(argv[1]) == "ws";
  asio::io_context loop(1);
  const auto noted = [&run](std::exception_ptr failed) {
    if (failed) ++run.failed;
  };
  for (int i = 0; i < (ws ? run.agents : run.workers); ++i) {
    if (ws)
      asio::co_spawn(loop, agent(run, i), noted);
    else
      asio::co_spawn(loop, http_worker(run, i), noted);
  }
  loop.run();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - run.start).count();
  std::printf("{\"sent\":%llu,\"answered\":%llu,\"refused\":%llu,\"failed\":%llu,\"seconds\":%.3f}\n",
              static_cast<unsigned long long>(run.sent), static_cast<unsigned long long>(run.answered),
              static_cast<unsigned long long>(run.refused), static_cast<unsigned long long>(run.failed), seconds);
  return run.failed == 0 ? 0 : 1;
}
