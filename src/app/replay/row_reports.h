// Stored rows as reports: the approximate way's stand-in for what workers really sent. A row holds one reading per
// resolution (30 s), so that what lies between two rows is assumed:
// - a row whose sign of life is newer than the row before it is a report with that sign of life and its readings; one
//   whose sign of life is not newer was written by the monitor about a silent worker, and is none;
// - a worker that had spoken again by the next row is taken to have spoken every kVoiceEvery until that sign of life;
// - task counts are added up from their increases, per life;
// - a worker that is dead reports again only after somebody was seen to start it, or with a newer sign of life.
// Pure; one thread. Memory: a few hundred bytes per worker and task type.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "app/replay/recorded_rows.h"
#include "model/effects.h"

namespace paramedic::replay {

// Default limits for silence are max(60 s, 3 periods): 10 s leaves them as they are for workers that speak each 5 s.
inline constexpr Duration kVoiceEvery = 10s;

// What is known of a worker beside its rows.
struct WorkerFacts {
  std::string pool, host, version, source = "http";
  bool known = false;  // else its pool is a guess
};

class RowReports {
 public:
  explicit RowReports(std::vector<WorkerFacts> facts) : facts_(std::move(facts)), state_(facts_.size()) {}

  // The reports that `row` stands for, each with its instant: at most the row's own and the voices until the next row.
  struct Timed {
    WallTime at{};
    std::size_t worker = 0;
    Report report;
  };
  void take(const RecordedRow& row, std::vector<Timed>& out);

  Report exit(std::size_t worker, const std::string& worker_id, const ExitInfo& how, WallTime at);
  // Somebody started it: a new life, named so when the name is known.
  void begins_life(std::size_t worker, const std::string& incarnation, WallTime at);
  const std::string& incarnation(std::size_t worker) const { return state_[worker].incarnation; }
  const WorkerFacts& facts(std::size_t worker) const { return facts_[worker]; }

 private:
  struct State {
    std::string incarnation = "life 1";
    int lives = 1;
    WallTime started_at{};
    std::optional<WallTime> alive_at, died_at, last_row;
    std::map<std::string, TaskPart> tasks;  // of this life
  };
  Report base(std::size_t worker, const std::string& worker_id, WallTime at) const;
  void add_readings(const RecordedRow& row, Report& report) const;
  void add_tasks(const RecordedRow& row, State& state, Report& report) const;

  std::vector<WorkerFacts> facts_;
  std::vector<State> state_;
};

}  // namespace paramedic::replay
