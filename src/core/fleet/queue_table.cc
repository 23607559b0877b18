#include "core/fleet/queue_table.h"

#include <algorithm>
#include <utility>

namespace paramedic {

std::optional<std::uint32_t> QueueTable::find(std::string_view broker, std::string_view name) const {
  const auto found = index_.find({std::string(broker), std::string(name)});
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::uint32_t QueueTable::broker_index(std::string_view name) {
  std::uint32_t spare = std::uint32_t(brokers_.size());
  for (std::uint32_t i = 0; i < brokers_.size(); ++i) {
    if (brokers_[i].queues > 0 && brokers_[i].name == name) return i;
    if (brokers_[i].queues == 0) spare = std::min(spare, i);
  }
  if (spare == brokers_.size()) brokers_.emplace_back();
  brokers_[spare] = BrokerState{.name = std::string(name), .down = probed_down_.contains(name)};
  return spare;
}

std::optional<std::uint32_t> QueueTable::acquire(std::string_view broker, std::string_view name,
                                                 const std::string& pool) {
  auto queue = find(broker, name);
  if (!queue) {
    if (index_.size() >= max_queues_) return std::nullopt;
    if (free_.empty()) {
      queue = std::uint32_t(contexts_.size());
      contexts_.emplace_back();
      entries_.emplace_back();
    } else {
      queue = free_.back();
      free_.pop_back();
      contexts_[*queue] = QueueContext{};
      entries_[*queue] = Entry{};
    }
    contexts_[*queue].broker = std::string(broker);
    contexts_[*queue].name = std::string(name);
    index_.emplace(std::make_pair(std::string(broker), std::string(name)), *queue);
    const std::uint32_t b = broker_index(broker);
    entries_[*queue].broker = b;
    ++brokers_[b].queues;
    contexts_[*queue].broker_down = brokers_[b].down;
  }
  ++entries_[*queue].references;
  ++entries_[*queue].pools[pool];
  return queue;
}

void QueueTable::release(std::uint32_t queue, const std::string& pool) {
  Entry& entry = entries_[queue];
  if (const auto found = entry.pools.find(pool); found != entry.pools.end() && --found->second == 0)
    entry.pools.erase(found);
  if (--entry.references > 0) return;
  BrokerState& broker = brokers_[entry.broker];
  if (--broker.queues == 0 && broker.down) ++flips_;  // nobody speaks of it any more
  index_.erase({contexts_[queue].broker, contexts_[queue].name});
  free_.push_back(queue);
}

void QueueTable::read(std::uint32_t queue, const QueuePart& part, SteadyTime at, Duration fresh) {
  QueueContext& c = contexts_[queue];
  if (part.paused) c.paused = part.paused;
  if (!part.ready || (c.ready_stamp.at && at < *c.ready_stamp.at)) return;
  const bool gap = !c.ready_stamp.known(at);  // nobody told for long: what was between is not known
  c.ready = part.ready;
  c.oldest_age_seconds = part.oldest_age_seconds;
  c.ready_stamp = {at, fresh};
  if (*part.ready == 0)
    c.ready_since.reset();
  else if (!c.ready_since || gap)
    c.ready_since = at;
}

void QueueTable::took(std::uint32_t queue, WorkerHandle worker, SteadyTime at, std::uint64_t count) {
  auto& takes = contexts_[queue].takes;
  if (takes[0].worker == worker) {
    takes[0].at = std::max(takes[0].at, at);
  } else {
    takes[1] = takes[0];
    takes[0] = {worker, at};
  }
  if (takes[1].worker != kNoWorker && takes[1].at > takes[0].at) std::swap(takes[0], takes[1]);
  Entry& entry = entries_[queue];
  entry.last_take = std::max(entry.last_take.value_or(at), at);
  FinishWindow::Sum sum;
  sum.finished = count;
  entry.takes.add(at, sum);
}

void QueueTable::forget_taker(std::uint32_t queue, WorkerHandle worker) {
  auto& takes = contexts_[queue].takes;
  if (takes[1].worker == worker) takes[1] = {};
  if (takes[0].worker != worker) return;
  takes[0] = takes[1];
  takes[1] = {};
}

// A worker counts once per broker: disconnected only when none of its queues there is connected.
void QueueTable::share(std::span<const QueueFacts> queues, int sign) {
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const std::uint32_t broker = entries_[queues[i].queue].broker;
    bool first = true, counted = false, connected = false;
    for (std::size_t k = 0; k < queues.size() && first; ++k) {
      if (entries_[queues[k].queue].broker != broker) continue;
      first = k >= i;
      counted = counted || queues[k].counted;
      connected = connected || queues[k].counted_connected;
    }
    if (!first || !counted) continue;
    brokers_[broker].reporting += std::uint32_t(sign);
    if (!connected) brokers_[broker].disconnected += std::uint32_t(sign);
  }
}

void QueueTable::settle_broker(std::uint32_t broker, const Now& now) {
  BrokerState& b = brokers_[broker];
  const bool lost = b.reporting >= 2 && b.disconnected == b.reporting;
  if (std::exchange(b.lost, lost) != lost) ++flips_;
  const bool down = lost || probed_down_.contains(b.name);
  if (down == b.down) return;
  b.down = down;
  b.since = now.steady;
  for (std::uint32_t q = 0; q < contexts_.size(); ++q)
    if (entries_[q].references > 0 && entries_[q].broker == broker) contexts_[q].broker_down = down;
}

void QueueTable::set_probed(const std::string& broker, bool down, const Now& now) {
  const bool changed = down ? probed_down_.insert(broker).second : probed_down_.erase(broker) > 0;
  if (!changed) return;
  ++flips_;
  for (std::uint32_t i = 0; i < brokers_.size(); ++i)
    if (brokers_[i].queues > 0 && brokers_[i].name == broker) settle_broker(i, now);
}

std::optional<std::uint32_t> QueueTable::update_shares(std::span<QueueFacts> queues, bool present,
                                                       std::optional<SteadyTime> last_word, const Now& now) {
  const auto outdated = [&](const QueueFacts& q) {
    const auto& loss = brokers_[entries_[q.queue].broker].last_loss;
    return *q.connected && last_word && loss && *last_word < *loss;
  };
  const auto wants = [&](const QueueFacts& q) {
    return present && q.connected.has_value() && q.stamp.known(now.steady) && !outdated(q);
  };
  const bool same = std::all_of(queues.begin(), queues.end(), [&](const QueueFacts& q) {
    return q.counted == wants(q) && q.counted_connected == (wants(q) && *q.connected);
  });
  if (same) return std::nullopt;
  share(queues, -1);
  std::set<std::uint32_t> lost;
  for (QueueFacts& q : queues) {
    QueueContext& c = contexts_[q.queue];
    const bool counted = wants(q), connected = counted && *q.connected;
    if (counted && !connected) {
      const std::uint32_t broker = entries_[q.queue].broker;
      auto& loss = brokers_[broker].last_loss;
      if (!q.counted || q.counted_connected) lost.insert(broker);
      loss = std::max(loss.value_or(q.connection_since), q.connection_since);
    }
    c.reporting += std::uint32_t(counted) - std::uint32_t(q.counted);
    c.connected += std::uint32_t(connected) - std::uint32_t(q.counted_connected);
    if (c.connected == 0) c.connected_since.reset();
    if (c.connected > 0 && !c.connected_since) c.connected_since = now.steady;
    q.counted = counted;
    q.counted_connected = connected;
  }
  share(queues, +1);
  for (const QueueFacts& q : queues) settle_broker(entries_[q.queue].broker, now);
  std::optional<std::uint32_t> left;
  for (const std::uint32_t broker : lost) {
    const std::uint32_t connected = brokers_[broker].reporting - brokers_[broker].disconnected;
    left = std::min(left.value_or(connected), connected);
  }
  return left;
}

std::vector<BrokerState> QueueTable::brokers() const {
  std::vector<BrokerState> out;
  for (const BrokerState& b : brokers_)
    if (b.queues > 0) out.push_back(b);
  std::sort(out.begin(), out.end(), [](const BrokerState& a, const BrokerState& b) { return a.name < b.name; });
  return out;
}

std::vector<QueueView> QueueTable::views(const Now& now) const {
  std::vector<QueueView> out;
  for (const auto& [key, queue] : index_) {
    const QueueContext& c = contexts_[queue];
    const Entry& entry = entries_[queue];
    QueueView view;
    view.broker = c.broker;
    view.name = c.name;
    if (c.ready_stamp.known(now.steady)) {
      view.ready = c.ready;
      view.oldest_age_seconds = c.oldest_age_seconds;
    }
    view.paused = c.paused;
    view.workers = int(c.reporting);
    view.connected = int(c.connected);
    view.broker_down = c.broker_down;
    view.consumed_per_minute = quantise(entry.takes.over(now.steady).per_minute(), 2);
    if (entry.last_take) view.last_consumed = wall_at(*entry.last_take, now);
    for (const auto& [pool, references] : entry.pools) view.pools.push_back(pool);
    out.push_back(std::move(view));
  }
  return out;
}

}  // namespace paramedic
