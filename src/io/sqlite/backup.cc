#include "io/sqlite/backup.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/sqlite/database.h"

namespace paramedic::sqlite {

Result<void> sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_error("cannot open " + path, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return errno_error("cannot write " + path + " to disk", failed);
  return {};
}

Result<std::uint64_t> copy_database(const std::string& from, const std::string& to) {
  if (::access(from.c_str(), F_OK) != 0) return errno_error("cannot read " + from, errno);
  // An empty file of our own: VACUUM INTO takes it, and nobody else's is ever written over.
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return make_error(Errc::conflict, to + " exists already; name another place");
  if (fd < 0) return errno_error("cannot create " + to, errno);
  ::close(fd);
  const auto copy = [&]() -> Result<std::uint64_t> {
    auto db = Database::open(from, {.read_only = true});
    if (!db) return db.error();
    // query_only also forbids writing the copy; the connection itself stays read-only.
    if (auto done = db->run("PRAGMA query_only=OFF"); !done) return done.error();
    auto vacuum = db->prepare("VACUUM INTO ?1");
    if (!vacuum) return vacuum.error();
    if (vacuum->bind(1, std::string_view(to)).step() == Step::failed)
      return with_context(db->error(), fmt::format("copying to {}", to));
    if (auto done = sync_path(to); !done) return done.error();
    struct stat info {};
    if (::stat(to.c_str(), &info) != 0) return errno_error("cannot read " + to, errno);
    return std::uint64_t(info.st_size);
  };
  auto bytes = copy();
  if (!bytes) ::unlink(to.c_str());
  return bytes;
}

}  // namespace paramedic::sqlite
