// The event stream (GET /health/events, server-sent events): each client first gets `snapshot`, then a `delta` per
// publication, a comment every 5 s. One text per publication, made on the blocking pool and shared by all clients. A
// client that is too slow has its queue dropped and gets a new snapshot instead: it never sees a gap, the monitor never
// grows. Any thread. The feed, fleet and pool must outlive the hub; streams that still run keep its state alive.
#pragma once
#include <cstdint>
#include <memory>

#include <boost/asio/awaitable.hpp>

#include "io/api/ports.h"
#include "io/net/blocking_pool.h"
#include "io/net/http_server.h"

namespace paramedic::api {

struct EventHubOptions {
  std::size_t max_clients = 500;
  std::size_t queue_events = 256;      // per client
  std::size_t queue_bytes = 4u << 20;  // per client
  std::size_t pending_deltas = 64;     // publications not yet turned into text
  Duration heartbeat = 5s;
};

class EventHub {
 public:
  // The feed must publish a view before it calls back with its delta.
  EventHub(DeltaFeed& feed, const FleetReader& fleet, BlockingPool& pool, EventHubOptions options);
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  bool full() const;
  std::size_t clients() const;
  std::uint64_t overflows() const;

  // The producer of one stream; runs until the client goes or the server stops.
  std::function<boost::asio::awaitable<void>(BodyWriter&)> stream();

 private:
  struct State;
  struct Client;
  static boost::asio::awaitable<void> serve(std::shared_ptr<State> state, BodyWriter* out);

  std::shared_ptr<State> state_;
  std::unique_ptr<DeltaFeed::Subscription> subscription_;
};

}  // namespace paramedic::api
