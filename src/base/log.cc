#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/text.h"

namespace paramedic {

namespace {

void append_value(std::string& line, std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \"=\\\t\r\n") == std::string_view::npos;
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      line += c;
  }
  line += '"';
}

class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(LogLevel minimum)
      : logger_("paramedic", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()) {
    minimum_ = minimum;
    logger_.set_level(spdlog::level::trace);
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc);
  }

 private:
  void write(LogLevel level, std::string_view line) override {
    static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                            spdlog::level::warn, spdlog::level::err};
    logger_.log(kLevels[static_cast<size_t>(level)], "{}", line);
  }
  spdlog::logger logger_;
};

class NullLogger final : public Logger {
 public:
  NullLogger() { minimum_ = LogLevel::error; }

 private:
  void write(LogLevel, std::string_view) override {}
};

}  // namespace

LogField::LogField(std::string_view k, double v) : key(k), value(format_short(v, 3)) {}

std::string format_log_line(std::string_view event, Logger::Fields fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

void Logger::log(LogLevel level, std::string_view event, Fields fields) {
  if (level >= minimum_) write(level, format_log_line(event, fields));
}

std::unique_ptr<Logger> make_stderr_logger(LogLevel minimum) { return std::make_unique<StderrLogger>(minimum); }
std::unique_ptr<Logger> make_null_logger() { return std::make_unique<NullLogger>(); }

}  // namespace paramedic
