#include "app/demo/worker.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include "app/demo/broker_client.h"
#include "app/demo/control.h"
#include "app/demo/work.h"

namespace paramedic::demo {

namespace {

constexpr Duration kTick = 100ms;
constexpr Duration kLookAtControl = 200ms;
constexpr Duration kReconnect = 500ms;

class Worker {
 public:
  Worker(const WorkerOptions& options, VoiceOut voice)
      : options_(options),
        layout_{options.root},
        voice_(std::move(voice)),
        costly_({.dir = layout_.worker(options.id),
                 .memory_limit_mb = options.memory_limit_mb,
                 .disk_quota_mb = options.disk_quota_mb}) {}

  int run(const std::function<WorkerOrders()>& orders);

 private:
  void work_loop();
  void one_task(BrokerClient& broker);
  bool perform(const TakenTask& task);
  void load();
  void look_at_control(SteadyTime now);
  void speak(BrokerClient& broker, SteadyTime now);
  void pause(Duration d);
  [[noreturn]] void hang();

  const WorkerOptions& options_;
  DemoLayout layout_;
  VoiceOut voice_;
  CostlyFaults costly_;  // run()'s thread
  SystemClock clock_;
  std::atomic<Fault> fault_{Fault::none};
  std::atomic<bool> reload_{true};  // load the model before the next task
  std::atomic<bool> stopping_{false}, drained_{false};
  std::atomic<std::uint64_t> consumed_{0}, done_{0}, failed_{0};
  SteadyTime looked_at_{}, spoke_at_{};
};

int Worker::run(const std::function<WorkerOrders()>& orders) {
  std::error_code ignored;
  std::filesystem::create_directories(layout_.worker(options_.id), ignored);
  std::filesystem::remove(layout_.control(options_.id), ignored);  // a restart cures
  costly_.clear_disk();
  BrokerClient broker(layout_.broker_socket(), 500ms);  // for the queue's state; tasks have a connection of their own
  std::thread work([this] { work_loop(); });
  for (;;) {
    const WorkerOrders now_wanted = orders();
    drained_ = now_wanted.drained;
    if (now_wanted.stop) break;
    const SteadyTime now = clock_.now().steady;
    look_at_control(now);
    speak(broker, now);
    std::this_thread::sleep_for(kTick);
  }
  stopping_ = true;
  voice_.stopping("operator");
  work.join();
  return 0;
}

void Worker::look_at_control(SteadyTime now) {
  if (now - looked_at_ >= kLookAtControl) {
    looked_at_ = now;
    const Fault wanted = wanted_fault(layout_.control(options_.id));
    if (wanted != fault_) {
      if (fault_ == Fault::model) reload_ = true;  // healed: load again, well this time
      fault_ = wanted;
      if (wanted == Fault::crash) std::abort();
      if (wanted == Fault::hang) hang();
      if (wanted == Fault::model) reload_ = true;
    }
  }
  costly_.drive(fault_, now);
}

void Worker::hang() {
  for (;;) ::pause();
}

void Worker::speak(BrokerClient& broker, SteadyTime now) {
  if (now - spoke_at_ < options_.beat) return;
  spoke_at_ = now;
  voice_.beat();
  VoiceQueue queue{.broker = options_.broker_name, .name = options_.pool, .consumed = consumed_};
  if (broker.connected() || broker.connect()) {
    const auto rtt = broker.ping();
    const auto depth = rtt ? broker.depth(options_.pool) : rtt.error();
    queue.connected = bool(depth);
    if (depth) {
      queue.ready = depth->ready;
      queue.oldest = depth->oldest;
      queue.rtt = *rtt;
    }
  }
  voice_.queue(queue);
  voice_.metrics({{"demo_tasks_done", double(done_)}, {"demo_tasks_failed", double(failed_)}});
}

// Sleeps in small steps, so that a stop is seen soon and a hang stops this thread as well.
void Worker::pause(Duration d) {
  const SteadyTime until = clock_.now().steady + d;
  do {
    if (fault_ == Fault::hang) hang();
    if (stopping_) return;
    std::this_thread::sleep_for(std::max(Duration{0}, std::min<Duration>(kTick / 2, until - clock_.now().steady)));
  } while (clock_.now().steady < until);
}

void Worker::work_loop() {
  BrokerClient broker(layout_.broker_socket());
  while (!stopping_) {
    const SteadyTime begun = clock_.now().steady;
    if (reload_.exchange(false)) load();
    if (!broker.connected() && !broker.connect()) {
      pause(kReconnect);
      continue;
    }
    const Fault fault = fault_;
    const bool takes = !drained_ && fault != Fault::starve && fault != Fault::model && fault != Fault::hang;
    if (takes) one_task(broker);
    pause(std::max<Duration>(1ms, options_.pace - (clock_.now().steady - begun)));
  }
}

void Worker::load() {
  const std::string name = options_.pool + "-model";
  voice_.model(name, "loading", 0.0);
  const ModelLoad wanted{
      .path = layout_.model(options_.pool), .pace = options_.model_pace, .damage = fault_ == Fault::model};
  const auto loaded = load_model(wanted, [&](double part) {
    if (part < 1) voice_.model(name, "loading", part);
  });
  if (!loaded) return voice_.model(name, "failed", std::nullopt, loaded.error().message);
  voice_.model(name, "ready", 1.0);
  voice_.ready();
}

void Worker::one_task(BrokerClient& broker) {
  const auto taken = broker.take(options_.pool);
  if (!taken || !*taken) return;
  ++consumed_;
  const TakenTask& task = **taken;
  const SteadyTime begun = clock_.now().steady;
  const std::string id = std::to_string(task.id);
  voice_.task_started(id, task.type);
  const bool good = perform(task);
  const auto settled = good ? broker.ack(task.id) : broker.nack(task.id);
  if (good && settled) {
    ++done_;
    return voice_.task_finished(id, clock_.now().steady - begun);
  }
  ++failed_;
  voice_.task_failed(id);
}

bool Worker::perform(const TakenTask& task) {
  const SteadyTime begun = clock_.now().steady;
  const auto result = do_task(layout_.worker(options_.id), task.id, task.type, task.bytes);
  if (fault_ == Fault::slow) pause(options_.slow_task - (clock_.now().steady - begun));
  return result && fault_ != Fault::errors;
}

}  // namespace

int run_worker(const WorkerOptions& options, VoiceOut voice, const std::function<WorkerOrders()>& orders) {
  if (options.cpu >= 0) pin_to_one_cpu(options.cpu);
  return Worker(options, std::move(voice)).run(orders);
}

void pin_to_one_cpu(int index) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int left = index % std::max(1, CPU_COUNT(&allowed));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || left-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

}  // namespace paramedic::demo
