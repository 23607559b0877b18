#include "model/windows.h"

#include <algorithm>

namespace paramedic {

namespace {

constexpr std::uint32_t kFine = 30, kCoarse = 300;  // seconds per slot
constexpr std::uint64_t kMost = UINT32_MAX;

std::uint32_t second_of(SteadyTime t) {
  const auto s = std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
  return std::uint32_t(std::clamp<std::int64_t>(s, 0, UINT32_MAX - 1));
}
std::uint32_t number_of(std::uint32_t second, std::uint32_t width) { return second / width + 1; }
// The oldest slot that still reaches into [now - span, now].
std::uint32_t oldest_number(SteadyTime now, Duration span, std::uint32_t width) {
  return number_of(second_of(now - span), width);
}
// How much of a fine slot lies after `from`, 0…1: its samples are taken as spread evenly. Example: slot 60–90 s and a
// window that begins at 80 s → 1/3.
double share_in_window(std::uint32_t number, SteadyTime from) {
  const SteadyTime ends{std::chrono::seconds(std::uint64_t{number} * kFine)};
  return std::clamp(to_seconds(ends - from) / kFine, 0.0, 1.0);
}
std::uint32_t clamp32(std::uint64_t n) { return std::uint32_t(std::min(n, kMost)); }

}  // namespace

void MeanWindow::add(SteadyTime at, double value) {
  const std::uint32_t second = second_of(at), number = number_of(second, kFine);
  Slot& slot = slots_[number % slots_.size()];
  if (slot.number > number) return;  // older than the window
  if (slot.number != number) slot = Slot{.number = number, .first = second};
  ++slot.count;
  slot.sum += float(value);
}

std::optional<MeanWindow::Mean> MeanWindow::mean(SteadyTime now, Duration window) const {
  const std::uint32_t oldest = oldest_number(now, window, kFine), newest = number_of(second_of(now), kFine);
  double sum = 0, count = 0;
  std::uint32_t first = UINT32_MAX;
  for (const Slot& slot : slots_) {
    if (slot.count == 0 || slot.number < oldest || slot.number > newest) continue;
    const double share = slot.number == oldest ? share_in_window(slot.number, now - window) : 1;
    sum += share * double(slot.sum);
    count += share * double(slot.count);
    first = std::min(first, slot.first);
  }
  if (count == 0) return std::nullopt;
  const SteadyTime since{std::chrono::seconds(first)};
  return Mean{sum / count, std::clamp<Duration>(now - since, Duration{}, window)};
}

void FinishWindow::Slot::add(const Slot& more) {
  finished = clamp32(std::uint64_t{finished} + more.finished);
  failed = clamp32(std::uint64_t{failed} + more.failed);
  measured = clamp32(std::uint64_t{measured} + more.measured);
  seconds += more.seconds;
}

std::optional<double> FinishWindow::Sum::error_rate() const {
  if (finished == 0) return std::nullopt;
  return double(failed) / double(finished);
}
std::optional<double> FinishWindow::Sum::mean_seconds() const {
  if (measured == 0) return std::nullopt;
  return duration_seconds / double(measured);
}
double FinishWindow::Sum::per_minute() const {
  const double minutes = to_seconds(std::max<Duration>(span, kWindowSlot)) / 60;
  return double(finished) / minutes;
}

void FinishWindow::begin(SteadyTime at) {
  if (begun_ == 0) begun_ = second_of(at) + 1;
}

void FinishWindow::fold(const Slot& old) {
  if (old.number == 0) return;
  const std::uint32_t number = number_of((old.number - 1) * kFine, kCoarse);
  Slot& slot = coarse_[number % coarse_.size()];
  if (slot.number > number) return;
  if (slot.number != number) slot = Slot{.number = number};
  slot.add(old);
}

void FinishWindow::add(SteadyTime at, const Sum& more) {
  begin(at);
  const std::uint32_t number = number_of(second_of(at), kFine);
  Slot& slot = fine_[number % fine_.size()];
  if (slot.number > number) return;
  if (slot.number != number) {
    fold(slot);
    slot = Slot{.number = number};
  }
  slot.add({.number = number,
            .finished = clamp32(more.finished),
            .failed = clamp32(more.failed),
            .measured = clamp32(more.measured),
            .seconds = float(more.duration_seconds)});
}

FinishWindow::Sum FinishWindow::over(SteadyTime now, Duration span) const { return widened(now, 0, span, span); }

FinishWindow::Sum FinishWindow::widened(SteadyTime now, std::uint64_t wanted, Duration span, Duration limit) const {
  Sum sum;
  if (begun_ == 0) return sum;
  const auto take = [&sum](const Slot& slot) {
    sum.finished += slot.finished;
    sum.failed += std::min(slot.failed, slot.finished);
    sum.measured += slot.measured;
    sum.duration_seconds += double(slot.seconds);
  };
  // Newest first. Slots of both rings never overlap: a fine slot moves to the coarse ring only when it is overwritten.
  std::uint32_t reached = second_of(now - span);
  const std::uint32_t farthest = second_of(now - limit), newest = number_of(second_of(now), kFine);
  const auto enough = [&](std::uint32_t slot_end) { return slot_end <= reached && sum.finished >= wanted; };
  // What lies in the coarse ring is older than 5 min, even where its slot reaches into them.
  const auto walk = [&](const auto& ring, std::uint32_t width, std::uint32_t content_ends) {
    std::array<const Slot*, 13> order{};
    std::size_t n = 0;
    for (const Slot& slot : ring)
      if (slot.number != 0 && (slot.number - 1) * width <= (newest - 1) * kFine) order[n++] = &slot;
    std::sort(order.begin(), order.begin() + std::ptrdiff_t(n),
              [](const Slot* a, const Slot* b) { return a->number > b->number; });
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t begins = (order[i]->number - 1) * width, ends = std::min(begins + width, content_ends);
      if (ends <= farthest || enough(ends)) return;
      if (order[i]->finished > 0) reached = std::min(reached, begins);
      take(*order[i]);
    }
  };
  walk(fine_, kFine, UINT32_MAX);
  walk(coarse_, kCoarse, second_of(now - kWindow));
  const SteadyTime begun{std::chrono::seconds(begun_ - 1)};
  const SteadyTime from = std::max(begun, std::max(SteadyTime{std::chrono::seconds(reached)}, now - limit));
  sum.span = std::max<Duration>(now - from, Duration{});
  return sum;
}

}  // namespace paramedic
