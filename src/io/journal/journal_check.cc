#include "io/journal/journal_check.h"

#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "io/journal/files.h"
#include "io/journal/input_codec.h"
#include "io/journal/segment.h"

namespace paramedic::journal {

namespace {

// How far a segment is good.
struct Scan {
  std::size_t good_bytes = 0;
  std::uint64_t records = 0;
  bool torn = false, foreign = false, newer = false;
  std::string problem;  // empty: none
};

Scan scan(std::string_view file) {
  Scan out;
  const auto header = decode_header(file, out.good_bytes);
  if (!header) {
    out.torn = torn_header(file);
    out.newer = header.error().code == Errc::invalid_argument;
    if (!out.torn && !out.newer) out.problem = header.error().message;
    return out;
  }
  out.foreign = header->shape != shape_of_inputs();
  for (;;) {
    const Frame frame = next_frame(file, out.good_bytes);
    if (frame.state == Frame::State::corrupt) out.problem = "a record does not match its checksum";
    if (frame.state == Frame::State::good && !out.foreign && !decode_record(frame.payload))
      out.problem = "a record does not decode";
    out.torn = frame.state == Frame::State::torn;
    if (frame.state != Frame::State::good || !out.problem.empty()) return out;
    out.good_bytes = frame.next;
    ++out.records;
  }
}

Result<void> cut(const SegmentFile& file, std::size_t at) {
  const int failed = at > 0 ? ::truncate(file.path.c_str(), off_t(at)) : ::unlink(file.path.c_str());
  if (failed != 0) return errno_error("cannot cut " + file.path, errno);
  return {};
}

Result<void> check_segment(const SegmentFile& file, AsideFolder* aside, DataCheck& out) {
  const std::string name = segment_name(file.sequence);
  const auto bytes = read_front(file.path, kMaxSegmentFile);
  if (!bytes) return bytes.error().code == Errc::not_found ? Result<void>() : bytes.error();
  const Scan found = scan(*bytes);
  out.bytes += bytes->size();
  out.records += found.records;
  if (found.newer) out.remarks.push_back(name + " has a format that this program does not know; it was not looked at");
  if (found.foreign) out.remarks.push_back(name + " was written by another build: only its checksums were looked at");
  if (found.problem.empty() && !found.torn) return {};
  const auto left = bytes->size() - found.good_bytes;
  const auto where = fmt::format("{} at byte {} of {}", name, found.good_bytes, bytes->size());
  if (found.torn) {
    out.remarks.push_back(fmt::format("{}: ends within a record{}", where, aside ? "; cut off" : ""));
    return aside ? cut(file, found.good_bytes) : Result<void>();
  }
  out.damage(fmt::format("{}: {}", where, found.problem));
  if (!aside) return {};
  if (auto kept = aside->keep(fmt::format("{}.from-{}", name, found.good_bytes),
                              std::string_view(*bytes).substr(found.good_bytes, left));
      !kept)
    return kept;
  if (auto done = cut(file, found.good_bytes); !done) return done;
  ++out.set_aside;
  return {};
}

}  // namespace

Result<DataCheck> check_journal(const std::string& dir, AsideFolder* aside) {
  DataCheck out{.name = "inputs"};
  const auto files = list_segments(dir);
  if (!files) return files.error();
  for (const SegmentFile& file : *files)
    if (auto done = check_segment(file, aside, out); !done) return done.error();
  return out;
}

}  // namespace paramedic::journal
