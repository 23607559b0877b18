#include "io/notify/delivery/digest.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"

namespace paramedic::notify {

namespace {

std::string digest_id(std::span<const Notification* const> members) {
  std::uint64_t hash = stable_hash("digest");
  for (const Notification* one : members) hash = hash_mix(hash, stable_hash(one->id));
  return "dig-" + hash_hex(hash);
}

// Those that are the same in all members.
void keep_common(Labels& common, const Labels& other) {
  std::erase_if(common, [&](const auto& label) { return std::find(other.begin(), other.end(), label) == other.end(); });
}

std::string line_of(const Notification& one) {
  return fmt::format("{} {}: {}", to_string(one.severity), to_string(one.kind), one.title);
}

}  // namespace

bool may_be_merged(NotificationKind kind) {
  switch (kind) {
    case NotificationKind::firing:
    case NotificationKind::update:
    case NotificationKind::resolved:
    case NotificationKind::reminder:
      return true;
    default:
      return false;
  }
}

Notification make_digest(std::span<const Notification* const> members, WallTime now) {
  const Notification& first = *members.front();
  Notification out;
  out.id = digest_id(members);
  out.group_key = "digest/" + out.id;
  out.channel = first.channel;
  out.route = first.route;
  out.kind = NotificationKind::digest;
  out.severity = first.severity;
  out.common_labels = first.common_labels;
  out.at = now;
  std::size_t fire = 0;
  for (const Notification* one : members) {
    out.severity = std::max(out.severity, one->severity);
    out.needs_acknowledgement = out.needs_acknowledgement || one->needs_acknowledgement;
    out.alert_count += one->alert_count;
    out.firing_count += one->firing_count;
    out.worker_count += one->worker_count;
    keep_common(out.common_labels, one->common_labels);
    if (out.members.size() < kMaxDigestLines) out.text += line_of(*one) + '\n';
    for (const Alert& alert : one->alerts)
      if (out.alerts.size() < Notification::kMaxAlerts) out.alerts.push_back(alert);
    out.members.push_back(one->id);
    fire += one->kind != NotificationKind::resolved;
  }
  if (members.size() > kMaxDigestLines) out.text += fmt::format("and {} more\n", members.size() - kMaxDigestLines);
  if (!out.text.empty()) out.text.pop_back();
  std::stable_sort(out.alerts.begin(), out.alerts.end(), [](const Alert& a, const Alert& b) {
    if (a.state != b.state) return a.state == AlertState::firing;
    return a.severity > b.severity;
  });
  out.title =
      fmt::format("{} messages in one: {} of what fires, {} resolved", members.size(), fire, members.size() - fire);
  return out;
}

}  // namespace paramedic::notify
