#include "app/daemon/view_hub.h"

namespace paramedic::daemon {

struct ViewHub::Handle final : Subscription {
  Handle(ViewHub& owner, const Callback* one) : hub(owner), callback(one) {}
  ~Handle() override { hub.remove(callback); }
  ViewHub& hub;
  const Callback* callback;
};

ViewHub::ViewHub() : view_(std::make_shared<FleetView>()) {}

std::shared_ptr<const FleetView> ViewHub::view() const {
  const std::lock_guard lock(view_mutex_);
  return view_;
}

std::unique_ptr<api::DeltaFeed::Subscription> ViewHub::subscribe(Callback callback) {
  const std::lock_guard lock(feed_mutex_);
  callbacks_.push_back(std::move(callback));
  return std::make_unique<Handle>(*this, &callbacks_.back());
}

void ViewHub::remove(const Callback* callback) {
  const std::lock_guard lock(feed_mutex_);
  callbacks_.remove_if([&](const Callback& one) { return &one == callback; });
}

void ViewHub::publish(const FleetDelta& delta) {
  {
    const std::lock_guard lock(view_mutex_);
    view_ = delta.view;
  }
  const std::lock_guard lock(feed_mutex_);
  for (const Callback& callback : callbacks_) callback(delta);
}

std::size_t ViewHub::subscribers() const {
  const std::lock_guard lock(feed_mutex_);
  return callbacks_.size();
}

}  // namespace paramedic::daemon
