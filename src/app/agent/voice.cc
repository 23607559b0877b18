#include "app/agent/voice.h"

#include <algorithm>
#include <cmath>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace paramedic::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 4;
constexpr std::size_t kMaxMetricName = 100;

Error wrong(std::string_view member, std::string_view why) {
  return make_error(Errc::invalid_argument, std::string(member) + ": " + std::string(why));
}

// Reads members of one object; the first thing that is wrong is remembered and ends in an Error.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  std::string text(std::string_view name, bool required = false, std::size_t limit = kMaxVoiceText) {
    const auto* value = find(name);
    if (!value) {
      if (required) fail(name, "is missing");
      return {};
    }
    // Task and queue ids are numbers in some libraries.
    if (value->is_int64()) return std::to_string(value->get_int64());
    if (value->is_uint64()) return std::to_string(value->get_uint64());
    if (!value->is_string()) return fail(name, "must be text"), std::string{};
    const auto& found = value->get_string();
    if (found.empty() && required) fail(name, "must not be empty");
    if (found.size() > limit) return fail(name, "is too long"), std::string{};
    // Names travel into logs, metrics and terminals; the monitor would refuse the whole report.
    if (std::any_of(found.begin(), found.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
      return fail(name, "must not hold control characters"), std::string{};
    return std::string(found.data(), found.size());
  }
  std::optional<double> number(std::string_view name, double min, double max) {
    const auto* value = find(name);
    if (!value) return std::nullopt;
    const auto found = to_number(*value);
    if (!found || *found < min || *found > max) return fail(name, "must be a number in range"), std::nullopt;
    return found;
  }
  std::optional<std::uint64_t> count(std::string_view name) {
    const auto found = number(name, 0, 9e15);
    return found ? std::optional(static_cast<std::uint64_t>(*found)) : std::nullopt;
  }
  std::optional<bool> flag(std::string_view name) {
    const auto* value = find(name);
    if (!value) return std::nullopt;
    if (!value->is_bool()) return fail(name, "must be true or false"), std::nullopt;
    return value->get_bool();
  }
  static std::optional<double> to_number(const json::value& value) {
    if (value.is_int64()) return static_cast<double>(value.get_int64());
    if (value.is_uint64()) return static_cast<double>(value.get_uint64());
    if (value.is_double() && std::isfinite(value.get_double())) return value.get_double();
    return std::nullopt;
  }
  const json::object& object() const { return object_; }
  const Error* error() const { return error_ ? &*error_ : nullptr; }
  void fail(std::string_view name, std::string_view why) {
    if (!error_) error_ = wrong(name, why);
  }
  Result<VoiceEvent> finish(VoiceEvent event) {
    if (error_) return std::move(*error_);
    return event;
  }

 private:
  const json::value* find(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    return value && !value->is_null() ? value : nullptr;
  }
  const json::object& object_;
  std::optional<Error> error_;
};

constexpr double kMaxSeconds = 1e9;

Result<VoiceEvent> task_started(Members m) {
  TaskStarted task;
  task.id = m.text("id", true);
  task.type = m.text("type");
  task.queue = m.text("queue");
  task.args_digest = m.text("args_digest");
  task.traceparent = m.text("traceparent");
  return m.finish(std::move(task));
}

Result<VoiceEvent> task_ended(Members m, TaskEnded::How how) {
  TaskEnded task;
  task.how = how;
  task.id = m.text("id", true);
  task.type = m.text("type");
  task.queue = m.text("queue");
  task.duration_seconds = m.number("duration_seconds", 0, kMaxSeconds);
  return m.finish(std::move(task));
}

Result<VoiceEvent> model(Members m) {
  ModelNews news;
  news.model.name = m.text("name", true);
  const auto state = parse_enum<ModelState>(m.text("state", true));
  if (!state) m.fail("state", "must be loading, ready, failed or unloaded");
  news.model.state = state.value_or(ModelState::loading);
  news.model.progress = m.number("progress", 0, 1);
  news.model.load_seconds = m.number("load_seconds", 0, kMaxSeconds);
  news.model.error = m.text("error", false, 1024);
  news.model.smoke_ok = m.flag("smoke_ok");
  return m.finish(std::move(news));
}

Result<VoiceEvent> queue(Members m) {
  QueueNews news;
  news.queue.broker = m.text("broker");
  news.queue.name = m.text("name", true);
  news.queue.connected = m.flag("connected");
  news.queue.paused = m.flag("paused");
  news.queue.rtt_ms = m.number("rtt_ms", 0, kMaxSeconds);
  news.queue.ready = m.count("ready");
  news.queue.oldest_age_seconds = m.number("oldest_age_seconds", 0, kMaxSeconds);
  news.queue.consumed = m.count("consumed");
  return m.finish(std::move(news));
}

// As the monitor's reader wants it (docs/formats/report.md).
bool valid_metric_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxMetricName && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// Every member but "event" is a metric.
Result<VoiceEvent> metrics(Members m) {
  MetricNews news;
  for (const auto& [name, value] : m.object()) {
    const std::string_view key(name.data(), name.size());
    if (key == "event") continue;
    const auto found = Members::to_number(value);
    if (!found || !valid_metric_name(key))
      m.fail(key.substr(0, kMaxMetricName), "must be a number, its name of A-Z a-z 0-9 _");
    else
      news.values.emplace_back(key, *found);
  }
  if (news.values.size() > kMaxMetrics) m.fail("metrics", "has too many members");
  return m.finish(std::move(news));
}

Result<VoiceEvent> stopping(Members m) {
  StopNotice notice;
  const auto reason = m.text("reason");
  if (!reason.empty()) {
    const auto known = parse_enum<StopReason>(reason);
    if (!known) m.fail("reason", "must be drain, deploy, scale_down, recycle or operator");
    notice.reason = known.value_or(StopReason::operator_request);
  }
  if (const auto seconds = m.number("back_within_seconds", 0, 7 * 86400.0)) notice.back_within = from_seconds(*seconds);
  return m.finish(std::move(notice));
}

Result<VoiceEvent> dispatch(const json::object& object) {
  Members m(object);
  const auto event = m.text("event", true);
  if (const auto* error = m.error()) return *error;
  if (event == "beat") return VoiceEvent(Beat{true});
  if (event == "ready") return VoiceEvent(Ready{});
  if (event == "task_started") return task_started(m);
  if (event == "task_finished") return task_ended(m, TaskEnded::How::finished);
  if (event == "task_failed") return task_ended(m, TaskEnded::How::failed);
  if (event == "task_retried") return task_ended(m, TaskEnded::How::retried);
  if (event == "task_revoked") return task_ended(m, TaskEnded::How::revoked);
  if (event == "progress") return m.finish(TaskProgress{m.text("id")});
  if (event == "model") return model(m);
  if (event == "queue") return queue(m);
  if (event == "metrics") return metrics(m);
  if (event == "stopping") return stopping(m);
  return wrong("event", "is not known: " + event.substr(0, 40));
}

// sd_notify(3): KEY=VALUE. Keys that mean nothing here are not garbage.
std::optional<VoiceEvent> notify_event(std::string_view line) {
  if (line == "READY=1") return Ready{};
  if (line == "WATCHDOG=1") return Beat{true};
  if (line == "STOPPING=1") return StopNotice{};
  if (line.starts_with("STATUS=")) return StatusText{std::string(line.substr(7, kMaxVoiceText))};
  return std::nullopt;
}

bool is_notify(std::string_view line) {
  const auto equals = line.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(equals),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

void take_line(std::string_view line, ParsedVoice& out) {
  if (is_notify(line)) {
    if (auto event = notify_event(line)) out.events.push_back(std::move(*event));
    return;
  }
  auto event = parse_voice_line(line);
  if (event) {
    out.events.push_back(std::move(*event));
  } else if (out.garbage++ == 0) {
    out.first_error = event.error().message;
  }
}

}  // namespace

Result<VoiceEvent> parse_voice_line(std::string_view line) {
  if (line.size() > kMaxDatagramBytes) return make_error(Errc::too_large, "datagram is too long");
  unsigned char buffer[8192];
  json::monotonic_resource memory(buffer, sizeof buffer);
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code failed;
  const auto value = json::parse(json::string_view(line.data(), line.size()), failed, &memory, options);
  if (failed) return make_error(Errc::invalid_argument, "not JSON: " + failed.message());
  if (!value.is_object()) return make_error(Errc::invalid_argument, "not a JSON object");
  return dispatch(value.get_object());
}

ParsedVoice parse_voice(std::string_view datagram) {
  ParsedVoice out;
  std::size_t lines = 0;
  while (!datagram.empty()) {
    const auto end = std::min(datagram.find('\n'), datagram.size());
    auto line = datagram.substr(0, end);
    datagram.remove_prefix(std::min(end + 1, datagram.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (++lines > kMaxVoiceLines) {
      if (out.garbage++ == 0) out.first_error = "more than 64 lines in one datagram";
      break;
    }
    take_line(line, out);
  }
  return out;
}

}  // namespace paramedic::agent
