// `channels:` and the part of each channel's keys that are the same for all kinds (docs/delivery.md).
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "io/notify/delivery/destination.h"

namespace paramedic::notify {

// Builds a channel of `config.kind` from its own keys, or adds Problems and returns null: make_channel() of channel.h;
// tests bring their own.
using ChannelFactory = std::function<std::unique_ptr<Channel>(const ChannelConfig& config, Problems& problems)>;

inline constexpr std::size_t kMaxChannels = 100;

// What a kind of channel stands without being told: interop.md 2, peers.md 5.
DeliveryLimits default_limits(std::string_view kind);

// Reads the map `channels` (null = none). Takes type, rate_per_minute, burst, digest_above, timeout and give_up_after
// of each; the factory sees the rest. Adds a Problem per mistake; use the value only when none was added.
std::vector<ChannelSetup> read_channels(const Params& channels, const ChannelFactory& factory, Problems& problems);

// Whether two parts of a configuration say the same, wherever they stand in their files.
bool same_params(const Params& a, const Params& b);

}  // namespace paramedic::notify
