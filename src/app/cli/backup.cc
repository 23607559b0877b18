// paramedic backup TARGET --data-dir DIR: copies ledger.db and history.db while the monitor runs.
#include "io/sqlite/backup.h"

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli/commands.h"

namespace paramedic::cli {

namespace fs = std::filesystem;

namespace {

struct Copied {
  std::string name;
  std::uint64_t bytes = 0;
};

// The ledger first: what it promises about a worker is then never newer than what history knows of it.
Result<std::vector<Copied>> copy_files(const std::string& data_dir, const std::string& to) {
  std::vector<Copied> out;
  for (const char* name : {"ledger.db", "history.db"}) {
    const std::string from = data_dir + "/" + name;
    std::error_code ignored;
    if (!fs::exists(from, ignored)) continue;  // the ledger may live on Redis
    const auto bytes = sqlite::copy_database(from, to + "/" + name);
    if (!bytes) return bytes.error();
    out.push_back({name, *bytes});
  }
  if (out.empty())
    return Error{Errc::not_found,
                 data_dir + " holds neither ledger.db nor history.db; name the data_dir of a monitor with --data-dir"};
  return out;
}

Result<std::vector<Copied>> make_backup(const std::string& data_dir, const std::string& target) {
  std::error_code failed;
  if (fs::exists(fs::symlink_status(target, failed)))
    return Error{Errc::conflict, target + " exists already; a backup never writes over anything: name another place"};
  // Complete or not there: it gets its name when all of it is on disk.
  const std::string partial = target + ".partial";
  if (::mkdir(partial.c_str(), 0700) != 0) {
    if (errno == EEXIST)
      return Error{Errc::conflict,
                   partial + " exists already: another backup runs, or one was cut off; remove it then"};
    return errno_error("cannot create " + partial, errno);
  }
  auto copied = copy_files(data_dir, partial);
  if (copied)
    if (auto done = sqlite::sync_path(partial); !done) copied = done.error();
  // Fails when somebody made a full directory or a file of that name meanwhile.
  if (copied && ::rename(partial.c_str(), target.c_str()) != 0)
    copied = errno_error(fmt::format("cannot rename {} to {}", partial, target), errno);
  if (!copied) {
    fs::remove_all(partial, failed);
    return copied;
  }
  const auto parent = fs::path(target).parent_path();
  if (auto done = sqlite::sync_path(parent.empty() ? "." : parent.string()); !done) return done.error();
  return copied;
}

}  // namespace

int backup(const BackupOptions& options) {
  std::string target = options.target;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  const auto copied = make_backup(options.data_dir, target);
  if (!copied) return fail(with_context(copied.error(), "no backup was made"));
  for (const auto& [name, bytes] : *copied) fmt::print("{}/{}: {} bytes\n", target, name, bytes);
  return 0;
}

}  // namespace paramedic::cli
