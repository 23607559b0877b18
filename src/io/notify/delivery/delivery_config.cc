#include "io/notify/delivery/delivery_config.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/ids.h"

namespace paramedic::notify {

namespace {

struct KindPace {
  std::string_view kind;
  double per_minute;
  int burst;
};
// Per minute, because some allow only a few.
constexpr KindPace kPaces[] = {
    {"slack", 60, 3},        // one a second per webhook, short bursts
    {"pagerduty", 120, 10},  // throttles by itself; 60 a minute per story
    {"email", 6, 5},         // nobody reads more; the digest tells the rest
    {"webhook", 1200, 100},  // ours to decide: it should carry a storm
    {"alertmanager", 1200, 100},
    {"opsgenie", 120, 10},
    {"teams", 120, 4},    // 429 above 4 a second
    {"discord", 30, 5},   // 30 a minute per webhook
    {"telegram", 20, 5},  // 20 a minute per group
    {"ntfy", 12, 30},     // ntfy.sh: one each 5 s after 60
    {"exec", 300, 10},
};

// `failover` is read by core/alerting.
constexpr std::array<std::string_view, 7> kOwnKeys = {"type",    "rate_per_minute", "burst",   "digest_above",
                                                      "timeout", "give_up_after",   "failover"};

// The node without the keys that are not the kind's: it refuses keys that it does not know.
Params without_own_keys(const Params& node) {
  Params out = node;
  std::erase_if(out.members, [](const KeyValue<Params>& one) {
    return std::find(kOwnKeys.begin(), kOwnKeys.end(), one.first) != kOwnKeys.end();
  });
  return out;
}

DeliveryLimits read_limits(const Params& node, const std::string& path, const std::string& kind, Problems& problems) {
  DeliveryLimits out = default_limits(kind);
  ParamsReader r(&node, path, problems);
  double per_minute = out.pace.per_second * 60;
  r.read("rate_per_minute", per_minute, 0.1, 600'000);
  out.pace.per_second = per_minute / 60;
  r.read("burst", out.pace.burst, 1, 100'000);
  r.read("digest_above", out.digest_above, 1, 1'000'000);
  r.read("timeout", out.timeout, 100ms, 2min);
  r.read("give_up_after", out.give_up_after, 1min, 24h * 7);
  return out;  // no finish(): the other keys belong to the kind
}

std::optional<ChannelSetup> read_one(const std::string& name, const Params& node, const ChannelFactory& factory,
                                     Problems& problems) {
  const std::string path = "channels." + name;
  const auto bad = [&](std::string why) { problems.push_back({node.file, node.line, path, std::move(why)}); };
  if (!valid_id(name)) return bad(explain_bad_id(name)), std::nullopt;
  if (!node.is_map()) return bad("must be a map with a type"), std::nullopt;
  ChannelSetup out;
  out.name = name;
  ParamsReader(&node, path, problems).read("type", out.kind);
  if (out.kind.empty()) return bad("has no type; one of them: slack, pagerduty, email, webhook …"), std::nullopt;
  const auto before = problems.size();
  out.limits = read_limits(node, path, out.kind, problems);
  const Params own = without_own_keys(node);
  ChannelConfig config;
  config.name = name;
  config.kind = out.kind;
  config.params = &own;
  out.channel = factory(config, problems);
  if (!out.channel) {
    if (problems.size() == before) bad(fmt::format("'{}' is no type of channel", out.kind));
    return std::nullopt;
  }
  out.settings = node;
  return out;
}

}  // namespace

bool same_params(const Params& a, const Params& b) {
  if (a.kind != b.kind || a.scalar != b.scalar || a.items.size() != b.items.size() ||
      a.members.size() != b.members.size())
    return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same_params(a.items[i], b.items[i])) return false;
  return std::all_of(a.members.begin(), a.members.end(), [&](const KeyValue<Params>& one) {
    const Params* other = b.find(one.first);
    return other && same_params(one.second, *other);
  });
}

DeliveryLimits default_limits(std::string_view kind) {
  DeliveryLimits out;
  for (const KindPace& one : kPaces)
    if (one.kind == kind) out.pace = {one.per_minute / 60, one.burst};
  return out;
}

std::vector<ChannelSetup> read_channels(const Params& channels, const ChannelFactory& factory, Problems& problems) {
  std::vector<ChannelSetup> out;
  if (channels.kind == Params::Kind::null) return out;
  const auto bad = [&](std::string why) {
    problems.push_back({channels.file, channels.line, "channels", std::move(why)});
  };
  if (!channels.is_map()) return bad("must be a map of channels"), std::move(out);
  if (channels.members.size() > kMaxChannels)
    return bad(fmt::format("more than {} channels", kMaxChannels)), std::move(out);
  if (!factory && !channels.members.empty()) return bad("this program was built without channels"), std::move(out);
  for (const auto& [name, node] : channels.members)
    if (auto one = read_one(name, node, factory, problems)) out.push_back(std::move(*one));
  return out;
}

}  // namespace paramedic::notify
