// exec: a program of the operator's says whether something answers, for what no other kind speaks (rabbitmq-diagnostics
// ping, a query, a small inference). Exit 0 = it does. No shell; nothing that the world writes comes into its
// arguments.
#include <algorithm>

#include <fmt/format.h>

#include "io/probes/probe.h"
#include "io/process/child.h"

namespace paramedic::probes {

namespace {

constexpr std::size_t kMaxArguments = 32;

class Exec final : public Probe {
 public:
  explicit Exec(process::ChildCall call) : call_(std::move(call)) {}

  Result<void> run(Duration deadline) override {
    if (auto wrong = process::check_program(call_.program)) return *wrong;
    process::ChildCall call = call_;
    call.timeout = deadline;
    const auto ran = runner_.run(call);
    if (!ran) return ran.error();
    if (ran->signal == 0 && ran->code == 0) return {};
    std::string words = ran->signal != 0 ? fmt::format("{} was ended by signal {}", call_.program, ran->signal)
                                         : fmt::format("{} said exit {}", call_.program, ran->code);
    if (!ran->output.empty()) words += ": " + ran->output;
    return make_error(Errc::unavailable, std::move(words));
  }
  const std::string& target() const override { return call_.program; }
  void cancel() override { runner_.cancel(); }

 private:
  const process::ChildCall call_;
  process::ChildRunner runner_;
};

}  // namespace

std::unique_ptr<Probe> make_exec(ParamsReader& r) {
  process::ChildCall call;
  r.read("program", call.program);
  r.read("arguments", call.arguments);
  r.read("environment", call.pass_environment);
  const auto problems = r.problems().size();
  if (call.program.empty() || call.program[0] != '/') r.problem("program", "must be an absolute path");
  if (call.arguments.size() > kMaxArguments)
    r.problem("arguments", fmt::format("has {} entries; at most {}", call.arguments.size(), kMaxArguments));
  for (const std::string& name : call.pass_environment)
    if (!process::is_variable_name(name)) r.problem("environment", fmt::format("'{}' is no variable name", name));
  return r.problems().size() == problems ? std::make_unique<Exec>(std::move(call)) : nullptr;
}

}  // namespace paramedic::probes
