// A unit of systemd, by D-Bus: RestartUnit, or StartUnit for a process that ended, in mode "replace"; then the end of
// the job that systemd queued. Subscribe comes first, or systemd would not tell of it. A job that failed is told with
// the unit's own Result ("exit-code", "oom-kill").
#include <algorithm>

#include <fmt/format.h>

#include "base/readable.h"
#include "io/restart/executor_kind.h"
#include "io/restart/job_values.h"

#ifdef PARAMEDIC_SYSTEMD
#include "io/restart/bus.h"

namespace paramedic::restart {

namespace {

constexpr NameRule kUnitName{"unit", ":_.-@\\", 255, false, "letters, digits, ':', '_', '.', '-', '@', '\\'"};
constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr std::size_t kMaxRemoved = 256;  // jobs that ended before the answer that names ours

struct Options {
  std::string unit = "{worker_id}.service";
  std::string bus = "system";
  std::vector<std::string> allow;
  Duration timeout = 60s;
};

bool is_unit_name(std::string_view name) {
  static constexpr std::string_view kSuffixes[] = {".service", ".scope", ".target", ".timer", ".socket", ".path"};
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                     [&](std::string_view suffix) { return name.size() > suffix.size() && name.ends_with(suffix); });
}

// In words, of a result of a job.
std::string words_of_result(const std::string& result) {
  if (result == "failed") return "failed";
  if (result == "timeout") return "ran into its timeout";
  if (result == "canceled") return "was cancelled by another job";
  if (result == "dependency") return "failed since a unit that it needs failed";
  if (result == "skipped") return "was skipped: it does not apply to the unit now";
  return fmt::format("ended as '{}'", readable_trimmed(result.substr(0, 40)));
}

class SystemdAttempt final : public Attempt {
 public:
  SystemdAttempt(const Options& options, Job job) : options_(options), job_(std::move(job)) {}

  Outcome run() override {
    const auto name = target_name(kUnitName, options_.unit, job_);
    if (!name) return {false, name.error().message};
    unit_ = *name;
    if (!is_unit_name(unit_)) return {false, fmt::format("not performed: '{}' has no type, as '.service'", unit_)};
    if (!is_allowed(options_.allow, unit_))
      return {false, fmt::format("not performed: unit {} is not allowed: add it to executors.systemd.allow", unit_)};
    if (auto error = bus_.open(options_.bus, std::chrono::steady_clock::now() + options_.timeout)) return told(*error);
    if (auto error = subscribe()) return told(*error);
    if (auto error = begin_job()) return told(*error);
    if (auto error = bus_.run([this] { return removed_.contains(job_path_); })) return told(*error);
    const std::string result = removed_[job_path_];
    const bool start = job_.ladder.kind == RemedyKind::start;
    if (result == "done") return {true, fmt::format("unit {} {}", unit_, start ? "started" : "restarted")};
    std::string words = fmt::format("unit {}: the job {}", unit_, words_of_result(result));
    if (result == "failed") words += unit_result();
    return {false, std::move(words)};
  }
  void cancel() override { bus_.cancel(); }

 private:
  std::optional<BusError> subscribe() {
    const auto on_signal = [this](sd_bus_message& signal) {
      std::vector<std::string> of;  // id, job, unit, result
      if (!read_texts(signal, "uoss", of) || of[2] != unit_ || removed_.size() >= kMaxRemoved) return;
      removed_[of[1]] = of[3];
    };
    if (auto error = bus_.listen(kService, kPath, kManager, "JobRemoved", on_signal)) return error;
    auto error = bus_.call(kService, kPath, kManager, "Subscribe", {}, {});
    if (error && error->name == "org.freedesktop.systemd1.AlreadySubscribed") return std::nullopt;
    return error;
  }

  std::optional<BusError> begin_job() {
    const auto take = [this](sd_bus_message& reply) {
      std::vector<std::string> of;
      if (!read_texts(reply, "o", of)) return false;
      job_path_ = of[0];
      return true;
    };
    const bool start = job_.ladder.kind == RemedyKind::start;
    return bus_.call(kService, kPath, kManager, start ? "StartUnit" : "RestartUnit", {unit_, "replace"}, take);
  }

  // ", its result is exit-code"; empty when it cannot be had.
  std::string unit_result() {
    std::string path, result;
    const auto take_path = [&path](sd_bus_message& reply) {
      std::vector<std::string> of;
      if (!read_texts(reply, "o", of)) return false;
      path = of[0];
      return true;
    };
    const auto take_result = [&result](sd_bus_message& reply) { return read_variant(reply, result); };
    if (bus_.call(kService, kPath, kManager, "GetUnit", {unit_}, take_path)) return "";
    if (bus_.call(kService, path, "org.freedesktop.DBus.Properties", "Get",
                  {"org.freedesktop.systemd1.Service", "Result"}, take_result))
      return "";
    return fmt::format(", its result is {}; `journalctl -u {}` tells more", readable_trimmed(result.substr(0, 40)),
                       unit_);
  }

  Outcome told(const BusError& error) const {
    if (error.kind == BusError::Kind::timeout)
      return {false, fmt::format("unit {}: no success within {:g} s{}", unit_, to_seconds(options_.timeout),
                                 job_path_.empty() ? "" : "; its job is still queued or runs")};
    if (error.kind == BusError::Kind::cancelled)
      return {false,
              fmt::format("unit {}: cancelled{}", unit_, job_path_.empty() ? "" : "; the job goes on in systemd")};
    if (error.kind == BusError::Kind::bus)
      return {false, fmt::format("unit {}: {}; is D-Bus there, and does systemd run?", unit_, error.message)};
    std::string words = fmt::format("unit {}: {} ({})", unit_, error.message, error.name);
    if (error.name == "org.freedesktop.DBus.Error.AccessDenied" ||
        error.name == "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired")
      words += "; allow the monitor's user the polkit action org.freedesktop.systemd1.manage-units for this unit";
    if (error.name == "org.freedesktop.systemd1.NoSuchUnit")
      words += "; `unit` of the executor says how a worker's unit is called";
    if (error.name == "org.freedesktop.DBus.Error.ServiceUnknown") words += "; systemd is not on this bus";
    return {false, std::move(words)};
  }

  const Options options_;
  const Job job_;
  Bus bus_;
  std::string unit_, job_path_;
  std::map<std::string, std::string> removed_;  // job → result, of our unit
};

class Systemd final : public Executor {
 public:
  explicit Systemd(Options options) : options_(std::move(options)) {}
  std::unique_ptr<Attempt> prepare(const Job& job) const override {
    return std::make_unique<SystemdAttempt>(options_, job);
  }

 private:
  const Options options_;
};

}  // namespace

std::shared_ptr<const Executor> make_systemd(ParamsReader& r, const KindContext& context) {
  Options o;
  o.timeout = context.timeout;
  o.allow = context.allow;
  r.read("unit", o.unit);
  r.read("bus", o.bus);
  check_template(r, "unit", o.unit);
  if (!is_unit_name(o.unit)) r.problem("unit", "must end with the type of a unit: \"{worker_id}.service\"");
  if (o.bus != "system" && o.bus != "user" && o.bus.find('=') == std::string::npos)
    r.problem("bus", "must be system, user or an address: unix:path=/run/dbus/system_bus_socket");
  check_allow(r, "type", "systemd", o.allow);
  return std::make_shared<Systemd>(std::move(o));
}

}  // namespace paramedic::restart

#else

namespace paramedic::restart {

std::shared_ptr<const Executor> make_systemd(ParamsReader& r, const KindContext&) {
  for (const char* key : {"unit", "bus"}) (void)r.take(key);
  r.problem("type",
            "this build knows no systemd: install libsystemd-dev and build again, or use `command` with "
            "/usr/bin/systemctl");
  return nullptr;
}

}  // namespace paramedic::restart
#endif  // PARAMEDIC_SYSTEMD
