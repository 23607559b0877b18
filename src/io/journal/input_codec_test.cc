#include "io/journal/input_codec.h"

#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include "io/journal/random_values.h"

namespace paramedic::journal {

namespace {

using testing::random_input;

template <class F>
bool holds(F property) {
  ::setenv("RC_PARAMS", "seed=20261123", 0);
  return rc::check(property);
}

std::string bytes_of(const Input& input) {
  std::string out;
  encode_input(out, input);
  return out;
}

}  // namespace

TEST(InputCodec, every_alternative_survives_with_every_field) {
  for (std::size_t i = 0; i < std::variant_size_v<Input>; ++i) {
    EXPECT_TRUE(holds([i] {
      const Input input = random_input(i);
      RC_ASSERT(input.index() == i);
      const std::string bytes = bytes_of(input);
      const auto back = decode_input(bytes);
      RC_ASSERT(back.has_value());
      RC_ASSERT(back->index() == i);
      // No field is left out of the bytes (fields.h does not compile otherwise), so equal bytes are equal values.
      RC_ASSERT(bytes_of(*back) == bytes);
    })) << "alternative "
        << i;
  }
}

TEST(InputCodec, numbers_and_instants_come_back_to_the_last_bit) {
  ReportInput input{.source = "agent/h1", .received = SteadyTime{Duration{123'456'789'012'345'678}}};
  input.report.worker_id = "w-1";
  input.report.sent_at = WallTime{Duration{1'795'000'000'123'456'789}};
  input.report.resources = ResourcesPart{.cpu_percent = 0.1 + 0.2, .memory_percent = -0.0};
  input.report.metrics = {{"a", std::nan("7")}, {"b", INFINITY}};
  input.report.stop = StopNotice{StopReason::deploy, Duration{-1}};
  const auto back = decode_input(bytes_of(Input(input)));
  ASSERT_TRUE(back);
  const auto& got = std::get<ReportInput>(*back);
  EXPECT_EQ(got.received, input.received);
  EXPECT_EQ(got.report.sent_at, input.report.sent_at);
  EXPECT_EQ(got.report.resources->cpu_percent, 0.1 + 0.2);
  EXPECT_TRUE(std::signbit(*got.report.resources->memory_percent));
  EXPECT_TRUE(std::isnan(got.report.metrics[0].second));
  EXPECT_EQ(got.report.metrics[1], (std::pair<std::string, double>("b", INFINITY)));
  EXPECT_EQ(got.report.stop->back_within, Duration{-1});
  EXPECT_FALSE(got.report.resources->memory_mb);
  EXPECT_FALSE(got.report.process);
}

TEST(InputCodec, refuses_what_is_cut_off_or_goes_on) {
  EXPECT_TRUE(holds([] {
    const std::string bytes = bytes_of(random_input());
    for (std::size_t i = 0; i < bytes.size(); ++i) RC_ASSERT(!decode_input(bytes.substr(0, i)));
    RC_ASSERT(!decode_input(bytes + '\0'));
  }));
}

TEST(InputCodec, takes_or_refuses_any_bytes) {
  EXPECT_TRUE(holds([] {
    std::string bytes = bytes_of(random_input());
    const auto changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes; ++i)
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    if (const auto got = decode_input(bytes)) RC_ASSERT(decode_input(bytes_of(*got)).has_value());
  }));
}

TEST(InputCodec, refuses_unknown_tags_enumerators_and_counts) {
  EXPECT_FALSE(decode_input(""));
  EXPECT_FALSE(decode_input(std::string(1, '\0')));
  EXPECT_FALSE(decode_input("\x63"));
  std::string bytes = bytes_of(SourceInput{.source = "s"});
  bytes[3] = 9;  // behind tag, length and text: a kind that is none
  EXPECT_FALSE(decode_input(bytes));
  // A count that would be a petabyte.
  Reader reader("\xff\xff\xff\xff\xff\xff\x7f");
  std::vector<std::string> list;
  reader.get(list);
  EXPECT_FALSE(reader.ok());
  EXPECT_TRUE(list.empty());
}

TEST(InputCodec, the_state_that_a_run_begins_with_survives) {
  EXPECT_TRUE(holds([] {
    LedgerState state;
    testing::Filler().fill(state);
    const std::string bytes = encode_state(state);
    const auto back = decode_state(bytes);
    RC_ASSERT(back.has_value());
    RC_ASSERT(encode_state(*back) == bytes);
    RC_ASSERT(!decode_state(bytes.substr(0, bytes.size() - 1)));
  }));
}

TEST(InputCodec, describes_types_names_and_enumerators) {
  const std::string shape = describe_inputs();
  EXPECT_NE(shape.find("ReportInput{report, source, received, backlog:"), std::string::npos) << shape;
  EXPECT_NE(shape.find("e agent http demo"), std::string::npos) << shape;
  EXPECT_NE(shape.find("9 ShutdownInput{:}"), std::string::npos) << shape;
  EXPECT_EQ(shape_of_inputs(), shape_of_inputs());
}

}  // namespace paramedic::journal
