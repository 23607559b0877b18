#include "io/history/remote_write/record_codec.h"

#include <bit>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace paramedic::remote_write {

namespace {

constexpr char kVersion = 1;
constexpr char kLate = 1;  // flag of a row

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += char(value | 0x80);
  out += char(value);
}
void put_signed(std::string& out, std::int64_t value) {
  put_varint(out, (std::uint64_t(value) << 1) ^ std::uint64_t(value >> 63));
}
void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}
void put_double(std::string& out, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 0; shift < 64; shift += 8) out += char(bits >> shift);
}

void put_columns(std::string& out, const Columns& columns) {
  put_varint(out, columns.size());
  for (const Column& column : columns) {
    put_text(out, column.metric);
    put_text(out, column.label);
    if (!column.label.empty()) put_text(out, column.value);
  }
}

void put_row(std::string& out, const Row& row, std::size_t shape, std::int64_t since_last) {
  put_varint(out, shape);
  put_text(out, row.worker_id);
  put_signed(out, since_last);
  out += row.late ? kLate : char(0);
  std::string bitmap((row.values.size() + 7) / 8, 0);
  for (std::size_t i = 0; i < row.values.size(); ++i)
    if (!is_absent(row.values[i])) bitmap[i / 8] = char(bitmap[i / 8] | 1 << i % 8);
  out += bitmap;
  for (const double value : row.values)
    if (!is_absent(value)) put_double(out, value);
}

std::size_t column_bytes(const Columns& columns) {
  std::size_t out = 0;
  for (const Column& column : columns) out += column.metric.size() + column.label.size() + column.value.size() + 6;
  return out;
}

EncodedRecord encode(std::span<const Row> rows) {
  EncodedRecord out;
  std::map<const Columns*, std::size_t> shapes;
  std::string columns, body;
  std::int64_t last = 0;
  for (const Row& row : rows) {
    const auto [at, is_new] = shapes.emplace(row.columns.get(), shapes.size());
    if (is_new) put_columns(columns, *row.columns);
    put_row(body, row, at->second, std::int64_t(std::uint64_t(row.at_ms) - std::uint64_t(last)));
    last = row.at_ms;
    out.samples += std::uint32_t(row.samples());
  }
  out.payload += kVersion;
  put_varint(out.payload, shapes.size());
  out.payload += columns;
  put_varint(out.payload, rows.size());
  out.payload += body;
  return out;
}

// Reads from the front. After the first failure everything reads as zero or empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes), size_(bytes.size()) {}

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) return fail("ends within a number");
      const auto byte = std::uint8_t(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return fail("has a number of more than 64 bits");
  }
  std::int64_t signed_varint() {
    const std::uint64_t value = varint();
    return std::int64_t(value >> 1) ^ -std::int64_t(value & 1);
  }
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) return fail("ends within a field"), std::string_view();
    const auto out = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return out;
  }
  std::string_view text() {
    const std::uint64_t length = varint();
    if (length > kMaxText) return fail("has a name that is too long"), std::string_view();
    return take(length);
  }
  double number() {
    const std::string_view bytes = take(8);
    if (!good()) return 0;
    std::uint64_t bits = 0;
    for (int i = 7; i >= 0; --i) bits = bits << 8 | std::uint8_t(bytes[std::size_t(i)]);
    return std::bit_cast<double>(bits);
  }
  // A count of things of which each takes at least `bytes_each` of what is left.
  std::uint64_t count(std::uint64_t limit, std::size_t bytes_each) {
    const std::uint64_t n = varint();
    if (n > limit || n > bytes_.size() / bytes_each) return fail("announces more than it holds");
    return n;
  }
  std::uint64_t fail(std::string_view why) {
    if (!error_) error_ = Error{Errc::corrupt, fmt::format("the record {} at byte {}", why, size_ - bytes_.size())};
    bytes_ = {};
    return 0;
  }
  bool good() const { return !error_; }
  bool at_end() const { return bytes_.empty(); }
  const Error& error() const { return *error_; }

 private:
  std::string_view bytes_;
  const std::size_t size_;
  std::optional<Error> error_;
};

std::shared_ptr<const Columns> read_columns(Reader& in) {
  Columns columns(in.count(kMaxColumns, 2));
  for (Column& column : columns) {
    column.metric = in.text();
    column.label = in.text();
    if (!column.label.empty()) column.value = in.text();
    if (in.good() && (column.metric.empty() || column.label.empty() != column.value.empty()))
      in.fail("has a series without a name");
    if (!in.good()) break;
  }
  return std::make_shared<const Columns>(std::move(columns));
}

Row read_row(Reader& in, const std::vector<std::shared_ptr<const Columns>>& shapes, std::int64_t last) {
  Row row;
  const std::uint64_t shape = in.varint();
  if (shape >= shapes.size()) return in.fail("names a shape that it does not hold"), row;
  row.columns = shapes[shape];
  row.worker_id = in.text();
  row.at_ms = std::int64_t(std::uint64_t(last) + std::uint64_t(in.signed_varint()));
  const std::string_view flags = in.take(1);
  if (!in.good()) return row;
  if (row.worker_id.empty() || (flags[0] & ~kLate) != 0)
    return in.fail("has a row without worker or with unknown flags"), row;
  row.late = flags[0] == kLate;
  const std::size_t columns = row.columns->size();
  const std::string_view bitmap = in.take((columns + 7) / 8);
  if (!in.good()) return row;
  row.values.assign(columns, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < columns; ++i)
    if (bitmap[i / 8] >> i % 8 & 1) row.values[i] = in.number();
  return row;
}

}  // namespace

std::vector<EncodedRecord> encode_records(std::span<const Row> rows, std::size_t samples) {
  std::vector<EncodedRecord> out;
  std::size_t begin = 0, in_record = 0, bytes = 0;
  std::set<const Columns*> shapes;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    in_record += rows[i].samples();
    bytes += rows[i].worker_id.size() + 9 * rows[i].values.size() + 16;
    if (shapes.insert(rows[i].columns.get()).second) bytes += column_bytes(*rows[i].columns);
    // Workers whose metrics differ all the time: the names weigh more than the values.
    if (in_record < samples && bytes < kMaxRecordBytes / 4 && i + 1 < rows.size()) continue;
    out.push_back(encode(rows.subspan(begin, i + 1 - begin)));
    begin = i + 1;
    in_record = bytes = 0;
    shapes.clear();
  }
  return out;
}

Result<std::vector<Row>> decode_record(std::string_view payload) {
  if (payload.size() > kMaxRecordBytes) return Error{Errc::corrupt, "the record is longer than any that is written"};
  Reader in(payload);
  if (const std::string_view version = in.take(1); in.good() && version[0] != kVersion)
    return Error{Errc::corrupt,
                 fmt::format("the record has version {}, this program reads {}", int(version[0]), int(kVersion))};
  std::vector<std::shared_ptr<const Columns>> shapes(in.count(kMaxRecordBytes, 1));
  for (auto& shape : shapes) {
    shape = read_columns(in);
    if (!in.good()) return in.error();
  }
  std::vector<Row> rows;
  const std::uint64_t count = in.count(kMaxRecordBytes, 4);
  std::int64_t last = 0;
  // A row of many columns and few values is larger in memory than here: 8 bytes per column against one bit. The limit
  // on the sum keeps a crafted record from taking gigabytes.
  std::size_t cells = 0;
  for (std::uint64_t i = 0; i < count && in.good(); ++i) {
    rows.push_back(read_row(in, shapes, last));
    last = rows.back().at_ms;
    cells += rows.back().values.size();
    if (cells > kMaxRecordBytes) in.fail("holds too many values");
  }
  if (in.good() && !in.at_end()) in.fail("goes on after its last row");
  if (!in.good()) return in.error();
  return rows;
}

}  // namespace paramedic::remote_write
