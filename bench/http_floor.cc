// The floor under every HTTP report: HttpServer answering 204 to everything, to be compared with nginx `return 204`
// under the same load in the same run.   bench_http_floor [port] [threads] [seconds]   (seconds 0: until SIGINT)
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "io/net/http_server.h"
#include "io/net/signals.h"

namespace {

class NoContent final : public paramedic::HttpHandler {
 public:
  paramedic::HttpReply handle(paramedic::HttpRequest&&) override {
    paramedic::HttpResponse response;
    response.status = 204;
    return response;
  }
};

void wait_for_end(int seconds) {
  boost::asio::io_context context(1);
  boost::asio::co_spawn(context, paramedic::wait_for_stop_signal(), boost::asio::detached);
  if (seconds > 0)
    context.run_for(std::chrono::seconds(seconds));
  else
    context.run();
}

}  // namespace

int main(int argc, char** argv) {
  NoContent handler;
  const auto logger = paramedic::make_stderr_logger(paramedic::LogLevel::info);
  paramedic::HttpServerOptions options;
  options.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  options.threads = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : std::thread::hardware_concurrency();
  paramedic::HttpServer server(options, handler, *logger);
  if (const auto started = server.start(); !started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return paramedic::exit_code(started.error().code);
  }
  std::printf("%u\n", unsigned(server.port()));
  std::fflush(stdout);
  wait_for_end(argc > 3 ? std::atoi(argv[3]) : 0);
  server.stop(std::chrono::seconds(1));
  const auto stats = server.stats();
  std::printf("requests=%llu connections=%llu\n", static_cast<unsigned long long>(stats.requests),
              static_cast<unsigned long long>(stats.connections_accepted));
}
