// Sender: takes what waits in one destination's queue and brings it to the receiver: one request at a time, batches by
// size and time, oldest first. A state machine without thread or clock of its own: step() does what is due now (at most
// one request, which blocks) and says when to come back. step() from one thread; stats() from any.
//
//   2xx                         done; the position moves on
//   5xx, 429, no connection     the same bytes again, after a growing pause with jitter, never before Retry-After
//   400, 413, 422               the batch goes out in parts until the bad sample is alone, which is dropped (SplitPlan)
//   other 4xx, 3xx              a wrong address or credential: the batch is dropped as the protocol demands, then a
//                               pause, then a smallest batch as probe, so that little is lost until somebody repairs it
#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"
#include "base/log.h"
#include "io/history/remote_write/segment_queue.h"
#include "io/history/remote_write/split_plan.h"
#include "io/history/remote_write/write_request.h"
#include "io/net/http.h"

namespace paramedic {

// Why a request failed.
enum class RemoteWriteFailure { network, timeout, server_error, throttled, rejected, refused };
PARAMEDIC_ENUM_NAMES(RemoteWriteFailure, "network", "timeout", "server_error", "throttled", "rejected", "refused")

// Why a sample never arrived.
enum class RemoteWriteDrop { out_of_order, rejected, refused, queue_full, unwritable, corrupt, name_collision };
PARAMEDIC_ENUM_NAMES(RemoteWriteDrop, "out_of_order", "rejected", "refused", "queue_full", "unwritable", "corrupt",
                     "name_collision")

namespace remote_write {

// Posts one body. Errors: timeout; anything else = no answer, for whatever reason.
using Transport = std::function<Result<HttpResponse>(std::string body)>;

struct SenderOptions {
  std::string name;                // of the destination: log and jitter
  Labels external_labels;          // for every series
  std::size_t max_samples = 5000;  // of one request
  Duration max_wait = 5s;          // a sample goes out after this even in a small request
  Duration backoff_first = 1s, backoff_cap = 60s;
};

struct SenderStats {
  std::uint64_t sent_samples = 0, requests = 0;
  std::array<std::uint64_t, kEnumCount<RemoteWriteFailure>> failures{};
  std::array<std::uint64_t, kEnumCount<RemoteWriteDrop>> dropped{};  // rejected, refused and corrupt only
  std::optional<WallTime> oldest_waiting;                            // time of the oldest sample of the batch under way
  std::string failing;  // why the latest request failed, for people; empty = it did not
};

class Sender {
 public:
  // Retry-After is obeyed up to this; a receiver that says "in ten years" is asked again within the hour.
  static constexpr Duration kMaxRetryAfter = 1h;

  // All outlive the sender.
  Sender(SenderOptions options, SegmentQueue& queue, Transport transport, Logger& log);

  // Returns how long nothing is due, unless new samples come (then call again at once).
  Duration step(const Now& now);
  // The monitor stops: a request that is cut off now is no news for the log. Any thread.
  void stopping() { stopping_ = true; }
  SenderStats stats() const;

 private:
  struct Batch {
    std::vector<Row> rows;
    std::vector<Sample> samples;  // points into rows
    SplitPlan plan;
    Position end;
    bool maybe_stored = false;  // an earlier try got no answer: the receiver may have it
  };

  std::optional<Duration> wait_for_more(const Now& now);
  bool load_batch(const Now& now);
  void decode(std::vector<QueueRecord> records, Batch& batch);
  Duration send(const Now& now);
  Duration answered(const HttpResponse& response, SplitPlan::Part part, const Now& now);
  Duration retry(RemoteWriteFailure kind, std::string why, std::optional<Duration> retry_after, const Now& now);
  Duration part_rejected(const HttpResponse& response, const Now& now);
  Duration batch_refused(const HttpResponse& response, const Now& now);
  void reached();
  Duration part_taken(std::size_t samples, const Now& now);
  Duration finish_batch(const Now& now);
  void acknowledge(Position end);
  void fail(RemoteWriteFailure kind, const std::string& why);
  void drop(RemoteWriteDrop reason, std::uint64_t samples);
  Duration backoff() const;

  const SenderOptions options_;
  SegmentQueue& queue_;
  const Transport transport_;
  Logger& log_;

  std::optional<Batch> batch_;
  SteadyTime next_try_{};
  std::optional<SteadyTime> waiting_since_;  // when step() first saw something that waits
  int attempts_ = 0;                         // failed in a row
  bool probe_ = false;                       // the latest batch was refused: try with little
  std::optional<SteadyTime> told_rejection_;
  bool position_unwritable_ = false;
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;  // guards stats_
  SenderStats stats_;
};

// Seconds or an HTTP date (RFC 9110 section 10.2.3), from now on; nothing when it is neither.
std::optional<Duration> parse_retry_after(std::string_view value, WallTime now);

}  // namespace remote_write
}  // namespace paramedic
