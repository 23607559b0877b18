// queue_connection: is the worker connected to its broker, is the way there fast, and does it take work that is ready.
// What it alone has is its own illness; what all have is the broker's: then it says unknown.
#include <algorithm>

#include "core/checks/check.h"
#include "core/checks/checks.h"

namespace paramedic {

QueueConnectionConfig QueueConnectionConfig::parse(ParamsReader& reader) {
  QueueConnectionConfig c;
  reader.read("rtt_warning_ms", c.rtt_warning_ms, 0.1, 60'000);
  reader.read("rtt_count", c.rtt_count, 1, 5);
  reader.read("disconnected_after", c.disconnected_after, 1s, 24h);
  reader.read("restart_disconnected_after", c.restart_disconnected_after, 1s, 24h);
  reader.read("not_consuming_after", c.not_consuming_after, 1s, 24h);
  reader.read("not_consuming_gap_factor", c.not_consuming_gap_factor, 1, 1000);
  if (c.restart_disconnected_after < c.disconnected_after)
    reader.problem("restart_disconnected_after", "must not be shorter than disconnected_after");
  return c;
}

namespace {

struct View {  // one fresh queue of the worker, with what the fleet knows of it
  const QueueFacts& mine;
  const QueueContext& queue;
};

template <class Visit>
void each_known(const Snapshot& s, Visit&& visit) {
  for (const QueueFacts& q : s.worker.queues)
    if (s.known(q.stamp) && q.queue < s.pool.queues.size()) visit(View{q, s.pool.queues[q.queue]});
}

std::string subject_of(const QueueContext& q) { return q.broker.empty() ? q.name : q.broker + "/" + q.name; }

bool disconnected(const View& v) { return v.mine.connected == false; }

// How long it has been disconnected while at least one sibling was connected; nullopt without such a sibling.
std::optional<Duration> alone_for(const Snapshot& s, const View& v) {
  if (v.queue.connected == 0 || !v.queue.connected_since) return std::nullopt;
  return s.since(std::max(v.mine.connection_since, *v.queue.connected_since));
}

void judge_connection(Finding& f, const Snapshot& s, const View& v, const QueueConnectionConfig& c) {
  const Duration age = s.since(v.mine.connection_since);
  const Duration alone = alone_for(s, v).value_or(Duration{});
  Cause cause;
  cause.subject = subject_of(v.queue);
  cause.value = to_seconds(age);
  cause.unit = "s";
  cause.status = FindingStatus::warning;
  if (alone > c.disconnected_after) {
    cause.status = FindingStatus::critical;
    cause.remedy = alone > c.restart_disconnected_after ? RemedyKind::restart : RemedyKind::none;
  }
  if (age > c.disconnected_after) {
    cause.reason = Reason::disconnected;  // without a connected sibling a warning: broker or worker, one cannot tell
    cause.limit = to_seconds(c.disconnected_after);
  } else {
    cause.reason = Reason::reconnecting;
    cause.evidence = Evidence::sampled;
  }
  cause.hold_status = cause.status;
  f.causes.push_back(std::move(cause));
}

void judge_round_trip(Finding& f, const View& v, const QueueConnectionConfig& c) {
  const auto wanted = std::size_t(c.rtt_count);
  if (v.mine.rtt_count == 0) return;
  const auto& rtts = v.mine.rtts_ms;
  Cause cause;
  cause.reason = Reason::round_trip_high;
  cause.unit = "ms";
  const Thresholds limits{c.rtt_warning_ms, std::numeric_limits<double>::infinity()};
  if (!judge_sampled(cause, double(rtts[0]), limits, clear_ratio)) return;
  const bool all = v.mine.rtt_count >= wanted && std::all_of(rtts.begin(), rtts.begin() + std::ptrdiff_t(wanted),
                                                             [&](float ms) { return double(ms) > c.rtt_warning_ms; });
  if (!all) cause.status = FindingStatus::healthy;  // keeps a bad one bad, makes none
  cause.subject = subject_of(v.queue);
  f.causes.push_back(std::move(cause));
}

Duration take_limit(const Snapshot& s, const QueueConnectionConfig& c) {
  const Duration learned = from_seconds(std::min(c.not_consuming_gap_factor * to_seconds(s.pool.take_gap_p95), 1e6));
  return std::max(c.not_consuming_after, learned);
}

// Since when the worker could have taken work from this queue and did not; nullopt when it could not, or nobody can
// tell. Only the time counts in which work was ready, a slot was free and the connection stood.
std::optional<SteadyTime> idle_since(const Snapshot& s, const View& v) {
  const WorkerFacts& w = s.worker;
  if (w.state != WorkerState::running || w.stop || !w.takes_known || !w.free_since || v.mine.connected == false)
    return std::nullopt;
  if (!s.known(w.tasks.stamp) && !s.known(w.in_flight_stamp) && !v.mine.consumed) return std::nullopt;
  if (!v.queue.has_work(s.taken_at) || !v.queue.ready_since) return std::nullopt;
  SteadyTime since = std::max({w.first_heard, w.state_since, *w.free_since, *v.queue.ready_since});
  if (v.mine.connected) since = std::max(since, v.mine.connection_since);
  if (w.last_take) since = std::max(since, *w.last_take);
  return since;
}

void judge_consumption(Finding& f, const Snapshot& s, const View& v, const QueueConnectionConfig& c) {
  const auto idle = idle_since(s, v);
  const Duration limit = take_limit(s, c);
  if (!idle || s.since(*idle) <= limit) return;
  const auto sibling = v.queue.sibling_take(s.worker.handle);
  if (!sibling || *sibling <= *idle || s.since(*sibling) > limit) return;
  Cause cause;
  cause.reason = Reason::not_consuming;
  cause.status = cause.hold_status = FindingStatus::critical;
  cause.value = to_seconds(s.since(*idle));
  cause.limit = to_seconds(limit);
  cause.unit = "s";
  cause.subject = subject_of(v.queue);
  cause.remedy = RemedyKind::restart;
  f.causes.push_back(std::move(cause));
}

void add_metrics(Finding& f, int connected, int known, double rtt) {
  f.metrics.emplace_back("queues_connected", connected);
  f.metrics.emplace_back("queues_known", known);
  if (rtt >= 0) f.metrics.emplace_back("rtt_ms", rtt);
}

}  // namespace

Finding check_queue_connection(const Snapshot& s, const QueueConnectionConfig& c) {
  Finding f = make_finding("queue_connection", s);
  const WorkerFacts& w = s.worker;
  if (!w.capabilities.queues && w.queues.empty()) return std::move(set_not_applicable(f, "no queue data is reported"));
  if (w.dead()) return std::move(set_unknown(f, "the process has ended"));
  int known = 0, connected = 0;
  double rtt = -1;
  std::string broker_down;
  std::optional<SteadyTime> newest;
  each_known(s, [&](const View& v) {
    if (!newest || *v.mine.stamp.at > *newest) newest = v.mine.stamp.at;
    ++known;
    if (!disconnected(v)) ++connected;
    if (v.queue.broker_down) {
      // A probe alone may say so: who is connected keeps its finding.
      if (disconnected(v)) broker_down = v.queue.broker;
      return;
    }
    if (v.mine.rtt_count > 0) rtt = std::max(rtt, double(v.mine.rtts_ms[0]));
    if (disconnected(v))
      judge_connection(f, s, v, c);
    else
      judge_round_trip(f, v, c);
    judge_consumption(f, s, v, c);
  });
  if (known == 0) return std::move(set_unknown(f, "no fresh queue data"));
  f.evidence_at = *newest;
  settle(f);
  if (!broker_down.empty() && badness(f.status) == 0)
    return std::move(set_unknown(f, "broker " + broker_down + " is down"));
  add_metrics(f, connected, known, rtt);
  return f;
}

std::optional<SteadyTime> deadline_queue_connection(const Snapshot& s, const QueueConnectionConfig& c) {
  NextDeadline next(s.taken_at);
  if (s.worker.dead()) return std::nullopt;
  each_known(s, [&](const View& v) {
    if (v.queue.broker_down) return;
    if (disconnected(v)) {
      next.add(v.mine.connection_since + c.disconnected_after);
      if (const auto alone = alone_for(s, v)) {
        next.add(s.taken_at - *alone + c.disconnected_after);
        next.add(s.taken_at - *alone + c.restart_disconnected_after);
      }
    }
    if (const auto idle = idle_since(s, v)) next.add(*idle + take_limit(s, c));
  });
  return next.next();
}

}  // namespace paramedic
