// Queues and brokers as entities of the fleet: who reports them, who is connected, what is ready, who took last.
// An entry lives while a worker refers to it. Engine's strand.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/snapshot.h"
#include "model/view.h"

namespace paramedic {

struct BrokerState {
  std::string name;
  std::uint32_t reporting = 0;          // workers with a fresh word about it
  std::uint32_t disconnected = 0;       // of these, those with none of their queues connected
  bool lost = false;                    // all of >= 2 reporting workers have it disconnected
  bool down = false;                    // lost, or a probe of it is down
  SteadyTime since{};                   // when `down` took its value
  std::uint32_t queues = 0;             // entries that refer to it; 0 = free
  std::optional<SteadyTime> last_loss;  // the latest time at which a worker lost it
};

class QueueTable {
 public:
  explicit QueueTable(std::size_t max_queues) : max_queues_(max_queues) {}
  void set_max(std::size_t max_queues) { max_queues_ = max_queues; }

  std::optional<std::uint32_t> find(std::string_view broker, std::string_view name) const;
  // Finds or makes the entry and adds a reference of `pool`; nullopt when the table is full.
  std::optional<std::uint32_t> acquire(std::string_view broker, std::string_view name, const std::string& pool);
  void release(std::uint32_t queue, const std::string& pool);

  // The newest reading of several workers wins.
  void read(std::uint32_t queue, const QueuePart& part, SteadyTime at, Duration fresh);
  void took(std::uint32_t queue, WorkerHandle worker, SteadyTime at, std::uint64_t count);
  void forget_taker(std::uint32_t queue, WorkerHandle worker);

  // Brings one worker's share in the counts of its queues and brokers up to date. `present`: it is there and can be
  // believed. `last_word`: of a worker that fell silent, when it spoke last; nullopt = it speaks. That a silent one was
  // connected before another lost the broker contradicts nobody, so then it does not count.
  // Returns, when it has just lost a broker, how many others still say that they are connected to it (of several
  // brokers the fewest): silent ones among them must be asked anew.
  std::optional<std::uint32_t> update_shares(std::span<QueueFacts> queues, bool present,
                                             std::optional<SteadyTime> last_word, const Now& now);

  // The verdict of this broker's probes; also counts for a broker that a worker names later.
  void set_probed(const std::string& broker, bool down, const Now& now);

  // Counts how often the evidence against a broker changed: it was lost or found again by its workers or by its probes,
  // or it left while it was down.
  std::uint64_t flips() const { return flips_; }

  std::span<const QueueContext> contexts() const { return contexts_; }
  const QueueContext& context(std::uint32_t queue) const { return contexts_[queue]; }
  std::vector<BrokerState> brokers() const;            // by name
  std::vector<QueueView> views(const Now& now) const;  // by broker, name

 private:
  struct Entry {
    std::uint32_t broker = 0;
    std::uint32_t references = 0;
    std::map<std::string, std::uint32_t> pools;  // name → references
    FinishWindow takes;
    std::optional<SteadyTime> last_take;
  };
  std::uint32_t broker_index(std::string_view name);
  void share(std::span<const QueueFacts> queues, int sign);
  void settle_broker(std::uint32_t broker, const Now& now);

  std::size_t max_queues_;
  std::uint64_t flips_ = 0;
  std::map<std::pair<std::string, std::string>, std::uint32_t> index_;  // (broker, name) → queue
  std::vector<QueueContext> contexts_;
  std::vector<Entry> entries_;  // parallel to contexts_
  std::vector<std::uint32_t> free_;
  std::vector<BrokerState> brokers_;
  std::set<std::string, std::less<>> probed_down_;
};

}  // namespace paramedic
