// For the demo's tests: a temporary folder, a broker in a thread, a fake agent that listens to a worker's voice.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/demo/broker.h"
#include "app/demo/broker_client.h"
#include "app/demo/control.h"
#include "app/demo/unix_socket.h"

namespace paramedic::demo {

class TempFolder {
 public:
  TempFolder() {
    char name[] = "/tmp/pmdemo-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Waits for something that another thread or process brings about; false after 20 s.
inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

class BrokerThread {
 public:
  explicit BrokerThread(BrokerOptions options)
      : options_(std::move(options)),
        thread_([this] { result_ = run_broker(options_, [this] { return stop_.load(); }); }) {
    BrokerClient probe(options_.socket);
    eventually([&] { return bool(probe.connect()); });
  }
  ~BrokerThread() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  BrokerOptions options_;
  std::atomic<bool> stop_{false};
  Result<void> result_;
  std::thread thread_;
};

// Queues that nobody fills.
inline BrokerOptions quiet_broker(const std::filesystem::path& root) {
  const DemoLayout layout{root};
  return BrokerOptions{.dir = layout.broker(), .socket = layout.broker_socket(), .produced = {}};
}

// A datagram socket as the agent would listen on.
class FakeAgent {
 public:
  explicit FakeAgent(std::string path) : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ::unlink(path_.c_str());
    (void)!::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const std::string& path() const { return path_; }
  // The next datagram; empty when none comes within `wait`.
  std::string next(std::chrono::milliseconds wait = 10s) {
    pollfd polled{fd_.get(), POLLIN, 0};
    if (::poll(&polled, 1, int(wait.count())) <= 0) return {};
    char buffer[4096];
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    return count > 0 ? std::string(buffer, std::size_t(count)) : std::string();
  }
  // Reads on until a datagram holds all of `parts`; empty after 20 s.
  std::string until(const std::vector<std::string>& parts) {
    SystemClock clock;
    for (const auto end = clock.now().steady + 20s; clock.now().steady < end;) {
      const std::string text = next(1s);
      bool all = !text.empty();
      for (const auto& part : parts) all = all && text.find(part) != std::string::npos;
      if (all) return text;
    }
    return {};
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace paramedic::demo
