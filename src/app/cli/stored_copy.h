// Copies of ledger.db and history.db, for commands that look back: a monitor may run on the data directory meanwhile,
// and nothing of it is changed. One thread.
#pragma once
#include <memory>
#include <string>
#include <utility>

#include "io/history/history.h"
#include "io/ledger/ledger.h"

namespace paramedic::cli {

// A folder for the copies; gone with the object, which must outlive what was opened in it.
class WorkFolder {
 public:
  static Result<WorkFolder> make();
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();
  const std::string& path() const { return path_; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

struct StoredCopy {
  std::unique_ptr<Ledger> ledger;    // null = no ledger.db
  std::unique_ptr<History> history;  // null = no history.db, or not asked for
};

// A file that is not there is no error. Errors: io (no room for the copy: $TMPDIR names another place), as Ledger and
// History.
Result<void> open_ledger_copy(const std::string& data_dir, const WorkFolder& work, StoredCopy& out);
Result<void> open_history_copy(const std::string& data_dir, const WorkFolder& work, StoredCopy& out);

}  // namespace paramedic::cli
