// paramedic check-data DIR [--repair]: reads all that a monitor or a backup has stored and says what does not decode.
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "base/clock.h"
#include "base/data_check.h"
#include "base/data_dir.h"
#include "io/history/history_check.h"
#include "io/history/remote_write/segment.h"
#include "io/journal/journal_check.h"
#include "io/ledger/ledger_check.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxSegment = 1u << 30;  // larger files are not segments

struct Checked {
  std::vector<DataCheck> parts;
  std::string aside;  // where a repair put things; empty = nothing was taken out
  std::uint64_t damaged = 0, left = 0;
};

bool present(const std::string& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

// "00000000000000000007.seg" → 7
std::uint64_t sequence_of(const std::string& name) {
  std::uint64_t out = 0;
  std::from_chars(name.data(), name.data() + name.size(), out);
  return out;
}

// The queue of remote write is only looked at: its owner skips what is damaged at its next start and counts it.
DataCheck check_segments(const std::string& dir) {
  DataCheck out{.name = "remote_write"};
  std::error_code failed;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir, failed))
    if (entry.path().extension() == ".seg") files.push_back(entry.path());
  if (failed) out.damage(fmt::format("cannot list {}: {}", dir, failed.message()));
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const auto size = fs::file_size(file, failed);
    if (failed || size > kMaxSegment) {
      out.damage(file.filename().string() + ": not a segment");
      continue;
    }
    std::ifstream in(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const auto scan = remote_write::scan_segment(bytes, sequence_of(file.filename().string()));
    out.bytes += bytes.size();
    out.records += scan.records;
    if (scan.good_bytes == bytes.size()) continue;
    const std::string what = fmt::format("{}: torn or damaged from byte {} of {} on; the monitor skips and counts it",
                                         file.filename().string(), scan.good_bytes, bytes.size());
    // The newest may be in the middle of a write, or was when the power went: that was never acknowledged.
    if (&file == &files.back())
      out.remarks.push_back(what);
    else
      out.damage(what);
  }
  return out;
}

Result<Checked> check(const std::string& dir, AsideFolder* aside) {
  Checked out;
  const auto take = [&](Result<std::vector<DataCheck>> parts) -> Result<void> {
    if (!parts) return parts.error();
    std::move(parts->begin(), parts->end(), std::back_inserter(out.parts));
    return {};
  };
  Result<void> done;
  if (present(dir + "/ledger.db")) done = take(check_ledger(dir + "/ledger.db", aside));
  if (done && present(dir + "/history.db")) done = take(check_history(dir + "/history.db", aside));
  if (!done) return done.error();
  if (present(dir + "/ledger.spool")) {
    auto spool = check_spool(dir + "/ledger.spool", aside != nullptr);
    if (!spool) return spool.error();
    out.parts.push_back(std::move(*spool));
  }
  if (present(dir + "/inputs")) {
    auto inputs = journal::check_journal(dir + "/inputs", aside);
    if (!inputs) return inputs.error();
    out.parts.push_back(std::move(*inputs));
  }
  if (present(dir + "/remote_write")) out.parts.push_back(check_segments(dir + "/remote_write"));
  if (out.parts.empty())
    return Error{Errc::not_found, dir + " holds no data of a monitor; name its data_dir or a backup of it"};
  for (const DataCheck& part : out.parts) {
    out.damaged += part.damaged;
    out.left += part.damaged - std::min(part.damaged, part.set_aside);
  }
  if (aside && aside->used()) out.aside = aside->path();
  return out;
}

std::string json_of(const Checked& checked) {
  std::string out;
  wire::JsonWriter w(out);
  const auto list = [&](const char* name, const std::vector<std::string>& texts) {
    w.key(name).begin_array();
    for (const auto& text : texts) w.value(text);
    w.end_array();
  };
  w.begin_object().field("damaged", checked.damaged).field("left", checked.left);
  w.key("aside");
  if (checked.aside.empty())
    w.null();
  else
    w.value(checked.aside);
  w.key("parts").begin_array();
  for (const DataCheck& part : checked.parts) {
    w.begin_object().field("name", part.name).field("records", part.records).field("bytes", part.bytes);
    w.field("damaged", part.damaged).field("set_aside", part.set_aside);
    list("problems", part.problems);
    list("remarks", part.remarks);
    w.end_object();
  }
  w.end_array().end_object();
  return out;
}

void print_table(const Checked& checked) {
  fmt::print("{:<20} {:>10} {:>14} {:>8} {:>10}\n", "PART", "RECORDS", "BYTES", "DAMAGED", "SET ASIDE");
  for (const DataCheck& part : checked.parts)
    fmt::print("{:<20} {:>10} {:>14} {:>8} {:>10}\n", part.name, part.records, part.bytes, part.damaged,
               part.set_aside);
  for (const DataCheck& part : checked.parts) {
    for (const auto& problem : part.problems) fmt::print("{}: {}\n", part.name, problem);
    if (part.damaged > part.problems.size())
      fmt::print("{}: and {} more\n", part.name, part.damaged - part.problems.size());
    for (const auto& remark : part.remarks) fmt::print("{}: {}\n", part.name, remark);
  }
  if (!checked.aside.empty()) fmt::print("what was taken out lies in {}\n", checked.aside);
}

}  // namespace

int check_data(const CheckDataOptions& options) {
  if (!present(options.data_dir)) return fail({Errc::not_found, options.data_dir + " does not exist"});
  // Holds the lock until the repair is done: no monitor may start in between.
  std::optional<DataDir> lock;
  std::optional<AsideFolder> aside;
  if (options.repair) {
    auto locked = DataDir::open(options.data_dir);
    if (!locked) return fail(with_context(locked.error(), "--repair needs the directory for itself"));
    lock.emplace(std::move(*locked));
    const auto now = std::chrono::floor<std::chrono::seconds>(SystemClock().now().wall);
    aside.emplace(options.data_dir, fmt::format("{:%Y%m%dT%H%M%SZ}",
                                                fmt::gmtime(std::chrono::system_clock::to_time_t(
                                                    std::chrono::system_clock::time_point(now.time_since_epoch())))));
  }
  const auto checked = check(options.data_dir, aside ? &*aside : nullptr);
  if (!checked) return fail(with_context(checked.error(), "the check was not finished"));
  if (options.json)
    std::cout << json_of(*checked) << '\n';
  else
    print_table(*checked);
  if (checked->left == 0) return 0;
  return fail({Errc::corrupt,
               fmt::format("{} of {} are damaged{}",
                           checked->left == 1 ? "1 part" : fmt::format("{} parts", checked->left), options.data_dir,
                           options.repair ? "" : "; with --repair, while no monitor runs, they are set aside")});
}

}  // namespace paramedic::cli
