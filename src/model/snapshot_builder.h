// For tests: a snapshot from a few words. `snapshot()` is a running worker with a voice of period 30 s, heard at 0 s,
// nothing else known. Times are seconds after an arbitrary zero; taken() is "now".
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "model/snapshot.h"

namespace paramedic {

struct SnapshotBuilder {
  static constexpr SteadyTime kZero{std::chrono::hours(24)};
  static constexpr SteadyTime at(Duration t) { return kZero + t; }

  WorkerFacts worker;
  PoolContext pool;
  std::vector<QueueContext> queues;
  std::vector<LearnedDuration> durations;
  std::vector<LearnedLoad> loads;
  Duration now_{};

  SnapshotBuilder() {
    worker.handle = 0;
    worker.worker_id = "w-1";
    worker.pool = "default";
    worker.state = WorkerState::running;
    worker.state_since = worker.first_heard = at(0s);
    worker.last_report = worker.evidence_at = at(0s);
    pool.name = "default";
    pool.source.id = "http";
    pool.source.since = at(0s);
    pool.monitor_since = at(0s);
  }

  SnapshotBuilder& taken(Duration t) { return now_ = t, *this; }
  SnapshotBuilder& period(Duration p) {
    worker.period = worker.voice.period = p;
    return *this;
  }
  SnapshotBuilder& heard(Duration t) {
    worker.voice.expected = true;
    worker.voice.heard = at(t);
    return *this;
  }
  SnapshotBuilder& expects_voice() { return worker.voice.expected = true, *this; }
  SnapshotBuilder& burns(double cores) {
    worker.voice.silent_cores_sum = float(cores);
    worker.voice.silent_cores_count = 1;
    return *this;
  }
  // Resources measured at `t`; the CPU window is filled with `cpu` from `t` back over 5 min.
  SnapshotBuilder& resources(Duration t) {
    worker.resources.stamp.at = at(t);
    return *this;
  }
  SnapshotBuilder& cpu(Duration t, double percent, Duration covered = 5min) {
    resources(t);
    worker.resources.cpu_percent = percent;
    for (Duration back = covered; back >= 0s; back -= 10s) worker.resources.cpu.add(at(t - back), percent);
    return *this;
  }
  SnapshotBuilder& memory(Duration t, double percent, MemoryLimitKind kind = MemoryLimitKind::cgroup) {
    resources(t);
    worker.resources.memory_percent = percent;
    worker.resources.memory_limit_kind = kind;
    return *this;
  }
  SnapshotBuilder& gpu(Duration t, std::string id, std::optional<double> memory_percent, std::uint16_t xid = 0) {
    resources(t);
    GpuFacts g;
    g.id = std::move(id);
    g.memory_percent = memory_percent;
    g.xids[0] = xid;
    worker.resources.gpus.push_back(std::move(g));
    return *this;
  }
  SnapshotBuilder& process(Duration t, char state, Duration since) {
    worker.process.stamp.at = at(t);
    worker.process.state = state;
    worker.process.state_since = at(since);
    return *this;
  }
  SnapshotBuilder& exited(Duration t, ExitInfo exit) {
    worker.process.exit = exit;
    worker.process.exited_at = at(t);
    return *this;
  }
  std::uint32_t type(const std::string& name) {
    for (std::uint32_t i = 0; i < durations.size(); ++i)
      if (durations[i].type == name) return i;
    durations.emplace_back().type = name;
    return std::uint32_t(durations.size() - 1);
  }
  SnapshotBuilder& learned(const std::string& name, std::uint64_t count, double mean, double p50, double p99) {
    LearnedDuration& d = durations[type(name)];
    d.count = count;
    d.mean_seconds = mean;
    d.p50_seconds = p50;
    d.p99_seconds = p99;
    return *this;
  }
  // Tasks that finished at `t`; `seconds` = mean duration, 0 = not measured.
  SnapshotBuilder& tasks(Duration t, std::uint64_t finished, std::uint64_t failed, double seconds = 0,
                         const std::string& name = "t") {
    const std::uint32_t index = type(name);
    worker.tasks.stamp.at = at(t);
    FinishWindow::Sum sum;
    sum.finished = finished;
    sum.failed = failed;
    if (seconds > 0) sum.measured = finished;
    sum.duration_seconds = seconds * double(finished);
    worker.tasks.window.begin(at(0s));
    worker.tasks.window.add(at(t), sum);
    worker.tasks.types.emplace_back().type = index;
    worker.tasks.types.back().window.begin(at(0s));
    worker.tasks.types.back().window.add(at(t), sum);
    return *this;
  }
  SnapshotBuilder& running(Duration reported, std::string id, const std::string& name, Duration began) {
    worker.in_flight_stamp.at = at(reported);
    InFlightFacts f;
    f.id = std::move(id);
    f.type = type(name);
    f.started = at(began);
    worker.in_flight.push_back(std::move(f));
    return *this;
  }
  // A queue of broker "b"; edit queues.back() and worker.queues.back() for the rest.
  SnapshotBuilder& queue(Duration t, std::string name, std::optional<bool> connected, Duration since) {
    QueueFacts q;
    q.queue = std::uint32_t(queues.size());
    q.stamp.at = at(t);
    q.connected = connected;
    q.connection_since = at(since);
    worker.queues.push_back(q);
    QueueContext c;
    c.broker = "b";
    c.name = std::move(name);
    queues.push_back(std::move(c));
    return *this;
  }
  SnapshotBuilder& siblings_connected(std::uint32_t count, Duration since) {
    queues.back().connected = count;
    if (count > 0) queues.back().connected_since = at(since);
    return *this;
  }
  SnapshotBuilder& ready(Duration t, std::uint64_t count, Duration since) {
    queues.back().ready_stamp.at = at(t);
    queues.back().ready = count;
    queues.back().ready_since = at(since);
    return *this;
  }
  SnapshotBuilder& sibling_took(Duration t) {
    queues.back().takes[0] = {7, at(t)};
    return *this;
  }
  SnapshotBuilder& free_since(Duration t) {
    worker.free_since = at(t);
    worker.takes_known = true;
    worker.in_flight_stamp.at = at(t);
    return *this;
  }
  SnapshotBuilder& rtts(std::vector<double> latest_first) {
    QueueFacts& q = worker.queues.back();
    q.rtt_count = std::uint8_t(latest_first.size());
    for (std::size_t i = 0; i < latest_first.size(); ++i) q.rtts_ms[i] = float(latest_first[i]);
    return *this;
  }
  SnapshotBuilder& model(Duration t, std::string name, ModelState state, Duration since) {
    worker.model_stamp.at = at(t);
    ModelFacts m;
    m.name = std::move(name);
    m.state = state;
    m.state_since = m.progress_at = at(since);
    worker.models.push_back(std::move(m));
    return *this;
  }
  SnapshotBuilder& disk(Duration t, std::string mount, std::optional<double> used,
                        std::optional<std::uint64_t> free = {}, std::optional<double> inodes = {}) {
    worker.disk_stamp.at = at(t);
    worker.disks.push_back({std::move(mount), used, inodes, free});
    return *this;
  }

  // Borrows from *this.
  Snapshot build() {
    pool.queues = queues;
    pool.durations = durations;
    pool.loads = loads;
    return Snapshot{at(now_), Now{at(now_), WallTime{std::chrono::hours(24 * 365 * 50)} + now_}, worker, pool};
  }
};

inline SnapshotBuilder snapshot() { return SnapshotBuilder{}; }

}  // namespace paramedic
