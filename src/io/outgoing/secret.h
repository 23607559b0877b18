// Secrets of what goes out: passwords, tokens, signing keys, URLs that are secrets.
#pragma once
#include <string>
#include <string_view>

#include "base/params.h"
#include "base/result.h"

namespace paramedic::outgoing {

// A secret never stands in the configuration file itself: it names a file or an environment variable.
struct Secret {
  std::string file, variable;
  bool given() const { return !file.empty() || !variable.empty(); }
  // Read anew at each use, so that a rotated secret works without restart; trailing line ends are cut. Error:
  // invalid_argument, naming file or variable, never the value.
  Result<std::string> read() const;
};
// Reads KEY_file and KEY_variable of `r`; both given, or neither while `required`, is a Problem.
Secret read_secret(ParamsReader& r, std::string_view key, bool required);

}  // namespace paramedic::outgoing
