#include "io/outgoing/secret.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

namespace paramedic::outgoing {

namespace {

constexpr std::size_t kMaxSecret = 16u << 10;

Result<std::string> from_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{Errc::invalid_argument, errno_error("cannot read the secret file " + path, errno).message};
  std::string text(kMaxSecret + 1, 0);
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(std::size_t(file.gcount()));
  if (text.size() > kMaxSecret)
    return Error{Errc::invalid_argument, fmt::format("the secret file {} is over {} bytes", path, kMaxSecret)};
  return text;
}

}  // namespace

Result<std::string> Secret::read() const {
  std::string text;
  if (!file.empty()) {
    auto read = from_file(file);
    if (!read) return read.error();
    text = std::move(*read);
  } else if (const char* value = std::getenv(variable.c_str())) {
    text = value;
  } else {
    return Error{Errc::invalid_argument, fmt::format("the environment variable {} is not set", variable)};
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty() || text.find('\0') != text.npos) {
    const std::string where = file.empty() ? "environment variable " + variable : "secret file " + file;
    return Error{Errc::invalid_argument, fmt::format("the {} {}", where, text.empty() ? "is empty" : "is no text")};
  }
  return text;
}

Secret read_secret(ParamsReader& r, std::string_view key, bool required) {
  const std::string file = std::string(key) + "_file", variable = std::string(key) + "_variable";
  Secret out;
  r.read(file, out.file);
  r.read(variable, out.variable);
  if (!out.file.empty() && !out.variable.empty())
    r.problem(variable, fmt::format("cannot stand beside {}: one of them", file));
  else if (!out.given() && (required || r.has(file) || r.has(variable)))
    r.problem(file, fmt::format("is missing: {} names a file, or {} an environment variable, with the secret", file,
                                variable));
  return out;
}

}  // namespace paramedic::outgoing
