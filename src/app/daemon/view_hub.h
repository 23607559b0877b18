// ViewHub: where the published fleet lives between the engine thread, which publishes, and everybody who reads.
// publish() from the engine thread; view() and subscribe() from any thread. A mutex around one pointer copy instead of
// atomic<shared_ptr>, which trips ThreadSanitizer on g++ 12.
#pragma once
#include <list>
#include <mutex>

#include "io/api/ports.h"

namespace paramedic::daemon {

class ViewHub final : public api::FleetReader, public api::DeltaFeed {
 public:
  ViewHub();
  std::shared_ptr<const FleetView> view() const override;
  std::unique_ptr<Subscription> subscribe(Callback callback) override;

  void publish(const FleetDelta& delta);
  std::size_t subscribers() const;

 private:
  struct Handle;
  void remove(const Callback* callback);

  mutable std::mutex view_mutex_;
  std::shared_ptr<const FleetView> view_;  // never null
  mutable std::mutex feed_mutex_;          // held while callbacks run, so that remove() waits for them
  std::list<Callback> callbacks_;
};

}  // namespace paramedic::daemon
