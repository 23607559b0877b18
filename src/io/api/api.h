// The HTTP interface of the monitor: routes, security, JSON. docs/openapi.yaml is its contract, docs/api.md its manual.
// Implements net's handler: called by all I/O threads at once, never blocks them. Owner: the composition root, which
// gives it to an HttpServer and destroys it after that server. Ports, pool, clock and logger must outlive it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/api/event_hub.h"
#include "io/api/guard.h"
#include "io/api/ports.h"
#include "io/api/tokens.h"
#include "io/net/blocking_pool.h"
#include "io/net/http_server.h"

namespace paramedic::api {

struct ApiOptions {
  GuardOptions guard;
  EventHubOptions events;
  std::string version;                        // of the program
  Duration max_history = 24h * 400;           // longest time span of one history request
  std::size_t max_history_bytes = 64u << 20;  // of one answer; more is refused with the remedy
};

struct RouteCount {
  std::string_view method, route;  // static text; the pattern
  int status = 0;
  std::uint64_t count = 0;
};
// Since the start.
struct ApiStats {
  std::vector<RouteCount> requests;
  std::uint64_t auth_failures = 0;
  std::uint64_t reports = 0;          // accepted over HTTP
  std::uint64_t reports_refused = 0;  // wrong, foreign or no room
  std::uint64_t unknown_report_members = 0;
  std::uint64_t event_clients = 0;
  std::uint64_t event_overflows = 0;
};

class Api final : public HttpHandler {
 public:
  // `tokens`: null = no token file: everybody who reaches the port may do everything (so check_listen() first).
  Api(ApiOptions options, Ports ports, std::shared_ptr<const TokenTable> tokens, BlockingPool& pool, const Clock& clock,
      Logger& logger);
  ~Api() override;

  HttpReply handle(HttpRequest&& request) override;

  // After a reload of the token file. Any thread.
  void set_tokens(std::shared_ptr<const TokenTable> tokens);
  ApiStats stats() const;  // any thread

  // For HttpServerOptions::body_limit_for.
  static std::size_t body_limit(std::string_view method, std::string_view path);

  struct Core;  // internal

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace paramedic::api
