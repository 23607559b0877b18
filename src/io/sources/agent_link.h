// AgentLinks: the monitor's end of every agent's WebSocket (/health/agents). Source and executor at once: reports come
// up, leases and ladders go down. accept() runs on the connection's executor, one coroutine per connection; send() and
// stats() from any thread. Owns nothing but the table of connections; the sink, clock and logger outlive it.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "io/net/websocket.h"
#include "io/wire/agent_protocol.h"
#include "model/input.h"

namespace paramedic {

// Where parsed inputs go. push() never blocks; a full inbox leaves `inputs` as they were.
class InputSink {
 public:
  virtual ~InputSink() = default;
  virtual Result<void> push(std::vector<Input>& inputs) = 0;
  virtual bool nearly_full() const = 0;
};

struct AgentLinkOptions {
  std::size_t max_agents = 2000;
  Duration hello_timeout = 10s;
  // A second connection with the same agent id replaces the first when it comes from the same boot of the same host (a
  // reconnect the monitor has not noticed yet); from another host it is refused while the first one still speaks.
  std::string version;
};

struct AgentLinkStats {
  std::size_t connected = 0;
  std::uint64_t frames = 0, reports = 0, reports_refused = 0, frames_refused = 0, pauses = 0, replaced = 0;
};

inline std::string agent_source_id(std::string_view agent_id) { return "agent/" + std::string(agent_id); }

class AgentLinks {
 public:
  AgentLinks(InputSink& sink, const Clock& clock, Logger& log, AgentLinkOptions options);

  // Serves one connection to its end. `pool` = the only pool its token may report for; empty = any.
  boost::asio::awaitable<void> accept(std::shared_ptr<WebSocket> socket, std::string pool);
  // False when that source is not connected; the frame is then lost (recovery has its deadlines for that).
  bool send(const std::string& source, const wire::MonitorFrame& frame);
  AgentLinkStats stats() const;

 private:
  struct Connection {
    std::shared_ptr<WebSocket> socket;
    std::string agent_id, source, host, boot_id, pool;
    Duration period{};
    std::atomic<std::int64_t> heard_ns{0};  // steady time of the latest frame
  };
  using ConnectionPtr = std::shared_ptr<Connection>;

  boost::asio::awaitable<Result<ConnectionPtr>> greet(std::shared_ptr<WebSocket> socket, std::string pool);
  Result<void> enter(const ConnectionPtr& connection);
  bool leave(const ConnectionPtr& connection);
  boost::asio::awaitable<void> serve(ConnectionPtr connection);
  boost::asio::awaitable<void> deliver(ConnectionPtr connection, std::vector<Input> inputs);
  std::vector<Input> inputs_of(const Connection& connection, wire::AgentFrame frame, SteadyTime now);
  void add_reports(const Connection& connection, wire::AgentReports reports, SteadyTime now, std::vector<Input>& out);
  Input state_of(const Connection& connection, SourceState state) const;

  InputSink& sink_;
  const Clock& clock_;
  Logger& log_;
  const AgentLinkOptions options_;
  mutable std::mutex mutex_;                          // guards connections_
  std::map<std::string, ConnectionPtr> connections_;  // by source id
  std::atomic<std::uint64_t> frames_{0}, reports_{0}, reports_refused_{0}, frames_refused_{0}, pauses_{0}, replaced_{0};
};

}  // namespace paramedic
