// RemoteWrite: the monitor's history rows to receivers of Prometheus remote write 1.0 (Prometheus, VictoriaMetrics,
// Mimir, Thanos). Owns one writer thread, which once a second turns what was pushed into records of each destination's
// durable queue, and one sender thread per destination. docs/configuration.md has the keys, docs/metrics.md the series.
//
// push() and gone() from any thread; they never block on disk or network. What was pushed is safe from kill -9 after at
// most a second (flush_every), and goes out when the receiver is there, even if that is a restart of the monitor later.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/history/remote_write/row_tracker.h"
#include "io/history/remote_write/sender.h"

namespace paramedic::remote_write {

struct DestinationOptions {
  std::string name;  // unique; a folder name
  std::string url;   // http or https
  std::string bearer_token_file;
  std::string username, password_file;         // basic authentication
  std::string ca_file, cert_file, key_file;    // TLS
  std::map<std::string, std::string> headers;  // further ones: X-Scope-OrgID and the like
  Labels external_labels;
  Duration timeout = 30s;          // of one request
  std::size_t max_samples = 5000;  // of one request
  Duration max_wait = 5s;          // a sample goes out after this even in a small request
  Duration backoff_first = 1s, backoff_cap = 60s;
  std::uint64_t queue_bytes = 512u << 20;  // on disk
  bool send_out_of_order = false;          // the receiver sorts by itself: backlog rows go there too
};

// Sends one body to one destination. cancel() from any thread: the running post() ends at once, later ones fail.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual Result<HttpResponse> post(std::string body) = 0;
  virtual void cancel() = 0;
};
// Over libcurl; reads credential files before each request, so that a rotated one is taken.
std::unique_ptr<Receiver> make_http_receiver(const DestinationOptions& options);

struct RemoteWriteOptions {
  std::string dir;  // holds one folder per destination
  std::vector<DestinationOptions> destinations;
  Duration flush_every = 1s;
  std::size_t max_queued_rows = 200'000;        // pushed, not yet flushed; beyond it the oldest are dropped
  std::size_t max_unwritten_bytes = 64u << 20;  // per destination, while the disk refuses them
  std::function<std::unique_ptr<Receiver>(const DestinationOptions&)> make_receiver = make_http_receiver;
};

struct DestinationStats {
  std::string name;
  std::uint64_t pending_samples = 0, queue_bytes = 0;
  std::uint64_t sent_samples = 0, requests = 0;
  std::array<std::uint64_t, kEnumCount<RemoteWriteFailure>> failures{};
  std::array<std::uint64_t, kEnumCount<RemoteWriteDrop>> dropped{};
  double lag_seconds = 0;   // age of the oldest sample that waits
  std::string failing;      // why the latest request failed; empty = it did not
  std::string not_writing;  // why the queue cannot be written; empty = it can
};

class RemoteWrite {
 public:
  // Opens the queues and starts the threads. Errors: those of the queues' directories. `clock` and `log` outlive it.
  static Result<std::unique_ptr<RemoteWrite>> start(RemoteWriteOptions options, const Clock& clock, Logger& log);
  ~RemoteWrite();  // stop()
  RemoteWrite(const RemoteWrite&) = delete;
  RemoteWrite& operator=(const RemoteWrite&) = delete;

  void push(const std::vector<HistoryRow>& rows);
  // The worker is gone or stopped on purpose: its series end. `removed`: it will not be heard of again under this
  // record.
  void gone(std::string worker_id, WallTime at, bool removed);
  // Puts what was pushed into the queues now; returns when it is there or was given up. Blocks.
  void flush();
  // Flushes and ends the threads; a request under way is cut off and goes out again after the next start. Idempotent.
  void stop();
  std::vector<DestinationStats> stats() const;

 private:
  struct Destination;
  struct Gone {
    std::string worker_id;
    WallTime at{};
    bool removed = false;
  };
  using Event = std::variant<HistoryRow, Gone>;

  RemoteWrite(RemoteWriteOptions options, const Clock& clock, Logger& log);
  void tell_leftovers() const;
  void write_loop();
  void write_batch();
  std::vector<Row> track(std::deque<Event> events);
  void write(Destination& destination, const std::vector<Row>& rows);
  void send_loop(Destination& destination);

  const RemoteWriteOptions options_;
  const Clock& clock_;
  Logger& log_;
  std::vector<std::unique_ptr<Destination>> destinations_;
  RowTracker tracker_;  // writer thread only

  mutable std::mutex mutex_;
  std::condition_variable wake_, written_;
  std::deque<Event> events_;
  std::uint64_t dropped_samples_ = 0;  // pushed too fast
  std::uint64_t collisions_ = 0;
  std::uint64_t flush_wanted_ = 0, flush_done_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace paramedic::remote_write
