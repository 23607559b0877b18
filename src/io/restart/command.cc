// A program of the operator's that restarts one worker: the file that the configuration names, which must also stand in
// executors.command.allow. Fixed arguments in which {worker_id} and the like are replaced, the same values in the
// environment, the whole job as JSON on standard input. No shell. Exit 0 = the restart is under way or done; the new
// incarnation's report is the proof.
#include <algorithm>

#include <fmt/format.h>

#include "base/readable.h"
#include "io/process/child.h"
#include "io/restart/executor_kind.h"
#include "io/restart/job_values.h"

namespace paramedic::restart {

namespace {

constexpr std::size_t kMaxArguments = 32;

struct Options {
  std::string program;
  std::vector<std::string> arguments, environment;  // environment: names that are passed on
  Duration timeout = 60s;
};

// Values come from reports. One that holds a control character, or that makes an option of an argument that is none, is
// refused. Words of the refusal; empty = good.
std::string fill(const Options& options, const Job& job, process::ChildCall& call) {
  for (const JobValue& value : job_values()) {
    std::string text = value.of(job);
    if (has_control_character(text)) return fmt::format("not run: its {} holds a control character", value.placeholder);
    call.set_environment.push_back(fmt::format("{}={}", value.variable, text));
  }
  for (const std::string& argument : options.arguments) {
    std::string filled = fill_template(argument, job);
    if (filled.starts_with('-') && !argument.starts_with('-'))
      return fmt::format("not run: the argument '{}' would become the option '{}'", argument, filled);
    call.arguments.push_back(std::move(filled));
  }
  return "";
}

class CommandAttempt final : public Attempt {
 public:
  CommandAttempt(const Options& options, const Job& job) {
    call_.program = options.program;
    call_.pass_environment = options.environment;
    call_.input = job_json(job);
    call_.timeout = options.timeout;
    call_.end_leftovers = false;  // the worker that it started in the background lives on
    refusal_ = fill(options, job, call_);
  }

  Outcome run() override {
    if (!refusal_.empty()) return {false, refusal_};
    if (const auto wrong = process::check_program(call_.program)) return {false, "not run: " + wrong->message};
    const auto ran = runner_.run(call_);
    if (!ran) return {false, ran.error().message};
    std::string words =
        ran->signal != 0 ? fmt::format("ended by signal {}", ran->signal) : fmt::format("exit {}", ran->code);
    if (const std::string said = readable_trimmed(ran->output); !said.empty()) words += ": " + said;
    return {ran->signal == 0 && ran->code == 0, std::move(words)};
  }
  void cancel() override { runner_.cancel(); }

 private:
  process::ChildCall call_;
  std::string refusal_;
  process::ChildRunner runner_;
};

class Command final : public Executor {
 public:
  explicit Command(Options options) : options_(std::move(options)) {}
  std::unique_ptr<Attempt> prepare(const Job& job) const override {
    return std::make_unique<CommandAttempt>(options_, job);
  }

 private:
  const Options options_;
};

void check_arguments(ParamsReader& r, const Options& o) {
  if (o.arguments.size() > kMaxArguments) r.problem("arguments", fmt::format("at most {}", kMaxArguments));
  for (const std::string& argument : o.arguments) check_template(r, "arguments", argument);
  for (const std::string& name : o.environment)
    if (!process::is_variable_name(name))
      r.problem("environment", fmt::format("'{}' must be the name of a variable to pass on", name));
}

}  // namespace

std::shared_ptr<const Executor> make_command(ParamsReader& r, const KindContext& context) {
  Options o;
  o.timeout = context.timeout;
  r.read("program", o.program);
  if (!o.program.starts_with('/') || o.program.find("/../") != std::string::npos)
    r.problem("program", "must be the absolute path of a program: it is run as it is, without a shell");
  else if (std::find(context.allow.begin(), context.allow.end(), o.program) == context.allow.end())
    r.problem("program", fmt::format("{} is not allowed: add it to executors.command.allow", o.program));
  r.read("arguments", o.arguments);
  r.read("environment", o.environment);
  check_arguments(r, o);
  return std::make_shared<Command>(std::move(o));
}

}  // namespace paramedic::restart
