// YAML text → Params. The only part that knows yaml-cpp. Pure but for load_yaml_file; any thread.
// Stricter than YAML where leniency hurts operators: duplicate keys, several documents, tags, keys that are not text,
// bytes that are not UTF-8 and tabs in the indentation are problems, each with its line. Bounded: bytes, depth, and
// nodes after expansion of aliases, so that a "billion laughs" file is refused before it grows.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/params.h"

namespace paramedic::config {

inline constexpr std::size_t kMaxYamlBytes = 1024 * 1024;
inline constexpr std::size_t kMaxYamlNodes = 100'000;
inline constexpr int kMaxYamlDepth = 32;

// `name` is the file name shown in problems. nullopt when anything was wrong; `problems` then holds all that was found.
// An empty text is an empty map.
std::optional<Params> load_yaml(std::string_view text, const std::string& name, Problems& problems);
std::optional<Params> load_yaml_file(const std::string& path, Problems& problems);

// The tree as YAML for people, secrets as stars (see is_secret_key).
std::string print_yaml(const Params& tree);
// password, secret, token, api_key, … in any case; never their *_file and *_variable variants, which only name a place.
bool is_secret_key(std::string_view key);

// All problems, one per line, for a log or a terminal.
std::string format_problems(const Problems& problems);

}  // namespace paramedic::config
