#include "io/net/redis/redis_client.h"

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "io/net/deadline.h"
#include "io/net/event.h"
#include "io/net/redis/redis_connect.h"

namespace paramedic {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr auto kSteady = std::chrono::seconds(1);

struct Request {
  std::string bytes;
  std::size_t replies_wanted = 0;
  std::vector<RedisReply> replies;
  steady_clock::time_point deadline;
  Duration allowed{};
  RedisClient::Done done;
};

}  // namespace

// Everything behind `context_` runs on the client's thread; other threads only post to it and read under `mutex_`.
class RedisClient::Impl {
 public:
  Impl(RedisOptions options, Endpoint address, Logger& log)
      : options_(std::move(options)), home_(std::move(address)), address_(home_), log_(log) {
    asio::co_spawn(context_, run(), asio::bind_cancellation_slot(end_.slot(), [](const std::exception_ptr&) {}));
    thread_ = std::thread([this] { context_.run(); });
  }

  void submit(std::unique_ptr<Request> request);
  void stop();
  Result<void> wait_connected(Duration longest);
  RedisClientStats stats() const {
    const std::lock_guard lock(mutex_);
    RedisClientStats out = stats_;
    out.pending = pending_;
    return out;
  }
  const RedisOptions& options() const { return options_; }

 private:
  enum class Link { connecting, up, down };

  asio::awaitable<void> run();
  asio::awaitable<void> rest();
  void refuse_all(Error why);
  asio::awaitable<void> serve();
  asio::awaitable<Error> read_loop();
  asio::awaitable<Error> write_loop();
  std::optional<Error> take_replies();
  void accept(std::shared_ptr<Request> request);
  void finish(Request& request, Replies result);
  void finish_all(std::deque<std::shared_ptr<Request>>& requests, const Error& error);
  void set_link(Link link, const Error* problem);
  void arm_deadline();
  void on_deadline();
  Duration backoff();

  const RedisOptions options_;
  const Endpoint home_;
  Endpoint address_;  // differs from home_ after MOVED
  Logger& log_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::cancellation_signal end_;  // of run()
  Event to_send_{context_.get_executor()};
  asio::steady_timer pause_{context_};
  asio::steady_timer deadline_{context_};
  Link link_ = Link::connecting;
  Error problem_{Errc::unavailable, "not connected to Redis yet"};
  std::unique_ptr<RedisStream> stream_;
  std::unique_ptr<RedisReplyReader> reader_;
  std::deque<std::shared_ptr<Request>> waiting_, sent_;
  std::optional<Error> gave_up_;  // why this side closed the connection
  int attempt_ = 0;
  bool stopping_ = false;
  bool told_ = false;  // the present outage is in the log
  std::minstd_rand jitter_{std::random_device{}()};

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  RedisClientStats stats_;
  std::size_t pending_ = 0, pending_bytes_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

void RedisClient::Impl::submit(std::unique_ptr<Request> request) {
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) {
      refused = make_error(Errc::unavailable, "the Redis client is stopped");
    } else if (pending_ >= options_.max_pending ||
               pending_bytes_ + request->bytes.size() > options_.max_pending_bytes) {
      refused = make_error(Errc::too_many,
                           fmt::format("{} requests ({} bytes) wait for Redis already", pending_, pending_bytes_));
      ++stats_.refused;
    } else {
      ++stats_.requests;
      ++pending_;
      pending_bytes_ += request->bytes.size();
      asio::post(context_, [this, shared = std::shared_ptr<Request>(std::move(request))] { accept(shared); });
    }
  }
  if (refused) request->done(*refused);
}

void RedisClient::Impl::accept(std::shared_ptr<Request> request) {
  if (stopping_) return finish(*request, make_error(Errc::unavailable, "the Redis client is stopped"));
  if (link_ == Link::down) return finish(*request, problem_);
  waiting_.push_back(std::move(request));
  arm_deadline();
  to_send_.notify();
}

void RedisClient::Impl::finish(Request& request, Replies result) {
  {
    const std::lock_guard lock(mutex_);
    --pending_;
    pending_bytes_ -= request.bytes.size();
    if (!result && result.error().code == Errc::timeout) ++stats_.timeouts;
  }
  auto done = std::move(request.done);
  if (done) done(std::move(result));
}

void RedisClient::Impl::finish_all(std::deque<std::shared_ptr<Request>>& requests, const Error& error) {
  auto all = std::move(requests);
  requests.clear();
  for (const auto& request : all) finish(*request, error);
}

void RedisClient::Impl::set_link(Link link, const Error* problem) {
  link_ = link;
  if (problem) problem_ = *problem;
  const std::lock_guard lock(mutex_);
  stats_.connected = link == Link::up;
  if (link == Link::up) ++stats_.connects;
  if (problem) ++stats_.failures;
  stats_.problem = link == Link::up ? "" : problem ? problem->message : stats_.problem;
  changed_.notify_all();
}

// The earliest deadline of all requests.
void RedisClient::Impl::arm_deadline() {
  auto earliest = steady_clock::time_point::max();
  for (const auto& request : waiting_) earliest = std::min(earliest, request->deadline);
  if (!gave_up_)
    for (const auto& request : sent_) earliest = std::min(earliest, request->deadline);
  if (deadline_.expiry() == earliest) return;
  deadline_.expires_at(earliest);
  if (earliest == steady_clock::time_point::max()) return;
  deadline_.async_wait([this](const error_code& failed) {
    if (!failed) on_deadline();
  });
}

void RedisClient::Impl::on_deadline() {
  deadline_.expires_at(steady_clock::time_point::min());  // so that arm_deadline() waits anew
  const auto now = steady_clock::now();
  const auto late = [&](const auto& request) { return request->deadline <= now; };
  const auto error = [&](const Request& request) {
    return with_context(deadline_error(request.allowed), fmt::format("Redis at {}", address_.text()));
  };
  // One that was sent and is late: replies come in order, so this connection is stuck. serve() ends those it carried.
  const auto stuck = std::find_if(sent_.begin(), sent_.end(), late);
  if (stuck != sent_.end() && stream_ && !gave_up_) {
    gave_up_ = error(**stuck);
    stream_->close();
  }
  std::deque<std::shared_ptr<Request>> ended;
  std::copy_if(waiting_.begin(), waiting_.end(), std::back_inserter(ended), late);
  std::erase_if(waiting_, late);
  for (const auto& request : ended) finish(*request, error(*request));
  arm_deadline();
}

Duration RedisClient::Impl::backoff() {
  const int doublings = std::min(attempt_++, 16);
  const Duration base = std::min<Duration>(options_.backoff_cap, options_.backoff_first * (1 << doublings));
  const double spread = std::uniform_real_distribution<double>(0.75, 1.25)(jitter_);
  return from_seconds(to_seconds(base) * spread);
}

asio::awaitable<void> RedisClient::Impl::run() {
  while (!stopping_) {
    RedisOptions options = options_;
    Endpoint address = address_;
    auto attempt = open_redis(std::move(options), std::move(address));
    auto connected = co_await with_deadline(std::move(attempt), options_.timeout);
    if (stopping_) break;
    if (!connected) {
      refuse_all(connected.error());
      co_await rest();
      continue;
    }
    stream_ = std::move(*connected);
    reader_ = std::make_unique<RedisReplyReader>(options_.reply_limits);
    set_link(Link::up, nullptr);
    log_.info("redis_connected", {{"address", address_.text()}});
    told_ = false;
    const auto since = steady_clock::now();
    co_await serve();
    // After a connection that held, the next attempt follows at once; one that breaks right away is no reason to spin.
    if (steady_clock::now() - since > kSteady)
      attempt_ = 0;
    else
      co_await rest();
  }
}

asio::awaitable<void> RedisClient::Impl::rest() {
  pause_.expires_after(std::chrono::duration_cast<steady_clock::duration>(backoff()));
  co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void RedisClient::Impl::refuse_all(Error why) {
  if (why.code == Errc::timeout)
    why = make_error(Errc::unavailable, fmt::format("Redis at {}: {}", address_.text(), why.message));
  if (!told_) log_.warning("redis_unreachable", {{"address", address_.text()}, {"reason", why.message}});
  told_ = true;
  address_ = home_;
  set_link(Link::down, &why);
  finish_all(waiting_, why);
  arm_deadline();
}

asio::awaitable<void> RedisClient::Impl::serve() {
  using namespace asio::experimental::awaitable_operators;
  gave_up_.reset();
  auto reading = read_loop();
  auto writing = write_loop();
  auto ended = co_await (std::move(reading) || std::move(writing));
  Error why = ended.index() == 0 ? std::get<0>(ended) : std::get<1>(ended);
  if (gave_up_) why = *gave_up_;
  stream_->close();
  stream_.reset();
  if (stopping_) co_return;
  log_.warning("redis_connection_lost", {{"address", address_.text()}, {"reason", why.message}});
  told_ = true;
  set_link(Link::connecting, &why);
  if (why.code != Errc::timeout) why.code = Errc::unavailable;
  why.message += "; whether the command was performed is not known";
  finish_all(sent_, why);
  arm_deadline();
}

asio::awaitable<Error> RedisClient::Impl::write_loop() {
  std::string batch;
  while (true) {
    if (waiting_.empty() || gave_up_) {
      co_await to_send_.wait();
      continue;
    }
    batch.clear();
    while (!waiting_.empty() && (batch.empty() || batch.size() < kReadBytes)) {
      batch += waiting_.front()->bytes;
      sent_.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    const auto [failed, count] = co_await stream_->write_all(asio::buffer(batch));
    if (failed)
      co_return make_error(Errc::unavailable,
                           fmt::format("Redis at {} broke the connection: {}", address_.text(), failed.message()));
  }
}

asio::awaitable<Error> RedisClient::Impl::read_loop() {
  std::string buffer(kReadBytes, '\0');
  while (true) {
    const auto [failed, got] = co_await stream_->read_some(asio::buffer(buffer));
    if (failed)
      co_return make_error(Errc::unavailable,
                           fmt::format("Redis at {} broke the connection: {}", address_.text(), failed.message()));
    if (auto fed = reader_->feed(std::string_view(buffer.data(), got)); !fed) co_return fed.error();
    if (auto problem = take_replies()) {
      gave_up_ = problem;  // nothing more is written here
      co_return std::move(*problem);
    }
    arm_deadline();
  }
}

std::optional<Error> RedisClient::Impl::take_replies() {
  while (true) {
    auto reply = reader_->next();
    if (!reply) return with_context(reply.error(), address_.text());
    if (!*reply) return std::nullopt;
    if (sent_.empty())
      return make_error(Errc::corrupt, fmt::format("{} answers what nobody asked: is it Redis?", address_.text()));
    const auto request = sent_.front();
    const auto moved = (*reply)->is_error() ? redis_moved_to((*reply)->text, address_) : std::nullopt;
    request->replies.push_back(std::move(**reply));
    if (request->replies.size() == request->replies_wanted) {
      sent_.pop_front();
      finish(*request, std::move(request->replies));
    }
    if (moved) {
      log_.info("redis_moved", {{"from", address_.text()}, {"to", moved->text()}});
      address_ = *moved;
      return make_error(Errc::unavailable, "the data moved to another node of the cluster");
    }
  }
}

Result<void> RedisClient::Impl::wait_connected(Duration longest) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, longest, [this] { return stats_.connected || stopped_; }) && !stopped_) return {};
  return make_error(Errc::unavailable, stats_.problem.empty()
                                           ? fmt::format("no connection to Redis at {}", home_.text())
                                           : stats_.problem);
}

void RedisClient::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    changed_.notify_all();
  }
  asio::post(context_, [this] {
    stopping_ = true;
    const Error error = make_error(Errc::unavailable, "the Redis client is stopped");
    finish_all(waiting_, error);
    finish_all(sent_, error);
    deadline_.cancel();
    work_.reset();
    end_.emit(asio::cancellation_type::terminal);
  });
  thread_.join();
}

RedisClient::RedisClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RedisClient::~RedisClient() { stop(); }

Result<std::unique_ptr<RedisClient>> RedisClient::open(RedisOptions options, Logger& log) {
  auto address = Endpoint::parse(options.address, kRedisPort);
  if (!address) return address.error();
  if (const auto password = read_redis_password(options); !password) return password.error();
  if (options.tls && !options.ca_file.empty() && !std::ifstream(options.ca_file))
    return make_error(Errc::invalid_argument, errno_error("cannot read ca_file " + options.ca_file, errno).message);
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*address), log);
  return std::unique_ptr<RedisClient>(new RedisClient(std::move(impl)));
}

void RedisClient::submit(std::vector<RedisCommand> commands, Duration deadline, Done done) {
  auto request = std::make_unique<Request>();
  request->replies_wanted = commands.size();
  for (const RedisCommand& command : commands) {
    auto encoded = encode_redis(command);
    if (!encoded) return done(encoded.error());
    request->bytes += *encoded;
  }
  if (commands.empty()) return done(std::vector<RedisReply>());
  request->allowed = deadline > Duration{0} ? deadline : impl_->options().timeout;
  request->deadline = steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(request->allowed);
  request->done = std::move(done);
  impl_->submit(std::move(request));
}

RedisClient::Replies RedisClient::call(std::vector<RedisCommand> commands, Duration deadline) {
  std::promise<Replies> promise;
  auto answer = promise.get_future();
  submit(std::move(commands), deadline, [&promise](Replies replies) { promise.set_value(std::move(replies)); });
  return answer.get();
}

Result<RedisReply> RedisClient::call(RedisCommand command, Duration deadline) {
  std::vector<RedisCommand> one;
  one.push_back(std::move(command));
  auto replies = call(std::move(one), deadline);
  if (!replies) return replies.error();
  if (replies->front().is_error()) return redis_error(replies->front());
  return std::move(replies->front());
}

asio::awaitable<RedisClient::Replies> RedisClient::async_call(std::vector<RedisCommand> commands, Duration deadline) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Replies)>(
      [this]<class Handler>(Handler handler, std::vector<RedisCommand> list, Duration allowed) {
        auto executor = asio::get_associated_executor(handler);
        // Shared, because std::function must be copyable. Handler and guard end over there: here the caller's loop may
        // be gone as soon as the answer was taken.
        struct Waiting {
          Waiting(Handler h, decltype(executor) e) : handler(std::move(h)), guard(std::move(e)) {}
          Handler handler;
          asio::executor_work_guard<decltype(executor)> guard;
        };
        auto waiting = std::make_shared<Waiting>(std::move(handler), executor);
        submit(std::move(list), allowed, [waiting, executor](Replies replies) {
          asio::post(executor, [waiting, r = std::move(replies)]() mutable {
            Handler resume = std::move(waiting->handler);
            waiting->guard.reset();
            std::move(resume)(std::move(r));
          });
        });
      },
      asio::use_awaitable, std::move(commands), deadline);
}

Result<void> RedisClient::wait_connected(Duration longest) { return impl_->wait_connected(longest); }
bool RedisClient::connected() const { return impl_->stats().connected; }
Duration RedisClient::timeout() const { return impl_->options().timeout; }
RedisClientStats RedisClient::stats() const { return impl_->stats(); }
void RedisClient::stop() { impl_->stop(); }

}  // namespace paramedic
