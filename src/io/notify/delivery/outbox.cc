#include "io/notify/delivery/outbox.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "io/notify/delivery/digest.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMaxRemoteIds = 10'000;
constexpr std::size_t kMaxAnswer = 500;

// first · 2^(n − 1), at most the cap, +0–25 % by a hash, so that a test and a replay see the same.
Duration backoff(int n, Duration cap, std::string_view id) {
  Duration wait = Outbox::kBackoffFirst;
  for (int i = 1; i < n && wait < cap; ++i) wait *= 2;
  wait = std::min(wait, cap);
  return wait + hash_jitter(hash_mix(stable_hash(id), std::uint64_t(n)), wait / 4);
}

}  // namespace

ChannelTraits traits_of(const Channel& channel) {
  ChannelTraits out;
  out.can_digest = channel.can_digest();
  for (std::size_t i = 0; i < out.wants.size(); ++i) out.wants[i] = channel.wants(static_cast<NotificationKind>(i));
  return out;
}

Outbox::Outbox(DeliveryLimits limits, ChannelTraits traits, const Now& now)
    : limits_(std::move(limits)), traits_(traits), bucket_(limits_.pace, now.steady) {}

void Outbox::set_channel(DeliveryLimits limits, ChannelTraits traits, const Now& now) {
  limits_ = std::move(limits);
  traits_ = traits;
  bucket_.set_pace(limits_.pace, now.steady);
  destination_answers();  // the new settings may be the cure: try at once
  blocked_until_ = {};
  for (auto& [key, story] : stories_) story.queue.front().not_before = {};
}

Severity Outbox::Story::priority() const {
  Severity worst = raised;
  for (const Message& one : queue) worst = std::max(worst, one.notification.severity);
  return worst;
}

// ---- in ------------------------------------------------------------------------------------------------------------

void Outbox::restore(const NotificationRecord& record) {
  if (record.state == DeliveryState::delivered || record.state == DeliveryState::merged) {
    done_.insert(record.notification.id);
    remember_remote(record.notification, record.remote_id);
  } else if (!is_final(record.state) && record.attempts > 0) {
    attempts_before_[record.notification.id] = record.attempts;
  }
}

bool Outbox::add(Notification notification, const Now& now) {
  const std::string id = notification.id;
  if (done_.contains(id) || queued_.contains(id)) {
    ++counts_.duplicates;
    return false;
  }
  if (queued_.size() >= kMaxQueued) make_room(now);
  Message message;
  message.number = next_number_++;
  message.added = std::min(now.steady, steady_at(notification.at, now));
  if (const auto before = attempts_before_.extract(id)) message.attempts = before.mapped();
  const std::string key = notification.group_key;
  Story& story = stories_[key];
  if (Story* digest = holder_of(key)) digest->raised = std::max(digest->raised, notification.severity);
  // By sequence, so that a receiver ends with the last; never before the one that is being sent.
  auto at = story.queue.end();
  const auto first = story.queue.begin() + (under_way_ == key ? 1 : 0);
  while (at != first && std::prev(at)->notification.sequence > notification.sequence) --at;
  message.notification = std::move(notification);
  story.queue.insert(at, std::move(message));
  queued_.insert(id);
  return true;
}

// The oldest of the least severe goes, so that what matters most is kept.
void Outbox::make_room(const Now& now) {
  auto victim = stories_.end();
  std::size_t at = 0;
  for (auto story = stories_.begin(); story != stories_.end(); ++story) {
    const std::size_t index = under_way_ == story->first ? 1 : 0;
    if (index >= story->second.queue.size()) continue;
    const auto rank = [](const Message& m) { return std::pair(m.notification.severity, m.number); };
    if (victim != stories_.end() && rank(story->second.queue[index]) >= rank(victim->second.queue[at])) continue;
    victim = story;
    at = index;
  }
  if (victim == stories_.end()) return;
  end(victim, at,
      outcome_of(victim->second.queue[at], DeliveryState::failed,
                 fmt::format("more than {} messages wait for this channel", kMaxQueued), now));
}

Outbox::Story* Outbox::holder_of(const std::string& story) {
  const auto held = held_.find(story);
  if (held == held_.end()) return nullptr;
  const auto digest = stories_.find(held->second);
  return digest != stories_.end() ? &digest->second : nullptr;
}

void Outbox::recorded(const std::string& id, DeliveryState state) {
  if (unrecorded_ == id && is_final(state)) unrecorded_.clear();
  const auto story = stories_.find("digest/" + id);
  if (story != stories_.end()) story->second.queue.front().waits_for_record = false;
}

// ---- out -----------------------------------------------------------------------------------------------------------

std::optional<Attempt> Outbox::next(const Now& now) {
  wake_.reset();
  if (under_way_) return std::nullopt;
  give_up(now);
  if (!unrecorded_.empty() && !degraded_ && now.steady < unrecorded_until_) {
    wake_at(unrecorded_until_);
    return std::nullopt;
  }
  unrecorded_.clear();
  for (;;) {
    if (now.steady < blocked_until_) {
      if (!stories_.empty()) wake_at(blocked_until_);
      return std::nullopt;
    }
    const auto story = pick(now);
    if (story == stories_.end()) return std::nullopt;
    const Message& head = story->second.queue.front();
    if (!traits_.wanted(head.notification.kind)) {
      const std::string why =
          fmt::format("nothing to send: this channel has no message for '{}'", to_string(head.notification.kind));
      end(story, 0, outcome_of(head, DeliveryState::delivered, why, now));
      continue;
    }
    if (throttle(story->second.priority(), now)) return std::nullopt;
    if (!merge(story->second, now)) return begin(story, now);
  }
}

// The worst severity, then the oldest; while the destination is down, the one that was tried least.
Outbox::Stories::iterator Outbox::pick(const Now& now) {
  auto best = stories_.end();
  const auto rank = [this](const Story& story) {
    const Message& head = story.queue.front();
    return std::tuple(-int(story.priority()), down_ ? head.tries : 0, head.number);
  };
  for (auto story = stories_.begin(); story != stories_.end(); ++story)
    if (eligible(story->first, story->second, now))
      if (best == stories_.end() || rank(story->second) < rank(best->second)) best = story;
  return best;
}

bool Outbox::eligible(const std::string& key, const Story& story, const Now& now) {
  if (holder_of(key)) return false;
  const Message& head = story.queue.front();
  if (head.waits_for_record && !degraded_ && now.steady < head.record_until) {
    wake_at(head.record_until);
    return false;
  }
  if (!down_ && now.steady < head.not_before) {
    wake_at(head.not_before);
    return false;
  }
  return true;
}

bool Outbox::throttle(Severity priority, const Now& now) {
  const double needed = priority == Severity::critical ? 1 : 1 + reserve();
  const SteadyTime ready = bucket_.ready_at(needed, now.steady);
  if (ready <= now.steady) {
    throttled_ = false;
    return false;
  }
  wake_at(ready);
  if (!std::exchange(throttled_, true)) ++counts_.throttled;
  return true;
}

Attempt Outbox::begin(Stories::iterator story, const Now& now) {
  bucket_.take(now.steady);
  under_way_ = story->first;
  Attempt out;
  out.notification = story->second.queue.front().notification;
  if (const auto known = remote_ids_.find(story->first); known != remote_ids_.end()) out.remote_id = known->second;
  return out;
}

// ---- digest --------------------------------------------------------------------------------------------------------

// Stories whose messages all have this severity, may be merged and were not tried: what was tried may have arrived.
std::vector<Outbox::Stories::iterator> Outbox::merge_candidates(Severity severity, const Now& now,
                                                                std::size_t& messages) {
  std::vector<Stories::iterator> out;
  const auto fits = [&](const Message& m) {
    return m.attempts == 0 && m.notification.severity == severity && may_be_merged(m.notification.kind) &&
           traits_.wanted(m.notification.kind);
  };
  for (auto story = stories_.begin(); story != stories_.end(); ++story) {
    const auto& queue = story->second.queue;
    if (!eligible(story->first, story->second, now) || !std::all_of(queue.begin(), queue.end(), fits)) continue;
    out.push_back(story);
    messages += queue.size();
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a->second.queue.front().number < b->second.queue.front().number;
  });
  return out;
}

bool Outbox::merge(const Story& chosen, const Now& now) {
  if (!traits_.can_digest || !traits_.wanted(NotificationKind::digest)) return false;
  const Severity severity = chosen.priority();
  std::size_t messages = 0;
  const auto candidates = merge_candidates(severity, now, messages);
  if (messages <= std::size_t(limits_.digest_above) || double(messages) + reserve() <= bucket_.tokens(now.steady))
    return false;
  // The chosen one goes first by the rules: a digest without it would overtake it.
  const auto taken = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const Stories::iterator& one) { return &one->second == &chosen; });
  if (taken == candidates.end()) return false;
  std::vector<const Notification*> members;
  std::vector<std::string> keys;
  for (const auto& story : candidates) {
    if (members.size() + story->second.queue.size() > kMaxMembers) break;
    keys.push_back(story->first);
    for (const Message& one : story->second.queue) members.push_back(&one.notification);
  }
  if (members.size() < 2) return false;
  put_digest(make_digest(members, now.wall), keys, now);
  return true;
}

// The digest's own outcome comes first and brings it: the ledger has it before its members end in it, and before it is
// tried.
void Outbox::put_digest(Notification digest, const std::vector<std::string>& story_keys, const Now& now) {
  SteadyTime oldest = now.steady;
  std::uint64_t number = next_number_;
  const std::string id = digest.id, key = digest.group_key;
  DeliveryOutcome made;
  made.notification_id = id;
  made.state = DeliveryState::queued;
  made.at = now.wall;
  made.digest = digest;
  outcomes_.push_back(std::move(made));
  for (const std::string& story_key : story_keys) {
    auto& queue = stories_.at(story_key).queue;
    number = std::min(number, queue.front().number);
    for (const Message& one : queue) {
      oldest = std::min(oldest, one.added);
      DeliveryOutcome merged = outcome_of(one, DeliveryState::merged, "", now);
      merged.merged_into = id;
      queued_.erase(one.notification.id);
      remember_remote(one.notification, "");
      ++counts_.ended[std::size_t(DeliveryState::merged)];
      outcomes_.push_back(std::move(merged));
    }
    stories_.erase(story_key);
    held_[story_key] = key;
  }
  Message message;
  message.notification = std::move(digest);
  message.added = oldest;
  message.number = number;
  message.waits_for_record = true;
  message.record_until = now.steady + kRecordWait;
  stories_[key].queue.push_back(std::move(message));
  queued_.insert(id);
}

// ---- results -------------------------------------------------------------------------------------------------------

void Outbox::finish(const SendResult& result, const Now& now) {
  if (!under_way_) return;
  const auto story = stories_.find(*under_way_);
  under_way_.reset();
  if (story == stories_.end()) return;
  Message& message = story->second.queue.front();
  ++message.attempts;
  ++message.tries;
  if (degraded_) ++counts_.degraded;
  switch (result.verdict) {
    case SendVerdict::delivered:
      return delivered(story, result, now);
    case SendVerdict::permanent:
      destination_answers();
      return end(story, 0, outcome_of(message, DeliveryState::failed, result.answer, now));
    case SendVerdict::retry:
      return failed_try(story, result, now);
  }
}

void Outbox::delivered(Stories::iterator story, const SendResult& result, const Now& now) {
  destination_answers();
  const Message& message = story->second.queue.front();
  remember_remote(message.notification, result.remote_id);
  DeliveryOutcome outcome = outcome_of(message, DeliveryState::delivered, result.answer, now);
  outcome.remote_id = result.remote_id;
  unrecorded_ = message.notification.id;
  unrecorded_until_ = now.steady + kRecordWait;
  end(story, 0, std::move(outcome));
}

void Outbox::failed_try(Stories::iterator story, const SendResult& result, const Now& now) {
  Message& message = story->second.queue.front();
  const Duration asked = std::min(result.retry_after.value_or(0s), kRetryAfterMax);
  message.not_before = now.steady + std::max(backoff(message.tries, kBackoffCap, message.notification.id), asked);
  note_failure(story->first, result, message, now);
  outcomes_.push_back(outcome_of(message, DeliveryState::tried, result.answer, now));
}

void Outbox::note_failure(const std::string& story, const SendResult& result, const Message& message, const Now& now) {
  ++failures_in_row_;
  const bool other_story = !failing_story_.empty() && failing_story_ != story;
  failing_story_ = story;
  // Asked to slow down: that holds for all that goes there.
  if (result.retry_after || result.http_status == 429) {
    const Duration wait = result.retry_after ? std::min(*result.retry_after, kRetryAfterMax)
                                             : backoff(failures_in_row_, kProbeCap, message.notification.id);
    blocked_until_ = std::max(blocked_until_, now.steady + wait);
    return;
  }
  down_ = down_ || (failures_in_row_ >= kDownAfter && (result.http_status == 0 || other_story));
  if (down_)
    blocked_until_ = std::max(
        blocked_until_, now.steady + backoff(failures_in_row_ - kDownAfter + 1, kProbeCap, message.notification.id));
}

void Outbox::destination_answers() {
  if (down_)
    for (auto& [key, story] : stories_) story.queue.front().not_before = {};
  down_ = false;
  failures_in_row_ = 0;
  failing_story_.clear();
}

void Outbox::give_up(const Now& now) {
  for (auto story = stories_.begin(); story != stories_.end();) {
    const auto here = story++;
    const Message& head = here->second.queue.front();
    if (head.tries == 0 && failures_in_row_ == 0) continue;
    const SteadyTime until = head.added + limits_.give_up_after;
    if (now.steady < until) {
      wake_at(until);
      continue;
    }
    end(here, 0,
        outcome_of(head, DeliveryState::failed,
                   fmt::format("given up after {}", format_duration(limits_.give_up_after)), now));
  }
}

void Outbox::fail_all(const std::string& why, const Now& now) {
  under_way_.reset();
  while (!stories_.empty()) {
    const auto story = stories_.begin();
    end(story, 0, outcome_of(story->second.queue.front(), DeliveryState::failed, why, now));
  }
}

void Outbox::end(Stories::iterator story, std::size_t at, DeliveryOutcome outcome) {
  auto& queue = story->second.queue;
  ++counts_.ended[std::size_t(outcome.state)];
  if (outcome.state == DeliveryState::delivered) done_.insert(outcome.notification_id);
  queued_.erase(outcome.notification_id);
  queue.erase(queue.begin() + std::ptrdiff_t(at));
  outcomes_.push_back(std::move(outcome));
  if (!queue.empty()) return;
  std::erase_if(held_, [&](const auto& hold) { return hold.second == story->first; });
  stories_.erase(story);
}

DeliveryOutcome Outbox::outcome_of(const Message& message, DeliveryState state, std::string answer,
                                   const Now& now) const {
  DeliveryOutcome out;
  out.notification_id = message.notification.id;
  out.state = state;
  out.attempts = message.attempts;
  out.at = now.wall;
  if (degraded_)
    answer += answer.empty() ? "while the ledger could not commit" : " (while the ledger could not commit)";
  out.answer = std::move(answer);
  if (out.answer.size() > kMaxAnswer) out.answer.resize(kMaxAnswer);
  return out;
}

// The first message of a story names the thread; after its end the next one begins a new thread.
void Outbox::remember_remote(const Notification& notification, const std::string& remote_id) {
  const std::string& story = notification.group_key;
  if (notification.kind == NotificationKind::resolved) {
    if (remote_ids_.erase(story) > 0) std::erase(remote_order_, story);
    return;
  }
  if (remote_id.empty() || !remote_ids_.try_emplace(story, remote_id).second) return;
  remote_order_.push_back(story);
  if (remote_order_.size() <= kMaxRemoteIds) return;
  remote_ids_.erase(remote_order_.front());
  remote_order_.pop_front();
}

bool Outbox::worth_draining() const {
  if (down_) return false;
  return std::any_of(stories_.begin(), stories_.end(),
                     [](const auto& one) { return one.second.queue.front().attempts == 0; });
}

OutboxStats Outbox::stats() const {
  OutboxStats out = counts_;
  out.queued = queued_.size();
  out.down = down_;
  out.failures_in_row = failures_in_row_;
  for (const auto& [key, story] : stories_)
    for (const Message& one : story.queue) out.oldest = out.oldest ? std::min(*out.oldest, one.added) : one.added;
  return out;
}

}  // namespace paramedic::notify
