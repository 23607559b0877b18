// Log facade: one line per transition, `key=value` fields. Any thread. core never logs: it returns values.
// Usage:  log.info("worker_exited", {{"worker", id}, {"reason", "signal 9"}});
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace paramedic {

enum class LogLevel { debug, info, warning, error };

struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, double v);
  LogField(std::string_view k, long long v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, int v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, long v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, unsigned v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, unsigned long v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  std::string_view key;
  std::string value;
};

class Logger {
 public:
  virtual ~Logger() = default;
  using Fields = std::initializer_list<LogField>;
  void debug(std::string_view event, Fields fields = {}) { log(LogLevel::debug, event, fields); }
  void info(std::string_view event, Fields fields = {}) { log(LogLevel::info, event, fields); }
  void warning(std::string_view event, Fields fields = {}) { log(LogLevel::warning, event, fields); }
  void error(std::string_view event, Fields fields = {}) { log(LogLevel::error, event, fields); }

 protected:
  virtual void write(LogLevel level, std::string_view line) = 0;
  LogLevel minimum_ = LogLevel::info;

 private:
  void log(LogLevel level, std::string_view event, Fields fields);
};

// Values with blanks, quotes or control bytes are quoted and escaped, so that one event is always one line.
std::string format_log_line(std::string_view event, Logger::Fields fields);

// To standard error through spdlog, with time and level.
std::unique_ptr<Logger> make_stderr_logger(LogLevel minimum);
// Swallows everything: for tests and tools.
std::unique_ptr<Logger> make_null_logger();

}  // namespace paramedic
