#include "io/history/codec/chunk.h"

#include <array>
#include <cmath>
#include <limits>

#include "base/checksum.h"
#include "io/history/codec/bits.h"
#include "io/history/codec/doubles.h"
#include "io/history/codec/integers.h"

namespace paramedic::history {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<double, 7> kScale = {1, 10, 100, 1000, 1e4, 1e5, 1e6};
constexpr double kMaxScaled = 4.0e15;  // below 2^53: integers up to it are exact

// The form byte of a column.
constexpr std::uint8_t kDecimals = 0x07;  // 0…6: integers, value · 10^decimals; 7: doubles
constexpr std::uint8_t kDoubles = 0x07;
constexpr std::uint8_t kGaps = 0x08;       // which rows have a value stands before the values: run lengths …
constexpr std::uint8_t kGapBitmap = 0x10;  // … or, with this bit too, one bit per row
constexpr std::uint8_t kKnownBits = 0x1F;

constexpr SeriesId kTime = 0, kState = 1, kScore = 2;

Error corrupt(const char* what) { return make_error(Errc::corrupt, std::string("chunk is damaged: ") + what); }

// ---- encoding ----

bool exact_at(double value, unsigned decimals) {
  const double scaled = std::nearbyint(value * kScale[decimals]);
  return std::fabs(scaled) < kMaxScaled && scaled / kScale[decimals] == value;
}

// The fewest decimals at which every value is an integer; nullopt: these are true doubles. What is exact with d
// decimals is so with more (both are the double nearest to the same fraction), so one pass is enough.
std::optional<unsigned> common_decimals(std::span<const double> values) {
  unsigned decimals = 0;
  for (const double value : values) {
    if (value == 0 && std::signbit(value)) return std::nullopt;
    while (!exact_at(value, decimals))
      if (++decimals >= kScale.size()) return std::nullopt;
  }
  // The range shrinks with the decimals: large values that came first must still fit.
  for (const double value : values)
    if (!exact_at(value, decimals)) return std::nullopt;
  return decimals;
}

void put_gaps(std::string& out, std::uint8_t& form, std::span<const double> values, std::size_t known) {
  if (known == values.size()) return;
  form |= kGaps;
  std::string runs;
  bool present = true;
  std::size_t run = 0;
  for (const double value : values) {
    if (std::isnan(value) == present) {
      put_varint(runs, run);
      run = 0;
      present = !present;
    }
    ++run;
  }
  put_varint(runs, run);
  std::string bitmap((values.size() + 7) / 8, '\0');
  if (runs.size() <= bitmap.size()) {
    out += runs;
    return;
  }
  form |= kGapBitmap;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(values[i])) bitmap[i / 8] = char(bitmap[i / 8] | 1 << (i % 8));
  out += bitmap;
}

class Encoder {
 public:
  Encoder(const Frame& frame) : frame_(frame) {
    integers(kTime, frame.at);
    scratch_.assign(frame.state.begin(), frame.state.end());
    integers(kState, scratch_);
    scratch_.assign(frame.score.begin(), frame.score.end());
    integers(kScore, scratch_);
    for (const FrameColumn& column : frame.columns) add(column);
  }
  std::string finish() const {
    std::string out(1, char(kChunkVersion));
    put_varint(out, frame_.rows());
    put_varint(out, count_);
    out += directory_;
    out += payload_;
    put_checksum(out);
    return out;
  }

 private:
  void integers(SeriesId id, std::span<const std::int64_t> values) {
    const std::size_t start = payload_.size();
    put_integers(payload_, values);
    entry(id, 0, start);
  }
  void add(const FrameColumn& column) {
    known_.clear();
    for (const double value : column.values)
      if (!std::isnan(value)) known_.push_back(value);
    if (known_.empty() || count_ >= kMaxColumns + 3) return;
    const std::size_t start = payload_.size();
    std::uint8_t form = 0;
    put_gaps(payload_, form, column.values, known_.size());
    if (const auto decimals = common_decimals(known_)) {
      form |= std::uint8_t(*decimals);
      scratch_.clear();
      for (const double value : known_) scratch_.push_back(std::int64_t(std::nearbyint(value * kScale[*decimals])));
      put_integers(payload_, scratch_);
    } else {
      form |= kDoubles;
      put_doubles(payload_, known_);
    }
    entry(column.id, form, start);
  }
  void entry(SeriesId id, std::uint8_t form, std::size_t start) {
    put_varint(directory_, id - last_);
    directory_ += char(form);
    put_varint(directory_, payload_.size() - start);
    last_ = id;
    ++count_;
  }

  const Frame& frame_;
  std::string directory_, payload_;
  std::vector<double> known_;
  std::vector<std::int64_t> scratch_;
  SeriesId last_ = 0;
  std::size_t count_ = 0;
};

// ---- decoding ----

// Reads which rows have a value; false when the bytes do not describe exactly out.size() rows.
bool get_runs(std::string_view& bytes, std::vector<bool>& out) {
  bool present = true;
  for (std::size_t row = 0; row < out.size(); present = !present) {
    std::uint64_t run = 0;
    if (!get_varint(bytes, run) || run > out.size() - row || (run == 0 && row > 0)) return false;
    if (run == 0 && !present) return false;
    std::fill_n(out.begin() + std::ptrdiff_t(row), run, present);
    row += run;
  }
  return true;
}

bool get_bitmap(std::string_view& bytes, std::vector<bool>& out) {
  const std::size_t size = (out.size() + 7) / 8;
  if (bytes.size() < size) return false;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = bytes[i / 8] >> (i % 8) & 1;
  bytes.remove_prefix(size);
  return true;
}

bool get_known(std::string_view bytes, unsigned decimals, std::span<double> out) {
  if (decimals == kDoubles) return get_doubles(bytes, out);
  std::vector<std::int64_t> integers(out.size());
  if (!get_integers(bytes, integers)) return false;
  const double scale = kScale[decimals];
  if (decimals == 0)
    std::copy(integers.begin(), integers.end(), out.begin());
  else
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = double(integers[i]) / scale;
  return true;
}

}  // namespace

std::string encode_chunk(const Frame& frame) { return Encoder(frame).finish(); }

Result<ChunkReader> ChunkReader::open(std::string_view bytes) {
  if (bytes.empty()) return corrupt("it is empty");
  if (std::uint8_t(bytes.front()) != kChunkVersion)
    return make_error(Errc::corrupt, "chunk has version " + std::to_string(int(std::uint8_t(bytes.front()))) +
                                         ", this program knows 1: a newer Paramedic wrote it");
  if (!take_checksum(bytes)) return corrupt("wrong checksum");
  ChunkReader reader;
  if (!reader.read_directory(bytes.substr(1))) return corrupt("its directory makes no sense");
  return reader;
}

bool ChunkReader::read_directory(std::string_view bytes) {
  std::uint64_t rows = 0, count = 0;
  if (!get_varint(bytes, rows) || rows == 0 || rows > kMaxRows) return false;
  // An entry takes three bytes at least.
  if (!get_varint(bytes, count) || count < 3 || count > kMaxColumns + 3 || count * 3 > bytes.size()) return false;
  rows_ = rows;
  columns_.reserve(count - 3);
  std::vector<std::uint64_t> lengths;
  lengths.reserve(count);
  std::uint64_t id = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t step = 0, length = 0;
    if (!get_varint(bytes, step) || bytes.empty()) return false;
    const auto form = std::uint8_t(bytes.front());
    bytes.remove_prefix(1);
    if (!get_varint(bytes, length) || length > bytes.size() || step > std::numeric_limits<SeriesId>::max())
      return false;
    id += step;
    const bool own = i < 3;
    if (own ? id != i || form != 0 : step == 0 || id < kFirstSeries || form > kKnownBits) return false;
    if (id > std::numeric_limits<SeriesId>::max()) return false;
    lengths.push_back(length);
    Entry entry{SeriesId(id), form, {}};
    (i == kTime ? time_ : i == kState ? state_ : i == kScore ? score_ : columns_.emplace_back()) = entry;
  }
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > bytes.size()) return false;
    auto& entry = i == kTime ? time_ : i == kState ? state_ : i == kScore ? score_ : columns_[i - 3];
    entry.payload = bytes.substr(0, lengths[i]);
    bytes.remove_prefix(lengths[i]);
  }
  return bytes.empty();
}

bool ChunkReader::read_integers(const Entry& entry, std::vector<std::int64_t>& out) const {
  out.resize(rows_);
  return get_integers(entry.payload, out);
}

Result<Frame> ChunkReader::rows_only() const {
  Frame out;
  if (!read_integers(time_, out.at)) return corrupt("its time column");
  for (std::size_t i = 1; i < out.at.size(); ++i)
    if (out.at[i] <= out.at[i - 1]) return corrupt("its times do not rise");
  if (out.at.front() < -kMaxInteger || out.at.back() > kMaxInteger) return corrupt("its times are out of range");
  std::vector<std::int64_t> integers;
  if (!read_integers(state_, integers)) return corrupt("its state column");
  out.state.assign(integers.begin(), integers.end());
  if (!read_integers(score_, integers)) return corrupt("its score column");
  out.score.assign(integers.begin(), integers.end());
  return out;
}

Result<std::vector<double>> ChunkReader::column(std::size_t index) const {
  const Entry& entry = columns_[index];
  std::string_view bytes = entry.payload;
  const unsigned decimals = entry.form & kDecimals;
  std::vector<double> values(rows_);
  if (!(entry.form & kGaps)) {
    if (entry.form & kGapBitmap || !get_known(bytes, decimals, values)) return corrupt("a column");
    return values;
  }
  std::vector<bool> present(rows_);
  if (!(entry.form & kGapBitmap ? get_bitmap(bytes, present) : get_runs(bytes, present)))
    return corrupt("gaps of a column");
  std::vector<double> known(std::size_t(std::count(present.begin(), present.end(), true)));
  if (known.empty() || !get_known(bytes, decimals, known)) return corrupt("a column");
  for (std::size_t i = 0, next = 0; i < rows_; ++i) values[i] = present[i] ? known[next++] : kNone;
  return values;
}

Result<Frame> decode_chunk(std::string_view bytes) {
  const auto reader = ChunkReader::open(bytes);
  if (!reader) return reader.error();
  return reader->frame([](SeriesId) { return true; });
}

}  // namespace paramedic::history
