#include "io/journal/segment.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/text.h"
#include "io/journal/random_values.h"

namespace paramedic::journal {

namespace {

const Now kNow{SteadyTime{Duration{2}}, WallTime{Duration{1}}};

std::string frame_of(const RecordBody& body) {
  std::string out;
  EXPECT_TRUE(append_record(out, kNow, body));
  seal_frames(out);
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    if (!out.empty()) out += ' ';
    out += kDigits[std::uint8_t(c) >> 4];
    out += kDigits[std::uint8_t(c) & 15];
  }
  return out;
}

}  // namespace

TEST(Segment, a_name_is_its_sequence) {
  EXPECT_EQ(segment_name(7), "00000000000000000007.inputs");
  EXPECT_EQ(segment_sequence("00000000000000000007.inputs"), 7u);
  for (const char* other : {"7.inputs", "0000000000000000000x.inputs", "00000000000000000007.seg", ""})
    EXPECT_FALSE(segment_sequence(other)) << other;
}

TEST(Segment, a_header_survives_and_says_what_is_wrong_otherwise) {
  const SegmentHeader header{7, "run", 3, "0.1.0 ab", "cfg", 9, kNow};
  std::string file = encode_header(header);
  std::size_t end = 0;
  const auto back = decode_header(file, end);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, header);
  EXPECT_EQ(end, file.size());
  for (std::size_t i = 0; i < file.size(); ++i) {
    EXPECT_FALSE(decode_header(file.substr(0, i), end));
    EXPECT_TRUE(torn_header(file.substr(0, i)));
  }
  EXPECT_FALSE(torn_header(file));
  EXPECT_FALSE(torn_header("something else"));
  std::string other = file;
  other[7] = 2;
  EXPECT_EQ(decode_header(other, end).error().code, Errc::invalid_argument);
  file[kMagicBytes + kFrameHead] ^= 1;
  EXPECT_EQ(decode_header(file, end).error().code, Errc::corrupt);
}

TEST(Segment, every_record_survives) {
  ::setenv("RC_PARAMS", "seed=20261123", 0);
  EXPECT_TRUE(rc::check([] {
    testing::Filler fill;
    std::vector<RecordBody> bodies{testing::random_input(),
                                   ReloadRecord{"cfg"},
                                   EndRecord{},
                                   StepRecord{5ms, 3},
                                   StatePart{1, 2, "xyz"},
                                   GapRecord{GapReason::queue_full, 1, 2, 3, kNow},
                                   AnalysisRecord{"worker/w-1", std::string("\0\xff", 2)}};
    std::string file;
    Now now;
    fill.fill(now.steady);
    fill.fill(now.wall);
    for (const RecordBody& body : bodies) RC_ASSERT(append_record(file, now, body));
    seal_frames(file);
    std::size_t at = 0;
    for (const RecordBody& body : bodies) {
      const Frame frame = next_frame(file, at);
      RC_ASSERT(frame.state == Frame::State::good);
      const auto record = decode_record(frame.payload);
      RC_ASSERT(record.has_value());
      RC_ASSERT(record->body.index() == body.index());
      RC_ASSERT(record->now.steady == now.steady);
      RC_ASSERT(record->now.wall == now.wall);
      std::string again;
      append_record(again, record->now, record->body);
      seal_frames(again);
      RC_ASSERT(again == file.substr(at, frame.next - at));
      at = frame.next;
    }
    RC_ASSERT(next_frame(file, at).state == Frame::State::end);
  }));
}

TEST(Segment, tells_a_torn_end_from_damage) {
  const std::string one = frame_of(ReloadRecord{"abc"}), two = frame_of(EndRecord{});
  const std::string file = one + two;
  EXPECT_EQ(next_frame(file, 0).next, one.size());
  for (std::size_t i = 1; i < one.size(); ++i) EXPECT_EQ(next_frame(file.substr(0, i), 0).state, Frame::State::torn);
  EXPECT_EQ(next_frame(one + std::string(100, '\0'), one.size()).state, Frame::State::torn);
  std::string damaged = file;
  damaged[kFrameHead] ^= 1;
  EXPECT_EQ(next_frame(damaged, 0).state, Frame::State::corrupt);
  damaged = file;
  damaged[file.size() - 1] ^= 1;
  EXPECT_EQ(next_frame(damaged, one.size()).state, Frame::State::torn) << "the last one may have been half written";
  damaged = file;
  damaged[3] = 0x7f;  // a length beyond the limit
  EXPECT_EQ(next_frame(damaged, 0).state, Frame::State::corrupt);
  damaged[3] = 0;
  damaged[0] = 0;
  EXPECT_EQ(next_frame(damaged, 0).state, Frame::State::corrupt);
}

TEST(Segment, refuses_records_that_are_no_kind_or_go_on) {
  EXPECT_FALSE(decode_record(""));
  const std::string frame = frame_of(EndRecord{});
  std::string payload = frame.substr(kFrameHead);
  ASSERT_TRUE(decode_record(payload));
  EXPECT_FALSE(decode_record(payload + "x"));
  payload[0] = 7;
  EXPECT_FALSE(decode_record(payload));
}

TEST(Segment, a_record_beyond_the_limit_is_not_written) {
  std::string out = "before";
  EXPECT_FALSE(append_record(out, kNow, StatePart{0, 1, std::string(kMaxPayload, 'x')}));
  EXPECT_EQ(out, "before");
}

// The worked example of docs/formats/inputs.md.
TEST(Segment, looks_as_documented) {
  const std::string frame = frame_of(Input(SourceFrameInput{"http", SteadyTime{Duration{1}}}));
  EXPECT_EQ(hex(frame.substr(0, 4)), "1F 00 00 00");
  EXPECT_EQ(hex(frame.substr(4, 4)), "6F 4B AC 9D");
  EXPECT_EQ(hex(frame.substr(8)),
            "03 02 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 03 04 68 74 74 70 01 00 00 00 00 00 00 00");
}

}  // namespace paramedic::journal
