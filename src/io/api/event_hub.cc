#include "io/api/event_hub.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <set>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "io/wire/view_json.h"

namespace paramedic::api {

namespace {

namespace asio = boost::asio;
using Text = std::shared_ptr<const std::string>;

struct Event {
  std::uint64_t generation = 0;
  Text text;
};

Text sse_text(std::string_view event, std::uint64_t generation, std::string_view json) {
  std::string out;
  out.reserve(json.size() + 64);
  out.append("id: ").append(std::to_string(generation)).append("\nevent: ").append(event);
  out.append("\ndata: ").append(json).append("\n\n");
  return std::make_shared<const std::string>(std::move(out));
}

}  // namespace

// Only its coroutine touches `timer`; the rest is guarded by State::mutex.
struct EventHub::Client {
  explicit Client(asio::any_io_executor e) : executor(e), timer(std::move(e)) {}
  asio::any_io_executor executor;
  asio::steady_timer timer;
  std::deque<Event> queue;
  std::size_t bytes = 0;
  bool resync = true;  // owed a snapshot
  bool woken = false;  // a wake-up is on its way
};

struct EventHub::State : std::enable_shared_from_this<State> {
  State(const FleetReader& f, BlockingPool& p, EventHubOptions o) : fleet(f), pool(p), options(o) {}

  const FleetReader& fleet;
  BlockingPool& pool;
  const EventHubOptions options;
  std::atomic<std::size_t> client_count{0};
  std::atomic<std::uint64_t> overflows{0};
  const Text heartbeat = std::make_shared<const std::string>(": alive\n\n");
  const Text greeting = std::make_shared<const std::string>("retry: 2000\n\n");

  std::mutex mutex;  // guards everything below
  std::set<std::shared_ptr<Client>> clients;
  std::deque<FleetDelta> pending;
  bool draining = false;
  std::uint64_t snapshot_generation = 0;
  std::weak_ptr<const std::string> snapshot_text;  // kept while any client still sends it

  // On the publishing thread: quick, whatever the size of the delta.
  void publish(const FleetDelta& delta) {
    if (client_count == 0) return;
    bool post = false;
    {
      const std::lock_guard lock(mutex);
      if (pending.size() >= options.pending_deltas) {
        pending.clear();
        resync_all();
        return;
      }
      pending.push_back(delta);
      post = !draining;
      draining = true;
    }
    if (!post || pool.post([self = shared_from_this()] { self->drain(); })) return;
    const std::lock_guard lock(mutex);
    draining = false;
    pending.clear();
    resync_all();
  }

  // On the pool; one at a time, so that deltas keep their order.
  void drain() {
    while (true) {
      FleetDelta delta;
      {
        const std::lock_guard lock(mutex);
        if (pending.empty()) {
          draining = false;
          return;
        }
        delta = std::move(pending.front());
        pending.pop_front();
      }
      const std::uint64_t generation = delta.view ? delta.view->generation : 0;
      const Event event{generation, sse_text("delta", generation, wire::delta_json(delta))};
      const std::lock_guard lock(mutex);
      for (const auto& client : clients) append(client, event);
    }
  }

  void append(const std::shared_ptr<Client>& client, const Event& event) {  // REQUIRES: mutex held
    if (client->queue.size() >= options.queue_events || client->bytes + event.text->size() > options.queue_bytes) {
      overflow(client);
    } else {
      client->queue.push_back(event);
      client->bytes += event.text->size();
    }
    wake(client);
  }

  void overflow(const std::shared_ptr<Client>& client) {  // REQUIRES: mutex held
    client->queue.clear();
    client->bytes = 0;
    if (!client->resync) ++overflows;
    client->resync = true;
  }

  void resync_all() {  // REQUIRES: mutex held
    for (const auto& client : clients) {
      overflow(client);
      wake(client);
    }
  }

  // REQUIRES: mutex held and the client registered; so its executor is alive.
  void wake(const std::shared_ptr<Client>& client) {
    if (client->woken) return;
    client->woken = true;
    asio::post(client->executor, [self = shared_from_this(), client] {
      {
        const std::lock_guard lock(self->mutex);
        client->woken = false;
      }
      client->timer.cancel();
    });
  }

  std::shared_ptr<Client> join(asio::any_io_executor executor) {
    auto client = std::make_shared<Client>(std::move(executor));
    const std::lock_guard lock(mutex);
    clients.insert(client);
    client_count = clients.size();
    return client;
  }

  void leave(const std::shared_ptr<Client>& client) {
    const std::lock_guard lock(mutex);
    clients.erase(client);
    client_count = clients.size();
  }

  // True once per resynchronisation; what was queued before it is part of the snapshot to come.
  bool take_resync(Client& client) {
    const std::lock_guard lock(mutex);
    return std::exchange(client.resync, false);
  }

  std::optional<Event> next(Client& client) {
    const std::lock_guard lock(mutex);
    if (client.queue.empty()) return std::nullopt;
    Event event = std::move(client.queue.front());
    client.queue.pop_front();
    client.bytes -= event.text->size();
    return event;
  }

  // On the pool.
  Event snapshot() {
    const auto view = fleet.view();
    {
      const std::lock_guard lock(mutex);
      if (auto text = snapshot_text.lock(); text && snapshot_generation == view->generation)
        return {view->generation, text};
    }
    Event event{view->generation, sse_text("snapshot", view->generation, wire::snapshot_json(*view))};
    const std::lock_guard lock(mutex);
    snapshot_generation = event.generation;
    snapshot_text = event.text;
    return event;
  }
};

EventHub::EventHub(DeltaFeed& feed, const FleetReader& fleet, BlockingPool& pool, EventHubOptions options)
    : state_(std::make_shared<State>(fleet, pool, options)),
      subscription_(feed.subscribe([state = state_](const FleetDelta& delta) { state->publish(delta); })) {}

EventHub::~EventHub() = default;

bool EventHub::full() const { return state_->client_count >= state_->options.max_clients; }
std::size_t EventHub::clients() const { return state_->client_count; }
std::uint64_t EventHub::overflows() const { return state_->overflows; }

std::function<asio::awaitable<void>(BodyWriter&)> EventHub::stream() {
  return [state = state_](BodyWriter& out) { return serve(state, &out); };
}

asio::awaitable<void> EventHub::serve(std::shared_ptr<State> state, BodyWriter* out) {
  const auto client = state->join(out->executor());
  const auto leave = [&state](const std::shared_ptr<Client>* c) { state->leave(*c); };
  const std::unique_ptr<const std::shared_ptr<Client>, decltype(leave)> guard(&client, leave);

  std::uint64_t sent = 0;  // generation that the client knows
  auto written = co_await out->write(state->greeting);
  while (written && !out->closed()) {
    if (state->take_resync(*client)) {
      auto job = [state] { return state->snapshot(); };
      const auto snapshot = co_await state->pool.run(std::move(job));
      if (!snapshot) co_return;  // the monitor stops, or is overloaded: the client comes back by itself
      sent = snapshot->generation;
      written = co_await out->write(snapshot->text);
      continue;
    }
    if (const auto event = state->next(*client)) {
      if (event->generation > sent) written = co_await out->write(event->text);
      continue;
    }
    client->timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(state->options.heartbeat));
    const auto [cut_short] = co_await client->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!cut_short && !out->closed()) written = co_await out->write(state->heartbeat);
  }
}

}  // namespace paramedic::api
