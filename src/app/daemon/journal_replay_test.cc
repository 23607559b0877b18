// The proof of `record: full`: what a monitor decided over a day is decided again, entry for entry, from what it
// recorded.
#include <filesystem>

#include <gtest/gtest.h>

#include "app/daemon/daemon.h"
#include "app/daemon/journal_script.h"
#include "io/config/yaml.h"
#include "io/journal/fields.h"
#include "io/journal/input_journal.h"
#include "io/journal/journal_reader.h"
#include "io/ledger/ledger.h"

// The rest of what effects are made of, so that two of them can be compared with all their fields.
namespace paramedic::journal {
PARAMEDIC_JOURNAL_FIELDS(AuditRecord, at, actor, verb, target, reason, result)
PARAMEDIC_JOURNAL_FIELDS(RecordedExit, exit, in_flight)
PARAMEDIC_JOURNAL_FIELDS(RecordedSource, from, to)
PARAMEDIC_JOURNAL_FIELDS(RecordedBroker, broker, down)
PARAMEDIC_JOURNAL_FIELDS(RecordedCommand, verb, actor, reason, force, duration)
PARAMEDIC_JOURNAL_FIELDS(RecordedOutcome, action_id, step, done, ok, new_incarnation, message)
PARAMEDIC_JOURNAL_FIELDS(RecordedStart, action_id, previous_incarnation, crashes, ago, exit)
PARAMEDIC_JOURNAL_FIELDS(Ladder, action_id, worker_id, expected_incarnation, kind, diagnostics, drain, max_drain,
                         term_grace, start_delay, reason)
PARAMEDIC_JOURNAL_FIELDS(Lease, worker_id, incarnation, crashes, next_start_in, hold, hold_reason, adds_jitter,
                         valid_for)
PARAMEDIC_JOURNAL_FIELDS(SendLadder, source, ladder)
PARAMEDIC_JOURNAL_FIELDS(SendLease, source, lease)
PARAMEDIC_JOURNAL_FIELDS(SendWorkerCommand, source, worker_id, incarnation, verb)
PARAMEDIC_JOURNAL_FIELDS(SendAck, source, action_ids)
PARAMEDIC_JOURNAL_FIELDS(TaskForecast, id, type, since, running_seconds, fate, why)
PARAMEDIC_JOURNAL_FIELDS(LossForecast, kind, known, tasks, left_out)
PARAMEDIC_JOURNAL_FIELDS(Notify, alert)
PARAMEDIC_JOURNAL_FIELDS(SendNotification, notification)
PARAMEDIC_JOURNAL_FIELDS(TaskIncrease, type, completed, failed, retried, revoked, lost, durations)

void code_fields(Writer& w, const InputRecord& record) {
  auto& [at, source, worker_id, pool, host, incarnation, what] = record;
  w("InputRecord", "", at, source, worker_id, pool, host, incarnation, what.index());
  std::visit([&](const auto& one) { w.put(one); }, what);
}
void code_fields(Writer& w, const Answer& answer) {
  auto& [command_id, result] = answer;
  auto& [success, error, action_id, running, message, id, forecast] = result;
  w("Answer", "", command_id, success, action_id, running, message, id, forecast, error.has_value());
  if (error) w("Error", "", int(error->code), error->message);
}
void code_fields(Writer& w, const HistoryRow& row) {
  auto& [worker_id, at, status, score, metrics, transition, backlog, tasks] = row;
  w("HistoryRow", "", worker_id, at, status, score, metrics.values, transition, backlog, tasks);
  if (metrics.names) w.put(*metrics.names);
}
void code_fields(Writer& w, const LedgerEntry& entry) {
  auto& [at, body] = entry;
  w("LedgerEntry", "", at, body.index());
  std::visit([&](const auto& one) { w.put(one); }, body);
}
}  // namespace paramedic::journal

namespace paramedic::daemon {

namespace fs = std::filesystem;

namespace {

// One text per entry, all its bytes in it.
void add(std::vector<std::string>& to, const std::string& kind, const auto& entry) {
  to.push_back(kind + " ");
  journal::Writer(to.back()).put(entry);
}
struct Decided {
  std::vector<std::string> entries;
  std::map<std::string, int> kinds;  // how many of each
  void take(const Effects& effects) {
    for (const LedgerEntry& entry : effects.ledger) {
      ++kinds["ledger " + std::to_string(entry.body.index())];
      if (const auto* input = std::get_if<InputRecord>(&entry.body)) {
        kinds["broker"] += std::holds_alternative<RecordedBroker>(input->what);
        kinds["cut off"] += input->source == "monitor";
      }
      add(entries, "ledger", entry);
    }
    for (const Act& act : effects.acts) {
      ++kinds["act " + std::to_string(act.index())];
      std::visit([&](const auto& one) { add(entries, "act " + std::to_string(act.index()), one); }, act);
    }
    for (const HistoryRow& row : effects.history) add(entries, "row", row);
    for (const SavedState& state : effects.states) entries.push_back("state " + state.name + " " + state.bytes);
    kinds["state"] += int(effects.states.size());
    kinds["row"] += int(effects.history.size());
    entries.push_back("step " + std::to_string(effects.publish_now));
    add(entries, "next", effects.next_deadline);
  }
};

constexpr const char* kFirstConfig = R"(
channels: {chat: {type: webhook, url: 'http://127.0.0.1:9/'}}
alerting:
  rules:
    - {name: busy, for_each: worker, when: {metric: cpu_percent, above: 50, clear: 40}, severity: warning}
pools:
  default: {min_healthy: 2, recovery: {mode: auto}}
)";
constexpr const char* kSecondConfig = R"(
channels: {chat: {type: webhook, url: 'http://127.0.0.1:9/'}}
interval: 20s
pools:
  default: {min_healthy: 1, recovery: {mode: auto, stops_per_worker: 1}}
  mail: {recovery: {mode: shadow}}
)";

config::MonitorConfig monitor_config(const char* text) {
  Problems problems;
  const auto tree = config::load_yaml(text, "test.yaml", problems);
  config::MonitorConfig out = config::parse_monitor_config(tree.value_or(Params::map()), problems);
  EXPECT_EQ(config::format_problems(problems), "");
  return out;
}
EngineConfig engine_config(const char* text) {
  Problems problems;
  EngineConfig out = make_engine_config(monitor_config(text), problems);
  EXPECT_EQ(config::format_problems(problems), "");
  return out;
}
// A replay finds the configuration by its hash.
EngineConfig config_of(const std::string& hash) {
  for (const char* text : {kFirstConfig, kSecondConfig})
    if (monitor_config(text).hash == hash) return engine_config(text);
  ADD_FAILURE() << "no configuration has the hash " << hash;
  return {};
}

struct JournalReplay : testing::Test {
  JournalReplay() {
    std::string pattern = (fs::temp_directory_path() / "paramedic-replay-test-XXXXXX").string();
    dir = mkdtemp(pattern.data());
  }
  ~JournalReplay() override {
    std::error_code ignored;
    fs::remove_all(dir, ignored);
  }
  std::string inputs() const { return (dir / "inputs").string(); }

  std::unique_ptr<journal::InputJournal> open_journal() {
    journal::JournalOptions options;
    options.config_hash = monitor_config(config).hash;
    options.store.dir = inputs();
    options.store.max_bytes = std::uint64_t{1} << 30;
    options.store.min_free_bytes = 0;
    options.store.segment_bytes = 1 << 20;         // several of them
    options.queue_bytes = std::uint64_t{1} << 30;  // a test runs faster than any fleet
    return std::make_unique<journal::InputJournal>(std::move(options), *log);
  }

  // One life of the monitor, from what the ledger knows: `steps` of the day, or all that is left of it.
  void live(ScriptedDay& day, Ledger& ledger, int steps) {
    const auto state = ledger.load(day.now());
    ASSERT_TRUE(state) << state.error().message;
    const auto journal = open_journal();
    Engine engine(engine_config(config), day.now());
    journal->begin(*state, day.now());
    engine.restore(*state, day.now());
    for (const auto& [name, bytes] : learned) {
      journal->analysis(name, bytes, day.now());
      ASSERT_TRUE(engine.restore_analysis(name, bytes, day.now()));
    }
    std::vector<LedgerEntry> entries;
    for (int i = 0; i < steps && !day.over(); ++i) {
      Duration waited{};
      std::vector<Input> inputs = day.next(waited);
      if (i + 1 == steps || day.over()) inputs.push_back(ShutdownInput{});
      if (i == reload_at) {
        config = kSecondConfig;
        journal->reload(monitor_config(config).hash, day.now());
        engine.configure(engine_config(config), day.now());
      }
      Effects effects;
      journal->step(inputs, waited, day.now());
      engine.step(inputs, waited, day.now(), effects);
      if (i % 3 == 0 && engine.view_dirty()) (void)engine.publish(day.now());  // readers change nothing
      day.answer(effects);
      decided.take(effects);
      for (SavedState& saved : effects.states) learned[saved.name] = std::move(saved.bytes);
      std::move(effects.ledger.begin(), effects.ledger.end(), std::back_inserter(entries));
    }
    ASSERT_TRUE(ledger.commit(entries));
    journal->stop();
    EXPECT_EQ(journal->stats().dropped_inputs, 0u);
  }

  // At most so many steps. `leave_out`: the input of that number is not given to the engine.
  Decided replay(int steps, std::optional<std::size_t> leave_out = std::nullopt) {
    Decided out;
    auto reader = journal::JournalReader::open(inputs());
    EXPECT_TRUE(reader);
    std::unique_ptr<Engine> engine;
    std::size_t number = 0;
    while (steps > 0) {
      auto event = (*reader)->next();
      if (!event) ADD_FAILURE() << event.error().message;
      if (!event || !*event) break;
      const Now now = (*event)->now;
      if (const auto* run = std::get_if<journal::RunBegins>(&(*event)->what)) {
        EXPECT_TRUE(run->whole);
        ++runs;
        engine = std::make_unique<Engine>(config_of(run->header.config_hash), now);
        engine->restore(run->restored, now);
      }
      if (const auto* saved = std::get_if<journal::AnalysisRecord>(&(*event)->what)) {
        EXPECT_TRUE(engine->restore_analysis(saved->name, saved->bytes, now));
        ++restored_states;
      }
      if (const auto* reload = std::get_if<journal::ReloadRecord>(&(*event)->what)) {
        ++reloads;
        engine->configure(config_of(reload->config_hash), now);
      }
      if (auto* step = std::get_if<journal::RecordedStep>(&(*event)->what)) {
        if (leave_out && *leave_out >= number && *leave_out < number + step->inputs.size())
          step->inputs.erase(step->inputs.begin() + std::ptrdiff_t(*leave_out - number));
        number += step->inputs.size();
        Effects effects;
        engine->step(step->inputs, step->oldest_wait, now, effects);
        out.take(effects);
        --steps;
      }
    }
    EXPECT_TRUE((*reader)->remarks().empty());
    return out;
  }

  fs::path dir;
  std::unique_ptr<Logger> log = make_null_logger();
  Decided decided;
  std::map<std::string, std::string> learned;  // by the analysis, as the history keeps it
  const char* config = kFirstConfig;
  int reload_at = -1;  // step of the shift in which the second one comes into force
  int runs = 0, reloads = 0, restored_states = 0;
};

}  // namespace

TEST_F(JournalReplay, decides_a_whole_day_again_entry_for_entry) {
  auto ledger = open_sqlite_ledger({.data_dir = (dir / "data").string()});
  ASSERT_TRUE(ledger) << ledger.error().message;
  ScriptedDay day(Now{SteadyTime{1h}, WallTime{Duration{1'795'000'000'000'000'000}}});
  constexpr int kShifts = 5;
  for (int shift = 1; shift <= kShifts; ++shift) {
    if (shift > 1) day.restart();
    reload_at = shift == 3 ? 900 : -1;
    live(day, **ledger, 1800);
  }
  ASSERT_TRUE(day.over());

  // The day was one: alerts, incidents, ladders, answers, rows, records of inputs.
  for (const char* kind : {"ledger 0", "ledger 1", "ledger 7", "ledger 8", "ledger 9", "ledger 10", "act 0", "act 1",
                           "act 3", "act 4", "act 5", "act 6", "broker", "cut off", "state"})
    EXPECT_GT(decided.kinds[kind], 0) << kind;
  EXPECT_GT(decided.kinds["row"], 2'000);

  for (const auto& [kind, count] : decided.kinds) RecordProperty(kind, count);
  const Decided again = replay(1'000'000);
  EXPECT_EQ(runs, kShifts);
  EXPECT_EQ(reloads, 1);
  EXPECT_GT(restored_states, kShifts);  // several workers, each time but the first
  ASSERT_EQ(again.entries.size(), decided.entries.size());
  for (std::size_t i = 0; i < again.entries.size(); ++i)
    ASSERT_EQ(again.entries[i], decided.entries[i]) << "entry " << i << " of " << again.entries.size();
  // An input that is missing is noticed: the first one, the agent that connects, is in the ledger.
  const Decided other = replay(2500, 0);
  EXPECT_FALSE(std::equal(other.entries.begin(), other.entries.end(), decided.entries.begin()));
}

}  // namespace paramedic::daemon
