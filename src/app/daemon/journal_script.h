// A day of a small fleet for the replay test, in shifts with the monitor switched off between them: workers that
// report, crash, hang and come back, an agent that starts and restarts them, operators, a ledger that fails. Answers
// what the engine asks for. Tests only.
#pragma once
#include <deque>
#include <functional>
#include <random>

#include "core/engine/engine.h"

namespace paramedic::daemon {

class ScriptedDay {
 public:
  explicit ScriptedDay(Now start) : now_(start) {
    for (int i = 0; i < 6; ++i) workers_.push_back({"w-" + std::to_string(i), i < 4 ? "thumbs" : "mail"});
  }

  const Now& now() const { return now_; }
  bool over() const { return tick_ >= kTicks; }
  // The inputs of the next step; moves time on. `waited` = how long the oldest of them did.
  std::vector<Input> next(Duration& waited) {
    ++tick_;
    advance(kTick + Duration(random_() % 1'000'000));
    waited = Duration(random_() % 10'000'000);
    std::vector<Input> out;
    while (!due_.empty() && due_.front().first <= tick_) {
      due_.front().second(out);
      due_.pop_front();
    }
    if (tick_ % 5 == 1 && connected_) report_all(out);
    happen(out, waited);
    return out;
  }
  // What the engine wants done is done, some ticks later.
  void answer(const Effects& effects) {
    for (const Act& act : effects.acts)
      if (const auto* send = std::get_if<SendLadder>(&act)) perform(send->ladder);
  }
  // The next shift: the monitor was away, connections are new.
  void restart() {
    advance(4h);
    new_shift_ = true;
  }

 private:
  static constexpr int kTicks = 9000;
  // Steps are due each second at the latest; more than 1 s late and the engine would stop nobody.
  static constexpr Duration kTick = 1900ms;
  struct Worker {
    std::string id, pool;
    int life = 1;
    bool dead = false, silent = false, disconnected = false;
    std::uint64_t completed = 0, failed = 0, seq = 0;
    std::string incarnation() const { return id + "." + std::to_string(life); }
  };

  void advance(Duration d) {
    now_.steady += d;
    now_.wall += d;
  }
  void after(int ticks, std::function<void(std::vector<Input>&)> what) {
    const auto at =
        std::upper_bound(due_.begin(), due_.end(), tick_ + ticks, [](int t, const auto& one) { return t < one.first; });
    due_.insert(at, {tick_ + ticks, std::move(what)});
  }
  double noise(double from, double to) { return from + (to - from) * double(random_() % 1000) / 1000; }

  ReportInput report(Worker& w) {
    Report r;
    r.worker_id = w.id;
    r.pool = w.pool;
    r.host = "h1";
    r.version = tick_ > kTicks / 2 ? "2.0" : "1.9";
    r.incarnation = w.incarnation();
    r.seq = ++w.seq;
    r.sent_at = now_.wall - 3ms;
    if (!w.silent) r.alive_at = now_.wall - 100ms;
    r.period = 10s;
    r.state = WorkerState::running;
    r.capabilities = Capabilities{.voice = true, .tasks = true, .queues = true, .process = true};
    r.labels = Labels{{"zone", w.id < "w-3" ? "a" : "b"}};
    r.process = ProcessPart{.pid = 100 + w.life, .state = 'S', .threads = 3};
    if (w.dead) r.process->exit = ExitInfo{.code = 1};
    r.resources = ResourcesPart{.cpu_percent = w.silent ? 0 : noise(5, 60),
                                .memory_percent = noise(20, 30),
                                .memory_mb = noise(100, 200),
                                .memory_limit_kind = MemoryLimitKind::cgroup};
    r.disks = std::vector{DiskPart{.mount = "/", .used_percent = noise(60, 97), .free_bytes = 1u << 30}};
    if (!w.silent) w.completed += random_() % 20, w.failed += random_() % 50 == 0;
    TaskPart tasks{.type = "resize", .started = w.completed, .completed = w.completed, .failed = w.failed};
    tasks.durations = DurationHistogram{};
    tasks.durations->counts[10] = w.completed;
    tasks.durations->sum_seconds = double(w.completed) * 0.7;
    r.tasks = std::vector{std::move(tasks)};
    r.queues = std::vector{QueuePart{.broker = "redis-a",
                                     .name = w.pool,
                                     .connected = !w.disconnected,
                                     .rtt_ms = noise(0.2, 2),
                                     .ready = random_() % 30,
                                     .consumed = w.completed}};
    r.in_flight =
        std::vector{InFlightTask{.id = "t-" + std::to_string(tick_), .type = "resize", .started_at = now_.wall}};
    r.metrics = {{"depth", noise(0, 9)}};
    return {std::move(r), "agent/h1", now_.steady};
  }
  void report_all(std::vector<Input>& out) {
    for (Worker& w : workers_)
      if (!w.dead) out.push_back(report(w));
    out.push_back(SourceFrameInput{"agent/h1", now_.steady});
  }
  void connect(std::vector<Input>& out, SourceState state) {
    connected_ = state == SourceState::connected;
    out.push_back(SourceInput{.source = "agent/h1",
                              .state = state,
                              .host = "h1",
                              .boot_id = "b",
                              .period = 10s,
                              .can_restart = true,
                              .received = now_.steady});
  }
  void probe(std::vector<Input>& out, const std::string& broker, bool ok) {
    out.push_back(ProbeInput{.name = broker.empty() ? "gateway" : broker,
                             .kind = "tcp",
                             .broker = broker,
                             .ok = ok,
                             .text = ok ? "" : "connection refused",
                             .took = 40ms,
                             .at = now_.steady});
  }
  void command(std::vector<Input>& out, Verb verb, std::string worker = {}, std::string pool = {}) {
    CommandInput c{.command_id = "c-" + std::to_string(tick_), .verb = verb, .worker_id = worker, .pool = pool};
    c.actor = "ada";
    c.reason = "script";
    c.received = now_.steady;
    if (verb == Verb::maintenance_on) c.duration = 10min;
    if (verb == Verb::rolling_start) c.rolling = RollingWish{.pool = c.pool, .at_once_percent = 20};
    if (verb == Verb::silence)
      c.silence =
          Silence{.matchers = {{"pool", MatchOp::equal, "mail"}}, .starts_at = now_.wall, .ends_at = now_.wall + 1h};
    out.push_back(std::move(c));
  }

  // As an executor tells whose other side says "not now".
  void hold_back(const Ladder& ladder) {
    after(2, [this, ladder](std::vector<Input>& out) {
      ProgressInput p{
          .source = "agent/h1", .action_id = ladder.action_id, .worker_id = ladder.worker_id, .step = LadderStep::term};
      p.done = p.held_back = true;
      p.ok = false;
      p.message = "the disruption budget needs 3 pods";
      p.retry_after = 20s;
      p.received = now_.steady;
      out.push_back(std::move(p));
    });
  }

  void perform(const Ladder& ladder) {
    if (is_stop(ladder.kind) && ++stops_ % 4 == 2) return hold_back(ladder);
    const auto tell = [this, ladder](int ticks, LadderStep step, bool done) {
      after(ticks, [this, ladder, step, done](std::vector<Input>& out) {
        const auto worker = std::find_if(workers_.begin(), workers_.end(),
                                         [&](const Worker& one) { return one.id == ladder.worker_id; });
        ProgressInput p{
            .source = "agent/h1", .action_id = ladder.action_id, .worker_id = ladder.worker_id, .step = step};
        p.done = done;
        p.received = now_.steady;
        if (step == LadderStep::start) {
          ++worker->life;
          worker->dead = worker->silent = worker->disconnected = false;
          worker->completed = worker->failed = 0;
        }
        if (step >= LadderStep::start) p.new_incarnation = worker->incarnation();
        out.push_back(std::move(p));
      });
    };
    tell(1, LadderStep::accepted, false);
    tell(2, LadderStep::term, false);
    tell(3, LadderStep::start, false);
    tell(4, LadderStep::start, true);
  }

  // What the day brings.
  void happen(std::vector<Input>& out, Duration& waited) {
    if (std::exchange(new_shift_, false)) connect(out, SourceState::connected);
    Worker& some = workers_[random_() % workers_.size()];
    const auto every = [this](int ticks, int offset) { return tick_ % ticks == offset; };
    if (every(450, 200) && !some.dead) {  // a crash: the agent starts it by itself, or the engine has it started
      some.dead = true;
      out.push_back(report(some));
      if (random_() % 2) {
        after(3, [this, &some](std::vector<Input>& then) {
          const std::string before = some.incarnation();
          ++some.life;
          some.dead = some.silent = false;
          some.completed = some.failed = 0;
          then.push_back(AgentStartInput{.source = "agent/h1",
                                         .action_id = "start-" + std::to_string(tick_),
                                         .worker_id = some.id,
                                         .previous_incarnation = before,
                                         .incarnation = some.incarnation(),
                                         .crashes = 1,
                                         .exit = {.code = 1},
                                         .received = now_.steady});
        });
      }
    }
    if (every(600, 300)) some.silent = true;
    if (every(700, 350)) some.disconnected = true;
    if (every(1500, 800)) connect(out, SourceState::disconnected);
    if (every(1500, 830)) connect(out, SourceState::connected);
    if (every(1250, 50)) command(out, Verb::maintenance_on, {}, "mail");
    if (every(1250, 100)) command(out, Verb::quarantine, some.id);
    if (every(1250, 130)) command(out, Verb::freeze);
    if (every(1250, 140)) command(out, Verb::thaw);
    if (every(1250, 150))
      for (const Worker& w : workers_) command(out, Verb::release, w.id);
    if (every(2000, 55)) command(out, Verb::silence);
    if (every(2000, 65)) command(out, Verb::restart, some.id);
    if (every(2000, 1200)) command(out, Verb::rolling_start, {}, "thumbs");
    if (every(2500, 77)) out.push_back(LedgerStateInput{true, "disk full"});
    if (every(2500, 85)) out.push_back(LedgerStateInput{false, ""});
    for (const auto& [broker, away] : {std::pair("redis-a", tick_ % 1700 >= 1600), std::pair("", tick_ % 2300 >= 2260)})
      if (away || tick_ % 5 == 0) probe(out, broker, !away);
    if (every(3000, 99)) out.push_back(DeliveryInput{DeliveryOutcome{.notification_id = "n-1"}, now_.steady});
    if (every(650, 370)) {  // measured during an outage, sent later
      ReportInput late = report(some);
      late.report.age = 20min;
      late.backlog = true;
      out.push_back(std::move(late));
    }
    if (every(3500, 1000)) waited = 3s;       // the monitor lagged
    if (every(4000, 2000)) now_.wall += 90s;  // NTP stepped the wall clock
    if (every(4000, 2100)) advance(20s);      // the whole machine stood still
  }

  Now now_;
  int tick_ = 0, stops_ = 0;
  bool connected_ = false, new_shift_ = true;
  std::mt19937 random_{20261123};  // the same on every machine
  std::vector<Worker> workers_;
  std::deque<std::pair<int, std::function<void(std::vector<Input>&)>>> due_;
};

}  // namespace paramedic::daemon
