#include "io/net/http_connection.h"

#include <boost/asio/co_spawn.hpp>

#include "io/net/deadline.h"

namespace paramedic {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadBytes = 16u << 10;    // room offered to one read
constexpr std::size_t kSmallBody = 16u << 10;    // copied behind its head: one buffer, one write
constexpr std::size_t kFlushAt = 64u << 10;      // pipelined answers are gathered up to here
constexpr std::size_t kKeptOutBytes = 2u << 10;  // capacity an idle connection may keep
constexpr Duration kLingerTime = 2s;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

HttpConnection::HttpConnection(HttpLoop& loop, std::unique_ptr<Stream> stream, std::string remote_address,
                               std::shared_ptr<void> slot)
    : loop_(loop),
      stream_(std::move(stream)),
      remote_address_(std::move(remote_address)),
      slot_(std::move(slot)),
      parser_(loop.options().header_limit, loop.body_limit()) {
  loop_.add(*this);
}

HttpConnection::~HttpConnection() { loop_.remove(*this); }

asio::awaitable<void> HttpConnection::serve(std::shared_ptr<HttpConnection> self) {
  try {
    co_await self->run();
  } catch (const std::exception& error) {
    self->loop_.logger().error("http_connection_failed", {{"remote", self->remote_address_}, {"reason", error.what()}});
  }
  self->stream_->close();
}

asio::awaitable<void> HttpConnection::run() {
  enter(Phase::idle, loop_.options().header_timeout);
  while (true) {
    skip_blank_lines();
    auto step = RequestParser::Step::need_more;
    if (begin_ < end_) begin_ += parser_.feed(std::string_view(in_).substr(begin_, end_ - begin_), step);
    if (step == RequestParser::Step::need_more) {
      const bool more = co_await fill();
      if (!more) co_return;
      continue;
    }
    if (step == RequestParser::Step::failed) {
      loop_.counters().parse_errors.add(1);
      co_await refuse(parser_.problem_status(), parser_.problem());
      co_return;
    }
    HttpReply reply = ask_handler();
    if (!answer_at_once(reply)) {
      const bool alive = co_await answer(std::move(reply));
      if (!alive) co_return;
    }
    parser_.reset();
    if (keep_alive_ && out_.size() < kFlushAt) continue;
    const bool sent = try_flush() || co_await flush();
    if (!sent || !keep_alive_) co_return;
  }
}

// ---- reading

void HttpConnection::enter(Phase phase, Duration allowed) {
  phase_ = phase;
  timed_out_ = false;
  deadline_ = std::chrono::steady_clock::now() + allowed;
}

// Each phase has one deadline, set when it begins: a client that drips bytes gains no time.
void HttpConnection::enter_reading() {
  if (parser_.header_done()) {
    if (phase_ != Phase::body) enter(Phase::body, loop_.options().body_timeout);
  } else if (parser_.started() || begin_ < end_) {
    if (phase_ != Phase::header) enter(Phase::header, loop_.options().header_timeout);
  } else if (phase_ != Phase::idle) {
    enter(Phase::idle, loop_.options().idle_timeout);
  }
}

// RFC 9112 section 2.2: empty lines before a request are ignored.
void HttpConnection::skip_blank_lines() {
  if (parser_.started()) return;
  while (begin_ < end_ && (in_[begin_] == '\r' || in_[begin_] == '\n')) ++begin_;
}

Stream::Step HttpConnection::read_some() {
  if (in_.empty()) in_ = loop_.take_buffer();
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == in_.size() && begin_ > 0) {
    std::copy(in_.begin() + std::ptrdiff_t(begin_), in_.begin() + std::ptrdiff_t(end_), in_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == in_.size()) in_.resize(in_.size() + kReadBytes);  // bounded: the parser refuses heads over the limit
  const Stream::Step step = stream_->try_read(std::span(in_).subspan(end_));
  end_ += step.bytes;
  loop_.counters().bytes_in.add(step.bytes);
  return step;
}

void HttpConnection::release_input() {
  if (begin_ == end_ && !in_.empty()) loop_.give_buffer(std::exchange(in_, {}));
}

// Sends what is waiting, then reads more. False: the connection is over.
asio::awaitable<bool> HttpConnection::fill() {
  if (parser_.header_done() && parser_.expects_continue() && !continued_ && begin_ == end_) {
    continued_ = true;
    out_ += kContinue;
  }
  if (!out_.empty() && !try_flush()) {
    const bool sent = co_await flush();
    if (!sent) co_return false;
  }
  enter_reading();
  if (phase_ == Phase::idle && loop_.stopping()) co_return false;
  bool wait_first = phase_ != Phase::body;  // the rest of a body is usually there already
  while (true) {
    if (wait_first) {
      release_input();
      co_await stream_->wait_readable();
      if (cut_ || closing_) co_return false;
      if (timed_out_) {
        co_await report_timeout();
        co_return false;
      }
    }
    const Stream::Step step = read_some();
    if (step.ended) co_return false;
    if (step.bytes > 0) co_return true;
    wait_first = true;
  }
}

asio::awaitable<void> HttpConnection::report_timeout() {
  if (phase_ == Phase::idle) co_return;
  loop_.counters().timeouts.add(1);
  std::string late = phase_ == Phase::header ? "the headers did not arrive in time; send the request without pauses"
                                             : "the body did not arrive in time; send smaller batches";
  co_await refuse(408, std::move(late));
}

asio::awaitable<void> HttpConnection::refuse(int status, std::string detail) {
  keep_alive_ = false;
  head_request_ = false;
  version_ = 11;
  HttpResponse response = problem_response(status, detail);
  const bool sent = co_await send(std::move(response));
  if (sent) co_await linger();
}

// Reads and drops for a moment: closing a socket with unread bytes makes the kernel reset it, and the client may lose
// the answer that says what was wrong.
asio::awaitable<void> HttpConnection::linger() {
  stream_->end_send();
  enter(Phase::linger, kLingerTime);
  begin_ = end_ = 0;
  while (!timed_out_ && !cut_ && !closing_ && !loop_.stopping()) {
    const Stream::Step step = read_some();
    if (step.ended) co_return;
    begin_ = end_ = 0;
    if (step.would_block) co_await stream_->wait_readable();
  }
}

// ---- answering

HttpReply HttpConnection::ask_handler() {
  HttpRequest& request = parser_.request();
  loop_.counters().requests.add(1);
  phase_ = Phase::busy;
  deadline_ = SteadyTime::max();
  continued_ = false;
  keep_alive_ = parser_.keep_alive() && !loop_.stopping();
  head_request_ = request.method == "HEAD";
  version_ = request.version;
  request.remote_address = remote_address_;
  handshake_.reset();
  if (parser_.wants_upgrade()) {  // the handler may move the request's parts away
    handshake_ = std::make_unique<WebSocketHandshake>();
    handshake_->target = request.target;
    handshake_->headers = request.headers;
    handshake_->remote_address = remote_address_;
  }
  try {
    return loop_.handler().handle(std::move(request));
  } catch (const std::exception& error) {
    loop_.logger().error("http_handler_failed", {{"remote", remote_address_}, {"reason", error.what()}});
    return problem_response(500, "the monitor failed to answer; its log tells why");
  }
}

void HttpConnection::append_head(const HttpResponse& response, std::optional<std::size_t> length, bool chunked) {
  ResponseHead head;
  head.status = response.status;
  head.content_type = response.content_type;
  head.headers = &response.headers;
  head.content_length = length;
  head.chunked = chunked;
  head.keep_alive = keep_alive_;
  head.version = version_;
  head.date = loop_.date();
  append_response_head(out_, head);
}

// The common case: a small complete answer goes behind those that wait already; run() sends them together.
bool HttpConnection::answer_at_once(const HttpReply& reply) {
  const auto* response = std::get_if<HttpResponse>(&reply);
  if (!response) return false;
  const std::string_view body = response->body_view();
  const bool with_body = !head_request_ && status_has_body(response->status);
  if (with_body && body.size() > kSmallBody) return false;
  append_head(*response, body.size(), false);
  if (with_body) out_ += body;
  return true;
}

asio::awaitable<bool> HttpConnection::answer(HttpReply reply) {
  if (auto* response = std::get_if<HttpResponse>(&reply)) co_return co_await send(std::move(*response));
  if (!out_.empty()) {
    const bool sent = co_await flush();
    if (!sent) co_return false;
  }
  release_input();  // what follows may last for hours
  if (auto* deferred = std::get_if<Deferred>(&reply)) co_return co_await answer_deferred(std::move(*deferred));
  if (auto* streamed = std::get_if<Streamed>(&reply)) co_return co_await answer_stream(std::move(*streamed));
  co_return co_await answer_upgrade(std::move(std::get<Upgrade>(reply)));
}

asio::awaitable<bool> HttpConnection::send(HttpResponse response) {
  const std::string_view body = response.body_view();
  append_head(response, body.size(), false);
  asio::const_buffer bytes;
  if (!head_request_ && status_has_body(response.status)) bytes = asio::buffer(body);
  co_return co_await flush(bytes);
}

void HttpConnection::sent_all() {
  if (out_.capacity() > kKeptOutBytes)
    out_ = std::string();
  else
    out_.clear();
}

bool HttpConnection::try_flush() {
  const Stream::Step step = stream_->try_write({asio::buffer(out_)});
  loop_.counters().bytes_out.add(step.bytes);
  if (step.bytes == out_.size()) {
    sent_all();
    return true;
  }
  out_.erase(0, step.bytes);
  return false;
}

// Sends out_, body, tail. False: the client is gone or took nothing for write_timeout; nothing more can be sent.
asio::awaitable<bool> HttpConnection::flush(asio::const_buffer body, asio::const_buffer tail) {
  Stream::Parts parts = {asio::buffer(out_), body, tail};
  std::size_t left = asio::buffer_size(parts);
  while (left > 0 && !cut_ && !client_gone_) {
    const Stream::Step step = stream_->try_write(parts);
    loop_.counters().bytes_out.add(step.bytes);
    left -= step.bytes;
    std::size_t done = step.bytes;
    for (asio::const_buffer& part : parts) {
      const std::size_t taken = std::min(done, part.size());
      part += taken;
      done -= taken;
    }
    client_gone_ = client_gone_ || step.ended;
    if (!step.would_block) continue;
    enter(Phase::write, loop_.options().write_timeout);
    const auto [failed] = co_await stream_->wait_writable();
    if (timed_out_) loop_.counters().timeouts.add(1);
    client_gone_ = client_gone_ || failed || timed_out_;
  }
  phase_ = Phase::busy;
  deadline_ = SteadyTime::max();
  sent_all();
  co_return left == 0;
}

// ---- owner's calls

void HttpConnection::check_deadline(SteadyTime now) {
  if (now < deadline_) return;
  deadline_ = SteadyTime::max();
  timed_out_ = true;
  stream_->cancel();
}

void HttpConnection::begin_stop() {
  if (streaming_) cancel_.emit(asio::cancellation_type::terminal);
  if (phase_ != Phase::idle && phase_ != Phase::linger) return;
  closing_ = true;
  stream_->cancel();
}

void HttpConnection::cut() {
  cut_ = true;
  stream_->close();
  cancel_.emit(asio::cancellation_type::terminal);
}

}  // namespace paramedic
