#include "io/sources/agent_link.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "base/ids.h"
#include "io/net/deadline.h"

namespace paramedic {

namespace asio = boost::asio;

namespace {

std::shared_ptr<const std::string> frame_text(const wire::MonitorFrame& frame) {
  return std::make_shared<const std::string>(wire::encode(frame));
}

// Tells the agent why, then closes.
void refuse(const std::shared_ptr<WebSocket>& socket, const std::string& why) {
  (void)socket->send_soon(frame_text(wire::MonitorRefusal{why}));
  socket->close(WebSocketClose::policy, why.substr(0, 120));
}

}  // namespace

AgentLinks::AgentLinks(InputSink& sink, const Clock& clock, Logger& log, AgentLinkOptions options)
    : sink_(sink), clock_(clock), log_(log), options_(std::move(options)) {}

Input AgentLinks::state_of(const Connection& connection, SourceState state) const {
  SourceInput input;
  input.source = connection.source;
  input.kind = SourceKind::agent;
  input.state = state;
  input.host = connection.host;
  input.boot_id = connection.boot_id;
  input.period = connection.period;
  input.can_restart = true;
  input.received = clock_.now().steady;
  return input;
}

asio::awaitable<void> AgentLinks::accept(std::shared_ptr<WebSocket> socket, std::string pool) {
  auto greeted = co_await greet(socket, std::move(pool));
  Result<void> entered = greeted ? enter(*greeted) : Result<void>(greeted.error());
  if (!entered) {
    ++frames_refused_;
    log_.warning("agent_refused", {{"remote", socket->remote_address()}, {"reason", entered.error().message}});
    refuse(socket, entered.error().message);
    co_return;
  }
  const ConnectionPtr connection = *greeted;
  log_.info("agent_connected",
            {{"agent", connection->agent_id}, {"host", connection->host}, {"remote", socket->remote_address()}});
  co_await serve(connection);
  if (!leave(connection)) co_return;  // replaced by a newer connection: the agent is still here
  log_.warning("agent_disconnected", {{"agent", connection->agent_id}, {"host", connection->host}});
  std::vector<Input> gone;
  gone.push_back(state_of(*connection, SourceState::disconnected));
  (void)sink_.push(gone);  // urgent lane; if even that is full the frame deadline tells the same a little later
}

asio::awaitable<Result<AgentLinks::ConnectionPtr>> AgentLinks::greet(std::shared_ptr<WebSocket> socket,
                                                                     std::string pool) {
  auto waiting = socket->receive();
  const Result<std::string> text = co_await with_deadline(std::move(waiting), options_.hello_timeout);
  if (!text) co_return with_context(text.error(), "no hello");
  const Result<wire::AgentFrame> frame = wire::decode_agent_frame(*text);
  if (!frame) co_return with_context(frame.error(), "hello");
  const auto* hello = std::get_if<wire::AgentHello>(&*frame);
  if (!hello) co_return Error{Errc::invalid_argument, "the first frame must be a hello"};
  if (hello->protocol < wire::kAgentProtocol - 1 || hello->protocol > wire::kAgentProtocol + 1)
    co_return Error{Errc::invalid_argument, fmt::format("agent protocol {} is too far from {}; upgrade the older side",
                                                        hello->protocol, wire::kAgentProtocol)};
  if (!valid_id(hello->agent_id))
    co_return Error{Errc::invalid_argument, "agent_id: " + explain_bad_id(hello->agent_id)};
  auto connection = std::make_shared<Connection>();
  connection->socket = socket;
  connection->agent_id = hello->agent_id;
  connection->source = agent_source_id(hello->agent_id);
  connection->host = hello->host;
  connection->boot_id = hello->boot_id;
  connection->period = std::clamp<Duration>(hello->period, 100ms, 1h);
  connection->pool = std::move(pool);
  connection->heard_ns = clock_.now().steady.time_since_epoch().count();
  co_return connection;
}

Result<void> AgentLinks::enter(const ConnectionPtr& connection) {
  const SteadyTime now = clock_.now().steady;
  ConnectionPtr old;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = connections_[connection->source];
    if (slot) {
      const Duration silence = now.time_since_epoch() - Duration{slot->heard_ns.load()};
      const bool same = slot->host == connection->host && slot->boot_id == connection->boot_id;
      if (!same && silence < 2 * slot->period)
        return Error{Errc::conflict,
                     fmt::format("agent_id '{}' is in use by host '{}'; give each agent its own agent_id",
                                 connection->agent_id, slot->host)};
    } else if (connections_.size() > options_.max_agents) {
      connections_.erase(connection->source);
      return Error{Errc::too_many,
                   fmt::format("{} agents are connected; raise limits.max_agents", options_.max_agents)};
    }
    old = std::exchange(slot, connection);
  }
  if (old) {
    ++replaced_;
    asio::post(old->socket->executor(),
               [socket = old->socket] { socket->close(WebSocketClose::policy, "replaced by a newer connection"); });
  }
  return {};
}

bool AgentLinks::leave(const ConnectionPtr& connection) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection->source);
  if (found == connections_.end() || found->second != connection) return false;
  connections_.erase(found);
  return true;
}

asio::awaitable<void> AgentLinks::serve(ConnectionPtr connection) {
  (void)connection->socket->send_soon(frame_text(wire::MonitorWelcome{.version = options_.version}));
  std::vector<Input> hello;
  hello.push_back(state_of(*connection, SourceState::connected));
  co_await deliver(connection, std::move(hello));
  for (;;) {
    const Result<std::string> text = co_await connection->socket->receive();
    if (!text) co_return;
    const SteadyTime now = clock_.now().steady;
    connection->heard_ns = now.time_since_epoch().count();
    ++frames_;
    Result<wire::AgentFrame> frame = wire::decode_agent_frame(*text);
    if (!frame) {
      ++frames_refused_;
      log_.warning("agent_frame_refused", {{"agent", connection->agent_id}, {"reason", frame.error().message}});
      continue;
    }
    std::vector<Input> inputs = inputs_of(*connection, std::move(*frame), now);
    co_await deliver(connection, std::move(inputs));
  }
}

// A full inbox stops the reading of this connection until there is room: TCP then slows the agent down.
asio::awaitable<void> AgentLinks::deliver(ConnectionPtr connection, std::vector<Input> inputs) {
  while (!inputs.empty() && connection->socket->is_open()) {
    if (sink_.push(inputs)) break;
    ++pauses_;
    co_await sleep_for(20ms);
  }
  // Pausing early keeps room for others; bounded, since pongs are not seen while nobody receives.
  for (int i = 0; i < 100 && sink_.nearly_full() && connection->socket->is_open(); ++i) {
    ++pauses_;
    co_await sleep_for(20ms);
  }
}

std::vector<Input> AgentLinks::inputs_of(const Connection& connection, wire::AgentFrame frame, SteadyTime now) {
  std::vector<Input> out;
  if (auto* reports = std::get_if<wire::AgentReports>(&frame)) {
    add_reports(connection, std::move(*reports), now, out);
  } else if (auto* progress = std::get_if<wire::AgentProgress>(&frame)) {
    out.push_back(ProgressInput{connection.source, progress->action_id, progress->worker_id, progress->step,
                                progress->done, progress->ok, progress->new_incarnation, progress->message, now});
  } else if (auto* starts = std::get_if<wire::AgentStarts>(&frame)) {
    for (wire::AgentStart& start : starts->starts)
      out.push_back(AgentStartInput{connection.source, start.action_id, start.worker_id, start.previous_incarnation,
                                    start.incarnation, start.crashes, start.ago, start.exit,
                                    std::move(start.last_words), now});
  }
  // Whatever it was: the agent is alive.
  out.push_back(SourceFrameInput{connection.source, now});
  return out;
}

void AgentLinks::add_reports(const Connection& connection, wire::AgentReports reports, SteadyTime now,
                             std::vector<Input>& out) {
  if (reports.skipped > 0) {
    reports_refused_ += std::uint64_t(reports.skipped);
    log_.warning("agent_reports_refused",
                 {{"agent", connection.agent_id}, {"count", reports.skipped}, {"first", reports.first_refusal}});
  }
  for (Report& report : reports.reports) {
    if (!connection.pool.empty() && !report.pool.empty() && report.pool != connection.pool) {
      ++reports_refused_;
      continue;
    }
    if (report.host.empty()) report.host = connection.host;
    if (!report.period) report.period = connection.period;
    ++reports_;
    out.push_back(ReportInput{std::move(report), connection.source, now, reports.backlog});
  }
}

bool AgentLinks::send(const std::string& source, const wire::MonitorFrame& frame) {
  ConnectionPtr connection;
  {
    const std::lock_guard lock(mutex_);
    const auto found = connections_.find(source);
    if (found == connections_.end()) return false;
    connection = found->second;
  }
  asio::post(connection->socket->executor(), [socket = connection->socket, text = frame_text(frame)] {
    // An agent that does not take its orders is cut: it reconnects, and gets the present state.
    if (!socket->send_soon(text)) socket->close(WebSocketClose::try_again_later, "too many frames wait for this agent");
  });
  return true;
}

AgentLinkStats AgentLinks::stats() const {
  AgentLinkStats out{0, frames_, reports_, reports_refused_, frames_refused_, pauses_, replaced_};
  const std::lock_guard lock(mutex_);
  out.connected = connections_.size();
  return out;
}

}  // namespace paramedic
