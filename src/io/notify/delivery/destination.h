// Destination: one channel with its outbox and its thread. What waits is sent by the thread, one message at a time, and
// each outcome is handed to `report`. Every function may be called from any thread, but start(), replace() and those
// that end it from one at a time; none but end() blocks.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "io/notify/delivery/outbox.h"
#include "model/histogram.h"

namespace paramedic::notify {

// One entry of `channels:`, built.
struct ChannelSetup {
  std::string name, kind;
  std::unique_ptr<Channel> channel;
  DeliveryLimits limits;
  Params settings;  // as configured: what a reload compares
};

struct DestinationStats {
  std::string name, kind, where;
  OutboxStats outbox;
  std::array<std::uint64_t, kEnumCount<SendVerdict>> sends{};
  DurationHistogram send_seconds;      // of a try
  DurationHistogram delivery_seconds;  // from the decision to the end of the try that delivered it
  std::string failing;                 // the answer to the latest try when it failed; empty = it is well
  Duration oldest_age{};
};

class Destination {
 public:
  struct Ports {
    std::function<void(std::vector<DeliveryOutcome>)> report;  // quick
    const Clock& clock;
    Logger& log;
    std::string external_url;
  };

  Destination(ChannelSetup setup, Ports ports);
  ~Destination();  // end()

  void restore(const NotificationRecord& record);  // before start()
  void restore_told(const Notification& told);      // before start()
  void start();
  void add(Notification notification);
  void recorded(const std::string& id, DeliveryState state);
  void set_degraded(bool degraded);
  // The channel under new settings; what waits stays, what is being sent ends with the old ones.
  void replace(ChannelSetup setup);
  const Params& settings() const { return settings_; }  // for the one thread that calls replace()

  // Nothing new; what has not been tried may still go out until `until`.
  void begin_end(SteadyTime until);
  // Waits for that, then cancels what runs and ends the thread. Idempotent.
  void end();
  // After end(): all that waits is reported as failed.
  void fail_all(const std::string& why);
  DestinationStats stats() const;

 private:
  void wake();
  void run();
  bool finished(const Now& now) const;
  void take_replacement(const Now& now);
  void send(std::unique_lock<std::mutex>& lock, const Attempt& attempt);
  void report(std::unique_lock<std::mutex>& lock);
  void note(const Attempt& attempt, const SendResult& result, const Now& began, const Now& ended);
  void wait(std::unique_lock<std::mutex>& lock, const Now& now);

  const std::string name_;
  const Ports ports_;
  Params settings_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable wake_, ended_;
  std::unique_ptr<Channel> channel_;  // replaced by the thread only, between two sends
  std::unique_ptr<ChannelSetup> replacement_;
  std::string kind_, where_;
  DeliveryLimits limits_;
  Outbox outbox_;
  bool changed_ = false;  // since the thread looked last
  bool ending_ = false, cancelled_ = false, done_ = false;
  SteadyTime end_until_{};
  DestinationStats stats_;
  std::thread thread_;
};

}  // namespace paramedic::notify
