// Runs one program to its end: bounded in time and output, without a shell. run() from one thread at a time, cancel()
// from any. The program is the leader of a process group of its own; the whole group is killed at the
// timeout and by cancel(), and at the end as well unless the call says otherwise.
#pragma once
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace paramedic::process {

struct ChildCall {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> pass_environment;  // names, besides PATH, HOME, LANG and TZ
  std::vector<std::string> set_environment;   // NAME=value
  std::string input;                          // its standard input, a file in memory
  Duration timeout = 10s;
  bool end_leftovers = true;  // whether what the program leaves running in its group is killed when it ends
};

struct ChildResult {
  int code = 0;        // of exit
  int signal = 0;      // that ended it; 0 = it ended by itself
  std::string output;  // the first 4 KiB of standard output and standard error
};

class ChildRunner {
 public:
  ChildRunner();
  ~ChildRunner();
  ChildRunner(const ChildRunner&) = delete;
  ChildRunner& operator=(const ChildRunner&) = delete;

  // Errors: io (it cannot be started), timeout, unavailable (cancelled).
  Result<ChildResult> run(const ChildCall& call);
  void cancel();  // ends the running run() within milliseconds and refuses later ones

 private:
  int wake_;  // eventfd, readable once cancelled
};

// A name that an environment variable may have.
bool is_variable_name(const std::string& name);

// Why this file must not be run: not there, no plain file, not executable, or others may write to it.
std::optional<Error> check_program(const std::string& path);

}  // namespace paramedic::process
