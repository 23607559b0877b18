#include "app/demo/control.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/demo/unix_socket.h"

namespace paramedic::demo {

namespace {

// Worker ids of the demo are folder names: nothing that could leave the folder.
bool plain_name(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string fault_names() {
  std::vector<std::string_view> names(EnumNames<Fault>::kNames.begin() + 1, EnumNames<Fault>::kNames.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<std::string> switch_broker(const std::filesystem::path& root, std::string_view mode) {
  const bool on = mode == "on" || mode == "none";
  if (!on && !mode.empty() && mode != "off" && mode != "broker")
    return make_error(Errc::invalid_argument, fmt::format("the broker can be 'off' or 'on', not '{}'", mode));
  if (auto done = set_broker(root, on); !done) return done.error();
  return std::string(on ? "the queue server starts again"
                        : "the queue server stops: one incident for the broker, the workers' queue findings become "
                          "unknown, and none is restarted");
}

}  // namespace

std::string_view describe(Fault fault) {
  switch (fault) {
    case Fault::none:
      return "ends a fault that the worker survives";
    case Fault::crash:
      return "aborts at once: exited, started again";
    case Fault::hang:
      return "stops everything and sleeps: silent, restarted";
    case Fault::leak:
      return "takes 20 MB/s up to its memory limit: memory high, drained and restarted";
    case Fault::errors:
      return "every task fails: error rate high, not restarted";
    case Fault::slow:
      return "tasks take ten times as long: slow tasks, not restarted";
    case Fault::starve:
      return "beats but takes no task: not consuming, restarted";
    case Fault::disk:
      return "fills its disk quota to 97 %: disk usage high, not restarted";
    case Fault::model:
      return "fails to load its model: model failed, restarted";
    case Fault::busy:
      return "burns its whole core and works on: CPU high, not restarted";
  }
  return "";
}

std::vector<std::string> demo_workers(const std::filesystem::path& root) {
  std::vector<std::string> out;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(DemoLayout{root}.workers(), failed))
    if (entry.is_directory(failed)) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> break_worker(const std::filesystem::path& root, std::string_view id, Fault fault) {
  const DemoLayout layout{root};
  if (!plain_name(id) || !std::filesystem::is_directory(layout.worker(id)))
    return make_error(Errc::not_found, fmt::format("the demo in {} has no worker '{}'; it has {}", root.string(),
                                                   id.substr(0, 64), fmt::join(demo_workers(root), ", ")));
  return write_file(layout.control(id), fmt::format("{}\n", to_string(fault)));
}

Result<void> heal_worker(const std::filesystem::path& root, std::string_view id) {
  return break_worker(root, id, Fault::none);
}

Fault wanted_fault(const std::filesystem::path& control_file) {
  const auto text = read_file(control_file, 64);
  if (!text) return Fault::none;
  return parse_enum<Fault>(std::string_view(*text).substr(0, text->find_last_not_of(" \r\n") + 1))
      .value_or(Fault::none);
}

Result<void> set_broker(const std::filesystem::path& root, bool on) {
  return write_file(DemoLayout{root}.broker_control(), on ? "on\n" : "off\n");
}

bool broker_wanted(const std::filesystem::path& root) {
  const auto text = read_file(DemoLayout{root}.broker_control(), 64);
  return !text || text->rfind("off", 0) != 0;
}

Result<std::string> demo_break(const std::filesystem::path& root, std::string_view target, std::string_view mode) {
  if (target == "broker") return switch_broker(root, mode);
  const auto fault = parse_enum<Fault>(mode);
  if (!fault)
    return make_error(Errc::invalid_argument,
                      fmt::format("unknown mode '{}'; use one of {}, none", mode.substr(0, 64), fault_names()));
  if (auto done = break_worker(root, target, *fault); !done) return done.error();
  return fmt::format("{} {}", target, describe(*fault));
}

}  // namespace paramedic::demo
