// A program of the operator's that restarts one worker: the file that the configuration names, which must also stand in
// executors.command.allow. Fixed arguments in which {worker_id} and the like are replaced, the same values in the
// environment, the whole job as JSON on standard input. No shell. Exit 0 = the restart is under way or done; the new
// incarnation's report is the proof.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "io/process/child.h"
#include "io/restart/executor_kind.h"

namespace paramedic::restart {

namespace {

constexpr std::size_t kMaxArguments = 32;

struct Value {
  std::string_view placeholder, variable;
  std::string (*of)(const Job& job);
};
constexpr auto kValues = std::to_array<Value>({
    {"{worker_id}", "PARAMEDIC_WORKER_ID", [](const Job& j) { return j.ladder.worker_id; }},
    {"{pool}", "PARAMEDIC_POOL", [](const Job& j) { return j.pool; }},
    {"{host}", "PARAMEDIC_HOST", [](const Job& j) { return j.host; }},
    {"{incarnation}", "PARAMEDIC_INCARNATION", [](const Job& j) { return j.ladder.expected_incarnation; }},
    {"{action_id}", "PARAMEDIC_ACTION_ID", [](const Job& j) { return j.ladder.action_id; }},
    {"{kind}", "PARAMEDIC_KIND", [](const Job& j) { return std::string(to_string(j.ladder.kind)); }},
});

// Calls `text` for each stretch of plain text and `value` for each placeholder.
template <class Text, class Found>
void walk(std::string_view argument, Text text, Found found) {
  while (!argument.empty()) {
    const auto at = argument.find('{');
    const auto end = at == argument.npos ? at : argument.find('}', at);
    if (end == argument.npos) return text(argument);
    text(argument.substr(0, at));
    found(argument.substr(at, end + 1 - at));
    argument.remove_prefix(end + 1);
  }
}

const Value* find_value(std::string_view placeholder) {
  const auto it =
      std::find_if(kValues.begin(), kValues.end(), [&](const Value& v) { return v.placeholder == placeholder; });
  return it == kValues.end() ? nullptr : &*it;
}

std::string placeholders() {
  std::string out;
  for (const Value& value : kValues) (out += out.empty() ? "" : " ") += value.placeholder;
  return out;
}

struct Options {
  std::string program;
  std::vector<std::string> arguments, environment;  // environment: names that are passed on
  Duration timeout = 60s;
};

// Values come from reports. One that holds a control character, or that makes an option of an argument that is none, is
// refused. Words of the refusal; empty = good.
std::string fill(const Options& options, const Job& job, process::ChildCall& call) {
  for (const Value& value : kValues) {
    std::string text = value.of(job);
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
      return fmt::format("not run: its {} holds a control character", value.placeholder);
    call.set_environment.push_back(fmt::format("{}={}", value.variable, text));
  }
  for (const std::string& argument : options.arguments) {
    std::string filled;
    walk(
        argument, [&](std::string_view text) { filled += text; },
        [&](std::string_view name) { filled += find_value(name)->of(job); });
    if (filled.starts_with('-') && !argument.starts_with('-'))
      return fmt::format("not run: the argument '{}' would become the option '{}'", argument, filled);
    call.arguments.push_back(std::move(filled));
  }
  return "";
}

// Untrusted bytes for people: no control characters but line ends, none of those at the end.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; }, ' ');
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
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
    if (const std::string said = printable(ran->output); !said.empty()) words += ": " + said;
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
  const auto check = [&](std::string_view name) {
    if (!find_value(name))
      r.problem("arguments", fmt::format("'{}' is no placeholder; known are: {}", name, placeholders()));
  };
  for (const std::string& argument : o.arguments)
    walk(
        argument, [](std::string_view) {}, check);
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
