#include "io/net/http_loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "io/net/deadline.h"
#include "io/net/http_connection.h"
#include "io/net/response_head.h"

namespace paramedic {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t kBufferBytes = 16u << 10;
constexpr std::size_t kPooledBuffers = 64;
constexpr std::size_t kRefusingAtOnce = 64;  // refused clients that get time to read their 503
constexpr Duration kRefusalPatience = 1s;

// Deadlines are looked at this often: fine enough for the shortest one, and at most twice a second when all are long.
Duration sweep_interval(const HttpServerOptions& o) {
  const Duration shortest = std::min({o.header_timeout, o.body_timeout, o.idle_timeout, o.write_timeout});
  return std::clamp(shortest / 8, Duration(5ms), Duration(500ms));
}

}  // namespace

bool OpenConnections::add(std::size_t limit) {
  if (count_.fetch_add(1, std::memory_order_relaxed) < limit) return true;
  remove();
  return false;
}

void OpenConnections::remove() {
  const std::lock_guard lock(mutex_);  // held across the change, so that a waiter cannot miss it
  if (count_.fetch_sub(1, std::memory_order_relaxed) == 1) none_.notify_all();
}

bool OpenConnections::wait_until_none(Duration patience) {
  std::unique_lock lock(mutex_);
  return none_.wait_for(lock, patience, [this] { return count() == 0; });
}

HttpLoop::HttpLoop(asio::io_context& context, const HttpServerOptions& options,
                   const RequestParser::BodyLimit& body_limit, HttpHandler& handler, Logger& logger,
                   OpenConnections& open)
    : context_(context), options_(options), body_limit_(body_limit), handler_(handler), logger_(logger), open_(open) {
  update_date();
}

void HttpLoop::begin() { asio::co_spawn(context_, sweep(), asio::detached); }

void HttpLoop::update_date() {
  const auto now =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()).time_since_epoch().count();
  if (now == date_second_) return;
  date_second_ = now;
  date_ = format_http_date(now);
}

asio::awaitable<void> HttpLoop::sweep() {
  asio::steady_timer timer(context_);
  while (!cut_) {
    timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(sweep_interval(options_)));
    co_await timer.async_wait(asio::use_awaitable);
    update_date();
    const SteadyTime now = std::chrono::steady_clock::now();
    for (HttpConnection* connection : connections_) connection->check_deadline(now);
  }
}

void HttpLoop::adopt(tcp::socket socket) {
  if (cut_) return open_.remove();
  boost::system::error_code failed;
  const auto peer = socket.remote_endpoint(failed);
  std::string address = failed ? std::string() : peer.address().to_string();
  std::shared_ptr<void> slot(nullptr, [&open = open_](void*) { open.remove(); });
  auto connection =
      std::make_shared<HttpConnection>(*this, make_tcp_stream(std::move(socket)), std::move(address), std::move(slot));
  asio::co_spawn(context_, HttpConnection::serve(std::move(connection)), asio::detached);
}

void HttpLoop::refuse(tcp::socket socket) {
  if (refusing_ < kRefusingAtOnce && !stopping_)
    asio::co_spawn(context_, send_refusal(std::move(socket)), asio::detached);
}

// The answer is sent at once; then the request is read and dropped for a moment, since closing a socket with unread
// bytes makes the kernel reset it and the client may lose the answer.
asio::awaitable<void> HttpLoop::send_refusal(tcp::socket socket) {
  ++refusing_;
  HttpResponse response = problem_response(503, "too many connections are open; try again later");
  const HttpHeaders retry = {{"Retry-After", "5"}};
  ResponseHead head;
  head.status = response.status;
  head.content_type = response.content_type;
  head.headers = &retry;
  head.content_length = response.body.size();
  head.keep_alive = false;
  head.date = date_;
  std::string text;
  append_response_head(text, head);
  text += response.body;
  auto stream = make_tcp_stream(std::move(socket));
  stream->try_write({asio::buffer(text)});
  stream->end_send();
  const SteadyTime until = std::chrono::steady_clock::now() + kRefusalPatience;
  std::string dropped = take_buffer();
  bool ended = false;
  while (!ended && !stopping_ && std::chrono::steady_clock::now() < until) {
    auto waiting = stream->wait_readable();
    const auto late = co_await with_deadline(std::move(waiting), kRefusalPatience);
    ended = !late || std::get<0>(*late) || stream->try_read(dropped).ended;
  }
  give_buffer(std::move(dropped));
  --refusing_;
}

// A copy: cancelling may end a connection on the spot, and the set changes.
std::vector<std::shared_ptr<HttpConnection>> HttpLoop::alive() const {
  std::vector<std::shared_ptr<HttpConnection>> out;
  for (HttpConnection* connection : connections_)
    if (auto shared = connection->weak_from_this().lock()) out.push_back(std::move(shared));
  return out;
}

void HttpLoop::begin_stop() {
  stopping_ = true;
  for (const auto& connection : alive()) connection->begin_stop();
  for (const auto& weak : websockets_)
    if (const auto socket = weak.lock()) socket->close(WebSocketClose::going_away, "the monitor stops");
}

void HttpLoop::cut_all() {
  cut_ = true;
  for (const auto& connection : alive()) connection->cut();
  for (const auto& weak : websockets_)
    if (const auto socket = weak.lock()) socket->cut();
}

void HttpLoop::remember(const std::shared_ptr<OwnedWebSocket>& socket) {
  if (websockets_.size() == websockets_.capacity())
    std::erase_if(websockets_, [](const auto& weak) { return weak.expired(); });
  websockets_.push_back(socket);
}

std::string HttpLoop::take_buffer() {
  if (buffers_.empty()) return std::string(kBufferBytes, '\0');
  std::string buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void HttpLoop::give_buffer(std::string buffer) {
  if (buffers_.size() < kPooledBuffers && buffer.size() == kBufferBytes) buffers_.push_back(std::move(buffer));
}

}  // namespace paramedic
