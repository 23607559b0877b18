// For tests of app/replay: a small fleet under an agent that is watched by an engine, second by second, whose inputs,
// decisions and rows are recorded as the daemon records them: input journal, ledger, history. Ladders are performed.
#pragma once
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "app/replay/replay.h"
#include "core/recovery/backoff.h"
#include "io/journal/input_journal.h"

namespace paramedic::replay {

namespace fs = std::filesystem;

// Decides within minutes; pools of a few workers do not freeze.
inline EngineConfig quick_config() {
  EngineConfig c;
  c.interval = 10s;
  RecoveryPolicy& r = c.defaults.recovery;
  r.young_monitor = 0s;
  r.freeze_min_pool = 100;
  r.drain = r.term_grace = r.diagnostics = 1s;
  r.verify_grace = r.verify_proof = r.verify_alive = 10s;
  r.no_outcome = 20s;
  r.allow_last = true;
  return c;
}

class RecordedFleet {
 public:
  struct Worker {
    int life = 1;
    double memory = 20;
    bool silent = false, dead = false;
    std::uint64_t completed = 0;
  };

  RecordedFleet() {
    std::string pattern = (fs::temp_directory_path() / "paramedic-replayed-XXXXXX").string();
    dir = ::mkdtemp(pattern.data());
    ledger = std::move(*open_sqlite_ledger({.data_dir = dir.string(), .reserve_bytes = 0}));
    history = std::move(*open_sqlite_history({.data_dir = dir.string()}));
    for (int i = 0; i < 4; ++i) workers["w-" + std::to_string(i)];
  }
  ~RecordedFleet() {
    std::error_code ignored;
    fs::remove_all(dir, ignored);
  }

  // A life of the monitor.
  void begin(const EngineConfig& config, const std::string& hash) {
    const Now now = clock.now();
    journal::JournalOptions options;
    options.config_hash = hash;
    options.build_id = "this build";
    options.store.dir = inputs();
    options.store.min_free_bytes = 0;
    options.queue_bytes = std::uint64_t{1} << 30;  // a test runs faster than any fleet
    journal = std::make_unique<journal::InputJournal>(std::move(options), *log);
    const auto state = ledger->load(now);
    ASSERT_TRUE(state);
    journal->begin(*state, now);
    engine = std::make_unique<Engine>(config, now);
    engine->restore(*state, now);
    source(SourceState::connected);
    step();
  }
  void end() {
    waiting.emplace_back(ShutdownInput{});
    step();
    journal->stop();
    EXPECT_EQ(journal->stats().dropped_inputs, dropped);
    engine.reset();
    ASSERT_TRUE(ledger->commit(entries_));
    entries_.clear();
    ASSERT_TRUE(history->flush());
  }

  // Reports each 5 s; what executors do takes a second per step.
  void live(Duration d) {
    const SteadyTime until = clock.now().steady + d;
    while (clock.now().steady < until) {
      clock.advance(1s);
      if (++second_ % 5 == 0)
        for (auto& [id, w] : workers)
          if (!w.dead) report(id, w);
      while (!due_.empty() && due_.front().first <= clock.now().steady) {
        due_.front().second();
        due_.pop_front();
      }
      step();
    }
  }

  // Its agent starts it again under its lease.
  void crash(const std::string& id) {
    die(id, 11);
    after(2s, [=, this] {
      Worker& w = workers[id];
      const std::string before = id + "." + std::to_string(w.life);
      w = {.life = w.life + 1};
      AgentStartInput start{"agent/h1", make_action_id(id, before, 1),     id,
                            before,     id + "." + std::to_string(w.life), 1};
      start.ago = 1s;
      start.exit.signal = 11;
      start.received = clock.now().steady;
      waiting.emplace_back(std::move(start));
    });
  }

  Result<ReplayResult> replay(const ConfiguredEngine& fresh, const ConfiguredEngine* old = nullptr) {
    return replay_inputs(ask(fresh, old));
  }
  Result<ReplayResult> approximate(const ConfiguredEngine& fresh, const ConfiguredEngine* old = nullptr) {
    return replay_history(ask(fresh, old));
  }
  ReplayOptions ask(const ConfiguredEngine& fresh, const ConfiguredEngine* old) {
    ReplayOptions o{.new_config = &fresh, .old_config = old};
    o.inputs_dir = inputs();
    o.ledger = ledger.get();
    o.history = history.get();
    o.from = begun;
    o.to = clock.now().wall + 1h;
    o.build_id = "this build";
    return o;
  }
  std::string inputs() const { return (dir / "inputs").string(); }

  fs::path dir;
  ManualClock clock{WallTime{Duration{1'795'000'000'000'654'321}}};  // no whole millisecond, as on any clock
  const WallTime begun = clock.now().wall;
  std::unique_ptr<Logger> log = make_null_logger();
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<History> history;
  std::unique_ptr<journal::InputJournal> journal;
  std::unique_ptr<Engine> engine;
  std::map<std::string, Worker> workers;
  std::vector<Input> waiting;
  std::uint64_t dropped = 0;  // inputs that the journal could not take

 private:
  void source(SourceState state) {
    SourceInput s{.source = "agent/h1", .state = state, .host = "h1"};
    s.can_restart = true;
    s.received = clock.now().steady;
    waiting.emplace_back(std::move(s));
  }
  Report base(const std::string& id, const Worker& w) {
    Report r;
    r.worker_id = id;
    r.pool = "thumbs";
    r.host = "h1";
    r.incarnation = id + "." + std::to_string(w.life);
    r.seq = ++seq_;
    r.sent_at = clock.now().wall;
    r.period = 5s;
    r.state = WorkerState::running;
    r.capabilities = Capabilities{.voice = true, .tasks = true, .process = true};
    return r;
  }
  void report(const std::string& id, Worker& w) {
    Report r = base(id, w);
    if (!w.silent) {
      r.alive_at = clock.now().wall;
      w.completed += 2;
    }
    r.process = ProcessPart{.pid = 100 + w.life, .state = 'S'};
    r.resources = ResourcesPart{.cpu_percent = 10, .memory_percent = w.memory, .memory_mb = 100};
    TaskPart task{.type = "resize", .started = w.completed, .completed = w.completed};
    task.durations.emplace();
    for (std::uint64_t i = 0; i < w.completed; ++i) task.durations->observe(0.1);
    r.tasks = std::vector<TaskPart>{task};
    send(std::move(r));
  }
  void die(const std::string& id, int signal) {
    Worker& w = workers[id];
    w.dead = true;
    Report r = base(id, w);
    r.process = ProcessPart{.pid = 100 + w.life};
    r.process->exit = ExitInfo{.signal = signal};
    send(std::move(r));
  }
  void send(Report r) { waiting.emplace_back(ReportInput{std::move(r), "agent/h1", clock.now().steady}); }

  void step() {
    Effects effects;
    journal->step(waiting, Duration{}, clock.now());
    engine->step(waiting, Duration{}, clock.now(), effects);
    waiting.clear();
    std::move(effects.ledger.begin(), effects.ledger.end(), std::back_inserter(entries_));
    history->append(std::move(effects.history));
    for (const Act& act : effects.acts)
      if (const auto* sent = std::get_if<SendLadder>(&act)) perform(sent->ladder);
  }
  void after(Duration d, std::function<void()> what) { due_.emplace_back(clock.now().steady + d, std::move(what)); }
  void perform(const Ladder& ladder) {
    after(1s, [=, this] { tell(ladder, LadderStep::accepted); });
    if (is_stop(ladder.kind)) {
      after(1s, [=, this] { tell(ladder, LadderStep::term); });
      after(1s, [=, this] { die(ladder.worker_id, 15); });
    }
    after(1s, [=, this] {
      Worker& w = workers[ladder.worker_id];
      w = {.life = w.life + 1};
      tell(ladder, LadderStep::start, true, ladder.worker_id + "." + std::to_string(w.life));
    });
  }
  void tell(const Ladder& ladder, LadderStep step, bool done = false, std::string incarnation = "") {
    ProgressInput p{.source = "agent/h1", .action_id = ladder.action_id, .worker_id = ladder.worker_id, .step = step};
    p.done = done;
    p.new_incarnation = std::move(incarnation);
    p.received = clock.now().steady;
    waiting.emplace_back(std::move(p));
  }

  std::deque<std::pair<SteadyTime, std::function<void()>>> due_;
  std::vector<LedgerEntry> entries_;  // of this life, committed at its end
  std::uint64_t seq_ = 0;
  int second_ = 0;
};

}  // namespace paramedic::replay
