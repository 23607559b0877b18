// Inside io/restart: what an Engine answers, as plain values. Untrusted bytes; pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace paramedic::restart {

struct DockerVersion {
  int major = 0, minor = 0;
  auto operator<=>(const DockerVersion&) const = default;
  std::string text() const { return "v" + std::to_string(major) + "." + std::to_string(minor); }
};

// "1.41"; nullopt: anything else, or older than 1.12.
std::optional<DockerVersion> parse_docker_version(std::string_view text);

struct Container {
  std::string id, name, status;
  bool paused = false;
};
// Of GET /containers/NAME/json. nullopt: no container with an id of 64 hex digits.
std::optional<Container> parse_container(std::string_view body);

}  // namespace paramedic::restart
