// Several throttled messages to one destination as one. Pure.
#pragma once
#include <span>

#include "model/notification.h"

namespace paramedic::notify {

// Whether a message of this kind may become a line of a digest: an escalation, a storm notice or a test may not.
bool may_be_merged(NotificationKind kind);

// The digest of `members`, which keep their order: one line each (at most kMaxDigestLines), their alerts up to
// Notification::kMaxAlerts, the worst severity, all ids in `members`. Its id is a hash of theirs, so that the same
// members make the same digest. REQUIRES: not empty, all for the same channel.
inline constexpr std::size_t kMaxDigestLines = 20;
Notification make_digest(std::span<const Notification* const> members, WallTime now);

}  // namespace paramedic::notify
