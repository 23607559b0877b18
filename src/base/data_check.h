// What `paramedic check-data` finds in one part of a data directory, and where it puts what is damaged. One thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paramedic {

// One file, or one kind of records in it.
struct DataCheck {
  std::string name;  // "history.db chunks"
  std::uint64_t records = 0, bytes = 0;
  std::uint64_t damaged = 0;           // records, or the file itself, that do not decode
  std::uint64_t set_aside = 0;         // of these, moved away by a repair
  std::vector<std::string> problems;   // the first kMaxProblems, in words
  std::vector<std::string> remarks{};  // what is no damage but worth knowing

  static constexpr std::size_t kMaxProblems = 20;
  void damage(std::string problem) {
    ++damaged;
    if (problems.size() < kMaxProblems) problems.push_back(std::move(problem));
  }
};

// A new folder DIR/damaged-<time> for what a repair takes out; made with the first piece, so that none stays empty.
class AsideFolder {
 public:
  // `stamp` tells repairs apart, as 20261123T174000Z.
  AsideFolder(const std::string& data_dir, std::string_view stamp)
      : path_(data_dir + "/damaged-" + std::string(stamp)) {}
  const std::string& path() const { return path_; }
  bool used() const { return used_; }
  // On disk when it returns; never writes over a file. Errors: conflict, unavailable (disk full), forbidden, io.
  Result<void> keep(const std::string& name, std::string_view bytes);

 private:
  std::string path_;
  bool used_ = false;
};

}  // namespace paramedic
