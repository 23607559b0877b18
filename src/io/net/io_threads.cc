#include "io/net/io_threads.h"

namespace paramedic {

IoThreads::IoThreads(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>());
}

IoThreads::~IoThreads() { stop(); }

void IoThreads::start() {
  for (auto& loop : loops_) threads_.emplace_back([&context = loop->context] { context.run(); });
}

void IoThreads::stop() {
  for (auto& loop : loops_) loop->context.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

boost::asio::io_context& IoThreads::next() { return at(turn_.fetch_add(1, std::memory_order_relaxed) % loops_.size()); }

}  // namespace paramedic
