#include "core/checks/check.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

bool judge_sampled(Cause& cause, double value, const Thresholds& limits, double (*clear)(double)) {
  const auto over = [&](double warning, double critical) {
    if (value > critical) return FindingStatus::critical;
    return value > warning ? FindingStatus::warning : FindingStatus::healthy;
  };
  cause.evidence = Evidence::sampled;
  cause.value = value;
  cause.status = over(limits.warning, limits.critical);
  cause.hold_status = over(clear(limits.warning), clear(limits.critical));
  if (badness(cause.hold_status) < badness(cause.status)) cause.hold_status = cause.status;
  cause.limit = cause.hold_status == FindingStatus::critical ? limits.critical : limits.warning;
  if (cause.status == FindingStatus::warning) cause.limit = limits.warning;
  return badness(cause.hold_status) > 0;
}

Finding make_finding(std::string_view check, const Snapshot& s) {
  Finding finding;
  finding.check = check;
  finding.evidence_at = s.worker.evidence_at;
  return finding;
}

void settle(Finding& finding) {
  if (finding.causes.empty()) return;
  std::sort(finding.causes.begin(), finding.causes.end(), [](const Cause& a, const Cause& b) {
    return std::make_tuple(-badness(a.status), a.reason, std::string_view(a.subject)) <
           std::make_tuple(-badness(b.status), b.reason, std::string_view(b.subject));
  });
  finding.status = finding.causes.front().status;
}

Finding& set_unknown(Finding& finding, std::string note) {
  finding.status = FindingStatus::unknown;
  finding.causes.clear();
  finding.note = std::move(note);
  return finding;
}

Finding& set_not_applicable(Finding& finding, std::string note) {
  finding.status = FindingStatus::not_applicable;
  finding.causes.clear();
  finding.note = std::move(note);
  return finding;
}

std::string stale_note(std::string_view what, const PartStamp& stamp, const Snapshot& s) {
  if (!stamp.at) return fmt::format("no {} data yet", what);
  return fmt::format("no {} data for {} s", what, format_short(to_seconds(s.since(*stamp.at)), 0));
}

}  // namespace paramedic
