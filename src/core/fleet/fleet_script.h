// For the fleet's tests: a clock, a fleet, and reports in few words.
#pragma once
#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "core/fleet/fleet.h"

namespace paramedic {

struct FleetScript {
  ManualClock clock;
  Fleet fleet;
  std::string source = "http";

  explicit FleetScript(FleetConfig config = {}) : fleet(std::move(config), clock.now()) {}

  Now now() const { return clock.now(); }
  FleetScript& wait(Duration d) { return clock.advance(d), *this; }

  static Report report(std::string id) {
    Report r;
    r.worker_id = std::move(id);
    r.period = 5s;
    return r;
  }
  // As the agent sees it: process 100 (or `pid`), started `ago` before now.
  Report observed(std::string id, int pid = 100, Duration ago = 10min) {
    Report r = report(std::move(id));
    r.host = "h1";
    r.process = ProcessPart{};
    r.process->pid = pid;
    r.process->started_at = now().wall - ago;
    r.process->state = 'S';
    return r;
  }
  Result<ReportOutcome> send(const Report& r, bool backlog = false) {
    return fleet.apply(ReportInput{.report = r, .source = source, .received = now().steady, .backlog = backlog}, now());
  }
  ReportOutcome ok(const Report& r, bool backlog = false) {
    auto out = send(r, backlog);
    EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().message);
    return out ? *out : ReportOutcome{};
  }
  Errc refused(const Report& r) {
    auto out = send(r);
    EXPECT_FALSE(out.has_value());
    if (out) return Errc::internal;
    EXPECT_FALSE(out.error().message.empty());
    return out.error().code;
  }
  SourceOutcome connect(const std::string& id, SourceState state = SourceState::connected) {
    SourceInput in;
    in.source = id;
    in.host = "h1";
    in.state = state;
    in.can_restart = true;
    in.received = now().steady;
    return fleet.apply(in, now());
  }
  SourceOutcome frame(const std::string& id) { return fleet.apply(SourceFrameInput{id, now().steady}, now()); }

  const WorkerFacts& facts(const std::string& id) const { return fleet.facts(*fleet.find(id)); }
  Duration voice_age(const std::string& id) const { return now().steady - *facts(id).voice.heard; }
  WorkerView view(const std::string& id) {
    WorkerView out;
    fleet.fill_view(*fleet.find(id), now(), out);
    return out;
  }
};

inline TaskPart tasks(std::string type, std::uint64_t completed, std::uint64_t failed = 0) {
  TaskPart t;
  t.type = std::move(type);
  t.started = completed + failed;
  t.completed = completed;
  t.failed = failed;
  return t;
}

inline QueuePart queue(std::string name, std::optional<bool> connected, std::optional<std::uint64_t> ready = {},
                       std::optional<std::uint64_t> consumed = {}) {
  QueuePart q;
  q.broker = "b";
  q.name = std::move(name);
  q.connected = connected;
  q.ready = ready;
  q.consumed = consumed;
  return q;
}

}  // namespace paramedic
