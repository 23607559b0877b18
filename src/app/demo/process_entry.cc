#include <charconv>
#include <csignal>
#include <cstdio>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/demo/broker.h"
#include "app/demo/process_main.h"
#include "app/demo/worker.h"
#include "base/ids.h"

namespace paramedic::demo {

namespace {

using Options = std::map<std::string, std::string>;

int refuse(std::string_view who, const Error& error) {
  fmt::print(stderr, "{}: {}\n", who, error.message);
  return exit_code(error.code);
}

Result<Options> parse(const std::vector<std::string>& args, const std::vector<std::string>& known) {
  Options out;
  for (std::size_t i = 0; i < args.size(); i += 2) {
    if (std::find(known.begin(), known.end(), args[i]) == known.end())
      return make_error(Errc::invalid_argument,
                        fmt::format("unknown option '{}'; known: {}", args[i], fmt::join(known, ", ")));
    if (i + 1 == args.size()) return make_error(Errc::invalid_argument, args[i] + " needs a value");
    out[args[i]] = args[i + 1];
  }
  if (out["--root"].empty())
    return make_error(Errc::invalid_argument, "--root DIR is needed: the demo's data directory");
  return out;
}

// Leaves `out` as it is when the option was not given.
template <class T>
Result<void> number(Options& options, const std::string& key, T& out) {
  const std::string& text = options[key];
  if (text.empty()) return {};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed == std::errc{} && end == text.data() + text.size() && out >= T{0}) return {};
  return make_error(Errc::invalid_argument, fmt::format("{} wants a number, not '{}'", key, text));
}

// Signals are blocked and fetched one by one: no handlers, no global state.
class Signals {
 public:
  explicit Signals(std::initializer_list<int> wanted) {
    sigemptyset(&set_);
    for (const int s : wanted) sigaddset(&set_, s);
    ::sigprocmask(SIG_BLOCK, &set_, nullptr);
  }
  // The next pending one; 0 when there is none.
  int next() const {
    const timespec no_wait{};
    return std::max(0, ::sigtimedwait(&set_, nullptr, &no_wait));
  }

 private:
  sigset_t set_{};
};

}  // namespace

int demo_broker_main(const std::vector<std::string>& args) {
  const Signals signals{SIGTERM, SIGINT};
  auto options = parse(args, {"--root", "--rate", "--parent"});
  if (!options) return refuse("demo-broker", options.error());
  const DemoLayout layout{(*options)["--root"]};
  BrokerOptions broker{.dir = layout.broker(), .socket = layout.broker_socket()};
  pid_t parent = 0;
  if (auto ok = number(*options, "--rate", broker.tasks_per_second); !ok) return refuse("demo-broker", ok.error());
  if (auto ok = number(*options, "--parent", parent); !ok) return refuse("demo-broker", ok.error());
  const auto stop = [&] { return signals.next() != 0 || (parent > 0 && ::getppid() != parent); };
  const auto served = run_broker(broker, stop);
  return served ? 0 : refuse("demo-broker", served.error());
}

int demo_worker_main(const std::vector<std::string>& args) {
  const Signals signals{SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
  const rlimit no_core{0, 0};  // it crashes on demand
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  auto options = parse(args, {"--root", "--id", "--pool", "--memory-limit-mb", "--disk-quota-mb", "--cpu"});
  if (!options) return refuse("demo-worker", options.error());
  WorkerOptions worker{.id = (*options)["--id"], .pool = (*options)["--pool"], .root = (*options)["--root"]};
  for (const auto& ok :
       {number(*options, "--memory-limit-mb", worker.memory_limit_mb),
        number(*options, "--disk-quota-mb", worker.disk_quota_mb), number(*options, "--cpu", worker.cpu)})
    if (!ok) return refuse("demo-worker", ok.error());
  if (!valid_id(worker.id) || worker.id.find('/') != std::string::npos || worker.pool.empty())
    return refuse("demo-worker",
                  make_error(Errc::invalid_argument, "--id ID and --pool POOL are needed; no '/' in them"));
  WorkerOrders orders;
  return run_worker(worker, VoiceOut::from_environment(), [&] {
    for (int signal = signals.next(); signal != 0; signal = signals.next()) {
      if (signal == SIGTERM || signal == SIGINT) orders.stop = true;
      if (signal == SIGUSR1) orders.drained = true;
      if (signal == SIGUSR2) orders.drained = false;
    }
    return orders;
  });
}

}  // namespace paramedic::demo
