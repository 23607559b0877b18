// HookRun: one program of the operator's, beside a worker: bounded in time and output, never waited for. For the
// diagnostics and the smoke hook. The agent's thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "model/report.h"

namespace paramedic::agent {

// Whom a hook is about; fills in its command and its environment.
struct HookSubject {
  std::string worker_id, incarnation, action_id;  // action_id: of the ladder, else empty
  int pid = 0;
};

// Keeps the first and the last half of what is appended, and says how much is missing between them.
class HeadAndTail {
 public:
  explicit HeadAndTail(std::size_t limit) : half_(limit / 2) {}
  void append(std::string_view piece);
  std::string text() const;

 private:
  std::size_t half_;
  std::string head_, tail_;
  std::uint64_t dropped_ = 0;
};

struct HookCall {
  std::vector<std::string> command;  // argv, no shell; {pid}, {worker_id}, {incarnation} and {action_id} are replaced
  HookSubject subject;               // also in PARAMEDIC_WORKER_ID, _WORKER_PID, _INCARNATION and _ACTION_ID
  Duration limit{};                  // then its process group gets KILL
  std::size_t keep_bytes = 0;        // of standard output and error together
};

struct HookResult {
  std::vector<std::string> command;  // as it was run
  std::string failure;               // it could not be run: why
  std::optional<ExitInfo> exit;      // nullopt: not run, or killed at its limit
  std::string output;                // readable_trimmed()
  bool good() const { return exit && exit->code == 0; }
  // "exit 3", "ended by signal 11", "did not end within 10s and was killed", "was not run: binary missing …"
  std::string how_it_ended(Duration limit) const;
};

class HookRun {
 public:
  using Done = std::function<void(HookResult)>;

  // Begins at once; `done` is called once, from the loop and never within this call. Destroyed before that: the program
  // is ended with all of its group and nothing is told. What it leaves running at its own end is ended too.
  HookRun(boost::asio::io_context& io, HookCall call, Done done);
  ~HookRun();
  HookRun(const HookRun&) = delete;
  HookRun& operator=(const HookRun&) = delete;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace paramedic::agent
