#include "io/notify/delivery/dead_man.h"

#include <cerrno>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "io/net/curl/curl_client.h"

namespace paramedic::notify {

DeadMan::DeadMan(DeadManOptions options, Ports ports) : options_(std::move(options)), ports_(std::move(ports)) {}

DeadMan::~DeadMan() { stop(); }

Result<std::string> DeadMan::url() const {
  if (options_.url_file.empty()) return options_.url;
  std::ifstream in(options_.url_file);
  std::string line;
  if (!in || !std::getline(in, line)) return errno_error("cannot read dead_man.url_file " + options_.url_file, errno);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

PingResult DeadMan::turn() {
  std::string problem = ports_.problem();
  PingResult result = PingResult::withheld;
  if (problem.empty()) {
    const auto to = url();
    const Result<void> sent = to ? ports_.ping(*to, options_.timeout) : Result<void>(to.error());
    result = sent ? PingResult::sent : PingResult::failed;
    if (!sent) problem = sent.error().message;
  }
  const std::lock_guard lock(mutex_);
  ++stats_.pings[std::size_t(result)];
  if (result == PingResult::sent) stats_.last_sent = ports_.clock.now().wall;
  // Log transitions, not repetitions.
  const bool was = !std::exchange(stats_.problem, problem).empty();
  if (stopping_) return result;
  if (!problem.empty() && !was)
    ports_.log.error("dead_man_silent", {{"result", to_string(result)}, {"reason", problem}});
  if (problem.empty() && was) ports_.log.info("dead_man_recovered");
  return result;
}

void DeadMan::start() {
  thread_ = std::thread([this] { run(); });
}

void DeadMan::run() {
  for (;;) {
    turn();
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, options_.every, [this] { return stopping_; })) return;
  }
}

void DeadMan::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (!thread_.joinable()) return;
  if (ports_.cancel) ports_.cancel();
  thread_.join();
}

DeadManStats DeadMan::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

DeadMan::Ports curl_ping(DeadMan::Ports ports) {
  const auto client = std::make_shared<CurlClient>(CurlOptions{});
  ports.ping = [client](const std::string& url, Duration timeout) -> Result<void> {
    HttpCall call;
    call.url = url;
    call.timeout = timeout;
    call.response_limit = 64 * 1024;
    const auto answer = client->send(call);
    if (!answer) return answer.error();
    if (answer->status / 100 != 2)
      return Error{Errc::unavailable, fmt::format("the receiver of the ping answers {}", answer->status)};
    return {};
  };
  ports.cancel = [client] { client->cancel(); };
  return ports;
}

}  // namespace paramedic::notify
