// disk_space: space and inodes of each mount that the worker uses. Never asks for a remedy: a restart frees no disk.
#include <algorithm>

#include "core/checks/check.h"
#include "core/checks/checks.h"

namespace paramedic {

DiskSpaceConfig DiskSpaceConfig::parse(ParamsReader& reader) {
  DiskSpaceConfig c;
  reader.read("used_warning_percent", c.used_warning_percent, 1, 100);
  reader.read("used_critical_percent", c.used_critical_percent, 1, 100);
  reader.read_bytes("free_enough", c.free_enough_bytes, 0, 1ULL << 60);
  reader.read("inodes_warning_percent", c.inodes_warning_percent, 1, 100);
  reader.read("inodes_critical_percent", c.inodes_critical_percent, 1, 100);
  reader.read("ignore_mounts", c.ignore_mounts);
  if (c.used_warning_percent >= c.used_critical_percent)
    reader.problem("used_warning_percent", "must be below used_critical_percent");
  if (c.inodes_warning_percent >= c.inodes_critical_percent)
    reader.problem("inodes_warning_percent", "must be below inodes_critical_percent");
  return c;
}

namespace {

void add(Finding& f, const DiskFacts& disk, Reason reason, double value, const Thresholds& limits) {
  Cause cause;
  cause.reason = reason;
  cause.unit = "%";
  if (!judge_sampled(cause, value, limits, clear_percent)) return;
  cause.subject = disk.mount;
  f.causes.push_back(std::move(cause));
}

// 96 % of 20 TB is no emergency: the critical level falls away while enough is free.
void judge(Finding& f, const DiskFacts& disk, const DiskSpaceConfig& c) {
  const bool enough = disk.free_bytes && *disk.free_bytes >= c.free_enough_bytes;
  const double critical = enough ? std::numeric_limits<double>::infinity() : c.used_critical_percent;
  if (disk.used_percent) add(f, disk, Reason::disk_usage_high, *disk.used_percent, {c.used_warning_percent, critical});
  if (disk.inodes_used_percent)
    add(f, disk, Reason::inodes_high, *disk.inodes_used_percent, {c.inodes_warning_percent, c.inodes_critical_percent});
}

void raise(std::optional<double>& highest, const std::optional<double>& value) {
  if (value && (!highest || *value > *highest)) highest = value;
}

}  // namespace

Finding check_disk_space(const Snapshot& s, const DiskSpaceConfig& c) {
  Finding f = make_finding("disk_space", s);
  const WorkerFacts& w = s.worker;
  if (!w.disk_stamp.at) return std::move(set_not_applicable(f, "no disk data is reported"));
  if (!s.known(w.disk_stamp)) return std::move(set_unknown(f, stale_note("disk", w.disk_stamp, s)));
  f.evidence_at = *w.disk_stamp.at;
  std::optional<double> used, inodes;
  for (const DiskFacts& disk : w.disks) {
    if (std::find(c.ignore_mounts.begin(), c.ignore_mounts.end(), disk.mount) != c.ignore_mounts.end()) continue;
    judge(f, disk, c);
    raise(used, disk.used_percent);
    raise(inodes, disk.inodes_used_percent);
  }
  if (!used && !inodes) return std::move(set_unknown(f, "no mount tells how full it is"));
  if (used) f.metrics.emplace_back("disk_percent", *used);
  if (inodes) f.metrics.emplace_back("inodes_percent", *inodes);
  settle(f);
  return f;
}

std::optional<SteadyTime> deadline_disk_space(const Snapshot&, const DiskSpaceConfig&) { return std::nullopt; }

}  // namespace paramedic
