// OnceText: a text that an immutable object is written as, made by the first reader that asks and kept for all others.
// Meant as a member of published values (model/view.h): get() may be called by any threads at once. A copy of the owner
// is about to be changed, so it starts without text. Costs one pointer until somebody asks.
#pragma once
#include <atomic>
#include <string>
#include <string_view>
#include <utility>

namespace paramedic {

class OnceText {
 public:
  OnceText() = default;
  OnceText(const OnceText&) noexcept {}
  OnceText& operator=(const OnceText&) noexcept {
    delete text_.exchange(nullptr);
    return *this;
  }
  ~OnceText() { delete text_.load(std::memory_order_acquire); }

  // `make` → std::string. Two threads that ask first at the same time may both make it; one result is kept. The view
  // lives as long as this object.
  template <class Make>
  std::string_view get(const Make& make) const {
    const std::string* known = text_.load(std::memory_order_acquire);
    if (known) return *known;
    const std::string* made = new std::string(std::string_view(make()));  // as long as it is, no longer
    if (text_.compare_exchange_strong(known, made, std::memory_order_acq_rel, std::memory_order_acquire)) return *made;
    delete made;
    return *known;
  }

 private:
  mutable std::atomic<const std::string*> text_{nullptr};
};

}  // namespace paramedic
