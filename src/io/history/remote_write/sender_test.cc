// The sender against a receiver that follows a script, and against one that stores like Prometheus 2.42 does.
#include "io/history/remote_write/sender.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>

#include "base/text.h"
#include "io/history/remote_write/record_codec.h"
#include "io/history/remote_write/row_tracker.h"
#include "io/history/remote_write/test_support.h"

namespace paramedic::remote_write {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

HttpResponse answer(int status, std::string body = {}, HttpHeaders headers = {}) {
  HttpResponse out;
  out.status = status;
  out.body = std::move(body);
  out.headers = std::move(headers);
  return out;
}

// "metric value@ms" lines are split into (series, ms, value).
struct Received {
  std::string series;
  std::int64_t ms = 0;
  std::string value;
};
std::vector<Received> received(const std::string& body) {
  std::vector<Received> out;
  for (const std::string& line : RequestReader::lines(body)) {
    std::istringstream words(line);
    std::string series, word;
    words >> series;
    while (words >> word) {
      const auto at = word.find('@');
      out.push_back({series, std::stoll(word.substr(at + 1)), word.substr(0, at)});
    }
  }
  return out;
}

// All-or-nothing, in order per series, equal repetition accepted: as measured (shared/interop.md 3.5).
struct FakePrometheus {
  std::map<std::string, std::map<std::int64_t, std::string>> stored;
  std::set<std::string> impossible;  // series that are never accepted
  std::int64_t oldest_ms = std::numeric_limits<std::int64_t>::min();

  HttpResponse write(const std::string& body) {
    for (const Received& one : received(body)) {
      const auto& series = stored[one.series];
      if (one.ms < oldest_ms) return answer(400, "out of bounds");
      if (impossible.contains(one.series)) return answer(400, "invalid metric");
      if (series.empty() || one.ms > series.rbegin()->first) continue;
      if (one.ms < series.rbegin()->first) return answer(400, "out of order sample");
      if (one.value != series.rbegin()->second) return answer(400, "duplicate sample for timestamp");
    }
    for (const Received& one : received(body)) stored[one.series][one.ms] = one.value;
    return answer(204);
  }
  std::size_t samples() const {
    std::size_t out = 0;
    for (const auto& [series, values] : stored) out += values.size();
    return out;
  }
};

struct Bench {
  explicit Bench(SenderOptions o = {}) : options(std::move(o)) {
    options.name = "test";
    open();
  }
  void open() {
    sender.reset();
    queue.reset();
    auto opened = SegmentQueue::open({.dir = dir / "q"});
    EXPECT_TRUE(opened);
    queue = std::move(*opened);
    sender = std::make_unique<Sender>(
        options, *queue,
        [this](std::string body) {
          bodies.push_back(body);
          return respond(body);
        },
        *log);
  }
  // `workers` rows of four samples each (status, score, a, b), one second apart.
  void push(int workers, int rounds = 1) {
    std::vector<HistoryRow> rows;
    for (int r = 0; r < rounds; ++r, next_ms += 1000)
      for (int w = 0; w < workers; ++w)
        rows.push_back(history_row("w" + std::to_string(w), next_ms, shape, {double(r), double(w)}));
    std::vector<Row> out;
    tracker.take(std::move(rows), out);
    for (const EncodedRecord& record : encode_records(out, 100)) {
      ASSERT_TRUE(queue->append(record.payload, record.samples));
      pushed += record.samples;
    }
  }
  // Steps until nothing is due within `patience` of now, or `limit` steps were made; the clock follows.
  int run(Duration patience = 1ms, int limit = 100'000) {
    int steps = 0;
    while (steps < limit) {
      const Duration wait = sender->step(clock.now());
      ++steps;
      if (wait > patience) break;
      clock.advance(wait);
    }
    return steps;
  }
  std::uint64_t failures(RemoteWriteFailure kind) const { return sender->stats().failures[std::size_t(kind)]; }
  std::uint64_t dropped(RemoteWriteDrop reason) const { return sender->stats().dropped[std::size_t(reason)]; }

  TempDir dir;
  ManualClock clock;
  SenderOptions options;
  std::unique_ptr<Logger> log = make_null_logger();
  std::unique_ptr<SegmentQueue> queue;
  RowTracker tracker;
  std::shared_ptr<const MetricNames> shape = names({"a", "b"});
  std::int64_t next_ms = 1'795'000'000'000;
  std::uint64_t pushed = 0;
  std::vector<std::string> bodies;
  std::function<Result<HttpResponse>(const std::string&)> respond = [](const std::string&) { return answer(204); };
  std::unique_ptr<Sender> sender;
};

TEST(Sender, waits_for_a_batch_or_for_its_time) {
  Bench bench({.max_samples = 1000, .max_wait = 5s});
  EXPECT_EQ(bench.sender->step(bench.clock.now()), 5s) << "nothing waits";
  bench.push(10);
  EXPECT_EQ(bench.sender->step(bench.clock.now()), 5s);
  bench.clock.advance(3s);
  EXPECT_EQ(bench.sender->step(bench.clock.now()), 2s);
  EXPECT_THAT(bench.bodies, IsEmpty());
  bench.clock.advance(2s);
  EXPECT_EQ(bench.sender->step(bench.clock.now()), 0s);
  ASSERT_THAT(bench.bodies, SizeIs(1));
  EXPECT_THAT(received(bench.bodies[0]), SizeIs(40));
  EXPECT_EQ(bench.sender->stats().sent_samples, 40u);
  EXPECT_EQ(bench.queue->stats().pending_samples, 0u);
  bench.push(10, 60);
  bench.run();
  EXPECT_THAT(bench.bodies, SizeIs(3)) << "2 400 samples: two full requests at once, the rest waits";
  for (std::size_t i = 1; i < 3; ++i) EXPECT_THAT(received(bench.bodies[i]).size(), AllOf(Ge(900u), Le(1000u)));
  EXPECT_FALSE(bench.sender->stats().oldest_waiting);
}

TEST(Sender, repeats_the_same_bytes_after_a_server_error_with_growing_pauses) {
  Bench bench({.max_wait = 1s, .backoff_first = 1s, .backoff_cap = 8s});
  int left = 6;
  bench.respond = [&](const std::string&) { return left-- > 0 ? answer(503, "busy\n") : answer(200); };
  bench.push(5);
  bench.sender->step(bench.clock.now());
  bench.clock.advance(1s);
  Duration base = 1s;
  for (int i = 0; i < 6; ++i, base = std::min<Duration>(base * 2, 8s)) {
    const Duration wait = bench.sender->step(bench.clock.now());
    EXPECT_THAT(wait, AllOf(Ge(base * 3 / 4), Le(base * 5 / 4))) << i;
    EXPECT_EQ(bench.sender->stats().failing, "HTTP 503: busy");
    EXPECT_GT(bench.sender->step(bench.clock.advance(wait / 2)), 0s) << "not before its time";
    bench.clock.advance(wait - wait / 2);
  }
  EXPECT_EQ(bench.queue->stats().pending_samples, 20u);
  EXPECT_TRUE(bench.sender->stats().oldest_waiting);
  bench.sender->step(bench.clock.now());
  ASSERT_THAT(bench.bodies, SizeIs(7));
  for (const std::string& body : bench.bodies) EXPECT_EQ(body, bench.bodies[0]);
  EXPECT_EQ(bench.failures(RemoteWriteFailure::server_error), 6u);
  EXPECT_EQ(bench.sender->stats().sent_samples, 20u);
  EXPECT_EQ(bench.sender->stats().failing, "");
}

TEST(Sender, obeys_retry_after_within_reason) {
  Bench bench({.max_wait = 0s});
  bench.push(1);
  bench.respond = [&](const std::string&) { return answer(429, "", {{"retry-after", "120"}}); };
  EXPECT_EQ(bench.sender->step(bench.clock.now()), 120s);
  EXPECT_EQ(bench.failures(RemoteWriteFailure::throttled), 1u);
  bench.respond = [&](const std::string&) { return answer(503, "", {{"Retry-After", "99999999"}}); };
  bench.clock.advance(120s);
  EXPECT_EQ(bench.sender->step(bench.clock.now()), Sender::kMaxRetryAfter);
  bench.clock.advance(1h);
  bench.respond = [&](const std::string&) { return answer(503, "", {{"Retry-After", "soon"}}); };
  EXPECT_LT(bench.sender->step(bench.clock.now()), 60s);
}

TEST(RetryAfter, is_seconds_or_a_date) {
  const WallTime now = *parse_time("2026-11-25T10:00:00Z");
  EXPECT_EQ(parse_retry_after("0", now), 0s);
  EXPECT_EQ(parse_retry_after("17", now), 17s);
  EXPECT_EQ(parse_retry_after("Wed, 25 Nov 2026 10:01:30 GMT", now), 90s);
  EXPECT_EQ(parse_retry_after("Wed, 25 Nov 2026 09:00:00 GMT", now), 0s);
  for (const auto* bad : {"", "-1", "1.5", "later", "Wed, 25 Nov 2026", "99999999999999999999"})
    EXPECT_FALSE(parse_retry_after(bad, now)) << bad;
}

TEST(Sender, a_receiver_that_hangs_or_is_away_costs_nothing_but_time) {
  Bench bench({.max_wait = 0s});
  bench.push(3);
  bench.respond = [](const std::string&) -> Result<HttpResponse> {
    return Error{Errc::timeout, "no answer within 30 s"};
  };
  bench.run();
  bench.clock.advance(2min);
  bench.respond = [](const std::string&) -> Result<HttpResponse> { return Error{Errc::unavailable, "refused"}; };
  bench.run();
  EXPECT_EQ(bench.failures(RemoteWriteFailure::timeout), 1u);
  EXPECT_EQ(bench.failures(RemoteWriteFailure::network), 1u);
  bench.clock.advance(2min);
  bench.respond = [](const std::string&) { return answer(204); };
  bench.run();
  EXPECT_EQ(bench.sender->stats().sent_samples, 12u);
}

TEST(Sender, isolates_one_bad_sample_of_a_request) {
  Bench bench({.max_samples = 5000, .max_wait = 0s});
  FakePrometheus server;
  server.impossible = {"__name__=paramedic_worker_b,worker_id=w17"};
  bench.respond = [&](const std::string& body) { return server.write(body); };
  bench.push(100, 3);
  bench.run();
  EXPECT_EQ(bench.dropped(RemoteWriteDrop::rejected), 3u) << "one series, three samples";
  EXPECT_EQ(server.samples(), bench.pushed - 3);
  EXPECT_EQ(bench.sender->stats().sent_samples, bench.pushed - 3);
  EXPECT_EQ(bench.queue->stats().pending_samples, 0u);
  EXPECT_LT(bench.bodies.size(), 80u);
  EXPECT_EQ(bench.sender->stats().failing, "") << "the receiver answers";
}

TEST(Sender, a_batch_that_is_bad_in_bulk_does_not_take_two_requests_per_sample) {
  Bench bench({.max_samples = 5000, .max_wait = 0s});
  FakePrometheus server;
  bench.respond = [&](const std::string& body) { return server.write(body); };
  server.oldest_ms = bench.next_ms + 20'000;  // the first twenty rounds are too old
  bench.push(50, 24);
  bench.run();
  EXPECT_LT(bench.bodies.size(), 250u);
  EXPECT_EQ(bench.dropped(RemoteWriteDrop::rejected) + server.samples(), bench.pushed);
  EXPECT_GE(server.samples(), 4u * 200 / 2) << "most of what can be stored is stored";
}

TEST(Sender, what_arrived_before_a_lost_answer_counts_as_sent) {
  Bench bench({.max_samples = 5000, .max_wait = 0s});
  FakePrometheus server;
  bool lose = true;
  bench.respond = [&](const std::string& body) -> Result<HttpResponse> {
    auto response = server.write(body);
    if (std::exchange(lose, false)) return Error{Errc::timeout, "lost"};
    return response;
  };
  bench.push(50, 10);
  bench.run(1h);
  EXPECT_EQ(server.samples(), bench.pushed);
  EXPECT_EQ(bench.sender->stats().sent_samples, bench.pushed);
  EXPECT_EQ(bench.dropped(RemoteWriteDrop::rejected), 0u);
  bench.push(50, 1);
  bench.run(1h);
  EXPECT_EQ(server.samples(), bench.pushed) << "and it goes on";
}

TEST(Sender, after_kill_9_the_same_batch_goes_out_again_and_no_other) {
  Bench bench({.max_samples = 400, .max_wait = 0s});
  std::vector<std::string> first;
  bench.respond = [](const std::string&) -> Result<HttpResponse> { return Error{Errc::unavailable, "killed"}; };
  bench.push(50, 10);
  bench.run();
  ASSERT_THAT(bench.bodies, SizeIs(1));
  bench.options.max_samples = 5000;  // a new configuration would cut other batches
  bench.open();
  FakePrometheus server;
  bench.respond = [&](const std::string& body) { return server.write(body); };
  bench.run();
  EXPECT_EQ(bench.bodies[1], bench.bodies[0]);
  EXPECT_EQ(server.samples(), bench.pushed);
}

TEST(Sender, a_wrong_credential_loses_little_until_it_is_repaired) {
  Bench bench({.max_samples = 2000, .max_wait = 0s, .backoff_first = 1s, .backoff_cap = 60s});
  bench.respond = [](const std::string&) { return answer(401, "no"); };
  bench.push(100, 50);  // 20 000 samples
  for (int minute = 0; minute < 10; ++minute) {
    bench.run();
    bench.clock.advance(75s);
  }
  EXPECT_THAT(bench.sender->stats().failing, HasSubstr("HTTP 401: no; check url"));
  EXPECT_EQ(bench.failures(RemoteWriteFailure::refused), 10u);
  const std::uint64_t lost = bench.dropped(RemoteWriteDrop::refused);
  EXPECT_LE(lost, 2000u + 9 * 200) << "one batch, then a smallest one per pause";
  bench.respond = [](const std::string&) { return answer(204); };
  bench.run();
  EXPECT_EQ(bench.sender->stats().sent_samples, bench.pushed - lost);
  EXPECT_EQ(bench.sender->stats().failing, "");
}

TEST(Sender, a_redirect_is_refused_like_a_wrong_address) {
  Bench bench({.max_wait = 0s});
  bench.respond = [](const std::string&) { return answer(307); };
  bench.push(1);
  bench.run();
  EXPECT_EQ(bench.failures(RemoteWriteFailure::refused), 1u);
}

TEST(Sender, a_request_that_is_too_large_goes_out_in_parts) {
  Bench bench({.max_samples = 5000, .max_wait = 0s});
  FakePrometheus server;
  bench.respond = [&](const std::string& body) {
    return received(body).size() > 100 ? answer(413, "too large") : server.write(body);
  };
  bench.push(100, 2);
  bench.run();
  EXPECT_EQ(server.samples(), bench.pushed);
  EXPECT_EQ(bench.dropped(RemoteWriteDrop::rejected), 0u);
}

TEST(Sender, a_part_that_meets_a_server_error_is_repeated_not_lost) {
  Bench bench({.max_samples = 5000, .max_wait = 0s});
  FakePrometheus server;
  server.impossible = {"__name__=paramedic_worker_a,worker_id=w3"};
  int calls = 0;
  bench.respond = [&](const std::string& body) { return ++calls % 3 == 0 ? answer(500) : server.write(body); };
  bench.push(20);
  bench.run(1h, 1000);
  EXPECT_EQ(server.samples(), bench.pushed - 1);
  EXPECT_EQ(bench.dropped(RemoteWriteDrop::rejected), 1u);
}

TEST(Sender, a_record_that_does_not_decode_is_counted_and_passed) {
  Bench bench({.max_wait = 0s});
  ASSERT_TRUE(bench.queue->append("no record of ours", 7));
  bench.push(1);
  bench.run();
  EXPECT_EQ(bench.dropped(RemoteWriteDrop::corrupt), 7u);
  EXPECT_EQ(bench.sender->stats().sent_samples, 4u);
}

// ---- SplitPlan ------------------------------------------------------------------------------------------------------

TEST(SplitPlan, finds_each_bad_one_in_order) {
  for (const std::set<std::size_t>& bad : {std::set<std::size_t>{0}, {7}, {999}, {3, 4}, {0, 500, 999}}) {
    SplitPlan plan(1000);
    std::set<std::size_t> dropped;
    std::size_t next = 0;
    int requests = 0;
    for (auto part = plan.next(); part; part = plan.next(), ++requests) {
      EXPECT_EQ(part->begin, next) << "oldest first, nothing twice, nothing left out";
      const auto hit = bad.lower_bound(part->begin);
      if (hit == bad.end() || *hit >= part->end) {
        plan.taken();
        next = part->end;
      } else if (const auto given_up = plan.refused()) {
        for (std::size_t i = given_up->begin; i < given_up->end; ++i) dropped.insert(i);
        next = given_up->end;
      }
    }
    EXPECT_EQ(next, 1000u);
    EXPECT_EQ(dropped, bad);
    EXPECT_LE(requests, 1 + int(bad.size()) * 20);
  }
}

TEST(SplitPlan, ends_after_a_bounded_number_of_requests_whatever_is_refused) {
  for (const int period : {1, 2, 3, 7}) {
    SplitPlan plan(100'000);
    int requests = 0;
    std::size_t next = 0;
    for (auto part = plan.next(); part; part = plan.next(), ++requests) {
      const bool good = part->size() < std::size_t(period) && part->begin % std::size_t(period) != 0;
      if (good) {
        next = part->end;
        plan.taken();
      } else if (const auto given_up = plan.refused()) {
        next = given_up->end;
      }
    }
    EXPECT_EQ(next, 100'000u);
    EXPECT_LE(requests, SplitPlan::kMaxRequests * 2 + 20) << period;
  }
  EXPECT_FALSE(SplitPlan(0).next());
}

}  // namespace
}  // namespace paramedic::remote_write
