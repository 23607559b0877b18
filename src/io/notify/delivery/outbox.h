// Outbox: what waits for one destination, and which message goes next. Pure: the time is a parameter, sending is the
// caller's. One thread at a time.
//
// Rules, in this order:
// - A message leaves when it was delivered, refused for good, merged into a digest, or given up; each end is an
// outcome.
// - One story (group_key) keeps its order: while a message of it waits to be tried again, later ones wait, other
// stories
//   pass. The worst severity goes first, then the oldest.
// - A failed try waits 1 s, 2 s, 4 s … 5 min (+0–25 %). A destination that fails three times in a row, without any
//   answer or for several stories, is down: it alone is probed (1 s … 30 s), and when it answers again all stories go
//   on at once instead of waiting for their own turn.
// - A token bucket holds the pace. One token is kept back for critical messages. When more than `digest_above` messages
//   of one severity wait and the bucket cannot pass them all, they become one digest, if the channel allows it; so a
//   critical message never waits in or behind a digest of lesser ones.
// - A delivered message keeps the next one back until the ledger has its end (recorded(), at most kRecordWait): a crash
//   repeats at most the one message that was under way.
#pragma once
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "io/notify/channel.h"
#include "io/notify/delivery/recent_ids.h"
#include "io/notify/delivery/token_bucket.h"

namespace paramedic::notify {

// Keys that every channel has, besides those of its kind.
struct DeliveryLimits {
  Pace pace;
  int digest_above = 5;
  Duration timeout = 10s;        // of one try
  Duration give_up_after = 12h;  // from when it was decided; then it counts as failed
  bool operator==(const DeliveryLimits&) const = default;
};

// What the outbox must know of the channel's kind.
struct ChannelTraits {
  bool can_digest = false;
  std::array<bool, kEnumCount<NotificationKind>> wants{};
  bool wanted(NotificationKind kind) const { return wants[std::size_t(kind)]; }
};
ChannelTraits traits_of(const Channel& channel);

struct Attempt {
  Notification notification;
  std::string remote_id;  // of the story's first message here
};

struct OutboxStats {
  std::size_t queued = 0;
  std::optional<SteadyTime> oldest;                              // since when the oldest one waits
  std::uint64_t duplicates = 0;                                  // handed again and dropped
  std::uint64_t throttled = 0;                                   // times that the pace held something back
  std::uint64_t degraded = 0;                                    // sent while the ledger could not commit
  std::array<std::uint64_t, kEnumCount<DeliveryState>> ended{};  // merged, delivered, failed
  bool down = false;
  int failures_in_row = 0;
};

class Outbox {
 public:
  static constexpr std::size_t kMaxQueued = 5'000;
  static constexpr std::size_t kMaxMembers = 100;  // of a digest
  static constexpr Duration kBackoffFirst = 1s, kBackoffCap = 5min, kProbeCap = 30s;
  static constexpr Duration kRetryAfterMax = 15min;  // what a destination may ask for
  static constexpr Duration kRecordWait = 2s;
  static constexpr int kDownAfter = 3;

  Outbox(DeliveryLimits limits, ChannelTraits traits, const Now& now);

  void set_channel(DeliveryLimits limits, ChannelTraits traits, const Now& now);
  // While the ledger cannot commit nothing waits for it, and outcomes say so.
  void set_degraded(bool degraded) { degraded_ = degraded; }

  // A record of the last life: its id is known as delivered, or how often it was tried; the story's name at the
  // receiver. In the order in which they were decided.
  void restore(const NotificationRecord& record);
  // False: an id that waits already or has been delivered.
  bool add(Notification notification, const Now& now);
  // The ledger has this id in this state.
  void recorded(const std::string& id, DeliveryState state);

  // What to send now. None: nothing before wake(), or before something else changes. REQUIRES: no attempt is under way.
  std::optional<Attempt> next(const Now& now);
  std::optional<SteadyTime> wake() const { return wake_; }
  // How the attempt that next() handed out ended.
  void finish(const SendResult& result, const Now& now);
  // How it ended is not known (cancelled): it waits as before.
  void abandon() { under_way_.reset(); }
  // The channel is no more: everything ends as failed.
  void fail_all(const std::string& why, const Now& now);

  std::vector<DeliveryOutcome> take_outcomes() { return std::exchange(outcomes_, {}); }
  // Something that has not been tried waits, and the destination is not down: worth a few seconds at shutdown.
  bool worth_draining() const;
  bool empty() const { return queued_.empty(); }
  OutboxStats stats() const;

 private:
  struct Message {
    Notification notification;
    SteadyTime added{};         // by the wall time of its decision, never later than its arrival
    SteadyTime not_before{};    // of the next try
    SteadyTime record_until{};  // a digest waits for its record until then
    std::uint64_t number = 0;   // order of arrival
    int attempts = 0;           // former lives included
    int tries = 0;              // this life
    bool waits_for_record = false;
  };
  struct Story {
    std::deque<Message> queue;
    Severity raised = Severity::info;  // of a digest: the worst that waits behind it
    Severity priority() const;
  };
  using Stories = std::map<std::string, Story>;

  Stories::iterator pick(const Now& now);
  bool eligible(const std::string& key, const Story& story, const Now& now);
  Story* holder_of(const std::string& story);
  bool merge(const Story& chosen, const Now& now);
  std::vector<Stories::iterator> merge_candidates(Severity severity, const Now& now, std::size_t& messages);
  void put_digest(Notification digest, const std::vector<std::string>& story_keys, const Now& now);
  bool throttle(Severity priority, const Now& now);
  Attempt begin(Stories::iterator story, const Now& now);
  void give_up(const Now& now);
  void make_room(const Now& now);
  void delivered(Stories::iterator story, const SendResult& result, const Now& now);
  void failed_try(Stories::iterator story, const SendResult& result, const Now& now);
  void note_failure(const std::string& story, const SendResult& result, const Message& message, const Now& now);
  void destination_answers();
  void end(Stories::iterator story, std::size_t at, DeliveryOutcome outcome);
  DeliveryOutcome outcome_of(const Message& message, DeliveryState state, std::string answer, const Now& now) const;
  void remember_remote(const Notification& notification, const std::string& remote_id);
  void wake_at(SteadyTime t) { wake_ = wake_ ? std::min(*wake_, t) : t; }
  double reserve() const { return limits_.pace.burst > 1 ? 1 : 0; }

  DeliveryLimits limits_;
  ChannelTraits traits_;
  TokenBucket bucket_;
  bool degraded_ = false;
  Stories stories_;                         // none is empty
  std::unordered_set<std::string> queued_;  // ids in stories_
  RecentIds done_{20'000};                  // delivered
  // Story → the digest that took an earlier message of it and is not through: the order within a story holds.
  std::unordered_map<std::string, std::string> held_;
  std::unordered_map<std::string, int> attempts_before_;     // id → tries of former lives
  std::unordered_map<std::string, std::string> remote_ids_;  // story → its first message at the receiver
  std::deque<std::string> remote_order_;                     // of remote_ids_, oldest first: they are bounded
  std::optional<std::string> under_way_;                     // story whose first message is being sent
  std::string unrecorded_;                                   // id delivered, its record not seen yet
  SteadyTime unrecorded_until_{};
  int failures_in_row_ = 0;
  std::string failing_story_;
  bool down_ = false;
  SteadyTime blocked_until_{};
  bool throttled_ = false;
  std::uint64_t next_number_ = 1;
  std::optional<SteadyTime> wake_;
  std::vector<DeliveryOutcome> outcomes_;
  OutboxStats counts_;
};

}  // namespace paramedic::notify
