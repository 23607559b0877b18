// CheckSet: the six checks with the configuration of one pool. Immutable after parse; pure; any thread. The engine
// holds one per pool and replaces it on reload.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "core/checks/configs.h"
#include "model/finding.h"
#include "model/snapshot.h"

namespace paramedic {

#define PARAMEDIC_CHECK(name, Config)                                    \
  Finding check_##name(const Snapshot& s, const Config& config);         \
  /* The next instant at which a timed limit of this check is passed. */ \
  std::optional<SteadyTime> deadline_##name(const Snapshot& s, const Config& config);
#include "core/checks/builtin_checks.def"
#undef PARAMEDIC_CHECK

// Names in list order: "heartbeat", "resources", …
std::span<const std::string_view> check_names();

struct CheckSet {
#define PARAMEDIC_CHECK(name, Config) Config name;
#include "core/checks/builtin_checks.def"
#undef PARAMEDIC_CHECK

  // Reads the map `checks` of a pool (already laid over the defaults): keys are check names. Calls reader.finish().
  static CheckSet parse(ParamsReader& reader);
};

// The findings of one round, in list order, one per check. Blind source: every applicable finding is unknown. A stopped
// or gone worker: none applies. A check that throws yields FindingStatus::error and is counted in `failed`. Reuses
// `out`'s memory.
void run_checks(const CheckSet& set, const Snapshot& s, std::vector<Finding>& out, std::uint64_t& failed);

// When this worker must be judged again although nothing arrives: the earliest timed limit still ahead (heartbeat late
// or critical, stopped, disconnected, not consuming, hung, model). The engine takes the minimum with
// Fleet::next_check_at.
std::optional<SteadyTime> next_deadline(const CheckSet& set, const Snapshot& s);

}  // namespace paramedic
