#include "io/journal/input_journal.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/journal/input_codec.h"
#include "io/journal/journal_check.h"
#include "io/journal/journal_reader.h"

namespace paramedic::journal {

namespace fs = std::filesystem;

namespace {

struct Journal : testing::Test {
  Journal() {
    std::string pattern = (fs::temp_directory_path() / "paramedic-inputs-test-XXXXXX").string();
    path = mkdtemp(pattern.data());
    options.store.dir = (path / "inputs").string();
    options.store.min_free_bytes = 0;
    options.gather = 1ms;
    options.retry = 1ms;
    options.build_id = "test 1";
    options.config_hash = "cfg-1";
  }
  ~Journal() override {
    writer.reset();
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }

  InputJournal& open() {
    writer = std::make_unique<InputJournal>(options, *log);
    return *writer;
  }
  Now at(int second) const {
    return {SteadyTime{Duration{1s} * second}, WallTime{Duration{1'795'000'000s + 1s * second}}};
  }
  static std::vector<Input> inputs(int count, std::size_t padding = 0) {
    std::vector<Input> out;
    for (int i = 0; i < count; ++i)
      out.push_back(LedgerStateInput{true, std::to_string(i) + std::string(padding, 'x')});
    return out;
  }
  void step(int second, int count, std::size_t padding = 0) { writer->step(inputs(count, padding), 3ms, at(second)); }
  // Until everything that was queued is on disk, or refused.
  template <class Done>
  void wait_until(const Done& done) {
    for (int i = 0; i < 20'000 && !done(writer->stats()); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(done(writer->stats()));
  }
  void wait_written() {
    wait_until([](const JournalStats& s) { return s.queued_bytes == 0; });
  }
  // One word per event: "run(whole)", "step 3", "gap queue_full 2/5", "reload cfg", "end", "error: …".
  std::vector<std::string> read() {
    std::vector<std::string> out;
    auto reader = JournalReader::open(options.store.dir);
    if (!reader) return {"error: " + reader.error().message};
    for (;;) {
      const auto event = (*reader)->next();
      if (!event) {
        out.push_back("error: " + event.error().message);
        continue;
      }
      if (!*event) break;
      last = (*event)->now;
      std::visit([&](const auto& what) { out.push_back(word(what)); }, (*event)->what);
    }
    remarks = (*reader)->remarks();
    return out;
  }
  static std::string word(const RunBegins& run) {
    return std::string(run.whole ? "run " : "part of run ") + run.header.build_id + " " + run.header.config_hash + " " +
           std::to_string(run.restored.workers.size());
  }
  static std::string word(const RecordedStep& step) { return "step " + std::to_string(step.inputs.size()); }
  static std::string word(const GapRecord& gap) {
    return "gap " + std::string(to_string(gap.reason)) + " " + std::to_string(gap.steps) + "/" +
           std::to_string(gap.inputs) + "/" + std::to_string(gap.records);
  }
  static std::string word(const ReloadRecord& reload) { return "reload " + reload.config_hash; }
  static std::string word(const EndRecord&) { return "end"; }
  static std::string word(const AnalysisRecord& saved) { return saved.name + "=" + saved.bytes; }

  std::string segment(std::uint64_t sequence) const { return options.store.dir + "/" + segment_name(sequence); }
  static std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void store(const std::string& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }

  fs::path path;
  JournalOptions options;
  std::unique_ptr<Logger> log = make_null_logger();
  std::unique_ptr<InputJournal> writer;
  std::vector<std::string> remarks;
  Now last;
};

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

}  // namespace

TEST_F(Journal, reads_back_what_was_written) {
  open().begin(LedgerState{.workers = {WorkerRecord{.worker_id = "w-1"}}}, at(0));
  step(1, 2);
  step(2, 0);
  writer->reload("cfg-2", at(3));
  step(4, 1);
  writer->stop();
  EXPECT_THAT(read(), ElementsAre("run test 1 cfg-1 1", "step 2", "step 0", "reload cfg-2", "step 1", "end"));
  EXPECT_TRUE(remarks.empty());
  const auto stats = writer->stats();
  EXPECT_EQ(stats.records, 9u);  // the end is one
  EXPECT_EQ(stats.dropped_inputs, 0u);
  EXPECT_EQ(stats.size_bytes, fs::file_size(segment(1)));
  const auto segments = writer->segments();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].header.at.wall, at(0).wall);
  EXPECT_EQ(segments[0].to, at(4).wall);
}

TEST_F(Journal, steps_keep_their_times_and_their_inputs) {
  open().begin({}, at(0));
  step(1, 3);
  writer->stop();
  auto reader = JournalReader::open(options.store.dir);
  ASSERT_TRUE(reader);
  ASSERT_TRUE((*reader)->next());
  const auto event = (*reader)->next();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->now.steady, at(1).steady);
  EXPECT_EQ((*event)->now.wall, at(1).wall);
  const auto& got = std::get<RecordedStep>((*event)->what);
  EXPECT_EQ(got.oldest_wait, Duration{3ms});
  EXPECT_EQ(std::get<LedgerStateInput>(got.inputs[2]).text, "2");
}

TEST_F(Journal, another_life_begins_another_segment) {
  open().begin({}, at(0));
  step(1, 1);
  writer->stop();
  options.build_id = "test 2";
  open().begin({}, at(0));
  step(1, 2);
  writer->stop();
  EXPECT_THAT(read(), ElementsAre("run test 1 cfg-1 0", "step 1", "end", "run test 2 cfg-1 0", "step 2", "end"));
  ASSERT_EQ(writer->segments().size(), 2u);
  EXPECT_EQ(writer->segments()[0].header.build_id, "test 1");
}

TEST_F(Journal, the_oldest_segments_leave_and_the_reader_says_so) {
  options.store.max_bytes = 64 << 10;  // eight segments
  open().begin({}, at(0));
  for (int i = 1; i <= 100; ++i) {
    step(i, 1, 3000);
    wait_written();
  }
  writer->stop();
  EXPECT_LE(writer->stats().size_bytes, options.store.max_bytes);
  const auto events = read();
  EXPECT_EQ(events[0], "part of run test 1 cfg-1 0");
  EXPECT_THAT(events[1], StartsWith("gap lost 0/0/"));
  EXPECT_EQ(std::count(events.begin(), events.end(), "step 1"), std::ptrdiff_t(events.size()) - 3);
  EXPECT_EQ(events.back(), "end");
}

TEST_F(Journal, never_waits_for_a_disk_that_refuses_and_says_what_is_missing) {
  store(options.store.dir, "no folder");
  options.queue_bytes = 4096;
  open().begin({}, at(0));
  wait_until([](const JournalStats& s) { return s.degraded; });
  EXPECT_THAT(writer->stats().problem, HasSubstr("inputs"));
  step(1, 2);
  step(2, 3, 2000);  // more than the queue takes
  step(3, 4, 2000);
  EXPECT_EQ(writer->stats().dropped_inputs, 7u);
  fs::remove(options.store.dir);
  wait_written();
  EXPECT_FALSE(writer->stats().degraded);
  step(4, 1);
  writer->stop();
  EXPECT_THAT(read(), ElementsAre("run test 1 cfg-1 0", "step 2", "gap queue_full 2/7/0", "step 1", "end"));
  EXPECT_GE(writer->stats().errors, 1u);
}

TEST_F(Journal, a_gap_at_the_end_is_said_too) {
  options.queue_bytes = 100;
  open().begin({}, at(0));
  wait_written();
  step(1, 9, 200);
  writer->stop();
  EXPECT_THAT(read(), ElementsAre("run test 1 cfg-1 0", "gap queue_full 1/9/0", "end"));
}

TEST_F(Journal, an_input_beyond_the_limit_leaves_a_gap) {
  open().begin({}, at(0));
  step(1, 2, kMaxPayload);
  step(2, 1);
  writer->stop();
  EXPECT_THAT(read(), ElementsAre("run test 1 cfg-1 0", "gap too_large 1/2/0", "step 1", "end"));
}

TEST_F(Journal, leaves_room_on_the_disk_for_the_others) {
  options.store.min_free_bytes = std::uint64_t{1} << 62;
  open().begin({}, at(0));
  wait_until([](const JournalStats& s) { return s.degraded; });
  EXPECT_THAT(writer->stats().problem, HasSubstr("free space or move data_dir"));
  writer->stop();
  EXPECT_EQ(read()[0],
            "error: " + options.store.dir + " holds no recorded inputs; the monitor writes them with record: full");
}

TEST_F(Journal, a_torn_end_is_accepted_and_told) {
  open().begin({}, at(0));
  step(1, 2);
  step(2, 2);
  writer->stop();
  const std::string bytes = content(segment(1));
  store(segment(1), bytes.substr(0, bytes.size() - 40));  // the end, and a part of the last input
  EXPECT_THAT(read(), ElementsAre("run test 1 cfg-1 0", "step 2"));
  ASSERT_EQ(remarks.size(), 2u);
  EXPECT_THAT(remarks[0], HasSubstr("00000000000000000001.inputs ends at byte"));
  EXPECT_THAT(remarks[1], HasSubstr("1 of its 2 inputs are there"));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    store(segment(1), bytes.substr(0, i));
    for (const std::string& word : read()) EXPECT_THAT(word, testing::Not(StartsWith("error"))) << i;
  }
}

TEST_F(Journal, what_the_analysis_had_learned_stands_between_the_first_state_and_the_first_step) {
  open().begin({}, at(0));
  writer->analysis("worker/w-1", "learned", at(0));
  writer->analysis("worker/w-2", std::string(5 << 20, 'x'),
                   at(0));  // larger than any record: said, not lost in silence
  writer->analysis("tasks/p/t", "more", at(0));
  step(1, 1);
  writer->stop();
  EXPECT_THAT(read(), ElementsAre("run test 1 cfg-1 0", "worker/w-1=learned", "gap too_large 1/0/0", "tasks/p/t=more",
                                  "step 1", "end"));
}

TEST_F(Journal, damage_is_named_by_file_and_place_and_what_is_lost_is_said) {
  options.store.segment_bytes = 600;
  options.store.max_bytes = 1 << 20;
  open().begin({}, at(0));
  for (int i = 1; i <= 6; ++i) {
    step(i, 1, 150);
    wait_written();
  }
  writer->stop();
  ASSERT_GE(writer->segments().size(), 3u);
  std::string bytes = content(segment(2));
  bytes[bytes.size() - 250] ^= 1;
  store(segment(2), bytes);
  const auto events = read();
  EXPECT_EQ(events[0], "run test 1 cfg-1 0");
  EXPECT_EQ(events.back(), "end");
  const auto error = std::find_if(events.begin(), events.end(), [](const auto& e) { return e.starts_with("error"); });
  ASSERT_NE(error, events.end());
  EXPECT_THAT(*error, HasSubstr("error: 00000000000000000002.inputs at byte "));
  EXPECT_THAT(*(error + 1), StartsWith("gap lost 0/0/"));
}

TEST_F(Journal, any_flipped_byte_is_noticed_or_harmless) {
  open().begin({}, at(0));
  step(1, 2);
  step(2, 1);
  writer->stop();
  const std::string bytes = content(segment(1));
  const auto whole = read();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = char(damaged[i] ^ 0x10);
    store(segment(1), damaged);
    EXPECT_NE(read(), whole) << "byte " << i;
  }
}

TEST_F(Journal, another_builds_inputs_are_refused_by_name) {
  open().begin({}, at(0));
  writer->stop();
  std::string bytes = content(segment(1));
  std::size_t end = 0;
  auto header = decode_header(bytes, end);
  ASSERT_TRUE(header);
  header->shape ^= 1;
  store(segment(1), encode_header(*header) + bytes.substr(end));
  EXPECT_THAT(read(), ElementsAre(HasSubstr("was written by build 'test 1', whose inputs look otherwise")));
  const auto checked = check_journal(options.store.dir, nullptr);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->damaged, 0u);
  EXPECT_EQ(checked->records, 2u);
  ASSERT_EQ(checked->remarks.size(), 1u);
}

TEST_F(Journal, check_data_finds_damage_and_repairs_it) {
  open().begin({}, at(0));
  for (int i = 1; i <= 3; ++i) step(i, 1, 100);
  writer->stop();
  const auto sound = check_journal(options.store.dir, nullptr);
  ASSERT_TRUE(sound);
  EXPECT_EQ(sound->damaged, 0u);
  EXPECT_EQ(sound->records, 8u);
  EXPECT_TRUE(sound->remarks.empty());
  const std::string bytes = content(segment(1));
  // A torn end: told, and cut off by a repair.
  store(segment(1), bytes.substr(0, bytes.size() - 3));
  store(segment(2), "PMIN");
  AsideFolder aside(path.string(), "test");
  const auto torn = check_journal(options.store.dir, &aside);
  ASSERT_TRUE(torn);
  EXPECT_EQ(torn->damaged, 0u);
  EXPECT_EQ(torn->remarks.size(), 2u);
  EXPECT_FALSE(aside.used());
  EXPECT_FALSE(fs::exists(segment(2)));
  EXPECT_TRUE(check_journal(options.store.dir, nullptr)->remarks.empty());
  // Damage: what follows it is set aside.
  std::string damaged = bytes;
  damaged[bytes.size() / 2] ^= 1;
  store(segment(1), damaged);
  EXPECT_EQ(check_journal(options.store.dir, nullptr)->damaged, 1u);
  const auto repaired = check_journal(options.store.dir, &aside);
  ASSERT_TRUE(repaired);
  EXPECT_EQ(repaired->damaged, 1u);
  EXPECT_EQ(repaired->set_aside, 1u);
  EXPECT_TRUE(aside.used());
  EXPECT_EQ(check_journal(options.store.dir, nullptr)->damaged, 0u);
  for (const std::string& word : read()) EXPECT_THAT(word, testing::Not(StartsWith("error")));
}

TEST_F(Journal, an_absent_folder_is_no_damage) {
  const auto checked = check_journal(options.store.dir, nullptr);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->records, 0u);
}

}  // namespace paramedic::journal
