// Diagnosis: what a worker that is about to be ended is doing, asked of the worker itself: a signal that makes its
// runtime write a stack dump (Go, Java, Python's faulthandler), and a program of the operator's (py-spy, gdb, jstack).
// Runs beside everything else and never longer than its limit; the ladder waits for it. The agent's thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "app/agent/hook_run.h"
#include "io/config/agent_config.h"

namespace paramedic::agent {

// What is kept of all that a diagnosis says: the first and the last half.
inline constexpr std::size_t kMaxDiagnosisBytes = 16 * 1024;

struct DiagnosisPlan {
  config::DiagnosticsHook hook;  // REQUIRES: on()
  HookSubject subject;
  std::string output_file;  // where the worker's output goes; empty = not into a file
  Duration limit{};         // of signal and program together
};

class Diagnosis {
 public:
  using Done = std::function<void(std::string text)>;

  // Begins at once. `done` is called once, from the loop and never within this call; not at all when the diagnosis is
  // destroyed before, which ends the program. The text is readable_trimmed(); a hook that fails says so in it.
  // `signal` sends a signal to the worker's process; false when it is gone.
  Diagnosis(boost::asio::io_context& io, DiagnosisPlan plan, const std::function<bool(int)>& signal, Done done);
  ~Diagnosis() = default;
  Diagnosis(const Diagnosis&) = delete;
  Diagnosis& operator=(const Diagnosis&) = delete;

 private:
  void after_signal();
  void run_program();
  void finish();

  boost::asio::io_context& io_;
  DiagnosisPlan plan_;
  Done done_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Diagnosis*> self_;  // the timer's handler holds it weakly
  std::unique_ptr<HookRun> program_;
  std::uint64_t output_before_ = 0;
  bool signalled_ = false;
  std::string text_;
};

// The end of a file from `offset` on, at most `limit` bytes of it (the first and the last half); empty when it cannot
// be read or is no plain file.
std::string read_appended(const std::string& path, std::uint64_t offset, std::size_t limit);
// 0 when there is none.
std::uint64_t file_size_of(const std::string& path);

}  // namespace paramedic::agent
