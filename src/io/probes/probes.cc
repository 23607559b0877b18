// What all kinds of probes share: the list and the keys.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ids.h"
#include "io/probes/probe.h"

namespace paramedic::probes {

namespace {

struct Kind {
  std::string_view name;
  std::unique_ptr<Probe> (*make)(ParamsReader& r);
};
constexpr auto kKinds = std::to_array<Kind>({
#define PARAMEDIC_PROBE(name) {#name, make_##name},
#include "io/probes/builtin_probes.def"
#undef PARAMEDIC_PROBE
});

constexpr Duration kWindow = 10s;  // ProbeState::kWithin of the core

std::string names() {
  std::string out;
  for (const Kind& kind : kKinds) (out += out.empty() ? "" : ", ") += kind.name;
  return out;
}

void read_subject(ParamsReader& r, std::string& broker) {
  bool own = false;
  r.read("broker", broker);
  r.read("own", own);
  if (own == !broker.empty())
    r.problem(own ? "own" : "broker",
              own ? "cannot stand beside broker: the probe is for one of them"
                  : "is missing: name the broker as workers report it, or set own: true for the monitor's own network");
  if (!broker.empty() && !valid_id(broker)) r.problem("broker", explain_bad_id(broker));
}

ProbeEntry read_probe(const std::string& name, const Params& node, Problems& problems) {
  ProbeEntry out{.name = name};
  ParamsReader r(&node, "probes." + name, problems);
  r.read("type", out.kind);
  read_subject(r, out.broker);
  r.read("interval", out.interval, 100ms, 1h);
  r.read("deadline", out.deadline, 10ms, 1h);
  if (!misses_fit(out.interval, out.deadline))
    r.problem("interval",
              "is too long: three tries with their deadlines must fit into 10 s; 3s with a deadline of 2s does");
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == out.kind; });
  if (kind == kKinds.end()) {
    r.problem("type", out.kind.empty() ? "is missing; one of: " + names()
                                       : fmt::format("'{}' must be one of: {}", out.kind, names()));
    return out;
  }
  out.probe = kind->make(r);
  r.finish();
  return out;
}

}  // namespace

bool misses_fit(Duration interval, Duration deadline) {
  const Duration apart = std::max(interval + interval / 10, deadline);
  return 2 * apart + deadline <= kWindow;
}

std::vector<ProbeEntry> read_probes(const Params& node, Problems& problems) {
  std::vector<ProbeEntry> out;
  if (node.kind == Params::Kind::null) return out;
  const auto bad = [&](const Params& at, std::string key, std::string why) {
    problems.push_back({at.file, at.line, std::move(key), std::move(why)});
  };
  if (!node.is_map()) {
    bad(node, "probes", "must be a map: a name, then the keys of the probe");
    return out;
  }
  if (node.members.size() > kMaxProbes) {
    bad(node, "probes", fmt::format("more than {} probes", kMaxProbes));
    return out;
  }
  for (const auto& [name, params] : node.members) {
    if (!valid_id(name))
      bad(params, "probes." + name, explain_bad_id(name));
    else if (!params.is_map())
      bad(params, "probes." + name, "must be a map with the keys of the probe");
    else
      out.push_back(read_probe(name, params, problems));
  }
  return out;
}

}  // namespace paramedic::probes
