#include "io/history/remote_write/segment_queue.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/history/remote_write/segment.h"
#include "io/history/remote_write/test_support.h"

namespace paramedic::remote_write {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::unique_ptr<SegmentQueue> open(const TempDir& dir, std::uint64_t max_bytes = 1u << 20,
                                   std::uint64_t segment_bytes = 1u << 20) {
  auto queue = SegmentQueue::open({.dir = dir / "q", .max_bytes = max_bytes, .segment_bytes = segment_bytes});
  EXPECT_TRUE(queue) << (queue ? "" : queue.error().message);
  return queue ? std::move(*queue) : nullptr;
}
std::vector<QueueRecord> read(SegmentQueue& queue, std::size_t max_samples = 1'000'000) {
  auto records = queue.read(max_samples);
  EXPECT_TRUE(records) << (records ? "" : records.error().message);
  return records ? std::move(*records) : std::vector<QueueRecord>();
}
std::vector<std::string> payloads(const std::vector<QueueRecord>& records) {
  std::vector<std::string> out;
  for (const QueueRecord& record : records) out.push_back(record.payload);
  return out;
}
void append(SegmentQueue& queue, std::initializer_list<std::string_view> list, std::uint32_t samples = 10) {
  for (const auto payload : list) {
    const auto done = queue.append(payload, samples);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
  }
  EXPECT_TRUE(queue.sync());
}
std::vector<fs::path> segments(const TempDir& dir) {
  std::vector<fs::path> out;
  for (const auto& file : fs::directory_iterator(dir.path / "q"))
    if (file.path().extension() == ".seg") out.push_back(file.path());
  std::sort(out.begin(), out.end());
  return out;
}

TEST(SegmentQueue, gives_back_in_order_until_acknowledged) {
  TempDir dir;
  auto queue = open(dir);
  EXPECT_THAT(read(*queue), IsEmpty());
  append(*queue, {"one", "two", "three"});
  EXPECT_EQ(queue->stats().pending_samples, 30u);
  EXPECT_THAT(payloads(read(*queue, 25)), ElementsAre("one", "two"));
  const auto first = read(*queue, 1);
  EXPECT_THAT(payloads(first), ElementsAre("one")) << "at least one, however small the limit";
  ASSERT_TRUE(queue->acknowledge(first[0].end));
  EXPECT_EQ(queue->stats().pending_samples, 20u);
  EXPECT_THAT(payloads(read(*queue)), ElementsAre("two", "three"));
}

TEST(SegmentQueue, a_new_monitor_goes_on_where_the_old_one_was) {
  TempDir dir;
  {
    auto queue = open(dir);
    append(*queue, {"one", "two", "three"});
    ASSERT_TRUE(queue->acknowledge(read(*queue, 1)[0].end));
  }
  auto queue = open(dir);
  EXPECT_FALSE(queue->unfinished());
  EXPECT_EQ(queue->stats().pending_samples, 20u);
  append(*queue, {"four"});
  const auto all = read(*queue);
  EXPECT_THAT(payloads(all), ElementsAre("two", "three", "four"));
  ASSERT_TRUE(queue->acknowledge(all.back().end));
  EXPECT_EQ(queue->stats().pending_samples, 0u);
  queue.reset();
  queue = open(dir);
  EXPECT_THAT(read(*queue), IsEmpty());
  EXPECT_THAT(segments(dir), IsEmpty()) << "nothing to keep";
}

TEST(SegmentQueue, remembers_the_batch_that_was_under_way) {
  TempDir dir;
  {
    auto queue = open(dir);
    append(*queue, {"one", "two", "three"});
    queue->begin_send(read(*queue, 20).back().end);
  }
  auto queue = open(dir);
  append(*queue, {"four"});
  ASSERT_TRUE(queue->unfinished());
  const auto batch = queue->read(1'000'000, queue->unfinished());
  ASSERT_TRUE(batch);
  EXPECT_THAT(payloads(*batch), ElementsAre("one", "two"));
  ASSERT_TRUE(queue->acknowledge(batch->back().end));
  EXPECT_FALSE(queue->unfinished());
  EXPECT_THAT(payloads(read(*queue)), ElementsAre("three", "four"));
}

TEST(SegmentQueue, cuts_a_tail_that_is_torn_at_any_byte) {
  TempDir dir;
  {
    auto queue = open(dir);
    append(*queue, {"first record", "second"});
  }
  const auto file = segments(dir).at(0);
  const std::string whole = bytes_of(file);
  const std::size_t one = kSegmentHeader + kRecordHead + 12, two = one + kRecordHead + 6;
  ASSERT_EQ(whole.size(), two);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    fs::remove_all(dir.path / "q");
    fs::create_directory(dir.path / "q");
    write_bytes(file, whole.substr(0, cut));
    auto queue = open(dir);
    ASSERT_TRUE(queue);
    const std::vector<std::string> kept = payloads(read(*queue));
    EXPECT_EQ(kept.size(), cut >= two ? 2u : cut >= one ? 1u : 0u) << cut;
    EXPECT_EQ(queue->stats().pending_samples, 10 * kept.size()) << cut;
    const std::size_t good = cut >= two ? two : cut >= one ? one : cut >= kSegmentHeader ? kSegmentHeader : 0;
    EXPECT_EQ(queue->stats().corrupt_bytes, cut - good) << cut;
    append(*queue, {"new"});
    EXPECT_EQ(payloads(read(*queue)).back(), "new");
    queue.reset();
    queue = open(dir);
    EXPECT_EQ(payloads(read(*queue)).size(), kept.size() + 1) << cut;
    EXPECT_EQ(queue->stats().corrupt_bytes, 0u) << "repaired: " << cut;
  }
}

TEST(SegmentQueue, a_tail_of_the_right_length_and_wrong_bytes_is_cut_too) {
  TempDir dir;
  {
    auto queue = open(dir);
    append(*queue, {"first record", "second"});
  }
  const auto file = segments(dir).at(0);
  std::string bytes = bytes_of(file);
  bytes.back() = '\0';  // a block that a power cut left as zeros
  write_bytes(file, bytes);
  auto queue = open(dir);
  EXPECT_EQ(queue->stats().pending_samples, 10u) << "before anybody reads";
  EXPECT_EQ(queue->stats().corrupt_bytes, kRecordHead + 6);
  EXPECT_EQ(fs::file_size(file), bytes.size() - kRecordHead - 6);
  EXPECT_THAT(payloads(read(*queue)), ElementsAre("first record"));
}

TEST(SegmentQueue, any_changed_byte_costs_at_most_its_record_or_the_rest_of_its_file) {
  TempDir dir;
  {
    auto queue = open(dir, 1u << 20, 56);  // two records a file
    append(*queue, {"aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"});
  }
  const auto files = segments(dir);
  ASSERT_EQ(files.size(), 2u);
  std::string saved[2] = {bytes_of(files[0]), bytes_of(files[1])};
  for (int which = 0; which < 2; ++which)
    for (std::size_t i = 0; i < saved[which].size(); ++i) {
      fs::remove_all(dir.path / "q");
      fs::create_directory(dir.path / "q");
      for (int k = 0; k < 2; ++k) write_bytes(files[std::size_t(k)], saved[k]);
      std::string changed = saved[which];
      changed[i] = char(changed[i] ^ 0x10);
      write_bytes(files[std::size_t(which)], changed);
      auto queue = open(dir, 1u << 20, 56);
      ASSERT_TRUE(queue);
      std::vector<std::string> got;
      for (auto records = read(*queue); !records.empty(); records = read(*queue)) {
        for (auto& payload : payloads(records)) got.push_back(payload);
        ASSERT_TRUE(queue->acknowledge(records.back().end));
      }
      const std::vector<std::string> other = which == 0 ? std::vector<std::string>{"cccccccc", "dddddddd"}
                                                        : std::vector<std::string>{"aaaaaaaa", "bbbbbbbb"};
      EXPECT_THAT(got, ::testing::IsSupersetOf(other)) << which << " " << i;
      EXPECT_LE(got.size(), 3u);
      EXPECT_GT(queue->stats().corrupt_bytes, 0u) << which << " " << i;
      EXPECT_EQ(queue->stats().pending_samples, 0u) << which << " " << i;
    }
}

TEST(SegmentQueue, beyond_its_limit_the_oldest_file_goes_and_is_counted) {
  TempDir dir;
  auto queue = open(dir, 16384, 4096);
  const std::string payload(1000, 'p');
  for (int i = 0; i < 40; ++i) append(*queue, {payload + std::to_string(i)}, 7);
  const auto stats = queue->stats();
  EXPECT_LE(stats.bytes, 16384u + 4096u);
  EXPECT_GT(stats.dropped_samples, 0u);
  EXPECT_EQ(stats.dropped_samples + stats.pending_samples, 40u * 7);
  const auto left = read(*queue);
  EXPECT_EQ(left.size() * 7, stats.pending_samples);
  EXPECT_EQ(left.back().payload, payload + "39");
  EXPECT_EQ(segments(dir).size(), stats.segments);
}

TEST(SegmentQueue, leaves_the_ledger_its_space_on_the_disk) {
  TempDir dir;
  {
    auto queue = open(dir, 16384, 4096);
    for (int i = 0; i < 10; ++i) append(*queue, {std::string(1000, 'p')}, 7);
  }
  auto queue = SegmentQueue::open({.dir = dir / "q", .min_free_bytes = std::uint64_t(1) << 60});  // no disk has that
  ASSERT_TRUE(queue);
  const auto refused = (*queue)->append("new", 1);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("MiB are free on the disk of"));
  const auto stats = (*queue)->stats();
  EXPECT_EQ(stats.segments, 1u) << "old files went first";
  EXPECT_GT(stats.dropped_samples, 0u);
  EXPECT_EQ(stats.dropped_samples + stats.pending_samples, 70u);
  EXPECT_EQ(read(**queue).size() * 7, stats.pending_samples) << "what is left can still be sent";
}

TEST(SegmentQueue, a_batch_whose_file_was_dropped_meanwhile_can_still_be_acknowledged) {
  TempDir dir;
  auto queue = open(dir, 16384, 4096);
  const std::string payload(1000, 'p');
  append(*queue, {payload, payload});
  const auto batch = read(*queue);
  queue->begin_send(batch.back().end);
  for (int i = 0; i < 40; ++i) append(*queue, {payload + std::to_string(i)});
  const auto before = queue->stats().pending_samples;
  ASSERT_TRUE(queue->acknowledge(batch.back().end));
  EXPECT_EQ(queue->stats().pending_samples, before);
  EXPECT_EQ(read(*queue).size() * 10, before);
}

TEST(SegmentQueue, an_unreadable_position_means_from_the_front_again) {
  TempDir dir;
  {
    auto queue = open(dir);
    append(*queue, {"one", "two"});
    ASSERT_TRUE(queue->acknowledge(read(*queue, 1)[0].end));
  }
  const std::string position = bytes_of(dir / "q/position");
  for (std::size_t cut = 0; cut < position.size(); cut += 13) {
    write_bytes(dir / "q/position", position.substr(0, cut));
    auto queue = open(dir);
    const auto count = read(*queue).size();
    EXPECT_EQ(count, cut >= 128 ? 1u : 2u) << cut;
  }
}

TEST(SegmentQueue, one_torn_slot_of_the_position_leaves_the_other) {
  TempDir dir;
  {
    auto queue = open(dir);
    append(*queue, {"one", "two", "three"});
    ASSERT_TRUE(queue->acknowledge(read(*queue, 1)[0].end));
    ASSERT_TRUE(queue->acknowledge(read(*queue, 1)[0].end));
  }
  std::string position = bytes_of(dir / "q/position");
  position[20] = char(position[20] ^ 1);  // the slot that was written second
  write_bytes(dir / "q/position", position);
  auto queue = open(dir);
  EXPECT_THAT(payloads(read(*queue)), ElementsAre("two", "three")) << "sent again rather than lost";
}

TEST(SegmentQueue, files_that_are_not_its_own_are_left_alone) {
  TempDir dir;
  fs::create_directory(dir.path / "q");
  for (const auto* name : {"notes.txt", "1.seg", "0000000000000000000x.seg"})
    write_bytes(dir.path / "q" / name, "hello");
  auto queue = open(dir);
  append(*queue, {"one"});
  EXPECT_THAT(payloads(read(*queue)), ElementsAre("one"));
  EXPECT_EQ(bytes_of(dir / "q/1.seg"), "hello");
}

TEST(SegmentQueue, names_a_directory_that_it_cannot_use) {
  TempDir dir;
  write_bytes(dir.path / "q", "a file");
  const auto queue = SegmentQueue::open({.dir = dir / "q"});
  ASSERT_FALSE(queue);
  EXPECT_THAT(queue.error().message, HasSubstr(dir / "q"));
}

// A child with a limit on file sizes stands for a full disk: a write fails half-way.
TEST(SegmentQueue, a_write_that_fails_half_way_leaves_nothing_behind) {
  TempDir dir;
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto queue = SegmentQueue::open({.dir = dir / "q"});
    bool good = bool(queue) && bool((*queue)->append(std::string(3000, 'a'), 1));
    const rlimit small{4096, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto failed = (*queue)->append(std::string(3000, 'b'), 2);
    good = good && !failed && failed.error().message.find("cannot write") != std::string::npos;
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &large);
    good = good && (*queue)->append(std::string(3000, 'c'), 4) && (*queue)->stats().pending_samples == 5;
    ::_exit(good ? 0 : 1);  // as kill -9: no destructor
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  auto queue = open(dir);
  EXPECT_THAT(payloads(read(*queue)), ElementsAre(std::string(3000, 'a'), std::string(3000, 'c')));
  EXPECT_EQ(queue->stats().corrupt_bytes, 0u);
}

// Appends and acknowledges until it is killed; says after each step, over a pipe, what is now promised.
TEST(SegmentQueue, kill_9_loses_nothing_and_repeats_at_most_what_was_read) {
  TempDir dir;
  int promised[2];
  ASSERT_EQ(::pipe(promised), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto queue = SegmentQueue::open({.dir = dir / "q", .max_bytes = 64u << 20, .segment_bytes = 2000});
    for (std::uint32_t i = 0;; ++i) {
      if (!(*queue)->append("record " + std::to_string(i), 1) || ::write(promised[1], "a", 1) != 1) ::_exit(1);
      if (i % 3 != 0) continue;
      const auto records = (*queue)->read(2);
      (*queue)->begin_send(records->back().end);
      if (!(*queue)->acknowledge(records->back().end)) ::_exit(1);
      for (std::size_t k = 0; k < records->size(); ++k)
        if (::write(promised[1], "r", 1) != 1) ::_exit(1);
    }
  }
  ::close(promised[1]);
  std::size_t appended = 0, removed = 0;
  char c = 0;
  while (appended < 400 && ::read(promised[0], &c, 1) == 1) ++(c == 'a' ? appended : removed);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  while (::read(promised[0], &c, 1) == 1) ++(c == 'a' ? appended : removed);
  ::close(promised[0]);
  auto queue = open(dir, 64u << 20, 2000);
  const auto left = payloads(read(*queue));
  ASSERT_FALSE(left.empty());
  const auto first = std::stoul(left.front().substr(7)), last = std::stoul(left.back().substr(7));
  EXPECT_EQ(left.size(), last - first + 1) << "no gap";
  EXPECT_GE(last + 1, appended);
  EXPECT_LE(last, appended) << "one more may have been written before it was told";
  EXPECT_GE(first, removed);
  EXPECT_LE(first, removed + 2) << "acknowledged, but not told yet";
}

TEST(Segment, scan_stops_at_the_first_damage) {
  std::string file = segment_header(3) + record_head("abc", 2) + "abc" + record_head("de", 5) + "de";
  EXPECT_EQ(scan_segment(file, 3).samples, 7u);
  EXPECT_EQ(scan_segment(file, 3).good_bytes, file.size());
  EXPECT_EQ(scan_segment(file, 4).good_bytes, 0u) << "another file's bytes";
  file[kSegmentHeader + kRecordHead] = 'x';
  EXPECT_EQ(scan_segment(file, 3).records, 0u);
}

}  // namespace
}  // namespace paramedic::remote_write
