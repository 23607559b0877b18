// VoiceOut: how a demo worker speaks of itself, as docs/worker-voice.md describes: one JSON object per datagram to
// $PARAMEDIC_SOCKET, and sd_notify lines to $NOTIFY_SOCKET. Never blocks: a datagram that does not fit is dropped, a
// socket that is away (the agent restarts) is tried again with the next one. Any thread.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo/unix_socket.h"
#include "base/clock.h"

namespace paramedic::demo {

struct VoiceQueue {
  std::string broker, name;
  bool connected = false;
  std::optional<std::uint64_t> ready;
  std::optional<Duration> oldest, rtt;
  std::uint64_t consumed = 0;  // by this process
};

class VoiceOut {
 public:
  // Empty paths: says nothing there.
  VoiceOut(std::string socket, std::string notify_socket);
  // From $PARAMEDIC_SOCKET and $NOTIFY_SOCKET.
  static VoiceOut from_environment();

  void beat();
  void ready();
  void stopping(std::string_view reason);
  void task_started(std::string_view id, std::string_view type);
  void task_finished(std::string_view id, Duration duration);
  void task_failed(std::string_view id);
  void model(std::string_view name, std::string_view state, std::optional<double> progress,
             std::string_view error = {});
  void queue(const VoiceQueue& queue);
  void metrics(const std::vector<std::pair<std::string, double>>& values);

 private:
  struct Peer {
    std::string path;
    UniqueFd fd;
  };
  void say(std::string_view event, std::string members);
  void notify(std::string_view line);
  static void send(Peer& peer, std::string_view text);

  struct State {  // behind a pointer, so that VoiceOut can be moved
    std::mutex mutex;
    Peer voice, notify;
  };
  std::unique_ptr<State> state_;
};

// "text" with quotes, as JSON wants it; bytes below blank and above '~' become \u00XX.
std::string json_quote(std::string_view text);

}  // namespace paramedic::demo
