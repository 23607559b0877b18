// A fixed set of event loops, one thread each: whatever lives on one loop needs no lock and no strand.
// Owner: whoever builds it (HttpServer has one). next() and at() from any thread.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace paramedic {

class IoThreads {
 public:
  // REQUIRES: count ≥ 1. Threads begin with start().
  explicit IoThreads(std::size_t count);
  ~IoThreads();  // stop()
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  void start();
  // Ends the loops where they are and joins; handlers not yet run are dropped when the IoThreads is destroyed.
  // Not from one of its own threads. Repeating it is harmless.
  void stop();

  std::size_t size() const { return loops_.size(); }
  boost::asio::io_context& at(std::size_t index) { return loops_[index]->context; }
  boost::asio::io_context& next();  // round robin

 private:
  struct Loop {
    boost::asio::io_context context{1};  // 1: exactly one thread runs it, so Asio skips its cross-thread wake-ups
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  };
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> turn_{0};
};

}  // namespace paramedic
