// MonitorLink: the agent's one connection to the monitor: connects, greets, receives, and connects again for ever, with
// growing waits (0–10 s, spread by a hash so that a restarted monitor is not met by all agents at once). The agent's
// thread only.
#pragma once
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "io/net/http.h"
#include "io/wire/agent_protocol.h"

namespace paramedic::agent {

class LinkHandler {
 public:
  virtual ~LinkHandler() = default;
  virtual wire::AgentHello hello() = 0;
  // The monitor has welcomed us: the present goes first.
  virtual void on_online() = 0;
  virtual void on_frame(wire::MonitorFrame frame) = 0;
};

struct LinkOptions {
  std::string url = "http://127.0.0.1:8420";
  std::string token_file;  // read at each connection; empty = no token
  std::string agent_id;    // spreads the waits
  Duration longest_wait = 10s;
  Duration welcome_timeout = 10s;
};

// Errors: invalid_argument (not an http URL: this agent speaks no TLS).
Result<HttpUrl> agent_endpoint(const std::string& monitor_url);

class MonitorLink {
 public:
  // REQUIRES: `log` outlives io's handlers, `handler` lives until close().
  static Result<std::unique_ptr<MonitorLink>> open(boost::asio::io_context& io, LinkOptions options,
                                                   LinkHandler& handler, Logger& log);
  ~MonitorLink();  // close()
  MonitorLink(const MonitorLink&) = delete;
  MonitorLink& operator=(const MonitorLink&) = delete;

  bool online() const;
  // Queues; false when not online or when the monitor does not keep up: then nothing was taken.
  bool send(const wire::AgentFrame& frame);
  bool send_text(std::string frame);
  std::size_t queued_bytes() const;
  // Says goodbye and calls the handler no more.
  void close();

 private:
  struct State;
  explicit MonitorLink(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace paramedic::agent
