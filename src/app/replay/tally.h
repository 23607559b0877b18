// What a configuration did in the time that is looked at: alerts, incidents and restarts from their beginning to their
// end. Filled from the ledger entries of an engine, or from the ledger of a monitor that really ran; compare.h sets two
// of them side by side. Bounded: beyond kMaxEpisodes new ones are only counted. One thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/effects.h"

namespace paramedic::replay {

// 200 000 of some 300 bytes: 60 MiB at most. A week of 1 000 workers that each alert 28 times a day.
inline constexpr std::size_t kMaxEpisodes = 200'000;

// The ledger keeps milliseconds: compared is what it can say.
inline WallTime in_millis(WallTime t) { return std::chrono::floor<std::chrono::milliseconds>(t); }
inline std::optional<WallTime> in_millis(const std::optional<WallTime>& t) {
  return t ? std::optional(in_millis(*t)) : std::nullopt;
}

enum class EpisodeKind { alert, incident, restart };

struct Episode {
  EpisodeKind kind = EpisodeKind::alert;
  std::string key;   // of an alert; the scope of an incident; the action's id
  std::string name;  // rule of an alert, severity of an incident, kind of remedy
  std::string reason, pool, worker_id;
  WallTime started_at{};
  std::optional<WallTime> ended_at;
  // Of a restart.
  ActionState state = ActionState::sent;
  bool by_operator = false;
  bool outcome_known = true;  // false: ordered in a replay, and the recording cannot tell what became of it
};

// A stretch of time without a hole that was replayed.
struct Span {
  WallTime from{}, to{};
};

class Tally {
 public:
  // Only what begins in [from, to) counts.
  Tally(WallTime from, WallTime to) : from_(in_millis(from)), to_(to) {}

  void take(const LedgerEntry& entry);
  void take(const Alert& alert);
  void take(const Incident& incident);
  void take(const ActionRecord& action);

  // A run begins with what the ledger of then remembered: that is not the doing of this side. Episodes that go on in
  // `state` stay open, all others ended when the run before did.
  void begin_run(const LedgerState& state, WallTime previous_end);
  // The recording cannot tell what became of this restart.
  void outcome_unknown(const std::string& action_id);

  // In the order of their keys. Open ones have no end.
  std::vector<const Episode*> episodes() const;
  std::uint64_t left_out() const { return left_out_; }

 private:
  Episode* find_or_make(const std::string& id, WallTime started_at);

  WallTime from_, to_;
  std::map<std::string, Episode> episodes_;  // "a/KEY@NANOS", "i/ID", "r/ACTION_ID"
  std::set<std::string> inherited_;
  std::uint64_t left_out_ = 0;
};

// Whose orders are what the recording shows to have really happened: they count for neither side.
inline constexpr std::string_view kRecordingActor = "recording";

}  // namespace paramedic::replay

namespace paramedic {
PARAMEDIC_ENUM_NAMES(replay::EpisodeKind, "alert", "incident", "restart")
}
