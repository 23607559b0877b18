#include "io/notify/delivery/delivery.h"

#include <fmt/format.h>

#include "io/notify/delivery/delivery_config.h"

namespace paramedic::notify {

Delivery::Delivery(std::vector<ChannelSetup> channels, Ports ports)
    : ports_(std::move(ports)), reporter_(ports_.tell_engine) {
  for (ChannelSetup& one : channels) {
    const std::string name = one.name;
    destinations_[name] = make(std::move(one));
  }
}

Delivery::~Delivery() { stop(0s); }

std::unique_ptr<Destination> Delivery::make(ChannelSetup setup) {
  return std::make_unique<Destination>(
      std::move(setup),
      Destination::Ports{[this](std::vector<DeliveryOutcome> outcomes) { reporter_.report(std::move(outcomes)); },
                         ports_.clock, ports_.log, ports_.external_url});
}

Destination* Delivery::find(const std::string& channel) const {
  const auto found = destinations_.find(channel);
  return found != destinations_.end() ? found->second.get() : nullptr;
}

void Delivery::restore(std::span<const NotificationRecord> records) {
  const std::lock_guard lock(mutex_);
  for (const NotificationRecord& record : records)
    if (Destination* to = find(record.notification.channel)) to->restore(record);
}

void Delivery::restore_told(std::span<const Notification> told) {
  const std::lock_guard lock(mutex_);
  for (const Notification& notification : told)
    if (Destination* to = find(notification.channel)) to->restore_told(notification);
}

void Delivery::start() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, destination] : destinations_) destination->start();
}

void Delivery::send(Notification notification) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;  // it is in the ledger: the next life sends it
  if (Destination* to = find(notification.channel)) return to->add(std::move(notification));
  DeliveryOutcome nowhere;
  nowhere.notification_id = notification.id;
  nowhere.state = DeliveryState::failed;
  nowhere.at = ports_.clock.now().wall;
  nowhere.answer = fmt::format("no channel '{}' is configured", notification.channel);
  ports_.log.error("notification_refused",
                   {{"channel", notification.channel}, {"notification", notification.id}, {"reason", nowhere.answer}});
  reporter_.report({std::move(nowhere)});
}

void Delivery::recorded(std::span<const LedgerEntry> committed) {
  for (const LedgerEntry& entry : committed) {
    const auto* record = std::get_if<NotificationRecord>(&entry.body);
    if (!record) continue;
    const std::lock_guard lock(mutex_);
    if (Destination* to = find(record->notification.channel)) to->recorded(record->notification.id, record->state);
  }
}

void Delivery::set_degraded(bool degraded) {
  const std::lock_guard lock(mutex_);
  degraded_ = degraded;
  for (const auto& [name, destination] : destinations_) destination->set_degraded(degraded);
}

void Delivery::reload(std::vector<ChannelSetup> channels) {
  std::map<std::string, std::unique_ptr<Destination>> removed;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    removed.swap(destinations_);
    for (ChannelSetup& setup : channels) {
      const std::string name = setup.name;
      if (auto kept = removed.extract(name)) {
        if (!same_params(kept.mapped()->settings(), setup.settings)) {
          kept.mapped()->replace(std::move(setup));
          ports_.log.info("channel_changed", {{"channel", name}});
        }
        destinations_.insert(std::move(kept));
        continue;
      }
      auto& made = destinations_[name] = make(std::move(setup));
      made->set_degraded(degraded_);
      made->start();
      ports_.log.info("channel_added", {{"channel", name}});
    }
  }
  // New messages for these fail from here on; ending them may wait for a send to be cancelled.
  for (const auto& [name, destination] : removed) {
    destination->end();
    destination->fail_all("the channel was removed from the configuration");
    ports_.log.info("channel_removed", {{"channel", name}});
  }
}

void Delivery::stop(Duration drain) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    const SteadyTime until = ports_.clock.now().steady + drain;
    for (const auto& [name, destination] : destinations_) destination->begin_end(until);
  }
  // Nobody changes the map any more; outcomes still come in, which need no lock of ours.
  for (const auto& [name, destination] : destinations_) destination->end();
  reporter_.stop();
}

DeliveryStats Delivery::stats() const {
  const std::lock_guard lock(mutex_);
  DeliveryStats out;
  out.degraded = degraded_;
  out.outcomes_waiting = reporter_.waiting();
  for (const auto& [name, destination] : destinations_) out.destinations.push_back(destination->stats());
  return out;
}

}  // namespace paramedic::notify
