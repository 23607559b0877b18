#include "io/history/row_codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "io/history/codec/bits.h"
#include "io/history/codec/integers.h"
#include "io/history/series.h"

namespace paramedic::history {

namespace {

constexpr double kScale[] = {1, 10, 100, 1000, 10000};
constexpr std::uint64_t kUnknown = 0;  // NaN
constexpr std::uint64_t kDouble = 1;   // eight bytes follow, little endian
constexpr std::uint64_t kEscapes = 2;  // first code of a scaled integer
constexpr double kMaxScaled = 4.0e15;  // zigzag of it and the escapes stay far below 2^53

void put_double(std::string& out, double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  for (int i = 0; i < 8; ++i) out += char(bits >> (8 * i));
}

bool get_double(std::string_view& bytes, double& out) {
  if (bytes.size() < 8) return false;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) bits |= std::uint64_t(static_cast<unsigned char>(bytes[i])) << (8 * i);
  std::memcpy(&out, &bits, sizeof bits);
  bytes.remove_prefix(8);
  return true;
}

constexpr std::uint8_t kHasTasks = 0x10;  // in the state byte of a packed row only
constexpr double kScoreScale = 10'000;
constexpr double kSumScale = 1e6;  // sums of durations are kept in microseconds

std::array<std::uint64_t, kTaskFields> fields_of(const TaskIncrease& t) {
  std::array<std::uint64_t, kTaskFields> out{t.completed, t.failed, t.retried, t.revoked, t.lost};
  if (std::isfinite(t.durations.sum_seconds) && t.durations.sum_seconds > 0)
    out[kTaskSum] = std::uint64_t(std::llround(std::min(t.durations.sum_seconds, 1e9) * kSumScale));
  for (std::size_t i = 0; i < kDurationBuckets; ++i) out[kTaskBucket + i] = t.durations.counts[i];
  return out;
}

}  // namespace

Schema make_schema(std::shared_ptr<const MetricNames> names) {
  Schema schema;
  schema.decimals.reserve(names->size());
  for (const auto& name : *names) schema.decimals.push_back(std::clamp(metric_decimals(name), 0, 4));
  schema.names = std::move(names);
  return schema;
}

std::string schema_text(const Schema& schema) {
  std::string out;
  for (std::size_t i = 0; i < schema.decimals.size(); ++i) {
    if (i) out += '\n';
    ((out += (*schema.names)[i]) += ':') += char('0' + schema.decimals[i]);
  }
  return out;
}

std::optional<Schema> parse_schema(std::string_view text) {
  auto names = std::make_shared<MetricNames>();
  Schema schema;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() < 2 || line[line.size() - 2] != ':' || line.back() < '0' || line.back() > '4') return std::nullopt;
    names->emplace_back(line.substr(0, line.size() - 2));
    schema.decimals.push_back(line.back() - '0');
  }
  schema.names = std::move(names);
  return schema;
}

void pack_values(std::string& out, const Schema& schema, std::span<const double> values) {
  for (std::size_t i = 0; i < schema.decimals.size(); ++i) {
    const double value = i < values.size() ? values[i] : std::numeric_limits<double>::quiet_NaN();
    const double scale = kScale[schema.decimals[i]];
    const double scaled = std::nearbyint(value * scale);
    if (std::isnan(value)) {
      put_varint(out, kUnknown);
    } else if (std::fabs(scaled) < kMaxScaled && scaled / scale == value && !(value == 0 && std::signbit(value))) {
      const auto n = std::int64_t(scaled);
      put_varint(out, kEscapes + zigzag(n));
    } else {
      put_varint(out, kDouble);
      put_double(out, value);
    }
  }
}

bool take_values(std::string_view& bytes, const Schema& schema, std::vector<double>& out) {
  out.resize(schema.decimals.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint64_t code = 0;
    if (!get_varint(bytes, code)) return false;
    if (code == kUnknown) {
      out[i] = std::numeric_limits<double>::quiet_NaN();
    } else if (code == kDouble) {
      if (!get_double(bytes, out[i])) return false;
    } else {
      out[i] = double(unzigzag(code - kEscapes)) / kScale[schema.decimals[i]];
    }
  }
  return true;
}

bool unpack_values(std::string_view bytes, const Schema& schema, std::vector<double>& out) {
  return take_values(bytes, schema, out) && bytes.empty();
}

void pack_row(std::string& out, const HistoryRow& row, const SchemaEntry* schema,
              std::span<const std::uint32_t> task_types) {
  put_varint(out, zigzag(std::clamp(to_millis(row.at), -kMaxInteger, kMaxInteger)));
  out += char(std::uint8_t(row.status) | (row.transition ? kTransition : 0) | (row.backlog ? kBacklog : 0) |
              (task_types.empty() ? 0 : kHasTasks));
  const double score = row.score.value_or(-1);
  put_varint(out, score >= 0 && score <= 1e5 ? std::uint64_t(std::llround(score * kScoreScale)) + 1 : 0);
  put_varint(out, schema ? std::uint64_t(schema->no) : 0);
  if (schema) pack_values(out, schema->schema, row.metrics.values);
  if (task_types.empty()) return;
  put_varint(out, task_types.size());
  for (std::size_t i = 0; i < task_types.size(); ++i) {
    const auto fields = fields_of(row.tasks[i]);
    std::uint32_t mask = 0;
    for (std::uint32_t f = 0; f < kTaskFields; ++f) mask |= std::uint32_t(fields[f] > 0) << f;
    put_varint(out, task_types[i]);
    put_varint(out, mask);
    for (const std::uint64_t field : fields)
      if (field > 0) put_varint(out, field);
  }
}

bool row_time(std::string_view row, std::int64_t& at) {
  std::uint64_t code = 0;
  if (!get_varint(row, code)) return false;
  at = unzigzag(code);
  return at >= -kMaxInteger && at <= kMaxInteger;
}

std::int64_t row_schema(std::string_view row) {
  std::uint64_t code = 0, score = 0, schema = 0;
  if (!get_varint(row, code) || row.empty()) return 0;
  row.remove_prefix(1);
  return get_varint(row, score) && get_varint(row, schema) ? std::int64_t(schema) : 0;
}

bool RowUnpacker::add(std::string_view row) {
  std::int64_t at = 0;
  std::uint64_t code = 0, score = 0, schema = 0;
  if (!row_time(row, at) || !get_varint(row, code) || row.empty()) return false;
  const auto state = static_cast<std::uint8_t>(row.front());
  row.remove_prefix(1);
  if (!get_varint(row, score) || score > 1'000'000'001 || !get_varint(row, schema)) return false;
  cells_.clear();
  if (schema) {
    if (!schema_ || std::uint64_t(schema_->no) != schema) schema_ = schema_of_(std::int64_t(schema));
    if (!schema_ || !take_values(row, schema_->schema, values_)) return false;
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (i < schema_->metrics.size() && schema_->metrics[i] && !std::isnan(values_[i]))
        cells_.emplace_back(metric_series(schema_->metrics[i]), values_[i]);
  }
  if (state & kHasTasks && !add_tasks(row)) return false;
  if (!row.empty()) return false;
  frame_.at.push_back(at);
  frame_.state.push_back(state & (kStatusBits | kTransition | kBacklog));
  frame_.score.push_back(std::int32_t(score) - 1);
  for (const auto& [id, value] : cells_) set(id, value);
  return true;
}

bool RowUnpacker::add_tasks(std::string_view& row) {
  std::uint64_t types = 0;
  if (!get_varint(row, types)) return false;
  for (; types > 0; --types) {
    std::uint64_t type = 0, mask = 0, value = 0;
    if (!get_varint(row, type) || type >= kMaxTaskTypes || !get_varint(row, mask) || mask > 0xFFFFFFFF) return false;
    for (std::uint32_t f = 0; f < kTaskFields; ++f) {
      if (!(mask >> f & 1)) continue;
      if (!get_varint(row, value)) return false;
      cells_.emplace_back(task_series(std::uint32_t(type), f),
                          f == kTaskSum ? double(value) / kSumScale : double(value));
    }
  }
  return true;
}

void RowUnpacker::set(SeriesId id, double value) {
  const auto [at, fresh] = column_of_.try_emplace(id, frame_.columns.size());
  if (fresh) frame_.columns.push_back({id, {}});
  auto& values = frame_.columns[at->second].values;
  values.resize(frame_.rows() - 1, std::numeric_limits<double>::quiet_NaN());
  values.push_back(value);
}

Frame RowUnpacker::finish() {
  for (auto& column : frame_.columns) column.values.resize(frame_.rows(), std::numeric_limits<double>::quiet_NaN());
  std::sort(frame_.columns.begin(), frame_.columns.end(),
            [](const FrameColumn& a, const FrameColumn& b) { return a.id < b.id; });
  column_of_.clear();
  return std::exchange(frame_, Frame{});
}

}  // namespace paramedic::history
