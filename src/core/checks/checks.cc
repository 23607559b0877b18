#include "core/checks/checks.h"

#include <array>

#include "core/checks/check.h"

namespace paramedic {

namespace {

constexpr auto kNames = std::to_array<std::string_view>({
#define PARAMEDIC_CHECK(name, Config) #name,
#include "core/checks/builtin_checks.def"
#undef PARAMEDIC_CHECK
});

std::string blind_note(const SourceContext& source) {
  return "source " + std::string(source.id) + " is " + std::string(to_string(source.state));
}

}  // namespace

std::span<const std::string_view> check_names() { return kNames; }

CheckSet CheckSet::parse(ParamsReader& reader) {
  CheckSet set;
#define PARAMEDIC_CHECK(name, Config)         \
  {                                           \
    ParamsReader child = reader.child(#name); \
    set.name = Config::parse(child);          \
    child.finish();                           \
  }
#include "core/checks/builtin_checks.def"
#undef PARAMEDIC_CHECK
  reader.finish();
  return set;
}

void run_checks(const CheckSet& set, const Snapshot& s, std::vector<Finding>& out, std::uint64_t& failed) {
  out.clear();
  out.reserve(kNames.size());
  const WorkerState state = s.worker.state;
  if (is_inactive(state)) {
    for (const std::string_view name : kNames) {
      Finding finding = make_finding(name, s);
      set_not_applicable(finding, "worker is " + std::string(to_string(state)));
      out.push_back(std::move(finding));
    }
    return;
  }
#define PARAMEDIC_CHECK(name, Config) out.push_back(guarded(#name, failed, [&] { return check_##name(s, set.name); }));
#include "core/checks/builtin_checks.def"
#undef PARAMEDIC_CHECK
  if (!s.pool.source.blind) return;
  for (Finding& finding : out)
    if (finding.status != FindingStatus::not_applicable) set_unknown(finding, blind_note(s.pool.source));
}

std::optional<SteadyTime> next_deadline(const CheckSet& set, const Snapshot& s) {
  if (is_inactive(s.worker.state) || s.pool.source.blind) return std::nullopt;
  std::optional<SteadyTime> next;
  const auto take = [&](std::optional<SteadyTime> t) {
    if (t && (!next || *t < *next)) next = t;
  };
#define PARAMEDIC_CHECK(name, Config) take(deadline_##name(s, set.name));
#include "core/checks/builtin_checks.def"
#undef PARAMEDIC_CHECK
  return next;
}

}  // namespace paramedic
