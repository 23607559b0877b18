#include "app/demo/voice_out.h"

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/text.h"

namespace paramedic::demo {

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c < ' ' || c > '~')
      out += fmt::format("\\u{:04x}", unsigned(static_cast<unsigned char>(c)));
    else
      out += c;
  }
  return out + "\"";
}

VoiceOut::VoiceOut(std::string socket, std::string notify_socket) : state_(std::make_unique<State>()) {
  state_->voice.path = std::move(socket);
  state_->notify.path = std::move(notify_socket);
}

VoiceOut VoiceOut::from_environment() {
  const auto get = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  return VoiceOut(get("PARAMEDIC_SOCKET"), get("NOTIFY_SOCKET"));
}

void VoiceOut::send(Peer& peer, std::string_view text) {
  if (peer.path.empty()) return;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!peer.fd) {
      auto fd = connect_datagram(peer.path);
      if (!fd) return;
      peer.fd = std::move(*fd);
    }
    if (::send(peer.fd.get(), text.data(), text.size(), MSG_NOSIGNAL) >= 0 || errno == EAGAIN) return;
    peer.fd.reset();  // the listener was replaced: its new socket has the same path
  }
}

void VoiceOut::say(std::string_view event, std::string members) {
  const std::string line = fmt::format("{{\"event\":\"{}\"{}{}}}\n", event, members.empty() ? "" : ",", members);
  const std::lock_guard lock(state_->mutex);
  send(state_->voice, line);
}

void VoiceOut::notify(std::string_view line) {
  const std::lock_guard lock(state_->mutex);
  send(state_->notify, line);
}

void VoiceOut::beat() {
  say("beat", {});
  notify("WATCHDOG=1");
}

void VoiceOut::ready() {
  say("ready", {});
  notify("READY=1");
}

void VoiceOut::stopping(std::string_view reason) {
  say("stopping", "\"reason\":" + json_quote(reason));
  notify("STOPPING=1");
}

void VoiceOut::task_started(std::string_view id, std::string_view type) {
  say("task_started", fmt::format("\"id\":{},\"type\":{}", json_quote(id), json_quote(type)));
}

void VoiceOut::task_finished(std::string_view id, Duration duration) {
  say("task_finished",
      fmt::format("\"id\":{},\"duration_seconds\":{}", json_quote(id), format_short(to_seconds(duration), 4)));
}

void VoiceOut::task_failed(std::string_view id) { say("task_failed", "\"id\":" + json_quote(id)); }

void VoiceOut::model(std::string_view name, std::string_view state, std::optional<double> progress,
                     std::string_view error) {
  std::string members = fmt::format("\"name\":{},\"state\":{}", json_quote(name), json_quote(state));
  if (progress) members += ",\"progress\":" + format_short(*progress, 3);
  if (!error.empty()) members += ",\"error\":" + json_quote(error);
  say("model", std::move(members));
}

void VoiceOut::queue(const VoiceQueue& q) {
  std::string members = fmt::format("\"broker\":{},\"name\":{},\"connected\":{},\"consumed\":{}", json_quote(q.broker),
                                    json_quote(q.name), q.connected, q.consumed);
  if (q.connected) members += ",\"paused\":false";
  if (q.ready) members += fmt::format(",\"ready\":{}", *q.ready);
  if (q.oldest) members += ",\"oldest_age_seconds\":" + format_short(to_seconds(*q.oldest), 3);
  if (q.rtt) members += ",\"rtt_ms\":" + format_short(to_seconds(*q.rtt) * 1000, 3);
  say("queue", std::move(members));
}

void VoiceOut::metrics(const std::vector<std::pair<std::string, double>>& values) {
  std::string members;
  for (const auto& [name, value] : values) {
    if (!members.empty()) members += ",";
    members += json_quote(name) + ":" + format_number(value);
  }
  say("metrics", std::move(members));
}

}  // namespace paramedic::demo
