#include "app/cli/monitor.h"

#include <charconv>

#include "io/api/embedded_static.h"
#include "io/config/check_config.h"
#include "io/config/yaml.h"

namespace paramedic::cli {

namespace {

// "127.0.0.1:8420", "[::1]:0"
Result<config::ListenConfig> parse_listen(std::string_view text) {
  const Error wrong{Errc::invalid_argument,
                    "--listen '" + std::string(text) + "' must be ADDRESS:PORT, as 127.0.0.1:8420"};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong;
  std::string_view address = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  config::ListenConfig out;
  out.address = address == "localhost" ? "127.0.0.1" : std::string(address);
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (failed != std::errc{} || end != port.data() + port.size() || port.empty()) return wrong;
  return out;
}

}  // namespace

Result<MonitorSettings> load_monitor(const std::string& file, const std::string& data_dir, const std::string& listen) {
  Problems problems;
  MonitorSettings out;
  std::optional<Params> tree = Params::map();
  if (!file.empty()) tree = config::load_yaml_file(file, problems);
  if (tree) {
    out.config = config::parse_monitor_config(*tree, problems);
    out.engine = check_all(out.config, problems);
  }
  config::tidy(problems);
  if (!problems.empty())
    return Error{Errc::invalid_argument, "the configuration is wrong:\n" + config::format_problems(problems)};
  if (!data_dir.empty()) out.config.data_dir = data_dir;
  if (!listen.empty()) {
    const auto parsed = parse_listen(listen);
    if (!parsed) return parsed.error();
    out.config.listen = *parsed;
  }
  return out;
}

EngineConfig check_all(const config::MonitorConfig& config, Problems& problems) {
  EngineConfig engine = daemon::make_engine_config(config, problems);
  if (config.channels.kind != Params::Kind::null)
    (void)notify::read_channels(config.channels, channel_factory(), problems);
  return engine;
}

notify::ChannelFactory channel_factory() { return &notify::make_channel; }

LogLevel parse_log_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  return name == "error" ? LogLevel::error : LogLevel::info;
}

struct EmbeddedFiles::Impl {
  api::EmbeddedStatic files{{embedded::openapi_files(), embedded::alert_pages(), embedded::dashboard_files()}};
};
EmbeddedFiles::EmbeddedFiles() : impl_(std::make_unique<Impl>()) {}
EmbeddedFiles::~EmbeddedFiles() = default;
const api::StaticFiles& EmbeddedFiles::files() const { return impl_->files; }

int StopSignal::wait() {
  while (got_ == 0 && loop_.run_one() > 0) {
  }
  return got_;
}

}  // namespace paramedic::cli
