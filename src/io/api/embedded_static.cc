#include "io/api/embedded_static.h"

namespace paramedic::api {

EmbeddedStatic::EmbeddedStatic(const std::vector<std::span<const EmbeddedFile>>& sets) {
  for (const auto& set : sets)
    for (const EmbeddedFile& file : set) {
      StaticFile entry{std::string(file.content_type), std::make_shared<const std::string>(file.body),
                       std::string(file.etag)};
      files_.insert_or_assign(std::string(file.path), std::move(entry));
    }
}

std::optional<StaticFile> EmbeddedStatic::find(std::string_view path) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return std::nullopt;
  return found->second;
}

}  // namespace paramedic::api
