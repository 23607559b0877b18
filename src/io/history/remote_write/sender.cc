#include "io/history/remote_write/sender.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "base/ids.h"
#include "io/history/remote_write/record_codec.h"

namespace paramedic::remote_write {

namespace {

constexpr std::size_t kShownBytes = 200;           // of a receiver's answer
constexpr std::size_t kUnfinishedLimit = 200'000;  // samples of a batch that an earlier monitor began

WallTime from_unix_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

// The answer's text on one line, for people.
std::string shown(const HttpResponse& response) {
  std::string text(response.body_view().substr(0, kShownBytes));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return fmt::format("HTTP {}{}{}", response.status, text.empty() ? "" : ": ", text);
}

// A batch that may have arrived before is refused in these words when it did.
bool says_stored_already(const HttpResponse& response) {
  const std::string_view body = response.body_view();
  for (const std::string_view words : {"out of order", "out-of-order", "duplicate sample"})
    if (body.find(words) != body.npos) return true;
  return false;
}

}  // namespace

std::optional<Duration> parse_retry_after(std::string_view value, WallTime now) {
  std::int64_t seconds = 0;
  const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (wrong == std::errc{} && end == value.data() + value.size() && seconds >= 0)
    return std::chrono::seconds(std::min<std::int64_t>(seconds, 86'400 * 365));
  std::tm date{};
  const std::string text(value);
  const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (!rest || *rest != 0) return std::nullopt;
  const auto at = WallTime(std::chrono::seconds(::timegm(&date)));
  return std::max(at - now, Duration{0});
}

Sender::Sender(SenderOptions options, SegmentQueue& queue, Transport transport, Logger& log)
    : options_(std::move(options)), queue_(queue), transport_(std::move(transport)), log_(log) {}

Duration Sender::step(const Now& now) {
  if (now.steady < next_try_) return next_try_ - now.steady;
  if (!batch_) {
    if (const auto wait = wait_for_more(now)) return *wait;
    if (!load_batch(now)) return std::max(next_try_ - now.steady, Duration{0});
  }
  return send(now);
}

// Nothing: enough waits, or long enough.
std::optional<Duration> Sender::wait_for_more(const Now& now) {
  const std::uint64_t pending = queue_.stats().pending_samples;
  if (pending == 0) {
    waiting_since_.reset();
    return options_.max_wait;
  }
  if (!waiting_since_) waiting_since_ = now.steady;
  const Duration waited = now.steady - *waiting_since_;
  if (pending >= options_.max_samples || waited >= options_.max_wait || queue_.unfinished()) return std::nullopt;
  return options_.max_wait - waited;
}

void Sender::decode(std::vector<QueueRecord> records, Batch& batch) {
  for (QueueRecord& record : records) {
    batch.end = record.end;
    auto rows = decode_record(record.payload);
    if (!rows) {
      log_.error("remote_write_record_unreadable", {{"destination", options_.name}, {"reason", rows.error().message}});
      drop(RemoteWriteDrop::corrupt, record.samples);
      continue;
    }
    for (Row& row : *rows) batch.rows.push_back(std::move(row));
  }
  batch.samples = samples_of(batch.rows);
  batch.plan = SplitPlan(batch.samples.size());
}

// False: nothing to send (then next_try_ says when to look again).
bool Sender::load_batch(const Now& now) {
  Batch batch;
  Result<std::vector<QueueRecord>> records = std::vector<QueueRecord>();
  if (const auto until = queue_.unfinished()) {
    records = queue_.read(kUnfinishedLimit, until);
    batch.maybe_stored = true;
  }
  if (records && records->empty()) {
    batch.maybe_stored = false;
    records = queue_.read(probe_ ? 1 : options_.max_samples);
  }
  if (!records) {
    fail(RemoteWriteFailure::network, records.error().message);
    next_try_ = now.steady + backoff();
    return false;
  }
  waiting_since_.reset();
  if (records->empty()) {
    next_try_ = now.steady + options_.max_wait;
    return false;
  }
  decode(std::move(*records), batch);
  if (batch.samples.empty()) {
    acknowledge(batch.end);
    return false;
  }
  queue_.begin_send(batch.end);
  const WallTime oldest = from_unix_ms(batch.samples.front().at_ms());
  batch_ = std::move(batch);
  const std::lock_guard lock(mutex_);
  stats_.oldest_waiting = oldest;
  return true;
}

Duration Sender::send(const Now& now) {
  const auto part = batch_->plan.next();
  if (!part) return finish_batch(now);
  const auto samples = std::span<const Sample>(batch_->samples).subspan(part->begin, part->size());
  const auto answer = transport_(encode_write_request(samples, options_.external_labels));
  {
    const std::lock_guard lock(mutex_);
    ++stats_.requests;
  }
  if (answer) return answered(*answer, *part, now);
  batch_->maybe_stored = true;  // it may have arrived, and only the answer was lost
  const auto kind = answer.error().code == Errc::timeout ? RemoteWriteFailure::timeout : RemoteWriteFailure::network;
  return retry(kind, answer.error().message, std::nullopt, now);
}

Duration Sender::answered(const HttpResponse& response, SplitPlan::Part part, const Now& now) {
  const int status = response.status;
  if (status >= 200 && status < 300) return part_taken(part.size(), now);
  if (status >= 500 || status == 429) {
    std::optional<Duration> after;
    if (const std::string* header = find_header(response.headers, "Retry-After"))
      after = parse_retry_after(*header, now.wall);
    return retry(status == 429 ? RemoteWriteFailure::throttled : RemoteWriteFailure::server_error, shown(response),
                 after, now);
  }
  if (status == 400 || status == 413 || status == 422) return part_rejected(response, now);
  return batch_refused(response, now);
}

// The receiver judged what it was sent: address, credential and network are fine.
void Sender::reached() {
  attempts_ = 0;
  probe_ = false;
  bool was_failing = false;
  {
    const std::lock_guard lock(mutex_);
    was_failing = !std::exchange(stats_.failing, {}).empty();
  }
  if (was_failing) log_.info("remote_write_recovered", {{"destination", options_.name}});
}

Duration Sender::part_taken(std::size_t samples, const Now& now) {
  reached();
  {
    const std::lock_guard lock(mutex_);
    stats_.sent_samples += samples;
  }
  batch_->plan.taken();
  return batch_->plan.next() ? Duration{0} : finish_batch(now);
}

Duration Sender::retry(RemoteWriteFailure kind, std::string why, std::optional<Duration> retry_after, const Now& now) {
  fail(kind, why);
  ++attempts_;
  const Duration wait = std::max(backoff(), std::min(retry_after.value_or(Duration{0}), kMaxRetryAfter));
  next_try_ = now.steady + wait;
  return wait;
}

// One line a minute at most: a fleet with one impossible metric would fill the log.
Duration Sender::part_rejected(const HttpResponse& response, const Now& now) {
  reached();
  {
    const std::lock_guard lock(mutex_);
    ++stats_.failures[std::size_t(RemoteWriteFailure::rejected)];
  }
  if (const auto given_up = batch_->plan.refused()) {
    if (batch_->maybe_stored && says_stored_already(response)) {
      const std::lock_guard lock(mutex_);
      stats_.sent_samples += given_up->size();
    } else {
      drop(RemoteWriteDrop::rejected, given_up->size());
      if (!told_rejection_ || now.steady - *told_rejection_ >= 60s) {
        told_rejection_ = now.steady;
        const Sample& first = batch_->samples[given_up->begin];
        log_.warning("remote_write_rejected", {{"destination", options_.name},
                                               {"samples", given_up->size()},
                                               {"metric", first.series().metric},
                                               {"worker", first.row->worker_id},
                                               {"reason", shown(response)}});
      }
    }
  }
  return batch_->plan.next() ? Duration{0} : finish_batch(now);
}

Duration Sender::batch_refused(const HttpResponse& response, const Now& now) {
  std::uint64_t left = 0;
  while (const auto part = batch_->plan.next()) {
    left += part->size();
    batch_->plan.taken();
  }
  drop(RemoteWriteDrop::refused, left);
  fail(RemoteWriteFailure::refused, shown(response) + "; check url, credential and headers of this destination");
  ++attempts_;
  probe_ = true;
  finish_batch(now);
  next_try_ = now.steady + backoff();
  return next_try_ - now.steady;
}

// A position that cannot be written is no reason to stop: at worst this batch is sent again after a restart.
void Sender::acknowledge(Position end) {
  const auto done = queue_.acknowledge(end);
  const bool was_unwritable = std::exchange(position_unwritable_, !done);
  if (!done && !was_unwritable)
    log_.error("remote_write_position_unwritable", {{"destination", options_.name}, {"reason", done.error().message}});
}

Duration Sender::finish_batch(const Now& now) {
  acknowledge(batch_->end);
  batch_.reset();
  next_try_ = now.steady;
  const std::lock_guard lock(mutex_);
  stats_.oldest_waiting.reset();
  return Duration{0};
}

void Sender::fail(RemoteWriteFailure kind, const std::string& why) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    ++stats_.failures[std::size_t(kind)];
    first = std::exchange(stats_.failing, why).empty();
  }
  if (first && !stopping_)
    log_.warning("remote_write_failing", {{"destination", options_.name}, {"kind", to_string(kind)}, {"reason", why}});
}

void Sender::drop(RemoteWriteDrop reason, std::uint64_t samples) {
  const std::lock_guard lock(mutex_);
  stats_.dropped[std::size_t(reason)] += samples;
}

// first · 2^(attempts − 1), at most the cap, ±25 % so that monitors that lost one receiver together do not come back
// together.
Duration Sender::backoff() const {
  Duration wait = options_.backoff_first;
  for (int i = 1; i < attempts_ && wait < options_.backoff_cap; ++i) wait *= 2;
  wait = std::min(wait, options_.backoff_cap);
  const std::uint64_t hash = hash_mix(stable_hash(options_.name), std::uint64_t(attempts_));
  return wait - wait / 4 + hash_jitter(hash, wait / 2);
}

SenderStats Sender::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace paramedic::remote_write
