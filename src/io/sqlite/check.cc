#include "io/sqlite/check.h"

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

namespace paramedic::sqlite {

namespace {

constexpr const char* kRemedy = "restore a backup, or move the file away to start empty";

Result<void> check_file(Database& db, std::int64_t format, DataCheck& out) {
  const auto problems = find_damage(db, "integrity_check", DataCheck::kMaxProblems);
  if (!problems) return problems.error();
  for (const std::string& problem : *problems) out.damage(fmt::format("{}; {}", problem, kRemedy));
  if (out.damaged > 0) return {};
  const auto found = db.number("PRAGMA user_version");
  if (!found) return found.error();
  if (*found > format)
    out.damage(fmt::format("written by a newer Paramedic (format {}, this one knows {}): check it with that version",
                           *found, format));
  else if (*found < format)
    out.remarks.push_back(
        fmt::format("format {}: moved to format {} when a monitor starts; its records were not read", *found, format));
  return {};
}

Result<void> check_all(Database& db, std::int64_t format, std::vector<DataCheck>& parts, const CheckRecords& records) {
  if (auto done = check_file(db, format, parts[0]); !done) return done;
  if (parts[0].damaged > 0 || !parts[0].remarks.empty()) return {};
  return records(db, parts);
}

// SQLite tells of pages that it could not read among the damage: "Page 4: unable to get the page. error code=266".
bool unreadable(std::string_view problem) {
  constexpr std::string_view kCode = "error code=";
  const auto at = problem.find(kCode);
  return at != problem.npos && (std::atoi(problem.data() + at + kCode.size()) & 0xFF) == SQLITE_IOERR;
}

}  // namespace

Result<std::vector<std::string>> find_damage(Database& db, std::string_view pragma, std::size_t most) {
  auto s = db.prepare(fmt::format("PRAGMA {}({})", pragma, most).c_str());
  if (!s) return s.error();
  std::vector<std::string> out;
  Step step;
  while ((step = s->step()) == Step::row) {
    const std::string problem(s->text(0));
    if (unreadable(problem)) return make_error(Errc::io, fmt::format("{}: {}; check the disk", db.file(), problem));
    if (problem != "ok") out.push_back(problem);
  }
  if (step == Step::failed) return db.error();
  return out;
}

Result<std::vector<DataCheck>> check_database(const std::string& file, const std::string& name, std::int64_t format,
                                              const AsideFolder* aside, const CheckRecords& records) {
  if (::access(file.c_str(), R_OK) != 0) return errno_error("cannot read " + file, errno);
  std::vector<DataCheck> parts{{.name = name, .records = 1, .bytes = file_bytes(file)}};
  const auto run = [&]() -> Result<void> {
    auto db = Database::open(file, {.read_only = aside == nullptr});
    if (!db) return db.error();
    if (aside) {
      Transaction transaction(*db);
      if (!transaction.begun()) return transaction.begun();
      if (auto done = check_all(*db, format, parts, records); !done) return done;
      return transaction.commit();
    }
    if (auto done = db->run("BEGIN"); !done) return done;
    return check_all(*db, format, parts, records);
  };
  const auto done = run();
  if (!done && done.error().code != Errc::corrupt) return done.error();
  if (!done) parts[0].damage(done.error().message);
  return parts;
}

}  // namespace paramedic::sqlite
