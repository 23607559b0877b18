// How fast recorded days are replayed: a simulated fleet is recorded as the monitor records it (input journal, history,
// ledger), then replayed. Behind `./dev bench replay`; prints one JSON object.
#include "app/replay/replay.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/simulate/world.h"
#include "core/engine/engine.h"
#include "io/journal/input_journal.h"

namespace {

using namespace paramedic;
namespace fs = std::filesystem;

constexpr const char* kHash = "recorded";

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024;
}

// The loop of app/simulate with a recorder beside the engine.
void record(const simulate::Scenario& scenario, const fs::path& dir, Ledger& ledger, History& history, Now now) {
  journal::JournalOptions options;
  options.config_hash = kHash;
  options.store.dir = (dir / "inputs").string();
  options.store.max_bytes = std::uint64_t{64} << 30;
  options.queue_bytes = std::size_t{1} << 30;
  const auto log = make_null_logger();
  journal::InputJournal journal(std::move(options), *log);
  simulate::World world(scenario, now);
  Engine engine(simulate::engine_config(scenario), now);
  journal.begin({}, now);
  const SteadyTime end = now.steady + scenario.length();
  SteadyTime due = now.steady, publish_at = now.steady;
  Effects effects;
  std::vector<LedgerEntry> entries;
  while (now.steady < end) {
    SteadyTime next = std::min({due, world.next_event().value_or(end), end});
    next += (simulate::kStepGrid - next.time_since_epoch() % simulate::kStepGrid) % simulate::kStepGrid;
    world.run_until(next);
    now.wall += next - now.steady;
    now.steady = next;
    std::vector<Input> inputs = std::move(world.inputs());
    world.inputs().clear();
    effects.clear();
    journal.step(inputs, Duration{}, now);
    engine.step(inputs, Duration{}, now, effects);
    due = std::max(*effects.next_deadline, now.steady + 1ms);
    world.perform(effects.acts, now.steady, false);
    std::move(effects.ledger.begin(), effects.ledger.end(), std::back_inserter(entries));
    history.append(std::move(effects.history));
    if (now.steady < publish_at) continue;
    publish_at = now.steady + 1min;
    (void)engine.publish(now);
    if (!ledger.commit(entries) || !history.flush()) std::abort();
    entries.clear();
  }
  if (!ledger.commit(entries) || !history.flush()) std::abort();
  journal.stop();
  if (journal.stats().dropped_inputs > 0) std::abort();
}

template <class Replay>
void measure(const char* name, double worker_days, Replay replay) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  const Result<replay::ReplayResult> result = replay();
  const double seconds = to_seconds(std::chrono::steady_clock::now() - begin);
  if (!result) {
    std::fprintf(stderr, "%s: %s\n", name, result.error().message.c_str());
    std::exit(1);
  }
  std::printf(
      ", \"%s\": {\"seconds\": %.2f, \"cpu_seconds\": %.2f, \"worker_days_per_second\": %.1f, \"reports\": %llu, "
      "\"differences\": %zu, "
      "\"peak_mib\": %.0f}",
      name, seconds, cpu_seconds() - cpu_before, worker_days / seconds,
      static_cast<unsigned long long>(result->reports), result->comparison.differences.size(), peak_mib());
  std::fflush(stdout);  // a run that is cut off has told what it measured
}

}  // namespace

int main(int argc, char** argv) {
  simulate::Scenario scenario;
  scenario.workers = argc > 1 ? std::atoi(argv[1]) : 200;
  scenario.pools = std::max(1, scenario.workers / 100);
  scenario.days = argc > 2 ? std::atof(argv[2]) : 1;
  scenario.lags.clear();
  std::string pattern = (fs::temp_directory_path() / "paramedic-bench-replay-XXXXXX").string();
  const fs::path dir = ::mkdtemp(pattern.data());
  const Now start = ManualClock().now();
  // In a process of its own, so that its memory is not in the figures.
  const pid_t recorder = ::fork();
  if (recorder == 0) {
    auto ledger = open_sqlite_ledger({.data_dir = dir.string()});
    auto history = open_sqlite_history({.data_dir = dir.string(), .max_buffered = 10'000'000});
    if (!ledger || !history) std::abort();
    record(scenario, dir, **ledger, **history, start);
    ledger->reset();
    history->reset();
    std::_Exit(0);
  }
  int status = 0;
  if (::waitpid(recorder, &status, 0) != recorder || status != 0) return 1;
  auto ledger = open_sqlite_ledger({.data_dir = dir.string()});
  auto history = open_sqlite_history({.data_dir = dir.string()});
  if (!ledger || !history) return 1;
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(dir / "inputs")) bytes += entry.file_size();
  const double worker_days = scenario.workers * scenario.days;
  std::printf("{\"workers\": %d, \"days\": %.2f, \"journal_mib\": %.0f", scenario.workers, scenario.days,
              double(bytes) / 1048576);

  std::fflush(stdout);
  const replay::ConfiguredEngine same{simulate::engine_config(scenario), kHash};
  replay::ConfiguredEngine other{simulate::engine_config(scenario), "other"};
  other.engine.defaults.checks.heartbeat.critical_after = 90s;
  replay::ReplayOptions ask{.new_config = &same};
  ask.inputs_dir = (dir / "inputs").string();
  ask.ledger = ledger->get();
  ask.history = history->get();
  ask.from = start.wall;
  ask.to = start.wall + scenario.length() + 1s;
  measure("exact_same", worker_days, [&] { return replay::replay_inputs(ask); });
  ask.new_config = &other;
  measure("exact_other", worker_days, [&] { return replay::replay_inputs(ask); });
  ask.old_config = &same;
  measure("exact_both", worker_days, [&] { return replay::replay_inputs(ask); });
  measure("approximate_both", worker_days, [&] { return replay::replay_history(ask); });
  std::printf("}\n");
  fs::remove_all(dir);
  return 0;
}
