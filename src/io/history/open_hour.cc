#include "io/history/open_hour.h"

#include "io/history/codec/bits.h"
#include "io/history/codec/chunk.h"
#include "io/history/frame_merge.h"

namespace paramedic::history {

namespace {
// A longer tail costs memory, a shorter one time: each compression takes up what was compressed before. A quarter of it
// at least, so that a worker with a row per second costs no more per row.
constexpr std::uint32_t kTail = 12;
constexpr std::size_t kGrowth = 256;  // bytes
}  // namespace

void OpenHour::add(std::string_view row, std::int64_t log, const SchemaOf& schema_of) {
  if (empty()) first_log_ = log;
  std::int64_t at = 0;
  if (row_time(row, at)) oldest_ = std::min(oldest_, at);
  // In small steps: doubling would waste as much as there is.
  if (tail_.capacity() < tail_.size() + row.size() + 5) tail_.reserve(tail_.size() + row.size() + kGrowth);
  std::string size;
  put_varint(size, row.size());
  tail_.insert(tail_.end(), size.begin(), size.end());
  tail_.insert(tail_.end(), row.begin(), row.end());
  if (++tail_rows_ < std::max(kTail, sealed_rows_ / 4) || rows() >= kMaxRows) return;
  const Frame whole = frame(schema_of, [](SeriesId) { return true; });
  sealed_ = encode_chunk(whole);
  sealed_.shrink_to_fit();
  sealed_rows_ = std::uint32_t(whole.rows());
  std::vector<char>().swap(tail_);
  tail_rows_ = 0;
}

Frame OpenHour::frame(const SchemaOf& schema_of, const std::function<bool(SeriesId)>& wanted) const {
  FrameMerge merge;
  if (!sealed_.empty()) {
    if (const auto reader = ChunkReader::open(sealed_))
      if (auto frame = reader->frame(wanted)) merge.add(std::move(*frame));
  }
  RowUnpacker tail(schema_of);
  std::uint64_t size = 0;
  for (std::string_view left(tail_.data(), tail_.size()); get_varint(left, size) && size <= left.size();
       left.remove_prefix(size))
    (void)tail.add(left.substr(0, size));
  Frame rows = tail.finish();
  std::erase_if(rows.columns, [&](const FrameColumn& c) { return !wanted(c.id); });
  merge.add(std::move(rows));
  return merge.finish();
}

}  // namespace paramedic::history
