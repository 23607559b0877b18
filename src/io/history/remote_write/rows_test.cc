// From history rows to series: names, order, ends of series; and the payload of queue records.
#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "io/history/remote_write/record_codec.h"
#include "io/history/remote_write/row_tracker.h"
#include "io/history/remote_write/test_support.h"
#include "io/history/remote_write/write_request.h"

namespace paramedic::remote_write {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What a receiver would see of the rows.
std::vector<std::string> sent(const std::vector<Row>& rows, const Labels& external = {}) {
  return RequestReader::lines(encode_write_request(samples_of(rows), external));
}
std::vector<std::string> short_lines(const std::vector<Row>& rows) {
  std::vector<std::string> out;
  for (std::string line : sent(rows)) {
    for (const std::string_view cut : {"__name__=", ",worker_id=w", "paramedic_worker_"})
      if (const auto at = line.find(cut); at != line.npos) line.erase(at, cut.size());
    out.push_back(std::move(line));
  }
  return out;
}
std::vector<Row> taken(RowTracker& tracker, std::vector<HistoryRow> rows) {
  std::vector<Row> out;
  tracker.take(std::move(rows), out);
  return out;
}
std::vector<Row> gone(RowTracker& tracker, std::int64_t ms, bool removed = false) {
  std::vector<Row> out;
  tracker.gone("w", at_ms(ms), removed, out);
  return out;
}

TEST(SeriesName, keeps_the_briefs_and_prefixes_all_others) {
  EXPECT_EQ(metric_series_name("cpu_percent"), "worker_cpu_percent");
  EXPECT_EQ(metric_series_name("memory_mb"), "worker_memory_mb");
  EXPECT_EQ(metric_series_name("disk_percent"), "paramedic_worker_disk_percent");
  EXPECT_EQ(metric_series_name("queue depth/s é:"), "paramedic_worker_queue_depth_s____");
  EXPECT_EQ(metric_series_name("7days"), "paramedic_worker_7days");
  EXPECT_EQ(metric_series_name(""), "paramedic_worker_");
  EXPECT_EQ(metric_series_name("status"), "paramedic_worker_custom_status");
  EXPECT_EQ(metric_series_name("health_score"), "paramedic_worker_health_score");
  EXPECT_THAT(metric_series_name(std::string(5000, 'x')), SizeIs(kMaxMetricName));
}

TEST(WriteRequest, a_row_becomes_series_with_sorted_labels) {
  RowTracker tracker;
  const auto rows = taken(tracker, {history_row("h/w-1", 1'795'000'000'123, names({"a", "cpu_percent", "memory_mb"}),
                                                {kNaN, 41.5, -2}, Status::warning, 0.75)});
  EXPECT_THAT(
      sent(rows, {{"Zone", "z"}, {"monitor", "eu"}, {"zz", "last"}, {"worker_id", "loses"}}),
      ElementsAre(
          "Zone=z,__name__=paramedic_worker_status,monitor=eu,status=warning,worker_id=h/w-1,zz=last 1@1795000000123",
          "Zone=z,__name__=worker_cpu_percent,monitor=eu,worker_id=h/w-1,zz=last 41.5@1795000000123",
          "Zone=z,__name__=worker_health_score,monitor=eu,worker_id=h/w-1,zz=last 0.75@1795000000123",
          "Zone=z,__name__=worker_memory_mb,monitor=eu,worker_id=h/w-1,zz=last -2@1795000000123"));
}

TEST(WriteRequest, a_series_stands_once_with_its_samples_in_order) {
  RowTracker tracker;
  auto shape = names({"a"});
  auto rows = taken(tracker, {history_row("w", 2000, shape, {2}), history_row("v", 1500, shape, {9}),
                              history_row("w", 1000, shape, {1})});
  const auto more = taken(tracker, {history_row("w", 3000, names({"a"}), {3})});
  rows.insert(rows.begin(), more.begin(), more.end());
  rows.push_back(rows.back());  // the same instant again
  const auto lines = short_lines(rows);
  EXPECT_THAT(lines, ::testing::Contains("a 1@1000 2@2000 3@3000"));
  EXPECT_THAT(lines, SizeIs(6));
  // The front of a batch holds the older samples: it may go out first by itself.
  const auto samples = samples_of(rows);
  EXPECT_TRUE(std::is_sorted(samples.begin(), samples.end(), [](auto& a, auto& b) { return a.at_ms() < b.at_ms(); }));
}

TEST(WriteRequest, special_values_pass) {
  RowTracker tracker;
  const auto rows =
      taken(tracker, {history_row("w", -1, names({"a", "b"}), {INFINITY, -INFINITY}, Status::unknown, {})});
  EXPECT_THAT(short_lines(rows), ElementsAre("a inf@-1", "b -inf@-1", "status,status=unknown 1@-1"));
}

TEST(RowTracker, what_loses_its_value_ends) {
  RowTracker tracker;
  const auto shape = names({"a", "b"});
  taken(tracker, {history_row("w", 1000, shape, {1, 2})});
  EXPECT_THAT(short_lines(taken(tracker, {history_row("w", 2000, shape, {5, kNaN}, Status::unknown, {})})),
              ElementsAre("a 5@2000", "b stale@2000", "status,status=healthy stale@2000",
                          "status,status=unknown 1@2000", "worker_health_score stale@2000"));
  EXPECT_THAT(short_lines(taken(tracker, {history_row("w", 3000, shape, {5, kNaN}, Status::unknown, {})})),
              ElementsAre("a 5@3000", "status,status=unknown 1@3000"))
      << "once";
}

TEST(RowTracker, a_metric_that_is_no_longer_reported_ends_even_in_another_shape) {
  RowTracker tracker;
  taken(tracker, {history_row("w", 1000, names({"a", "b"}), {1, 2})});
  EXPECT_THAT(short_lines(taken(tracker, {history_row("w", 2000, names({"b", "c"}), {kNaN, 3})})),
              ElementsAre("a stale@2000", "b stale@2000", "c 3@2000", "status,status=healthy 1@2000",
                          "worker_health_score 1@2000"));
}

TEST(RowTracker, a_gone_worker_ends_once_and_may_come_back) {
  RowTracker tracker;
  const auto shape = names({"a"});
  EXPECT_THAT(gone(tracker, 500), IsEmpty()) << "never heard of";
  taken(tracker, {history_row("w", 1000, shape, {1})});
  EXPECT_THAT(short_lines(gone(tracker, 900)),
              ElementsAre("a stale@1001", "status,status=healthy stale@1001", "worker_health_score stale@1001"))
      << "never before its last row";
  EXPECT_THAT(gone(tracker, 2000), IsEmpty());
  EXPECT_THAT(taken(tracker, {history_row("w", 3000, shape, {1})}), SizeIs(1));
  EXPECT_THAT(gone(tracker, 4000, true), SizeIs(1));
  EXPECT_EQ(tracker.workers(), 0u);
}

TEST(RowTracker, late_rows_are_marked_and_end_nothing) {
  RowTracker tracker;
  const auto shape = names({"a", "b"});
  taken(tracker, {history_row("w", 5000, shape, {1, 2})});
  HistoryRow old = history_row("w", 4000, shape, {7, kNaN}, Status::unknown, {});
  old.backlog = true;
  const auto late = taken(tracker, {old, history_row("w", 5000, shape, {1, 1})});
  ASSERT_THAT(late, SizeIs(2));
  EXPECT_TRUE(late[0].late && late[1].late);
  EXPECT_THAT(short_lines({late[0]}), ElementsAre("a 7@4000")) << "no status, no score: nobody judged it";
  EXPECT_THAT(short_lines(taken(tracker, {history_row("w", 6000, shape, {1, 2})})), SizeIs(4)) << "no marker";
}

TEST(RowTracker, sorts_what_came_together_and_keeps_the_later_of_one_millisecond) {
  RowTracker tracker;
  const auto shape = names({"a"});
  HistoryRow first = history_row("w", 1000, shape, {1}), second = history_row("w", 1000, shape, {2});
  second.at += 300us;
  const auto rows = taken(tracker, {history_row("w", 2000, shape, {3}), first, second});
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_FALSE(rows[0].late || rows[1].late);
  EXPECT_THAT(short_lines(rows)[0], "a 2@1000 3@2000");
}

TEST(RowTracker, names_that_become_one_series_are_sent_once_and_counted) {
  RowTracker tracker;
  const auto rows = taken(tracker, {history_row("w", 1000, names({"a-b", "a/b", "a_b"}), {1, 2, 3})});
  EXPECT_THAT(short_lines(rows)[0], "a_b 1@1000");
  EXPECT_EQ(tracker.collisions(), 2u);
}

TEST(RowTracker, many_shapes_do_not_pile_up) {
  Shapes shapes;
  const Shape* held = nullptr;
  const auto kept = names({"kept"});
  for (int i = 0; i < 2000; ++i) {
    held = &shapes.of(kept);
    shapes.of(names({"n" + std::to_string(i)}));
  }
  EXPECT_EQ(held->from.size(), 1u);
}

// ---- record codec ---------------------------------------------------------------------------------------------------

std::vector<Row> some_rows(RowTracker& tracker, int workers, std::int64_t ms) {
  std::vector<HistoryRow> rows;
  const auto shape = names({"a", "cpu_percent", "memory_mb"});
  for (int i = 0; i < workers; ++i)
    rows.push_back(history_row("w-" + std::to_string(i), ms + i, i % 3 ? shape : names({"x", "y"}),
                               i % 3 ? std::vector<double>{1.5 * i, kNaN, 512} : std::vector<double>{kNaN, 1.0 * i}));
  return taken(tracker, std::move(rows));
}

bool same(const Row& a, const Row& b) {
  if (a.worker_id != b.worker_id || a.at_ms != b.at_ms || a.late != b.late || *a.columns != *b.columns) return false;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    if (is_absent(a.values[i]) ? !is_absent(b.values[i])
                               : std::bit_cast<std::uint64_t>(a.values[i]) != std::bit_cast<std::uint64_t>(b.values[i]))
      return false;
  return a.values.size() == b.values.size();
}

TEST(RecordCodec, reads_back_what_it_wrote) {
  RowTracker tracker;
  auto rows = some_rows(tracker, 50, 1'795'000'000'000);
  rows[3].late = true;
  rows[4].values[0] = stale_marker();
  rows[5].at_ms = std::numeric_limits<std::int64_t>::min();
  rows[6].at_ms = std::numeric_limits<std::int64_t>::max();
  std::size_t samples = 0, at = 0;
  const auto records = encode_records(rows, 40);
  EXPECT_GE(records.size(), 3u);
  for (const EncodedRecord& record : records) {
    const auto back = decode_record(record.payload);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_GE(record.samples, back->size());
    samples += record.samples;
    for (const Row& row : *back) EXPECT_TRUE(same(row, rows.at(at++))) << at;
  }
  EXPECT_EQ(at, rows.size());
  std::size_t wanted = 0;
  for (const Row& row : rows) wanted += row.samples();
  EXPECT_EQ(samples, wanted);
  EXPECT_THAT(encode_records({}, 40), IsEmpty());
}

TEST(RecordCodec, is_what_the_format_page_says) {
  Row row{.worker_id = "w", .at_ms = 1000, .values = {1.5}};
  row.columns = std::make_shared<const Columns>(Columns{{"paramedic_worker_a"}});
  std::string wanted("\1\1\1\x12paramedic_worker_a\0\1\0\1w\xD0\x0F\0\1", 31);
  wanted += std::string("\0\0\0\0\0\0\xF8\x3F", 8);
  EXPECT_EQ(encode_records(std::vector{row}, 10).at(0).payload, wanted);
}

TEST(RecordCodec, rows_of_ever_new_names_are_divided_by_bytes) {
  RowTracker tracker;
  std::vector<HistoryRow> rows;
  for (int i = 0; i < 400; ++i) {
    MetricNames list;
    for (int k = 0; k < 256; ++k) list.push_back(std::string(150, 'n') + std::to_string(1000 * i + k));
    std::sort(list.begin(), list.end());
    rows.push_back(history_row("w-" + std::to_string(i), i, names(std::move(list)), std::vector<double>(256, kNaN)));
  }
  for (const EncodedRecord& record : encode_records(taken(tracker, std::move(rows)), 1'000'000)) {
    EXPECT_LT(record.payload.size(), kMaxRecordBytes / 2);
    EXPECT_TRUE(decode_record(record.payload));
  }
}

TEST(RecordCodec, refuses_every_truncation_and_survives_every_changed_byte) {
  RowTracker tracker;
  const std::string payload = encode_records(some_rows(tracker, 6, 1000), 1000)[0].payload;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const auto cut = decode_record(std::string_view(payload).substr(0, i));
    ASSERT_FALSE(cut) << i;
    EXPECT_EQ(cut.error().code, Errc::corrupt);
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string changed = payload;
      changed[i] = char(changed[i] ^ change);
      (void)decode_record(changed);
    }
  }
  EXPECT_FALSE(decode_record(payload + "x"));
  EXPECT_FALSE(decode_record(std::string("\1\xff\xff\xff\xff\x7f", 6))) << "announces four billion shapes";
  EXPECT_NE(decode_record("\2").error().message.find("version 2"), std::string::npos);
  EXPECT_FALSE(decode_record(std::string(kMaxRecordBytes + 1, 1)));
}

TEST(RecordCodec, a_small_record_cannot_ask_for_gigabytes) {
  // One shape of 4 000 columns, then rows without a single value: 501 bytes here are 32 000 bytes of values in memory.
  std::string payload("\1\1", 2);
  payload += std::string("\xa0\x1f", 2);  // 4 000
  for (int i = 0; i < 4000; ++i) payload += std::string("\1a\0", 3);
  payload += std::string("\x90\x4e", 2);  // 10 000 rows
  for (int i = 0; i < 10'000; ++i) {
    payload += std::string("\0\1w\0\0", 5) + std::string(500, 0);
    if (payload.size() > kMaxRecordBytes - 600) break;
  }
  const auto rows = decode_record(payload);
  ASSERT_FALSE(rows);
}

TEST(RecordCodec, any_rows_survive) {
  ::setenv("RC_PARAMS", "seed=20261125", 0);
  EXPECT_TRUE(rc::check([] {
    std::vector<Row> rows;
    const auto count = *rc::gen::inRange(1, 20);
    for (int i = 0; i < count; ++i) {
      const auto texts = *rc::gen::container<std::set<std::string>>(rc::gen::nonEmpty(rc::gen::string<std::string>()));
      Columns columns;
      for (const std::string& text : texts) columns.push_back({text.substr(0, 100)});
      std::sort(columns.begin(), columns.end());
      Row row{.worker_id = *rc::gen::nonEmpty(rc::gen::string<std::string>()),
              .at_ms = *rc::gen::arbitrary<std::int64_t>()};
      row.late = *rc::gen::arbitrary<bool>();
      row.values = *rc::gen::container<std::vector<double>>(columns.size(), rc::gen::arbitrary<double>());
      row.columns = std::make_shared<const Columns>(std::move(columns));
      rows.push_back(std::move(row));
    }
    std::size_t at = 0;
    for (const EncodedRecord& record : encode_records(rows, std::size_t(*rc::gen::inRange(1, 50)))) {
      const auto back = decode_record(record.payload);
      if (!back) RC_FAIL(back.error().message);
      for (const Row& row : *back) RC_ASSERT(same(row, rows.at(at++)));
    }
    RC_ASSERT(at == rows.size());
  }));
}

}  // namespace
}  // namespace paramedic::remote_write
