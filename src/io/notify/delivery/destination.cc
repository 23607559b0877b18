#include "io/notify/delivery/destination.h"

#include <algorithm>
#include <exception>

namespace paramedic::notify {

Destination::Destination(ChannelSetup setup, Ports ports)
    : name_(setup.name),
      ports_(std::move(ports)),
      settings_(std::move(setup.settings)),
      channel_(std::move(setup.channel)),
      kind_(setup.kind),
      where_(channel_->destination()),
      limits_(setup.limits),
      outbox_(setup.limits, traits_of(*channel_), ports_.clock.now()) {}

Destination::~Destination() { end(); }

void Destination::restore(const NotificationRecord& record) {
  const std::lock_guard lock(mutex_);
  outbox_.restore(record);
}

void Destination::restore_told(const Notification& told) {
  SendContext context;
  context.external_url = ports_.external_url;
  context.now = ports_.clock.now().wall;
  channel_->restore(told, context);
}

// REQUIRES: mutex_ held. The thread may be busy elsewhere: it looks again before it waits.
void Destination::wake() {
  changed_ = true;
  wake_.notify_one();
}

void Destination::start() {
  thread_ = std::thread([this] { run(); });
}

void Destination::add(Notification notification) {
  const std::lock_guard lock(mutex_);
  outbox_.add(std::move(notification), ports_.clock.now());
  wake();
}

void Destination::recorded(const std::string& id, DeliveryState state) {
  const std::lock_guard lock(mutex_);
  outbox_.recorded(id, state);
  wake();
}

void Destination::set_degraded(bool degraded) {
  const std::lock_guard lock(mutex_);
  outbox_.set_degraded(degraded);
  wake();
}

void Destination::replace(ChannelSetup setup) {
  settings_ = setup.settings;
  const std::lock_guard lock(mutex_);
  replacement_ = std::make_unique<ChannelSetup>(std::move(setup));
  wake();
}

void Destination::begin_end(SteadyTime until) {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  end_until_ = until;
  wake();
}

void Destination::end() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    ending_ = true;
    const Duration left = end_until_ - ports_.clock.now().steady;
    if (left > 0s) ended_.wait_for(lock, left, [this] { return done_; });
    end_until_ = {};
    cancelled_ = true;
    channel_->cancel();
    wake();
  }
  thread_.join();
}

void Destination::fail_all(const std::string& why) {
  std::vector<DeliveryOutcome> outcomes;
  {
    const std::lock_guard lock(mutex_);
    outbox_.fail_all(why, ports_.clock.now());
    outcomes = outbox_.take_outcomes();
  }
  if (!outcomes.empty()) ports_.report(std::move(outcomes));
}

DestinationStats Destination::stats() const {
  const std::lock_guard lock(mutex_);
  DestinationStats out = stats_;
  out.name = name_;
  out.kind = kind_;
  out.where = where_;
  out.outbox = outbox_.stats();
  if (out.outbox.oldest) out.oldest_age = ports_.clock.now().steady - *out.outbox.oldest;
  return out;
}

// ---- the thread ----------------------------------------------------------------------------------------------------

void Destination::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const Now now = ports_.clock.now();
    if (replacement_) take_replacement(now);
    if (finished(now)) break;
    const std::optional<Attempt> attempt = outbox_.next(now);
    report(lock);
    if (attempt)
      send(lock, *attempt);
    else if (!changed_)
      wait(lock, now);
    changed_ = false;
  }
  done_ = true;
  ended_.notify_all();
}

bool Destination::finished(const Now& now) const {
  return ending_ && (now.steady >= end_until_ || !outbox_.worth_draining());
}

void Destination::take_replacement(const Now& now) {
  const auto next = std::move(replacement_);
  if (next->kind == kind_) next->channel->inherit(*channel_);
  channel_ = std::move(next->channel);
  kind_ = next->kind;
  where_ = channel_->destination();
  limits_ = next->limits;
  outbox_.set_channel(limits_, traits_of(*channel_), now);
}

void Destination::send(std::unique_lock<std::mutex>& lock, const Attempt& attempt) {
  Channel& channel = *channel_;  // only this thread replaces it
  const Now began = ports_.clock.now();
  SendContext context;
  context.remote_id = attempt.remote_id;
  context.timeout = limits_.timeout;
  context.external_url = ports_.external_url;
  context.now = began.wall;
  lock.unlock();
  SendResult result;
  try {
    result = channel.send(attempt.notification, context);
  } catch (const std::exception& error) {  // no memory, a bug: the message stays
    result.verdict = SendVerdict::retry;
    result.answer = std::string("internal error: ") + error.what();
  }
  lock.lock();
  const Now ended = ports_.clock.now();
  // Cancelled: what became of the message is not known, it stays queued for the next life.
  if (cancelled_ && result.verdict != SendVerdict::delivered) return outbox_.abandon();
  outbox_.finish(result, ended);
  note(attempt, result, began, ended);
  report(lock);
}

void Destination::report(std::unique_lock<std::mutex>& lock) {
  auto outcomes = outbox_.take_outcomes();
  if (outcomes.empty()) return;
  lock.unlock();
  ports_.report(std::move(outcomes));
  lock.lock();
}

// Log transitions, not repetitions.
void Destination::note(const Attempt& attempt, const SendResult& result, const Now& began, const Now& ended) {
  ++stats_.sends[std::size_t(result.verdict)];
  stats_.send_seconds.observe(to_seconds(ended.steady - began.steady));
  const bool delivered = result.verdict == SendVerdict::delivered;
  if (delivered) stats_.delivery_seconds.observe(std::max(0.0, to_seconds(ended.wall - attempt.notification.at)));
  const bool was_failing = !stats_.failing.empty();
  stats_.failing = delivered ? "" : result.answer.empty() ? "no answer" : result.answer;
  if (result.verdict == SendVerdict::permanent)
    ports_.log.error("notification_refused", {{"channel", name_},
                                              {"notification", attempt.notification.id},
                                              {"title", attempt.notification.title},
                                              {"reason", stats_.failing}});
  else if (!delivered && !was_failing)
    ports_.log.warning("channel_failing", {{"channel", name_}, {"destination", where_}, {"reason", stats_.failing}});
  else if (delivered && was_failing)
    ports_.log.info("channel_recovered", {{"channel", name_}, {"destination", where_}});
}

void Destination::wait(std::unique_lock<std::mutex>& lock, const Now& now) {
  std::optional<SteadyTime> until = outbox_.wake();
  if (ending_) until = std::min(until.value_or(end_until_), end_until_);
  if (until)
    wake_.wait_for(lock, std::max<Duration>(*until - now.steady, 0s));
  else
    wake_.wait(lock);
}

}  // namespace paramedic::notify
