// A program of the operator's: the file that the configuration names, by its absolute path, with fixed arguments and
// the notification as JSON on standard input. No shell, nothing of a message on the command line or in the environment.
#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/process/child.h"

namespace paramedic::notify {

namespace {

using process::ChildCall;
using process::ChildResult;

constexpr std::size_t kMaxArguments = 32, kMaxJson = 1u << 20;

struct Options {
  std::string program;
  std::vector<std::string> arguments, environment;  // environment: names that are passed on
};

// 0 delivered; what sysexits.h calls wrong usage, data or configuration, and "not found" of exec: never; else later.
SendVerdict verdict_of_exit(int code) {
  constexpr int kTemporary = 75;
  if (code == 0) return SendVerdict::delivered;
  const bool never = (code >= 64 && code <= 78 && code != kTemporary) || code == 126 || code == 127;
  return never ? SendVerdict::permanent : SendVerdict::retry;
}

class Exec final : public Channel {
 public:
  explicit Exec(Options options) : options_(std::move(options)), destination_("exec " + options_.program) {}

  bool wants(NotificationKind) const override { return true; }
  bool can_digest() const override { return false; }
  const std::string& destination() const override { return destination_; }
  void cancel() override { runner_.cancel(); }

  SendResult send(const Notification& n, const SendContext& context) override {
    if (const auto wrong = process::check_program(options_.program)) return not_sent(*wrong);
    ChildCall call;
    call.program = options_.program;
    call.arguments = options_.arguments;
    call.pass_environment = options_.environment;
    if (const std::string url = incident_url(context, n); !url.empty())
      call.set_environment.push_back("PARAMEDIC_INCIDENT_URL=" + url);
    call.input = notification_json(n, kMaxJson);
    call.timeout = context.timeout;
    return judged(runner_.run(call));
  }

 private:
  static SendResult judged(const Result<ChildResult>& ran) {
    SendResult out;
    if (!ran) {
      out.verdict = ran.error().code == Errc::io ? SendVerdict::permanent : SendVerdict::retry;
      out.answer = answer_text(ran.error().message, {});
      return out;
    }
    out.verdict = ran->signal != 0 ? SendVerdict::retry : verdict_of_exit(ran->code);
    std::string text =
        ran->signal != 0 ? fmt::format("ended by signal {}", ran->signal) : fmt::format("exit {}", ran->code);
    if (!ran->output.empty()) text += ": " + ran->output;
    out.answer = answer_text(std::move(text), {});
    return out;
  }

  const Options options_;
  const std::string destination_;
  process::ChildRunner runner_;
};

}  // namespace

std::unique_ptr<Channel> make_exec(ParamsReader& r, const Ways&) {
  Options o;
  r.read("program", o.program);
  if (!o.program.starts_with('/') || o.program.find("/../") != std::string::npos)
    r.problem("program", "must be the absolute path of a program: it is run as it is, without a shell");
  r.read("arguments", o.arguments);
  if (o.arguments.size() > kMaxArguments) r.problem("arguments", fmt::format("at most {}", kMaxArguments));
  r.read("environment", o.environment);
  for (const std::string& name : o.environment)
    if (!process::is_variable_name(name))
      r.problem("environment", fmt::format("'{}' must be the name of a variable to pass on", name));
  return std::make_unique<Exec>(std::move(o));
}

}  // namespace paramedic::notify
