#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/checksum.h"
#include "io/history/codec/bits.h"
#include "io/history/codec/chunk.h"
#include "io/history/codec/doubles.h"
#include "io/history/codec/integers.h"

namespace paramedic::history {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class F>
bool holds(F property) {
  ::setenv("RC_PARAMS", "seed=20261123", 0);
  return rc::check(property);
}
bool same(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

// `rows` rows, 30 s apart, healthy, full score.
Frame frame_of(std::size_t rows) {
  Frame out;
  for (std::size_t i = 0; i < rows; ++i) out.at.push_back(1'795'000'000'000 + std::int64_t(i) * 30'000);
  out.state.assign(rows, 3);
  out.score.assign(rows, 10'000);
  return out;
}
Frame frame_of(std::vector<double> values) {
  Frame out = frame_of(values.size());
  out.columns.push_back({kFirstSeries, std::move(values)});
  return out;
}
void expect_same(const Frame& a, const Frame& b) {
  EXPECT_EQ(a.at, b.at);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.score, b.score);
  ASSERT_EQ(a.columns.size(), b.columns.size());
  for (std::size_t c = 0; c < a.columns.size(); ++c) {
    EXPECT_EQ(a.columns[c].id, b.columns[c].id);
    ASSERT_EQ(a.columns[c].values.size(), b.columns[c].values.size());
    for (std::size_t i = 0; i < a.columns[c].values.size(); ++i)
      ASSERT_TRUE(same(a.columns[c].values[i], b.columns[c].values[i]))
          << c << " " << i << " " << a.columns[c].values[i];
  }
}
void expect_round_trip(const Frame& frame) {
  const auto back = decode_chunk(encode_chunk(frame));
  ASSERT_TRUE(back) << back.error().message;
  expect_same(frame, *back);
}
std::size_t size_of(const std::vector<double>& values) {
  return encode_chunk(frame_of(values)).size() - encode_chunk(frame_of(values.size())).size();
}

TEST(Integers, survive_whatever_they_are) {
  EXPECT_TRUE(holds([] {
    const auto count = *rc::gen::inRange<std::size_t>(1, 700);
    const int shape = *rc::gen::inRange(0, 6);
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
    const int bits = *rc::gen::inRange(1, 60);
    std::vector<std::int64_t> values;
    std::int64_t v = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto noise = std::int64_t(random() >> (64 - bits));
      if (shape == 0) v = noise;
      if (shape == 1) v = std::min<std::int64_t>(v + noise / 4096, kMaxInteger);
      if (shape == 2) v = std::int64_t(i) * 4096 * bits;
      if (shape == 3) v = random() % 50 ? 7 : noise;
      if (shape == 4) v = random() % 2 ? kMaxInteger : -kMaxInteger;
      if (shape == 5) v = -noise;
      values.push_back(v);
    }
    std::string bytes;
    put_integers(bytes, values);
    std::vector<std::int64_t> back(count);
    RC_ASSERT(get_integers(bytes, back));
    RC_ASSERT(back == values);
    // No shorter form decodes, and nothing may follow.
    for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + cut / 16)
      RC_ASSERT(!get_integers(std::string_view(bytes).substr(0, cut), back));
    RC_ASSERT(!get_integers(bytes + '\0', back));
  }));
}

TEST(Doubles, survive_bit_by_bit) {
  EXPECT_TRUE(holds([] {
    std::vector<double> values;
    const auto count = *rc::gen::inRange<std::size_t>(1, 300);
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
    const int shape = *rc::gen::inRange(0, 3);
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(shape == 0   ? std::bit_cast<double>(std::uint64_t(random()))
                       : shape == 1 ? 20 + 1e-3 * std::ldexp(double(random()), -64)
                                    : double(random() % 3));
    std::string bytes;
    put_doubles(bytes, values);
    std::vector<double> back(count);
    RC_ASSERT(get_doubles(bytes, back));
    for (std::size_t i = 0; i < count; ++i)
      RC_ASSERT(std::bit_cast<std::uint64_t>(values[i]) == std::bit_cast<std::uint64_t>(back[i]));
    RC_ASSERT(!get_doubles(std::string_view(bytes).substr(0, bytes.size() - 1), back));
    RC_ASSERT(!get_doubles(bytes + '\0', back));
  }));
}

TEST(Chunk, gives_back_every_row_of_every_column) {
  EXPECT_TRUE(holds([] {
    Frame frame;
    const auto rows = *rc::gen::inRange<std::size_t>(1, 400);
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
    std::int64_t at = *rc::gen::inRange<std::int64_t>(-kMaxInteger / 2, kMaxInteger / 2);
    for (std::size_t i = 0; i < rows; ++i) {
      frame.at.push_back(at += 1 + std::int64_t(random() % (i % 7 ? 3 : 100'000)));
      frame.state.push_back(std::uint8_t(random() % 20 ? 3 : random()));
      frame.score.push_back(random() % 9 ? 10'000 : random() % 2 ? kNoScore : std::int32_t(random() % 10'001));
    }
    SeriesId id = kFirstSeries;
    for (int c = *rc::gen::inRange(0, 5); c > 0; --c) {
      FrameColumn column{id += 1 + SeriesId(random() % 1000), {}};
      const int shape = *rc::gen::inRange(0, 7);
      for (std::size_t i = 0; i < rows; ++i) {
        double v = std::round(double(random() % 10'000)) / 100;
        if (shape == 1) v = double(i) * 4096;
        if (shape == 2) v = std::bit_cast<double>(std::uint64_t(random()));
        if (shape == 3 && random() % 4 == 0) v = kNaN;
        if (shape == 4 && i / 50 % 2) v = kNaN;
        if (shape == 5 && random() % 100 == 0) v = random() % 2 ? INFINITY : -0.0;
        if (shape == 6) v = random() % 2 ? 5e-324 : 1.7e308;
        column.values.push_back(v);
      }
      if (std::any_of(column.values.begin(), column.values.end(), [](double v) { return !std::isnan(v); }))
        frame.columns.push_back(std::move(column));
    }
    const auto bytes = encode_chunk(frame);
    const auto back = decode_chunk(bytes);
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->at == frame.at);
    RC_ASSERT(back->state == frame.state);
    RC_ASSERT(back->score == frame.score);
    RC_ASSERT(back->columns.size() == frame.columns.size());
    for (std::size_t c = 0; c < frame.columns.size(); ++c)
      for (std::size_t i = 0; i < rows; ++i) RC_ASSERT(same(back->columns[c].values[i], frame.columns[c].values[i]));
  }));
}

TEST(Chunk, keeps_odd_values) {
  expect_round_trip(frame_of({0.0, -0.0, kNaN, INFINITY, -INFINITY, 5e-324, 1.7976931348623157e308, 0.1 + 0.2}));
  expect_round_trip(frame_of({kNaN, 1, kNaN}));
  expect_round_trip(frame_of({4.0e15, -4.0e15, 0.000001, 9007199254740993.0}));
  expect_round_trip(frame_of({3.9e15, 0.5}));
  expect_round_trip(frame_of({7}));
}

TEST(Chunk, a_column_without_a_known_value_is_left_out) {
  const auto back = decode_chunk(encode_chunk(frame_of({kNaN, kNaN})));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->rows(), 2u);
  EXPECT_TRUE(back->columns.empty());
}

TEST(Chunk, constant_and_steady_columns_are_nearly_free) {
  std::vector<double> steady, counter, bytes, gaps;
  for (int i = 0; i < 2880; ++i) {
    steady.push_back(1'000'000 + i * 30.0);
    bytes.push_back(4096.0 * (i * 3 + i % 2));
    gaps.push_back(i / 100 % 2 ? kNaN : 5);
  }
  EXPECT_LE(size_of(std::vector<double>(2880, 41.25)), 9u);
  EXPECT_LE(size_of(steady), 80u);
  EXPECT_LE(size_of(bytes), 2880 / 8 * 3) << "the common divisor costs nothing";
  EXPECT_LE(size_of(gaps), 80u);
  EXPECT_LE(encode_chunk(frame_of(2880)).size(), 90u) << "regular times, one status";
}

TEST(Chunk, decodes_one_column_alone) {
  Frame frame = frame_of(200);
  for (SeriesId id = 8; id < 28; ++id) frame.columns.push_back({id, std::vector<double>(200, double(id))});
  frame.columns[3].values[7] = 0.5;
  std::string bytes = encode_chunk(frame);
  const auto reader = ChunkReader::open(bytes);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->rows(), 200u);
  EXPECT_EQ(reader->column_count(), 20u);
  const auto one = reader->frame([](SeriesId id) { return id == 11; });
  ASSERT_TRUE(one);
  ASSERT_EQ(one->columns.size(), 1u);
  EXPECT_EQ(one->columns[0].values, frame.columns[3].values);
  EXPECT_EQ(one->find(11)->values[7], 0.5);
  EXPECT_EQ(one->find(12), nullptr);
}

// The example of docs/formats/history.md, byte by byte.
TEST(Chunk, the_worked_example_of_the_format_page) {
  Frame frame;
  frame.at = {1'795'000'000'000, 1'795'000'030'000, 1'795'000'060'000, 1'795'000'090'000};
  frame.state = {3, 3, 7, 3};
  frame.score = {10'000, 10'000, 10'000, 10'000};
  frame.columns.push_back({8, {41.2, 41.5, kNaN, 40.9}});
  frame.columns.push_back({16, {512, 512, 512, 512}});
  std::string hex;
  for (const char c : encode_chunk(frame)) {
    char text[4];
    std::snprintf(text, sizeof text, "%02x ", unsigned(static_cast<unsigned char>(c)));
    hex += text;
  }
  EXPECT_EQ(
      hex,
      "01 04 05 00 00 0b 01 00 04 01 00 04 06 19 06 08 00 03 80 f8 b2 e5 bd 68 b0 ea 01 40 1c 06 04 40 89 a0 9c 01 "
      "00 0b b8 06 03 41 62 80 08 00 a8 5d cf b7 ");
}

TEST(Chunk, every_damage_is_noticed) {
  Frame frame = frame_of({41.2, 41.5, kNaN, 40.9, 0.1 + 0.2});
  const std::string good = encode_chunk(frame);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = char(bad[i] ^ 1 << bit);
      const auto r = decode_chunk(bad);
      ASSERT_FALSE(r) << i;
      EXPECT_EQ(r.error().code, Errc::corrupt);
    }
    EXPECT_FALSE(decode_chunk(good.substr(0, i)));
  }
  EXPECT_FALSE(decode_chunk(good + "x"));
}

TEST(Chunk, a_newer_version_is_named) {
  std::string bytes = encode_chunk(frame_of(1));
  bytes[0] = 2;
  EXPECT_NE(decode_chunk(bytes).error().message.find("version 2"), std::string::npos);
}

// Bytes with a right checksum but a wrong inside: refused without large allocations, never out of bounds (ASan).
TEST(Chunk, hostile_bytes_under_a_right_checksum_are_refused_or_bounded) {
  const auto sealed = [](std::string body) {
    put_checksum(body);
    return body;
  };
  const auto code = [&](const std::string& body) { return bool(decode_chunk(sealed(body))); };
  EXPECT_FALSE(code(std::string("\x01\x00\x03", 3)));                               // no rows
  EXPECT_FALSE(code("\x01\xff\xff\xff\xff\x0f\x03"));                               // four thousand million rows
  EXPECT_FALSE(code("\x01\x01\xff\xff\x7f"));                                       // two million columns
  EXPECT_FALSE(code(std::string("\x01\x01\x03\x00\x00\xff\xff\xff\xff\x7f", 10)));  // a column longer than the chunk
  std::mt19937_64 random(20261123);
  const std::string good = encode_chunk(frame_of({41.2, 41.5, kNaN, 40.9, 1, 2, 3, 4, 5}));
  int decoded = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good.substr(0, good.size() - kChecksumBytes);
    for (int k = int(random() % 4); k >= 0; --k) bad[1 + random() % (bad.size() - 1)] = char(random());
    decoded += code(bad);
  }
  EXPECT_GT(decoded, 0) << "some changes only change values";
}

}  // namespace
}  // namespace paramedic::history
