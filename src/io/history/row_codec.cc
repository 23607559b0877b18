#include "io/history/row_codec.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace paramedic::history {

namespace {

constexpr double kScale[] = {1, 10, 100, 1000, 10000};
constexpr std::uint64_t kUnknown = 0;  // NaN
constexpr std::uint64_t kDouble = 1;   // eight bytes follow, little endian
constexpr std::uint64_t kEscapes = 2;  // first code of a scaled integer
constexpr double kMaxScaled = 4.0e15;  // zigzag of it and the escapes stay far below 2^53

void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += char(v | 0x80);
  out += char(v);
}

bool get_varint(std::string_view bytes, std::size_t& at, std::uint64_t& out) {
  out = 0;
  for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    if (shift == 63 && byte > 1) return false;
    out |= std::uint64_t(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void put_double(std::string& out, double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  for (int i = 0; i < 8; ++i) out += char(bits >> (8 * i));
}

bool get_double(std::string_view bytes, std::size_t& at, double& out) {
  if (bytes.size() - at < 8) return false;
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits |= std::uint64_t(static_cast<unsigned char>(bytes[at++])) << (8 * i);
  std::memcpy(&out, &bits, sizeof bits);
  return true;
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
      put_varint(out, kEscapes + ((std::uint64_t(n) << 1) ^ std::uint64_t(n >> 63)));
    } else {
      put_varint(out, kDouble);
      put_double(out, value);
    }
  }
}

bool unpack_values(std::string_view bytes, const Schema& schema, std::vector<double>& out) {
  out.resize(schema.decimals.size());
  std::size_t at = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint64_t code = 0;
    if (!get_varint(bytes, at, code)) return false;
    if (code == kUnknown) {
      out[i] = std::numeric_limits<double>::quiet_NaN();
    } else if (code == kDouble) {
      if (!get_double(bytes, at, out[i])) return false;
    } else {
      const std::uint64_t zigzag = code - kEscapes;
      out[i] = double(std::int64_t(zigzag >> 1) ^ -std::int64_t(zigzag & 1)) / kScale[schema.decimals[i]];
    }
  }
  return at == bytes.size();
}

}  // namespace paramedic::history
