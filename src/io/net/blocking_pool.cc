#include "io/net/blocking_pool.h"

namespace paramedic {

struct BlockingPool::PlainJob final : Job {
  explicit PlainJob(std::function<void()> f) : fn(std::move(f)) {}
  void run() override { fn(); }
  void refuse(Error) override {}
  std::function<void()> fn;
};

BlockingPool::BlockingPool(std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

BlockingPool::~BlockingPool() { stop(); }

std::unique_ptr<BlockingPool::Job> BlockingPool::enqueue(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= queue_limit_) return job;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return nullptr;
}

Error BlockingPool::refusal() const {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error{Errc::unavailable, "the pool for blocking calls is stopped"};
  return Error{Errc::unavailable,
               std::to_string(queue_limit_) + " blocking calls are waiting already; try again later"};
}

bool BlockingPool::post(std::function<void()> fn) {
  return enqueue(std::make_unique<PlainJob>(std::move(fn))) == nullptr;
}

std::size_t BlockingPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job->run();
    job.reset();
    lock.lock();
  }
}

void BlockingPool::stop() {
  std::deque<std::unique_ptr<Job>> left;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    left.swap(queue_);
  }
  wake_.notify_all();
  for (auto& job : left) job->refuse(refusal());
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace paramedic
