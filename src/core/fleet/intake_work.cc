// The parts of a report that tell of work: task counts, running tasks, queues.
#include <algorithm>
#include <cmath>

#include "core/fleet/fleet_impl.h"

namespace paramedic {

namespace {

PartStamp stamp_of(const Arrival& a) { return {a.measured, fresh_for(a.period)}; }

bool fell(const TaskCounts& now, const TaskCounts& before) {
  return now.started < before.started || now.completed < before.completed || now.failed < before.failed ||
         now.retried < before.retried || now.revoked < before.revoked || now.lost < before.lost;
}

TaskCounts minus(const TaskCounts& a, const TaskCounts& b) {
  return {a.started - b.started, a.completed - b.completed, a.failed - b.failed,
          a.retried - b.retried, a.revoked - b.revoked,     a.lost - b.lost};
}

void plus(TaskCounts& a, const TaskCounts& b) {
  a.started += b.started;
  a.completed += b.completed;
  a.failed += b.failed;
  a.retried += b.retried;
  a.revoked += b.revoked;
  a.lost += b.lost;
}

FinishWindow::Sum sum_of(const TaskCounts& counts, const DurationHistogram& durations) {
  FinishWindow::Sum sum;
  sum.finished = counts.finished();
  sum.failed = counts.failed;
  sum.measured = durations.count();
  sum.duration_seconds = std::isfinite(durations.sum_seconds) ? std::max(0.0, durations.sum_seconds) : 0;
  return sum;
}

// Seconds a counter of a report may have run to count as "all of it in the window".
constexpr Duration kYoung = kWindow;

bool began_lately(const Arrival& a) {
  const auto& p = a.report.process;
  if (!p || !p->started_at) return false;
  const WallTime sent = a.report.sent_at.value_or(a.now.wall);
  return sent - *p->started_at <= kYoung;
}

}  // namespace

void Fleet::Impl::note_take(WorkerSlot& slot, SteadyTime when) {
  slot.facts.last_take = std::max(slot.facts.last_take.value_or(when), when);
}

void Fleet::Impl::take_tasks(WorkerSlot& slot, const Arrival& a) {
  if (!a.report.tasks) return;
  WorkerFacts& w = slot.facts;
  PoolMemory& memory = pools[slot.pool].memory;
  // Counters that were seen before, or began at zero while we watched: what they show is new. Else it is a baseline.
  const bool counting = w.tasks.stamp.at.has_value() || slot.successor || began_lately(a);
  struct Reported {
    TaskCounts counts;
    DurationHistogram durations;
  };
  std::map<std::uint32_t, Reported> by_type;  // several types may fold into one
  std::size_t distinct = 0;
  for (const TaskPart& part : *a.report.tasks) {
    if (++distinct > kMaxTaskTypesPerPool) break;
    const auto known = memory.find_type(part.type);
    const auto mine = [&](std::uint32_t t) {
      return by_type.contains(t) || std::any_of(w.tasks.types.begin(), w.tasks.types.end(),
                                                [&](const TaskTypeFacts& f) { return f.type == t; });
    };
    const bool fresh = !known || !mine(*known);
    const bool full = fresh && w.tasks.types.size() + by_type.size() >= kMaxTaskTypesPerWorker &&
                      std::max(w.tasks.types.size(), by_type.size()) >= kMaxTaskTypesPerWorker;
    const std::uint32_t type = memory.type_index(part.type, full);
    if (memory.type_name(type) != part.type) ++stats.task_types_folded;
    Reported& reported = by_type[type];
    plus(reported.counts, {part.started, part.completed, part.failed, part.retried, part.revoked, part.lost});
    if (part.durations) reported.durations.add(*part.durations);
  }
  w.tasks.window.begin(a.measured);
  std::uint64_t taken = 0;
  bool tells_started = false;
  for (const auto& [type, reported] : by_type) {
    auto found = std::find_if(w.tasks.types.begin(), w.tasks.types.end(),
                              [&, t = type](const TaskTypeFacts& f) { return f.type == t; });
    if (found == w.tasks.types.end()) {
      w.tasks.types.reserve(w.tasks.types.size() + 1);  // about 1 KiB each: no spare ones
      w.tasks.types.emplace_back().type = type;
      found = w.tasks.types.end() - 1;
    }
    TaskTypeFacts& facts = *found;
    if (fell(reported.counts, facts.reported)) {
      ++stats.counter_resets;
      facts.reported = TaskCounts{};
      facts.reported_durations = DurationHistogram{};
    }
    const TaskCounts more = minus(reported.counts, facts.reported);
    const DurationHistogram durations = reported.durations.since(facts.reported_durations);
    facts.reported = reported.counts;
    facts.reported_durations = reported.durations;
    plus(facts.total, more);
    facts.total_durations.add(durations);
    memory.learn_durations(type, durations);
    stats.samples += 6;
    tells_started = tells_started || reported.counts.started > 0;
    facts.window.begin(a.measured);
    if (!counting) continue;
    plus(facts.unsaved, more);
    facts.unsaved_durations.add(durations);
    const FinishWindow::Sum sum = sum_of(more, durations);
    if (sum.finished > 0 || sum.measured > 0) {
      facts.window.add(a.measured, sum);
      w.tasks.window.add(a.measured, sum);
    }
    taken += reported.counts.started > 0 ? more.started : more.finished();
  }
  w.tasks.stamp = stamp_of(a);
  w.takes_known = w.takes_known || tells_started || !by_type.empty();
  if (taken == 0) return;
  note_take(slot, a.measured);
  // Without `consumed` the starts stand for takes, where there is only one queue they can come from.
  if (w.queues.size() == 1 && !w.queues.front().consumed)
    queues.took(w.queues.front().queue, w.handle, a.measured, taken);
}

void Fleet::Impl::take_in_flight(WorkerSlot& slot, const Arrival& a) {
  if (!a.report.in_flight) return;
  WorkerFacts& w = slot.facts;
  std::vector<InFlightFacts> list;
  for (const InFlightTask& task : *a.report.in_flight) {
    if (list.size() == kMaxInFlight) break;
    InFlightFacts facts;
    facts.id = task.id;
    facts.type = pools[slot.pool].memory.type_index(task.type);
    facts.args_digest = task.args_digest;
    facts.traceparent = task.traceparent;
    // Once known the start stays: a step of the sender's clock makes no task old.
    const auto old =
        std::find_if(w.in_flight.begin(), w.in_flight.end(), [&](const InFlightFacts& f) { return f.id == task.id; });
    if (old != w.in_flight.end())
      facts.started = old->started;
    else
      facts.started = task.started_at ? a.steady_of(*task.started_at).value_or(a.measured) : a.measured;
    list.push_back(std::move(facts));
  }
  list.shrink_to_fit();
  w.in_flight = std::move(list);
  w.in_flight_stamp = stamp_of(a);
}

void Fleet::Impl::take_free_slot(WorkerSlot& slot, const Arrival& a) {
  WorkerFacts& w = slot.facts;
  std::optional<std::uint64_t> running;
  if (a.report.in_flight) {
    running = a.report.in_flight->size();
  } else if (a.report.tasks && !w.in_flight_stamp.known(a.measured)) {
    std::uint64_t begun = 0, ended = 0;
    for (const TaskTypeFacts& t : w.tasks.types) {
      begun += t.reported.started;
      ended += t.reported.finished() + t.reported.retried + t.reported.revoked + t.reported.lost;
    }
    if (begun > 0) running = begun > ended ? begun - ended : 0;
  } else {
    return;  // nothing new about it
  }
  const auto slots_of = std::uint64_t(w.concurrency.value_or(1));
  if (!running || *running >= slots_of)
    w.free_since.reset();
  else if (!w.free_since)
    w.free_since = a.measured;
}

void Fleet::Impl::take_queues(WorkerSlot& slot, const Arrival& a) {
  if (!a.report.queues) return;
  WorkerFacts& w = slot.facts;
  PoolMemory& memory = pools[slot.pool].memory;
  const bool from_zero = slot.successor || began_lately(a);
  std::vector<std::uint32_t> named;
  for (const QueuePart& part : *a.report.queues) {
    if (named.size() == kMaxListItems) break;
    const auto at_queue = queues.find(part.broker, part.name);
    auto found = at_queue ? std::find_if(w.queues.begin(), w.queues.end(),
                                         [&](const QueueFacts& q) { return q.queue == *at_queue; })
                          : w.queues.end();
    if (found == w.queues.end()) {
      const auto queue = queues.acquire(part.broker, part.name, w.pool);
      if (!queue) {
        ++stats.workers_refused;
        continue;
      }
      w.queues.emplace_back().queue = *queue;
      found = w.queues.end() - 1;
    }
    QueueFacts& q = *found;
    named.push_back(q.queue);
    queues.read(q.queue, part, a.measured, fresh_for(a.period));
    if (part.connected) {
      if (q.connected != part.connected || !q.stamp.known(a.measured)) q.connection_since = a.measured;
      q.connected = part.connected;
    }
    q.stamp = stamp_of(a);
    if (part.rtt_ms && std::isfinite(*part.rtt_ms) && *part.rtt_ms >= 0) {
      std::rotate(q.rtts_ms.begin(), q.rtts_ms.end() - 1, q.rtts_ms.end());
      q.rtts_ms.front() = float(*part.rtt_ms);
      q.rtt_count = std::uint8_t(std::min<std::size_t>(q.rtt_count + 1u, q.rtts_ms.size()));
    }
    stats.samples += 3;
    if (!part.consumed) continue;
    w.takes_known = true;
    const bool baseline = !q.consumed && !from_zero;
    if (q.consumed && *part.consumed < *q.consumed) {
      ++stats.counter_resets;
      q.consumed = 0;
    }
    const std::uint64_t more = baseline ? 0 : *part.consumed - q.consumed.value_or(0);
    q.consumed = part.consumed;
    if (more == 0) continue;
    const QueueContext& c = queues.context(q.queue);
    if (q.last_take && c.ready_since && *c.ready_since <= *q.last_take)
      memory.learn_take_gap((a.measured - *q.last_take) / std::int64_t(std::min<std::uint64_t>(more, 1'000'000)));
    q.last_take = a.measured;
    note_take(slot, a.measured);
    queues.took(q.queue, w.handle, a.measured, more);
  }
  // A queue that is not named any more is left at once; of several sources the other may still name it.
  const bool alone = slot.tracks.size() == 1;
  const auto left = [&](const QueueFacts& q) {
    return std::find(named.begin(), named.end(), q.queue) == named.end() && (alone || !q.stamp.known(a.measured));
  };
  if (std::none_of(w.queues.begin(), w.queues.end(), left)) return;
  for (QueueFacts& q : w.queues)
    if (left(q)) q.connected.reset();
  update_shares(slot, a.now);  // takes its shares back
  std::erase_if(w.queues, [&](const QueueFacts& q) {
    if (!left(q)) return false;
    queues.forget_taker(q.queue, w.handle);
    queues.release(q.queue, w.pool);
    return true;
  });
}

}  // namespace paramedic
