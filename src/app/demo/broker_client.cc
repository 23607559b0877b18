#include "app/demo/broker_client.h"

#include <algorithm>
#include <cerrno>
#include <sstream>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace paramedic::demo {

namespace {
constexpr std::size_t kMaxAnswer = 4096;
}

Error BrokerClient::lost(std::string why) {
  close();
  return make_error(Errc::unavailable, "broker at " + socket_.string() + ": " + std::move(why));
}

Result<void> BrokerClient::connect() {
  close();
  auto fd = connect_unix(socket_);
  if (!fd) return fd.error();
  fd_ = std::move(*fd);
  return {};
}

Result<void> BrokerClient::wait(short events, SteadyTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_.now().steady).count();
    pollfd polled{fd_.get(), events, 0};
    const int ready = ::poll(&polled, 1, int(std::max<long>(0, left)));
    if (ready > 0) return {};
    if (ready < 0 && errno == EINTR) continue;
    return lost(ready == 0 ? "no answer in " + std::to_string(int(to_seconds(timeout_))) + " s" : "poll failed");
  }
}

Result<std::string> BrokerClient::call(std::string_view request) {
  if (!fd_) return make_error(Errc::unavailable, "not connected to the broker at " + socket_.string());
  const SteadyTime deadline = clock_.now().steady + timeout_;
  std::string line = std::string(request) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t count = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count > 0) rest.remove_prefix(std::size_t(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR) return lost("the connection is closed");
    if (count >= 0) continue;
    if (auto ready = wait(POLLOUT, deadline); !ready) return ready.error();
  }
  for (auto end = in_.find('\n'); end == in_.npos; end = in_.find('\n')) {
    if (in_.size() > kMaxAnswer) return lost("its answer is too long");
    if (auto ready = wait(POLLIN, deadline); !ready) return ready.error();
    char buffer[1024];
    const ssize_t count = ::read(fd_.get(), buffer, sizeof buffer);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return lost("the connection is closed");
    if (count > 0) in_.append(buffer, std::size_t(count));
  }
  const auto end = in_.find('\n');
  std::string answer = in_.substr(0, end);
  in_.erase(0, end + 1);
  if (answer.rfind("error ", 0) == 0) return make_error(Errc::invalid_argument, answer.substr(6));
  return answer;
}

Result<std::uint64_t> BrokerClient::put(std::string_view queue, std::string_view type, std::uint64_t bytes) {
  const auto answer = call(fmt::format("put {} {} {}", queue, type, bytes));
  if (!answer) return answer.error();
  std::istringstream in(*answer);
  std::string word;
  std::uint64_t id = 0;
  if (in >> word >> id && word == "ok") return id;
  return lost("it answered '" + *answer + "'");
}

Result<std::optional<TakenTask>> BrokerClient::take(std::string_view queue) {
  const auto answer = call(fmt::format("take {}", queue));
  if (!answer) return answer.error();
  if (*answer == "empty") return std::optional<TakenTask>{};
  std::istringstream in(*answer);
  std::string word;
  TakenTask task;
  if (in >> word >> task.id >> task.type >> task.bytes >> task.attempt && word == "task")
    return std::optional(std::move(task));
  return lost("it answered '" + *answer + "'");
}

Result<void> BrokerClient::ack(std::uint64_t id) {
  const auto answer = call(fmt::format("ack {}", id));
  if (!answer) return answer.error();
  return {};
}

Result<void> BrokerClient::nack(std::uint64_t id) {
  const auto answer = call(fmt::format("nack {}", id));
  if (!answer) return answer.error();
  return {};
}

Result<QueueDepth> BrokerClient::depth(std::string_view queue) {
  const auto answer = call(fmt::format("depth {}", queue));
  if (!answer) return answer.error();
  std::istringstream in(*answer);
  std::string word;
  QueueDepth d;
  long oldest_ms = 0;
  if (!(in >> word >> d.ready >> d.unacked >> oldest_ms >> d.taken >> d.acked >> d.given_up) || word != "depth")
    return lost("it answered '" + *answer + "'");
  d.oldest = std::chrono::milliseconds(oldest_ms);
  return d;
}

Result<Duration> BrokerClient::ping() {
  const SteadyTime begin = clock_.now().steady;
  const auto answer = call("ping");
  if (!answer) return answer.error();
  if (*answer != "pong") return lost("it answered '" + *answer + "'");
  return clock_.now().steady - begin;
}

}  // namespace paramedic::demo
