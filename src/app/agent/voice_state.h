// VoiceState: what one incarnation has said of itself, added up for its reports: task counts and durations, tasks in
// flight, queues, models, metrics, last sign of life. Bounded whatever the worker says. Pure; the agent's thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/agent/voice.h"
#include "base/clock.h"
#include "model/report.h"

namespace paramedic::agent {

// Task types beyond kMaxTaskTypesPerWorker are counted under this one.
inline constexpr std::string_view kOtherType = "__other__";

class VoiceState {
 public:
  // What an event changed, for the caller's decision when to report.
  struct Change {
    bool beat = false;    // a promised sign of life
    bool urgent = false;  // a state changed: ready, stopping, a model's state, a queue's connection
    bool tasks = false;   // tasks in flight or finished
  };
  Change apply(const VoiceEvent& event, const Now& now);

  // Adds everything known to the report; parts that were never spoken of stay absent.
  void fill(Report& out) const;
  // The process died: what was in flight is lost. Once.
  void lose_in_flight();

  bool speaks() const { return promised_; }
  bool ready() const { return ready_; }
  const std::optional<StopNotice>& stop() const { return stop_; }
  // Known only once a task was spoken of.
  std::optional<int> in_flight() const;
  std::uint64_t progress_count() const { return progress_; }
  std::optional<WallTime> alive_at() const { return alive_at_; }
  const std::string& status_text() const { return status_text_; }

 private:
  struct Running {
    InFlightTask task;
    SteadyTime since{};
    std::string queue;
  };
  struct KnownQueue {
    QueuePart part;
    std::uint64_t taken = 0;     // counted from task events …
    bool counts_itself = false;  // … until the worker tells its own count
  };

  Change on(const Beat& event, const Now& now);
  Change on(const Ready& event, const Now& now);
  Change on(const TaskStarted& event, const Now& now);
  Change on(const TaskEnded& event, const Now& now);
  Change on(const TaskProgress& event, const Now& now);
  Change on(const ModelNews& event, const Now& now);
  Change on(const QueueNews& event, const Now& now);
  Change on(const MetricNews& event, const Now& now);
  Change on(const StopNotice& event, const Now& now);
  Change on(const StatusText& event, const Now& now);

  TaskPart& counts_of(const std::string& type);
  KnownQueue* queue_of(const std::string& name);
  void count_taken(const std::string& queue);
  void fill_tasks(Report& out) const;
  void fill_queues(Report& out) const;

  bool promised_ = false;
  bool ready_ = false;
  bool spoke_of_tasks_ = false;
  std::optional<StopNotice> stop_;
  std::optional<WallTime> alive_at_;
  std::string status_text_;
  std::map<std::string, Running> running_;  // by task id, at most kMaxInFlight
  std::map<std::string, TaskPart> tasks_;   // by type
  std::uint64_t progress_ = 0;
  std::vector<KnownQueue> queues_;  // at most kMaxListItems
  struct KnownModel {
    ModelPart part;
    SteadyTime loading_since{};
  };
  std::vector<KnownModel> models_;         // at most kMaxListItems
  std::map<std::string, double> metrics_;  // at most kMaxMetrics
};

}  // namespace paramedic::agent
