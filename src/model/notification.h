// What people are told: notifications, and what they say back: silences, acknowledgements. Plain values; core/alerting
// decides them, the ledger keeps them, io/notify sends them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"
#include "base/result.h"
#include "model/alert.h"

namespace paramedic {

// ---- matchers and silences -----------------------------------------------------------------------------------------

enum class MatchOp { equal, not_equal, matches, not_matches };
PARAMEDIC_ENUM_NAMES(MatchOp, "=", "!=", "=~", "!~")

// One condition on a label, in Alertmanager's meaning: an absent label is the empty text; a regular expression matches
// the whole value. Which labels an alert has: labels_of() in core/alerting/matchers.h.
struct Matcher {
  std::string label;
  MatchOp op = MatchOp::equal;
  std::string value;
  bool operator==(const Matcher&) const = default;
};

// "pool=thumbs", "severity!=info", "host=~h[12]"; quotes around the value are dropped. Error: invalid_argument.
Result<Matcher> parse_matcher(std::string_view text);
std::string to_text(const Matcher& matcher);
std::string to_text(const std::vector<Matcher>& matchers);  // with commas

// Mutes messages (never remedies) of alerts that all matchers select, within [starts_at, ends_at).
struct Silence {
  std::string id;  // "sil-…"
  std::vector<Matcher> matchers;
  WallTime starts_at{}, ends_at{};
  std::string author, comment;
  WallTime created_at{};
  std::optional<WallTime> ended_at;  // expired by hand before ends_at
  std::string ended_by;
  bool active(WallTime now) const { return starts_at <= now && now < ends_at && !ended_at; }
  bool over(WallTime now) const { return ended_at || ends_at <= now; }
};

// Somebody has taken an incident: no reminders and no escalation until `until`; the end is still told.
struct Acknowledgement {
  std::string incident_id;
  std::string author, comment;
  WallTime at{}, until{};
  bool on = true;           // false: withdrawn, or its incident ended
  std::string external_id;  // who told us when it came from elsewhere (PagerDuty); usually empty
};

// ---- notifications -------------------------------------------------------------------------------------------------

// Why this message is sent.
enum class NotificationKind {
  firing,           // the first of a group
  update,           // members joined, or the severity rose
  resolved,         // nothing of the group holds any more
  reminder,         // still firing after repeat_interval
  escalation,       // nobody acknowledged within the step
  acknowledged,     // told to channels that keep state (PagerDuty)
  storm,            // more than 20 new incidents in 5 min: one notice with the common labels
  digest,           // several throttled messages in one
  delivery_failed,  // another channel could not be reached
  test              // `paramedic test-notify`
};
PARAMEDIC_ENUM_NAMES(NotificationKind, "firing", "update", "resolved", "reminder", "escalation", "acknowledged",
                     "storm", "digest", "delivery_failed", "test")

// One message about one group of alerts to one channel. Everything a channel needs to render it.
struct Notification {
  static constexpr std::size_t kMaxAlerts = 20;  // named in one message; alert_count counts all

  std::string id;  // idempotency key of this message: a hash of (group, kind, sequence); the same after a restart
  std::string group_key;  // identity of the story at the receiver from firing to resolved (dedup_key, thread)
  std::string channel;    // its name under `channels:`
  std::string route;      // the route that chose it
  NotificationKind kind = NotificationKind::firing;
  Severity severity = Severity::warning;  // the worst that fires; with `resolved`, the worst that fired
  std::string incident_id;                // of the group when it has one
  std::string title;                      // one line, no trailing full stop
  std::string text;                       // some lines of plain text
  Labels group_labels;                    // what group_by selected
  Labels common_labels;                   // equal in all alerts
  std::vector<Alert> alerts;              // firing ones first, worst first
  int alert_count = 0, firing_count = 0, worker_count = 0;
  bool needs_acknowledgement = false;
  int escalation_step = 0;           // 0 = the route's own channels
  std::string actor;                 // who acknowledged or resolved by hand
  WallTime at{};                     // when it was decided
  std::uint64_t sequence = 0;        // within the group, rising: receivers must end with the last
  std::vector<std::string> members;  // of a digest: ids of the messages merged into it
};

enum class DeliveryState { queued, tried, merged, delivered, failed };
PARAMEDIC_ENUM_NAMES(DeliveryState, "queued", "tried", "merged", "delivered", "failed")
inline bool is_final(DeliveryState s) { return s != DeliveryState::queued && s != DeliveryState::tried; }

// The outbox: one per notification id, written before the first try and after each change that matters.
struct NotificationRecord {
  Notification notification;
  DeliveryState state = DeliveryState::queued;
  int attempts = 0;
  std::optional<WallTime> tried_at;  // the latest try
  std::optional<WallTime> ended_at;  // merged, delivered or failed
  std::string answer;                // what the other side said, secrets removed, at most 500 bytes
  std::string merged_into;           // id of the digest
  std::string failed_over_to;        // id of the notification that took its place
  std::string remote_id;             // the receiver's name for it (Slack ts), for threads and updates
};

// What was told of one story on one route, kept so that a restarted monitor goes on where it was. One per group_key.
struct NotificationGroup {
  static constexpr std::size_t kMaxMembers = 2000;  // named; a storm may have more

  std::string key;    // Notification::group_key
  std::string route;  // its name
  Labels labels;      // what group_by selected
  std::string incident_id;
  std::string title;  // of the latest message
  bool open = true;   // until its end was told
  bool storm = false;
  std::uint64_t sequence = 0;
  Severity told_severity = Severity::info;  // the worst that was told
  std::vector<std::string> channels;        // who was told, and hears the end
  std::vector<std::string> members;         // keys of the alerts that were told; of a storm, all that fire
  int step = 0;                             // of the escalation, the latest done
  WallTime opened_at{}, told_at{};
  std::optional<WallTime> step_at;     // the next step of the escalation
  std::optional<WallTime> held_until;  // nothing fires any more; the end is told then (flapping)
  std::string follows;                 // key of the group in which its story goes on
};

// What happened to a notification, told by io/notify. `permanent` failures are failed over at once.
struct DeliveryOutcome {
  std::string notification_id;
  DeliveryState state = DeliveryState::tried;
  int attempts = 0;
  WallTime at{};
  std::string answer;
  std::string remote_id;
  std::string merged_into;
  std::optional<Notification> digest;  // the first outcome of a digest brings it, so that it is in the ledger too
};

}  // namespace paramedic
