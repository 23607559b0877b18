#include "app/agent/monitor_link.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include "app/agent/kernel_file.h"
#include "base/ids.h"
#include "base/text.h"
#include "io/net/deadline.h"
#include "io/net/ws_client.h"

namespace paramedic::agent {
namespace {

constexpr Duration kFirstWait = 500ms;
constexpr std::size_t kMaxTokenBytes = 4096;

std::string read_token(const std::string& path) {
  auto token = read_whole(path, kMaxTokenBytes);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  return token;
}

}  // namespace

// Shared with the coroutine, which may outlive the link by one suspension.
struct MonitorLink::State {
  State(boost::asio::io_context& io, LinkOptions o, HttpUrl e, LinkHandler& h, Logger& l)
      : options(std::move(o)), endpoint(std::move(e)), handler(&h), log(l), wait(io) {}

  LinkOptions options;
  HttpUrl endpoint;
  LinkHandler* handler;  // null after close()
  Logger& log;
  boost::asio::steady_timer wait;
  std::shared_ptr<WebSocket> socket;
  bool online = false;
  std::string last_trouble;  // logged once
  int attempts = 0;          // since the last welcome

  bool closed() const { return handler == nullptr; }

  WebSocketTarget target() const {
    WebSocketTarget t;
    t.host = endpoint.host;
    t.port = endpoint.port;
    t.path = endpoint.target;
    if (!options.token_file.empty())
      t.headers.emplace_back("Authorization", "Bearer " + read_token(options.token_file));
    return t;
  }
  void trouble(const Error& error) {
    if (closed() || error.message == last_trouble) return;
    last_trouble = error.message;
    log.warning("monitor_away", {{"monitor", options.url}, {"reason", error.message}});
  }
  // Up to 0.5, 1, 2, 4 … s, each agent somewhere else in it.
  Duration next_wait() {
    const auto span = std::min<Duration>(options.longest_wait, kFirstWait * (1L << std::min(attempts, 10)));
    ++attempts;
    return hash_jitter(hash_mix(stable_hash(options.agent_id), static_cast<std::uint64_t>(attempts)), span);
  }
};

namespace {

using boost::asio::awaitable;

template <class S>
awaitable<Result<void>> greet(std::shared_ptr<S> s) {
  auto hello = std::make_shared<const std::string>(wire::encode(wire::AgentFrame(s->handler->hello())));
  auto sent = co_await s->socket->send(std::move(hello));
  if (!sent) co_return sent.error();
  auto waiting = s->socket->receive();
  const Result<std::string> text = co_await with_deadline(std::move(waiting), s->options.welcome_timeout);
  if (!text) co_return with_context(text.error(), "no welcome");
  const auto frame = wire::decode_monitor_frame(*text);
  if (!frame) co_return with_context(frame.error(), "welcome");
  if (const auto* refusal = std::get_if<wire::MonitorRefusal>(&*frame))
    co_return make_error(Errc::forbidden, "refused: " + refusal->message);
  if (!std::holds_alternative<wire::MonitorWelcome>(*frame))
    co_return make_error(Errc::corrupt, "the first frame is no welcome");
  co_return Result<void>{};
}

template <class S>
awaitable<Error> serve(std::shared_ptr<S> s) {
  for (;;) {
    const Result<std::string> text = co_await s->socket->receive();
    if (s->closed()) co_return make_error(Errc::unavailable, "closed");
    if (!text) co_return text.error();
    auto frame = wire::decode_monitor_frame(*text);
    if (frame)
      s->handler->on_frame(std::move(*frame));
    else
      s->log.warning("monitor_frame_refused", {{"reason", frame.error().message}});
    if (s->closed()) co_return make_error(Errc::unavailable, "closed");
  }
}

template <class S>
awaitable<Error> connect_once(std::shared_ptr<S> s) {
  auto target = s->target();
  auto connected = co_await connect_websocket(std::move(target));
  if (s->closed()) co_return make_error(Errc::unavailable, "closed");
  if (!connected) co_return connected.error();
  s->socket = std::move(*connected);
  const Result<void> welcomed = co_await greet(s);
  if (s->closed()) co_return make_error(Errc::unavailable, "closed");
  if (!welcomed) co_return welcomed.error();
  s->online = true;
  s->attempts = 0;
  s->last_trouble.clear();
  s->log.info("monitor_connected", {{"monitor", s->options.url}});
  s->handler->on_online();
  co_return co_await serve(s);
}

template <class S>
awaitable<void> run(std::shared_ptr<S> s) {
  while (!s->closed()) {
    const Error why = co_await connect_once(s);
    s->online = false;
    if (s->socket) s->socket->close(WebSocketClose::normal, "");
    s->socket.reset();
    if (s->closed()) co_return;
    s->trouble(why);
    s->wait.expires_after(s->next_wait());
    try {
      co_await s->wait.async_wait(boost::asio::use_awaitable);
    } catch (const boost::system::system_error&) {  // close()
    }
  }
}

}  // namespace

Result<HttpUrl> agent_endpoint(const std::string& monitor_url) {
  auto url = parse_http_url(monitor_url);
  if (!url)
    return make_error(Errc::invalid_argument, "monitor.url " + monitor_url + ": " + url.error().message +
                                                  " (use http://HOST:PORT; for TLS put a proxy in between)");
  while (!url->target.empty() && url->target.back() == '/') url->target.pop_back();
  url->target += "/health/agents";
  return url;
}

Result<std::unique_ptr<MonitorLink>> MonitorLink::open(boost::asio::io_context& io, LinkOptions options,
                                                       LinkHandler& handler, Logger& log) {
  auto endpoint = agent_endpoint(options.url);
  if (!endpoint) return endpoint.error();
  auto state = std::make_shared<State>(io, std::move(options), std::move(*endpoint), handler, log);
  auto loop = run(state);
  boost::asio::co_spawn(io, std::move(loop), boost::asio::detached);
  return std::unique_ptr<MonitorLink>(new MonitorLink(std::move(state)));
}

MonitorLink::MonitorLink(std::shared_ptr<State> state) : state_(std::move(state)) {}
MonitorLink::~MonitorLink() { close(); }

bool MonitorLink::online() const { return state_->online && state_->socket; }

bool MonitorLink::send(const wire::AgentFrame& frame) { return online() && send_text(wire::encode(frame)); }

bool MonitorLink::send_text(std::string frame) {
  if (!online()) return false;
  const auto sent = state_->socket->send_soon(std::make_shared<const std::string>(std::move(frame)));
  return sent.has_value();
}

std::size_t MonitorLink::queued_bytes() const { return state_->socket ? state_->socket->queued_bytes() : 0; }

void MonitorLink::close() {
  if (state_->closed()) return;
  state_->handler = nullptr;
  state_->online = false;
  state_->wait.cancel();
  if (state_->socket) state_->socket->close(WebSocketClose::normal, "agent ends");
}

}  // namespace paramedic::agent
