// For tests: an HTTP endpoint on a free port that fails in all ways that real ones do, and notes what came.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

namespace paramedic {

class FlakyServer {
 public:
  struct Odds {
    double unavailable = 0, too_many = 0, lost_answer = 0, broken = 0;  // shares of requests
  };
  struct Arrival {
    std::string id, story;
    std::uint64_t sequence = 0;
    std::size_t members = 0;  // of a digest
    WallTime decided{}, at{};
    bool accepted = false;  // it counts for the receiver, whether or not the sender heard of it
    bool answered = true;
  };

  explicit FlakyServer(Odds odds, unsigned seed = 1) : odds_(odds), random_(seed) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~FlakyServer() {
    ended_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& one : threads_) one.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  void set_odds(Odds odds) {
    const std::lock_guard lock(mutex_);
    odds_ = odds;
  }
  std::vector<Arrival> arrivals() const {
    const std::lock_guard lock(mutex_);
    return arrivals_;
  }
  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return predicate(arrivals_); });
  }

 private:
  void accept_all() {
    while (!ended_) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] {
        serve(fd);
        const std::lock_guard again(mutex_);
        std::erase(open_, fd);
        ::close(fd);
      });
    }
  }
  static std::string header(const std::string& head, const std::string& name) {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == head.npos) return "0";
    const auto from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }
  void serve(int fd) {
    std::string bytes;
    for (;;) {
      std::size_t head = 0, body = 0;
      while ((head = bytes.find("\r\n\r\n")) == bytes.npos ||
             bytes.size() < (body = head + 4 + std::stoul(header(bytes.substr(0, head + 2), "Content-Length")))) {
        char buffer[4096];
        const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
        if (count <= 0) return;
        bytes.append(buffer, std::size_t(count));
      }
      const std::string request = bytes.substr(0, head + 2);
      bytes.erase(0, body);
      const std::string answer = judge(request);
      if (answer.empty()) return;
      if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    }
  }
  // The answer; empty = the connection breaks.
  std::string judge(const std::string& request) {
    Arrival now;
    now.id = header(request, "webhook-id");
    now.story = header(request, "story");
    now.sequence = std::stoull(header(request, "sequence"));
    now.members = std::stoull(header(request, "members"));
    now.decided = WallTime{Duration{std::stoll(header(request, "decided"))}};
    now.at = SystemClock().now().wall;
    const std::lock_guard lock(mutex_);
    double dice = std::uniform_real_distribution<>(0, 1)(random_);
    const auto hits = [&dice](double share) { return (dice -= share) < 0; };
    std::string status = "200 OK";
    if (hits(odds_.unavailable)) {
      status = "503 Service Unavailable";
    } else if (hits(odds_.too_many)) {
      status = "429 Too Many Requests";
    } else if (hits(odds_.lost_answer)) {
      now.accepted = true;
      now.answered = false;
    } else if (hits(odds_.broken)) {
      now.answered = false;
    } else {
      now.accepted = true;
    }
    const bool answers = now.answered;
    arrivals_.push_back(std::move(now));
    changed_.notify_all();
    return answers ? "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n" : "";
  }

  mutable std::mutex mutex_;  // guards odds_, random_, open_, arrivals_; threads_ belongs to acceptor_
  std::condition_variable changed_;
  Odds odds_;
  std::mt19937 random_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ended_{false};
  std::vector<int> open_;
  std::vector<Arrival> arrivals_;
  std::vector<std::thread> threads_;  // one per connection
  std::thread acceptor_;
};

}  // namespace paramedic
