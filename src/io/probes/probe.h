// A probe asks one thing outside whether it answers: a broker, an HTTP endpoint, a way out of the monitor's own
// network. One file per kind, in the list builtin_probes.def; each reads its own keys, tries once and judges the
// answer. When and how often is the prober's (prober.h); what several misses mean is the core's (core/fleet/probes.h).
//
// Threads: run() from one thread at a time, cancel() from any.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "base/result.h"

namespace paramedic::probes {

class Probe {
 public:
  virtual ~Probe() = default;
  // Asks once. Ends within `deadline` with an answer that is good, or an Error whose message says why not, never with a
  // secret: unavailable (nobody there), timeout, corrupt (not its protocol), unauthorized, invalid_argument.
  virtual Result<void> run(Duration deadline) = 0;
  // What it asks, without secrets: "127.0.0.1:6379", "https://shop.example.org". For logs.
  virtual const std::string& target() const = 0;
  // Ends the running run() within milliseconds and refuses later ones.
  virtual void cancel() = 0;
};

// What the kinds share: one entry below `probes:`.
struct ProbeEntry {
  std::string name;    // its key
  std::string kind;    // key `type`
  std::string broker;  // what it stands for, by the name that workers report; empty = own connectivity (`own: true`)
  Duration interval = 3s, deadline = 2s;
  std::unique_ptr<Probe> probe;
};

inline constexpr std::size_t kMaxProbes = 32;

// Reads `probes:`, a map by name; null = none. Every mistake is a Problem; use the value only when none was added.
std::vector<ProbeEntry> read_probes(const Params& node, Problems& problems);

// Three misses must fit into the 10 s within which the core believes them, with jitter and deadline.
bool misses_fit(Duration interval, Duration deadline);

#define PARAMEDIC_PROBE(name) std::unique_ptr<Probe> make_##name(ParamsReader& r);
#include "io/probes/builtin_probes.def"
#undef PARAMEDIC_PROBE

}  // namespace paramedic::probes
