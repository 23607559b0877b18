#include "io/ledger/ledger_check.h"

#include <cerrno>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <sys/stat.h>

#include "io/ledger/ledger_rows.h"
#include "io/ledger/spool.h"
#include "io/sqlite/check.h"
#include "io/wire/ledger_json.h"

namespace paramedic {

namespace {

using sqlite::Step;

constexpr std::uint64_t kMaxSpoolFile = 1u << 30;  // a larger one is not ours
constexpr std::string_view kSpoolMagic = "PMSPOOL1";

std::string record_problem(std::int64_t kind, std::string_view body) {
  if (kind < 0 || kind >= std::int64_t(kEnumCount<LedgerKind>))
    return fmt::format("of kind {}, which does not exist", kind);
  const auto parsed = wire::parse_ledger(LedgerKind(kind), body);
  return parsed ? std::string() : parsed.error().message;
}

Result<void> check_records(sqlite::Database& db, AsideFolder* aside, DataCheck& out) {
  auto s = db.prepare("SELECT id, kind, body FROM record ORDER BY id");
  if (!s) return s.error();
  std::vector<std::int64_t> taken_out;
  Step step;
  while ((step = s->step()) == Step::row) {
    ++out.records;
    out.bytes += s->text(2).size();
    const std::string wrong = record_problem(s->integer(1), s->text(2));
    if (wrong.empty()) continue;
    const std::int64_t id = s->integer(0);
    out.damage(fmt::format("record {}: {}", id, wrong));
    if (!aside) continue;
    if (auto kept = aside->keep(fmt::format("ledger-record-{}-kind-{}", id, s->integer(1)), s->text(2)); !kept)
      return kept;
    taken_out.push_back(id);
  }
  if (step == Step::failed) return db.error();
  for (const std::int64_t id : taken_out)
    if (auto done = db.run(fmt::format("DELETE FROM record WHERE id={}", id).c_str()); !done) return done;
  out.set_aside = taken_out.size();
  return {};
}

}  // namespace

Result<std::vector<DataCheck>> check_ledger(const std::string& file, AsideFolder* aside) {
  return sqlite::check_database(file, "ledger.db", kLedgerFormat, aside,
                                [&](sqlite::Database& db, std::vector<DataCheck>& parts) {
                                  parts.push_back({.name = "ledger.db records"});
                                  return check_records(db, aside, parts.back());
                                });
}

Result<DataCheck> check_spool(const std::string& file, bool repair) {
  DataCheck out{.name = "ledger.spool"};
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return errno_error("cannot read " + file, errno);
  out.bytes = std::uint64_t(info.st_size);
  if (out.bytes > kMaxSpoolFile) {
    out.damage(fmt::format("{} bytes: not a spool; move it away", out.bytes));
    return out;
  }
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) return errno_error("cannot read " + file, errno ? errno : EIO);
  // Without the magic it is one that was being made when the power went.
  if (bytes.find_first_not_of('\0') == bytes.npos) return out;
  if (!bytes.starts_with(kSpoolMagic)) {
    out.damage("not a spool of this version; move it away");
    return out;
  }
  std::uint64_t end = kSpoolMagic.size();
  while (const auto record = read_spool_record(bytes, end)) {
    ++out.records;
    if (!decode_batch(record->payload)) out.damage(fmt::format("the record at byte {} does not decode", end));
    end = record->next;
  }
  if (end == bytes.size()) return out;
  out.damage(fmt::format("torn or damaged from byte {} of {} on", end, bytes.size()));
  if (!repair) return out;
  const auto opened = Spool::open({.file = file, .reserve_bytes = 0});
  if (!opened) return opened.error();
  out.set_aside = 1;
  out.remarks.push_back((*opened)->repaired());
  return out;
}

}  // namespace paramedic
