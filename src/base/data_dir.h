// A data directory that belongs to one process: created when missing (mode 0700), checked for writing, and locked by
// flock on <dir>/lock until the object dies. Used by the ledger of the monitor and by the journal of the agent. Any
// thread.
#pragma once
#include <string>

#include "base/result.h"

namespace paramedic {

class DataDir {
 public:
  // Errors: conflict (another living process holds it; named by pid), forbidden or io (cannot be created or written),
  // each with the remedy.
  static Result<DataDir> open(const std::string& path);

  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) noexcept;
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;
  ~DataDir();

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  DataDir(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  std::string path_;
  int lock_fd_ = -1;
};

}  // namespace paramedic
