// The worker's own voice: one datagram to $PARAMEDIC_SOCKET (JSON, one object per line) or $NOTIFY_SOCKET (sd_notify),
// which are the same socket. docs/worker-voice.md describes the events. Pure; any thread. Everything here comes from a
// stranger: sizes, depth and counts are bounded, what is wrong becomes an Error and is counted by the caller.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/report.h"

namespace paramedic::agent {

inline constexpr std::size_t kMaxDatagramBytes = 64 * 1024;
inline constexpr std::size_t kMaxVoiceLines = 64;  // events in one datagram
inline constexpr std::size_t kMaxVoiceText = 200;  // bytes of a name or id

struct TaskStarted {
  std::string id, type, queue, args_digest, traceparent;
};
struct TaskEnded {
  enum class How { finished, failed, retried, revoked };
  How how = How::finished;
  std::string id, type, queue;
  std::optional<double> duration_seconds;
};
struct TaskProgress {
  std::string id;  // empty = the worker itself progresses
};
struct Beat {
  bool promised = false;  // beat or WATCHDOG=1: the worker will speak again; other events promise nothing
};
struct Ready {};
struct ModelNews {
  ModelPart model;
};
struct QueueNews {
  QueuePart queue;  // only what the event names is set
};
struct MetricNews {
  std::vector<std::pair<std::string, double>> values;
};
struct StatusText {
  std::string text;
};
using VoiceEvent = std::variant<Beat, Ready, TaskStarted, TaskEnded, TaskProgress, ModelNews, QueueNews, MetricNews,
                                StopNotice, StatusText>;

// Calls nothing, keeps nothing. A datagram may hold several events; those before a broken one are kept.
struct ParsedVoice {
  std::vector<VoiceEvent> events;
  int garbage = 0;          // lines that were no event
  std::string first_error;  // in words, for the log
};
ParsedVoice parse_voice(std::string_view datagram);

// One JSON object. Errors: invalid_argument (names the member), too_large.
Result<VoiceEvent> parse_voice_line(std::string_view line);

}  // namespace paramedic::agent
