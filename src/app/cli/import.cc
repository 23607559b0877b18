// paramedic import FILE --data-dir DIR: an export becomes history of its worker.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "base/data_dir.h"
#include "base/text.h"
#include "io/history/history.h"
#include "io/history/history_text.h"

namespace paramedic::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kMaxFile = 1u << 30;
constexpr std::size_t kRowsPerCommit = 1000;

Result<std::string> read_file(const std::string& file) {
  std::error_code failed;
  const auto size = fs::file_size(file, failed);
  if (failed) return errno_error("cannot read " + file, failed.value());
  if (size > kMaxFile)
    return Error{Errc::too_large,
                 fmt::format("{} has {} bytes, {} at most; export shorter spans of time", file, size, kMaxFile)};
  std::ifstream in(file, std::ios::binary);
  if (!in) return errno_error("cannot read " + file, errno != 0 ? errno : EIO);
  std::string out(size, '\0');
  in.read(out.data(), std::streamsize(size));
  out.resize(std::size_t(in.gcount()));
  if (in.bad()) return errno_error("cannot read " + file, errno != 0 ? errno : EIO);
  return out;
}

Result<void> store(History& history, std::vector<HistoryRow>& rows) {
  for (std::size_t i = 0; i < rows.size(); i += kRowsPerCommit) {
    const auto begin = rows.begin() + std::ptrdiff_t(i);
    const auto end = rows.begin() + std::ptrdiff_t(std::min(rows.size(), i + kRowsPerCommit));
    history.append({std::make_move_iterator(begin), std::make_move_iterator(end)});
    if (auto done = history.flush(); !done) {
      if (i == 0) return done;
      return with_context(done.error(),
                          fmt::format("after {} rows; the import may be repeated once this is mended", i));
    }
  }
  return {};
}

Result<std::string> import_file(const ImportOptions& options) {
  const auto text = read_file(options.file);
  if (!text) return text.error();
  // The whole file is read before anything is stored: a wrong line leaves the history as it was.
  auto rows = parse_history_text(*text);
  if (!rows) return with_context(rows.error(), options.file + ", nothing was imported");
  std::error_code failed;
  if (!fs::is_directory(options.data_dir, failed))
    return Error{Errc::not_found, options.data_dir + " is no directory; name the data_dir of a monitor"};
  const auto lock = DataDir::open(options.data_dir);
  if (!lock) return with_context(lock.error(), "an import needs the directory for itself");
  const auto history = open_sqlite_history({.data_dir = options.data_dir});
  if (!history) return history.error();
  const std::string told = fmt::format("{} rows of {} from {} to {}", rows->size(), rows->front().worker_id,
                                       format_time(rows->front().at), format_time(rows->back().at));
  if (auto done = store(**history, *rows); !done) return done.error();
  return told;
}

}  // namespace

int import_history(const ImportOptions& options) {
  const auto told = import_file(options);
  if (!told) return fail(told.error());
  fmt::print("{}\n", *told);
  return 0;
}

}  // namespace paramedic::cli
