#include "core/fleet/probes.h"

#include <algorithm>

#include <fmt/format.h>

namespace paramedic {

namespace {

std::string words(const ProbeInput& input, const ProbeState& state) {
  const auto span = std::chrono::ceil<std::chrono::seconds>(input.at - state.begun.front()).count();
  return fmt::format("the probe {} missed {} times in {} s: {}", input.name, ProbeState::kMisses,
                     std::max<std::int64_t>(span, 1), input.text);
}

}  // namespace

bool ProbeTable::apply(const ProbeInput& input, SteadyTime now) {
  auto found = probes_.find(input.name);
  if (found == probes_.end()) {
    if (probes_.size() >= kMaxProbes) return false;
    found = probes_.emplace(input.name, ProbeState{.broker = input.broker, .since = now}).first;
  }
  ProbeState& state = found->second;
  if (input.ok) {
    state.missed = 0;
    if (!state.down) return false;
    state.down = false;
    state.text.clear();
    state.since = now;
    return true;
  }
  ++state.missed;
  std::rotate(state.begun.begin(), state.begun.begin() + 1, state.begun.end());
  state.begun.back() = input.at - input.took;
  // Misses further apart, of a monitor that stood still for a while, prove nothing together.
  const bool enough = state.missed >= ProbeState::kMisses && input.at - state.begun.front() <= ProbeState::kWithin;
  if (state.down || !enough) return false;
  state.down = true;
  state.text = words(input, state);
  state.since = now;
  return true;
}

bool ProbeTable::broker_down(std::string_view broker) const {
  return std::any_of(probes_.begin(), probes_.end(),
                     [&](const auto& one) { return one.second.down && one.second.broker == broker; });
}

std::vector<BrokerDown> ProbeTable::brokers_down() const {
  std::map<std::string_view, BrokerDown> by_name;
  for (const auto& [name, state] : probes_) {
    if (!state.down || state.broker.empty()) continue;
    const auto [it, fresh] = by_name.try_emplace(state.broker, BrokerDown{state.broker, state.text, state.since});
    if (fresh) continue;
    it->second.text += ", and " + state.text;
    it->second.since = std::min(it->second.since, state.since);
  }
  std::vector<BrokerDown> out;
  for (auto& [name, one] : by_name) out.push_back(std::move(one));
  return out;
}

std::string ProbeTable::cut_off_probe() const {
  std::string first;
  for (const auto& [name, state] : probes_) {
    if (!state.broker.empty()) continue;
    if (!state.down) return {};
    if (first.empty()) first = name;
  }
  return first;
}

std::string ProbeTable::cut_off() const {
  if (cut_off_probe().empty()) return {};
  std::string out;
  for (const auto& [name, state] : probes_)
    if (state.broker.empty()) (out += out.empty() ? "" : ", and ") += state.text;
  return out;
}

}  // namespace paramedic
