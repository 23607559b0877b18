// Delivery: carries notifications to their channels, at least once. One Destination (queue and thread) per channel;
// what became of each message goes back to the engine as a DeliveryInput and so into the ledger. docs/delivery.md.
//
// send() is called after the ledger has the message (or cannot have it: set_degraded()); recorded() after each commit.
// restore(), restore_told() and start() once, before anything else; reload() and stop() from one thread; the rest from any.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "io/notify/delivery/destination.h"
#include "io/notify/delivery/outcome_reporter.h"
#include "model/effects.h"

namespace paramedic::notify {

struct DeliveryStats {
  std::vector<DestinationStats> destinations;  // by name
  bool degraded = false;                       // messages go out of memory: the ledger cannot commit
  std::size_t outcomes_waiting = 0;            // for the engine
};

class Delivery {
 public:
  struct Ports {
    OutcomeReporter::Tell tell_engine;
    const Clock& clock;
    Logger& log;
    std::string external_url;
  };

  Delivery(std::vector<ChannelSetup> channels, Ports ports);
  ~Delivery();  // stop(0s)

  // What the ledger remembers, oldest first: ids that were delivered, tries, names of stories at their receivers.
  void restore(std::span<const NotificationRecord> records);
  // Messages of stories that are still open, as they were delivered, oldest first.
  void restore_told(std::span<const Notification> told);
  void start();

  // Quick. An id that was delivered, or waits, is dropped. A channel that does not exist is a permanent failure.
  void send(Notification notification);
  void recorded(std::span<const LedgerEntry> committed);
  void set_degraded(bool degraded);
  // Channels with the same settings go on untouched; changed ones keep their queue; what waits for one that is no more
  // is reported as failed, so that it fails over.
  void reload(std::vector<ChannelSetup> channels);
  // What has not been tried yet may go out for so long; then running sends are cancelled. The rest stays in the ledger.
  void stop(Duration drain);
  DeliveryStats stats() const;

 private:
  std::unique_ptr<Destination> make(ChannelSetup setup);
  Destination* find(const std::string& channel) const;  // REQUIRES: mutex_ held

  Ports ports_;
  OutcomeReporter reporter_;
  mutable std::mutex mutex_;  // guards the three below
  std::map<std::string, std::unique_ptr<Destination>> destinations_;
  bool degraded_ = false;
  bool stopped_ = false;
};

}  // namespace paramedic::notify
