// StaticFiles from files that were compiled in (embedded_files.h). Immutable; any thread.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/api/embedded_files.h"
#include "io/api/ports.h"

namespace paramedic::api {

class EmbeddedStatic final : public StaticFiles {
 public:
  // Copies each body once, so that replies share it. Of two files with one path the later set wins.
  explicit EmbeddedStatic(const std::vector<std::span<const EmbeddedFile>>& sets);
  std::optional<StaticFile> find(std::string_view path) const override;

 private:
  std::map<std::string, StaticFile, std::less<>> files_;
};

}  // namespace paramedic::api
