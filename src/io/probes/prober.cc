#include "io/probes/prober.h"

#include <algorithm>

#include "base/ids.h"

namespace paramedic::probes {

std::string printable(std::string_view text) {
  constexpr std::size_t kMax = 300;
  std::string out(text.substr(0, kMax));
  for (char& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  return out;
}

Duration jittered(Duration interval, std::string_view name, std::uint64_t attempt) {
  const std::uint64_t hash = hash_mix(stable_hash(name), attempt);
  const double share = 0.9 + 0.2 * double(hash % 1001) / 1000;
  return Duration(std::int64_t(double(interval.count()) * share));
}

Prober::Prober(std::vector<ProbeEntry> entries, Tell tell, const Clock& clock, Logger& log)
    : tell_(std::move(tell)), clock_(clock), log_(log) {
  for (ProbeEntry& entry : entries) {
    auto watch = std::make_unique<Watch>();
    watch->stats.name = entry.name;
    watch->entry = std::move(entry);
    watches_.push_back(std::move(watch));
  }
}

void Prober::start() {
  for (const auto& watch : watches_) watch->thread = std::thread([this, &watch = *watch] { run(watch); });
}

void Prober::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (const auto& watch : watches_) watch->entry.probe->cancel();
  for (const auto& watch : watches_)
    if (watch->thread.joinable()) watch->thread.join();
}

std::vector<ProbeStats> Prober::stats() const {
  const std::lock_guard lock(mutex_);
  std::vector<ProbeStats> out;
  for (const auto& watch : watches_) out.push_back(watch->stats);
  return out;
}

void Prober::run(Watch& watch) {
  const ProbeEntry& entry = watch.entry;
  for (std::uint64_t attempt = 0;; ++attempt) {
    const SteadyTime begun = clock_.now().steady;
    try_once(watch);
    const Duration left = begun + jittered(entry.interval, entry.name, attempt) - clock_.now().steady;
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, std::max(left, Duration{0}), [this] { return stopping_; })) return;
  }
}

void Prober::try_once(Watch& watch) {
  const ProbeEntry& entry = watch.entry;
  const SteadyTime begun = clock_.now().steady;
  const Result<void> result = entry.probe->run(entry.deadline);
  const SteadyTime ended = clock_.now().steady;
  ProbeInput input{.name = entry.name, .kind = entry.kind, .broker = entry.broker, .ok = result.has_value()};
  if (!result) input.text = printable(result.error().message);
  input.took = ended - begun;
  input.at = ended;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;  // a cancelled try says nothing
    watch.stats.up = input.ok;
    watch.stats.duration = to_seconds(input.took);
    ++watch.stats.tries;
    watch.stats.failures += !input.ok;
  }
  note(watch, input);
  const bool due = !watch.told || ended - *watch.told >= kKeepAlive;
  const bool changed = watch.last != input.ok;
  watch.last = input.ok;
  if (input.ok && !changed && !due) return;
  watch.told = ended;
  tell_(std::move(input));
}

// Transitions, not repetitions; a first success is none.
void Prober::note(const Watch& watch, const ProbeInput& input) {
  if (watch.last.value_or(true) == input.ok) return;
  const std::string& target = watch.entry.probe->target();
  if (input.ok)
    log_.info("probe_answers", {{"probe", input.name}, {"target", target}});
  else
    log_.warning("probe_missed", {{"probe", input.name}, {"target", target}, {"reason", input.text}});
}

}  // namespace paramedic::probes
