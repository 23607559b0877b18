#include "app/demo/broker.h"

#include <cerrno>
#include <charconv>
#include <map>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/demo/queue_store.h"
#include "app/demo/unix_socket.h"

namespace paramedic::demo {

namespace {

struct Connection {
  UniqueFd fd;
  std::string in;   // at most kMaxLine + one read
  std::string out;  // at most kMaxUnsent + one reply
  bool closing = false;
};

std::string_view next_word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size();
}

class Broker {
 public:
  Broker(const BrokerOptions& options, std::unique_ptr<QueueStore> store, UniqueFd listener)
      : options_(options), store_(std::move(store)), listener_(std::move(listener)) {}

  void run(const std::function<bool()>& stop) {
    while (!stop()) {
      produce();
      wait();
    }
  }

 private:
  void wait();
  void accept_all();
  void read(Connection& c, int owner);
  void flush(Connection& c);
  std::string answer(std::string_view line, int owner);
  std::string settle(std::string_view verb, std::string_view rest, int owner);
  std::string put(std::string_view rest);
  void produce();

  const BrokerOptions& options_;
  std::unique_ptr<QueueStore> store_;
  UniqueFd listener_;
  SystemClock clock_;
  int next_owner_ = 1;
  std::map<int, Connection> connections_;  // by owner number, which is never used twice
  SteadyTime produced_at_ = clock_.now().steady;
  double owed_ = 0;  // tasks per queue that are due but not yet put
  std::uint64_t turn_ = 0;
};

void Broker::produce() {
  const Now now = clock_.now();
  owed_ = std::min(owed_ + to_seconds(now.steady - produced_at_) * options_.tasks_per_second,
                   double(options_.ready_target));
  produced_at_ = now.steady;
  for (; owed_ >= 1; owed_ -= 1, ++turn_)
    for (const auto& p : options_.produced)
      if (!p.types.empty() && store_->stats(p.queue, now.wall).ready < options_.ready_target)
        (void)store_->put(p.queue, p.types[turn_ % p.types.size()], options_.task_bytes,
                          now.wall);  // a full disk: next time
}

void Broker::wait() {
  std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}};
  std::vector<int> owners{0};
  for (auto& [owner, c] : connections_) {
    polled.push_back({c.fd.get(), short(POLLIN | (c.out.empty() ? 0 : POLLOUT)), 0});
    owners.push_back(owner);
  }
  if (::poll(polled.data(), polled.size(), 100) <= 0) return;
  for (std::size_t i = 1; i < polled.size(); ++i) {
    if (polled[i].revents == 0) continue;
    const auto at = connections_.find(owners[i]);
    if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) read(at->second, at->first);
    flush(at->second);
    if (!at->second.closing) continue;
    store_->release(at->first);
    connections_.erase(at);
  }
  if (polled[0].revents & POLLIN) accept_all();
}

void Broker::accept_all() {
  for (;;) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    if (connections_.size() >= kMaxConnections) continue;  // closed at once: the peer sees the end of the stream
    connections_[next_owner_++].fd = std::move(fd);
  }
}

void Broker::read(Connection& c, int owner) {
  char buffer[4096];
  const ssize_t count = ::read(c.fd.get(), buffer, sizeof buffer);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) c.closing = true;
  if (count <= 0) return;
  c.in.append(buffer, std::size_t(count));
  std::size_t begin = 0;
  for (auto end = c.in.find('\n'); end != c.in.npos; end = c.in.find('\n', begin)) {
    c.out += answer(std::string_view(c.in).substr(begin, end - begin), owner) + "\n";
    begin = end + 1;
  }
  c.in.erase(0, begin);
  if (c.in.size() > kMaxLine) {
    c.out += fmt::format("error a line has at most {} bytes\n", kMaxLine);
    flush(c);
    c.closing = true;
  }
  if (c.out.size() > kMaxUnsent) flush(c);
  if (c.out.size() > kMaxUnsent) c.closing = true;  // it asks and does not listen
}

void Broker::flush(Connection& c) {
  while (!c.out.empty()) {
    const ssize_t count = ::send(c.fd.get(), c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) c.closing = true;
    if (count <= 0) return;
    c.out.erase(0, std::size_t(count));
  }
}

std::string Broker::answer(std::string_view line, int owner) {
  if (line.size() > kMaxLine) return fmt::format("error a line has at most {} bytes", kMaxLine);
  const auto verb = next_word(line);
  if (verb == "ping") return "pong";
  if (verb == "put") return put(line);
  if (verb == "ack" || verb == "nack") return settle(verb, line, owner);
  if (verb == "take") {
    const auto task = store_->take(line, owner);
    return task ? fmt::format("task {} {} {} {}", task->id, task->type, task->bytes, task->attempts + 1) : "empty";
  }
  if (verb == "depth") {
    const auto s = store_->stats(line, clock_.now().wall);
    const auto oldest = std::chrono::duration_cast<std::chrono::milliseconds>(s.oldest).count();
    return fmt::format("depth {} {} {} {} {} {}", s.ready, s.unacked, oldest, s.taken, s.acked, s.given_up);
  }
  return "error unknown request; use put, take, ack, nack, depth or ping";
}

std::string Broker::settle(std::string_view verb, std::string_view rest, int owner) {
  std::uint64_t id = 0;
  if (!parse_number(rest, id)) return "error a task id is a number";
  const auto done = verb == "ack" ? store_->ack(id, owner) : store_->nack(id, owner);
  return done ? "ok" : "error " + done.error().message;
}

std::string Broker::put(std::string_view rest) {
  const auto queue = next_word(rest);
  const auto type = next_word(rest);
  std::uint64_t bytes = 0;
  if (!parse_number(rest, bytes)) return "error write: put QUEUE TYPE BYTES";
  const auto id = store_->put(queue, type, bytes, clock_.now().wall);
  return id ? fmt::format("ok {}", *id) : "error " + id.error().message;
}

}  // namespace

Result<void> run_broker(const BrokerOptions& options, const std::function<bool()>& stop) {
  auto store = QueueStore::open(options.dir);
  if (!store) return store.error();
  auto listener = listen_unix(options.socket);
  if (!listener) return listener.error();
  Broker(options, std::move(*store), std::move(*listener)).run(stop);
  std::error_code ignored;
  std::filesystem::remove(options.socket, ignored);
  return {};
}

}  // namespace paramedic::demo
