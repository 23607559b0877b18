#include "io/history/remote_write/remote_write.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "io/history/remote_write/record_codec.h"

namespace paramedic::remote_write {

namespace {
// Of one queue record. Small against a request, so that requests come near max_samples and a probe costs little.
constexpr std::size_t kRecordSamples = 500;
}  // namespace

struct RemoteWrite::Destination {
  Destination(const DestinationOptions& o, std::unique_ptr<SegmentQueue> q, std::unique_ptr<Receiver> r, Logger& log)
      : options(o),
        queue(std::move(q)),
        receiver(std::move(r)),
        sender(
            {.name = o.name,
             .external_labels = o.external_labels,
             .max_samples = o.max_samples,
             .max_wait = o.max_wait,
             .backoff_first = o.backoff_first,
             .backoff_cap = o.backoff_cap},
            *queue, [this](std::string body) { return receiver->post(std::move(body)); }, log) {}

  const DestinationOptions options;
  const std::unique_ptr<SegmentQueue> queue;
  const std::unique_ptr<Receiver> receiver;
  Sender sender;  // sender thread only, but for stats()

  // Writer thread only: what the disk refused, tried again at each flush.
  std::deque<EncodedRecord> unwritten;
  std::size_t unwritten_bytes = 0;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  bool more = false;  // new records since the sender last looked
  bool stopping = false;
  std::uint64_t out_of_order = 0, unwritable = 0, unwritten_samples = 0;
  std::string not_writing;
  std::thread thread;
};

// ---- life -----------------------------------------------------------------------------------------------------------

RemoteWrite::RemoteWrite(RemoteWriteOptions options, const Clock& clock, Logger& log)
    : options_(std::move(options)), clock_(clock), log_(log) {}

RemoteWrite::~RemoteWrite() { stop(); }

Result<std::unique_ptr<RemoteWrite>> RemoteWrite::start(RemoteWriteOptions options, const Clock& clock, Logger& log) {
  std::unique_ptr<RemoteWrite> out(new RemoteWrite(std::move(options), clock, log));
  for (const DestinationOptions& one : out->options_.destinations) {
    auto queue = SegmentQueue::open({.dir = out->options_.dir + "/" + one.name, .max_bytes = one.queue_bytes});
    if (!queue) return with_context(queue.error(), "remote_write " + one.name);
    const SegmentQueueStats found = (*queue)->stats();
    log.info(
        "remote_write_open",
        {{"destination", one.name}, {"pending_samples", found.pending_samples}, {"torn_bytes", found.corrupt_bytes}});
    out->destinations_.push_back(
        std::make_unique<Destination>(one, std::move(*queue), out->options_.make_receiver(one), log));
  }
  out->tell_leftovers();
  for (auto& destination : out->destinations_)
    destination->thread = std::thread([self = out.get(), d = destination.get()] { self->send_loop(*d); });
  out->writer_ = std::thread([self = out.get()] { self->write_loop(); });
  return out;
}

// Queues of destinations that are no longer configured: nobody sends them and nothing bounds them.
void RemoteWrite::tell_leftovers() const {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(options_.dir, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool known =
        std::any_of(destinations_.begin(), destinations_.end(), [&](const auto& d) { return d->options.name == name; });
    if (!known && entry.is_directory(ignored))
      log_.warning("remote_write_leftover_queue",
                   {{"path", entry.path().string()}, {"remedy", "remove it, or name a destination like it"}});
  }
}

void RemoteWrite::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
  for (auto& destination : destinations_) {
    {
      const std::lock_guard lock(destination->mutex);
      destination->stopping = true;
    }
    destination->sender.stopping();
    destination->receiver->cancel();
    destination->wake.notify_one();
    if (destination->thread.joinable()) destination->thread.join();
  }
}

// ---- taking ---------------------------------------------------------------------------------------------------------

void RemoteWrite::push(const std::vector<HistoryRow>& rows) {
  const std::lock_guard lock(mutex_);
  for (const HistoryRow& row : rows) events_.push_back(row);
  while (events_.size() > options_.max_queued_rows) {
    if (const auto* row = std::get_if<HistoryRow>(&events_.front())) dropped_samples_ += row->metrics.size() + 2;
    events_.pop_front();
  }
}

void RemoteWrite::gone(std::string worker_id, WallTime at, bool removed) {
  const std::lock_guard lock(mutex_);
  events_.push_back(Gone{std::move(worker_id), at, removed});
}

void RemoteWrite::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = ++flush_wanted_;
  wake_.notify_one();
  written_.wait(lock, [&] { return flush_done_ >= ticket || stopping_; });
}

// ---- writer thread --------------------------------------------------------------------------------------------------

void RemoteWrite::write_loop() {
  for (bool last = false; !last;) {
    std::uint64_t ticket = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, options_.flush_every, [&] { return stopping_ || flush_wanted_ > flush_done_; });
      last = stopping_;
      ticket = flush_wanted_;
    }
    write_batch();
    {
      const std::lock_guard lock(mutex_);
      flush_done_ = ticket;
    }
    written_.notify_all();
  }
}

void RemoteWrite::write_batch() {
  std::deque<Event> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(events_);
  }
  const std::vector<Row> rows = track(std::move(events));
  for (auto& destination : destinations_) write(*destination, rows);
  const std::lock_guard lock(mutex_);
  collisions_ = tracker_.collisions();
}

std::vector<Row> RemoteWrite::track(std::deque<Event> events) {
  std::vector<Row> out;
  std::vector<HistoryRow> rows;
  for (Event& event : events) {
    if (auto* row = std::get_if<HistoryRow>(&event)) {
      rows.push_back(std::move(*row));
      continue;
    }
    tracker_.take(std::exchange(rows, {}), out);
    const Gone& gone = std::get<Gone>(event);
    tracker_.gone(gone.worker_id, gone.at, gone.removed, out);
  }
  tracker_.take(std::move(rows), out);
  return out;
}

void RemoteWrite::write(Destination& d, const std::vector<Row>& rows) {
  std::vector<Row> wanted;
  std::uint64_t out_of_order = 0, given_up = 0, waiting = 0;
  for (const Row& row : rows) {
    if (row.late && !d.options.send_out_of_order)
      out_of_order += row.samples();
    else
      wanted.push_back(row);
  }
  for (EncodedRecord& record : encode_records(wanted, kRecordSamples)) {
    d.unwritten_bytes += record.payload.size();
    d.unwritten.push_back(std::move(record));
  }
  const bool any = !d.unwritten.empty();
  Result<void> written;
  while (written && !d.unwritten.empty()) {
    const EncodedRecord& record = d.unwritten.front();
    written = d.queue->append(record.payload, record.samples);
    if (!written) break;
    d.unwritten_bytes -= record.payload.size();
    d.unwritten.pop_front();
  }
  if (written && any) written = d.queue->sync();
  while (d.unwritten_bytes > options_.max_unwritten_bytes) {
    given_up += d.unwritten.front().samples;
    d.unwritten_bytes -= d.unwritten.front().payload.size();
    d.unwritten.pop_front();
  }
  for (const EncodedRecord& record : d.unwritten) waiting += record.samples;
  std::string before;
  {
    const std::lock_guard lock(d.mutex);
    d.out_of_order += out_of_order;
    d.unwritable += given_up;
    d.unwritten_samples = waiting;
    before = std::exchange(d.not_writing, written ? std::string() : written.error().message);
    d.more = d.more || any;
  }
  if (any) d.wake.notify_one();
  if (!written && before.empty())
    log_.error("remote_write_queue_unwritable", {{"destination", d.options.name}, {"reason", written.error().message}});
  if (written && !before.empty()) log_.info("remote_write_queue_writable", {{"destination", d.options.name}});
}

// ---- sender threads -------------------------------------------------------------------------------------------------

void RemoteWrite::send_loop(Destination& d) {
  std::unique_lock lock(d.mutex);
  while (!d.stopping) {
    d.more = false;
    lock.unlock();
    const Duration wait = d.sender.step(clock_.now());
    lock.lock();
    // New records only matter to step() while it waits for a batch to fill; in a pause after a failure it says again
    // how long that lasts.
    if (wait > Duration{0})
      d.wake.wait_for(lock, std::chrono::duration_cast<std::chrono::milliseconds>(wait) + 1ms,
                      [&] { return d.stopping || d.more; });
  }
}

// ---- numbers --------------------------------------------------------------------------------------------------------

std::vector<DestinationStats> RemoteWrite::stats() const {
  std::uint64_t pushed_too_fast = 0, collisions = 0;
  {
    const std::lock_guard lock(mutex_);
    pushed_too_fast = dropped_samples_;
    collisions = collisions_;
  }
  const WallTime now = clock_.now().wall;
  std::vector<DestinationStats> out;
  for (const auto& d : destinations_) {
    const SegmentQueueStats queue = d->queue->stats();
    const SenderStats sender = d->sender.stats();
    DestinationStats s{.name = d->options.name};
    s.pending_samples = queue.pending_samples;
    s.queue_bytes = queue.bytes;
    s.sent_samples = sender.sent_samples;
    s.requests = sender.requests;
    s.failures = sender.failures;
    s.dropped = sender.dropped;
    s.failing = sender.failing;
    if (sender.oldest_waiting) s.lag_seconds = std::max(0.0, to_seconds(now - *sender.oldest_waiting));
    const auto add = [&](RemoteWriteDrop reason, std::uint64_t n) { s.dropped[std::size_t(reason)] += n; };
    add(RemoteWriteDrop::queue_full, queue.dropped_samples + pushed_too_fast);
    add(RemoteWriteDrop::corrupt, queue.corrupt_samples);
    add(RemoteWriteDrop::name_collision, collisions);
    const std::lock_guard lock(d->mutex);
    add(RemoteWriteDrop::out_of_order, d->out_of_order);
    add(RemoteWriteDrop::unwritable, d->unwritable);
    s.pending_samples += d->unwritten_samples;
    s.not_writing = d->not_writing;
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace paramedic::remote_write
