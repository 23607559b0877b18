#include "app/cli/stored_copy.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "io/sqlite/backup.h"

namespace paramedic::cli {

namespace fs = std::filesystem;

namespace {

Result<bool> copy(const std::string& data_dir, const char* name, const std::string& to) {
  std::error_code ignored;
  if (!fs::exists(data_dir + "/" + name, ignored)) return false;
  const auto bytes = sqlite::copy_database(data_dir + "/" + name, to + "/" + name);
  if (!bytes) return with_context(bytes.error(), "cannot copy it to look at it ($TMPDIR names another place)");
  return true;
}

}  // namespace

Result<WorkFolder> WorkFolder::make() {
  std::error_code failed;
  const fs::path parent = fs::temp_directory_path(failed);
  std::string path = (failed ? fs::path("/tmp") : parent) / "paramedic-copies-XXXXXX";
  if (!::mkdtemp(path.data())) return errno_error("cannot create " + path + "; $TMPDIR names another place", errno);
  return WorkFolder(std::move(path));
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<void> open_ledger_copy(const std::string& data_dir, const WorkFolder& work, StoredCopy& out) {
  const auto there = copy(data_dir, "ledger.db", work.path());
  if (!there) return there.error();
  if (!*there) return {};
  auto ledger = open_sqlite_ledger({.data_dir = work.path(), .reserve_bytes = 0});
  if (!ledger) return ledger.error();
  out.ledger = std::move(*ledger);
  return {};
}

Result<void> open_history_copy(const std::string& data_dir, const WorkFolder& work, StoredCopy& out) {
  const auto there = copy(data_dir, "history.db", work.path());
  if (!there) return there.error();
  if (!*there) return {};
  auto history = open_sqlite_history({.data_dir = work.path(), .leave_free_bytes = 0});
  if (!history) return history.error();
  out.history = std::move(*history);
  return {};
}

}  // namespace paramedic::cli
