#include "io/restart/docker_answers.h"

#include <algorithm>
#include <charconv>

#include "io/wire/json_reader.h"

namespace paramedic::restart {

std::optional<DockerVersion> parse_docker_version(std::string_view text) {
  DockerVersion out;
  const char* const end = text.data() + text.size();
  const auto [dot, bad] = std::from_chars(text.data(), end, out.major);
  if (bad != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  const auto [rest, worse] = std::from_chars(dot + 1, end, out.minor);
  return worse == std::errc{} && rest == end && out >= DockerVersion{1, 12} ? std::optional(out) : std::nullopt;
}

std::optional<Container> parse_container(std::string_view body) {
  wire::Document document;
  const auto parsed = document.parse(body);
  const auto* root = parsed ? (*parsed)->if_object() : nullptr;
  if (!root) return std::nullopt;
  const auto text = [](const wire::json::object& in, std::string_view key) {
    const auto* found = in.if_contains(key);
    const auto* value = found ? found->if_string() : nullptr;
    return value ? std::string(wire::view(*value)) : std::string();
  };
  Container out;
  out.id = text(*root, "Id");
  const bool hex = std::all_of(out.id.begin(), out.id.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (out.id.size() != 64 || !hex) return std::nullopt;
  out.name = text(*root, "Name");
  if (out.name.starts_with('/')) out.name.erase(0, 1);
  const auto* found = root->if_contains("State");
  if (const auto* state = found ? found->if_object() : nullptr) {
    out.status = text(*state, "Status");
    const auto* paused = state->if_contains("Paused");
    out.paused = out.status == "paused" || (paused && paused->is_bool() && paused->get_bool());
  }
  return out;
}

}  // namespace paramedic::restart
