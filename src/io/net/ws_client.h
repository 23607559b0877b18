// WebSocket client for the agent: asynchronous, on whatever executor the calling coroutine runs.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "io/net/http.h"
#include "io/net/websocket.h"

namespace paramedic {

struct WebSocketTarget {
  std::string host = "127.0.0.1";  // name or address
  std::uint16_t port = 8420;
  std::string path = "/";
  HttpHeaders headers;             // for example Authorization
  Duration connect_timeout = 10s;  // name lookup, connection and handshake together
  WebSocketOptions options{};
};

// Errors: unavailable (no such name, refused, cut), timeout, and for a refused handshake the Errc of its status
// (401 unauthorized, 403 forbidden, 404 not_found, 429 too_many, else unavailable) with the status in the message.
boost::asio::awaitable<Result<std::shared_ptr<WebSocket>>> connect_websocket(WebSocketTarget target);

}  // namespace paramedic
