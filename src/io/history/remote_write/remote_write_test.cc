// The whole of remote write with its threads, against receivers in this process.
#include "io/history/remote_write/remote_write.h"

#include <gmock/gmock.h>

#include "io/history/remote_write/test_support.h"
#include "io/net/test_support.h"

namespace paramedic::remote_write {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Keeps what it is sent; answers as told.
struct Mailbox {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::atomic<int> status{204};

  HttpResponse take(const std::string& body) {
    HttpResponse response;
    response.status = status;
    if (response.status != 204) return response;
    const std::lock_guard lock(mutex);
    for (std::string& line : RequestReader::lines(body)) lines.push_back(std::move(line));
    return response;
  }
  bool has(const std::string& line) {
    const std::lock_guard lock(mutex);
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  std::size_t size() {
    const std::lock_guard lock(mutex);
    return lines.size();
  }
};

class MailboxReceiver final : public Receiver {
 public:
  explicit MailboxReceiver(Mailbox& mailbox) : mailbox_(mailbox) {}
  Result<HttpResponse> post(std::string body) override { return mailbox_.take(body); }
  void cancel() override {}

 private:
  Mailbox& mailbox_;
};

struct Bench {
  DestinationOptions destination(std::string name) const {
    DestinationOptions out;
    out.name = std::move(name);
    out.max_wait = 10ms;
    out.backoff_first = out.backoff_cap = 5ms;
    return out;
  }
  std::unique_ptr<RemoteWrite> start(std::vector<DestinationOptions> destinations) {
    RemoteWriteOptions options{.dir = dir / "remote_write", .destinations = std::move(destinations)};
    options.flush_every = 5ms;
    options.make_receiver = [this](const DestinationOptions& one) {
      return std::make_unique<MailboxReceiver>(mailboxes[one.name]);
    };
    auto started = RemoteWrite::start(std::move(options), clock, *log);
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    return started ? std::move(*started) : nullptr;
  }
  static std::uint64_t dropped(const DestinationStats& stats, RemoteWriteDrop reason) {
    return stats.dropped[std::size_t(reason)];
  }

  TempDir dir;
  SystemClock clock;
  std::unique_ptr<Logger> log = make_null_logger();
  std::map<std::string, Mailbox> mailboxes;
  std::shared_ptr<const MetricNames> shape = names({"a"});
};

TEST(RemoteWrite, rows_arrive_everywhere_and_a_gone_worker_ends) {
  Bench bench;
  auto one = bench.destination("one"), two = bench.destination("two");
  two.external_labels = {{"monitor", "eu"}};
  auto remote = bench.start({one, two});
  remote->push({history_row("w", 1000, bench.shape, {1})});
  remote->gone("w", at_ms(2000), false);
  remote->gone("w", at_ms(3000), true);
  EXPECT_TRUE(eventually([&] { return bench.mailboxes["two"].size() >= 3; }));
  EXPECT_TRUE(eventually([&] { return bench.mailboxes["one"].size() >= 3; }));
  EXPECT_TRUE(bench.mailboxes["one"].has("__name__=paramedic_worker_a,worker_id=w 1@1000 stale@2000"));
  EXPECT_TRUE(bench.mailboxes["two"].has("__name__=paramedic_worker_a,monitor=eu,worker_id=w 1@1000 stale@2000"));
  // The answer is counted a moment before the position is written.
  EXPECT_TRUE(eventually([&] {
    const auto stats = remote->stats()[0];
    return stats.sent_samples == 6 && stats.pending_samples == 0 && stats.lag_seconds == 0;
  }));
}

TEST(RemoteWrite, one_receiver_that_is_away_does_not_hold_up_the_other) {
  Bench bench;
  bench.mailboxes["one"].status = 503;
  auto remote = bench.start({bench.destination("one"), bench.destination("two")});
  remote->push({history_row("w", 1000, bench.shape, {1})});
  EXPECT_TRUE(eventually([&] { return bench.mailboxes["two"].size() == 3; }));
  EXPECT_TRUE(eventually([&] { return !remote->stats()[0].failing.empty(); }));
  auto stats = remote->stats();
  EXPECT_EQ(stats[0].failing, "HTTP 503");
  EXPECT_EQ(stats[0].pending_samples, 3u);
  EXPECT_GT(stats[0].lag_seconds, 1000);
  EXPECT_EQ(stats[1].failing, "");
  bench.mailboxes["one"].status = 204;
  EXPECT_TRUE(eventually([&] { return bench.mailboxes["one"].size() == 3; }));
}

TEST(RemoteWrite, what_was_flushed_goes_out_after_a_restart) {
  Bench bench;
  bench.mailboxes["one"].status = 500;
  auto remote = bench.start({bench.destination("one")});
  remote->push({history_row("w", 1000, bench.shape, {1})});
  remote->flush();
  EXPECT_EQ(remote->stats()[0].pending_samples, 3u);
  remote->push({history_row("w", 2000, bench.shape, {2})});
  remote->stop();  // takes what was pushed
  remote.reset();
  bench.mailboxes["one"].status = 204;
  remote = bench.start({bench.destination("one")});
  EXPECT_TRUE(eventually([&] { return remote->stats()[0].sent_samples == 6; }));
}

TEST(RemoteWrite, late_rows_go_only_where_they_are_wanted) {
  Bench bench;
  auto one = bench.destination("one"), two = bench.destination("two");
  two.send_out_of_order = true;
  auto remote = bench.start({one, two});
  remote->push({history_row("w", 5000, bench.shape, {5})});
  remote->flush();
  HistoryRow late = history_row("w", 4000, bench.shape, {4});
  late.backlog = true;
  remote->push({late});
  remote->push({history_row("w", 6000, bench.shape, {6})});
  EXPECT_TRUE(eventually([&] { return remote->stats()[0].sent_samples == 6 && remote->stats()[1].sent_samples == 7; }));
  EXPECT_EQ(Bench::dropped(remote->stats()[0], RemoteWriteDrop::out_of_order), 1u);
  EXPECT_EQ(Bench::dropped(remote->stats()[1], RemoteWriteDrop::out_of_order), 0u);
}

TEST(RemoteWrite, a_queue_that_cannot_be_written_keeps_rows_in_memory_within_bounds) {
  Bench bench;
  RemoteWriteOptions options{.dir = bench.dir / "remote_write", .destinations = {bench.destination("one")}};
  options.flush_every = 1h;
  options.max_unwritten_bytes = 1000;
  bench.mailboxes["one"].status = 204;
  options.make_receiver = [&](const DestinationOptions&) {
    return std::make_unique<MailboxReceiver>(bench.mailboxes["one"]);
  };
  auto started = RemoteWrite::start(std::move(options), bench.clock, *bench.log);
  ASSERT_TRUE(started);
  auto& remote = **started;
  fs::rename(bench.dir / "remote_write/one", bench.dir / "away");  // new files cannot be made
  for (int i = 1; i <= 20; ++i) {
    remote.push({history_row("w", 1000 * i, bench.shape, {double(i)})});
    remote.flush();
  }
  auto stats = remote.stats()[0];
  EXPECT_THAT(stats.not_writing, HasSubstr("cannot create"));
  EXPECT_GT(Bench::dropped(stats, RemoteWriteDrop::unwritable), 0u);
  EXPECT_GT(stats.pending_samples, 0u);
  EXPECT_EQ(Bench::dropped(stats, RemoteWriteDrop::unwritable) + stats.pending_samples, 60u);
  fs::rename(bench.dir / "away", bench.dir / "remote_write/one");
  remote.push({history_row("w", 50'000, bench.shape, {1})});
  remote.flush();
  EXPECT_EQ(remote.stats()[0].not_writing, "");
  EXPECT_TRUE(eventually([&] { return remote.stats()[0].pending_samples == 0; }));
}

TEST(RemoteWrite, memory_is_bounded_when_rows_come_faster_than_the_disk) {
  Bench bench;
  RemoteWriteOptions options{.dir = bench.dir / "remote_write", .destinations = {bench.destination("one")}};
  options.flush_every = 1h;
  options.max_queued_rows = 10;
  options.make_receiver = [&](const DestinationOptions&) {
    return std::make_unique<MailboxReceiver>(bench.mailboxes["one"]);
  };
  auto started = RemoteWrite::start(std::move(options), bench.clock, *bench.log);
  ASSERT_TRUE(started);
  for (int i = 1; i <= 15; ++i) (*started)->push({history_row("w", 1000 * i, bench.shape, {1})});
  EXPECT_EQ(Bench::dropped((*started)->stats()[0], RemoteWriteDrop::queue_full), 15u);
  (*started)->flush();
  EXPECT_TRUE(eventually([&] { return (*started)->stats()[0].sent_samples == 30; }));
}

TEST(RemoteWrite, names_a_folder_that_it_cannot_use) {
  Bench bench;
  write_bytes(bench.dir / "remote_write", "a file");
  const auto started = RemoteWrite::start(
      {.dir = bench.dir / "remote_write", .destinations = {bench.destination("one")}}, bench.clock, *bench.log);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("remote_write one"));
}

// ---- over HTTP ------------------------------------------------------------------------------------------------------

struct HttpBench : Bench {
  explicit HttpBench(std::function<void(DestinationOptions&)> change = {}) {
    auto one = destination("one");
    one.url = server.url("/api/v1/write");
    if (change) change(one);
    RemoteWriteOptions options{.dir = dir / "remote_write", .destinations = {one}};
    options.flush_every = 5ms;
    auto started = RemoteWrite::start(std::move(options), clock, *log);
    EXPECT_TRUE(started);
    remote = std::move(*started);
  }
  HttpRequest first() {
    EXPECT_TRUE(eventually([&] { return count() > 0; }));
    const std::lock_guard lock(mutex);
    return requests.empty() ? HttpRequest() : requests[0];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return requests.size();
  }

  std::mutex mutex;
  std::vector<HttpRequest> requests;
  TestServer server{[this](HttpRequest&& request) {
    const std::lock_guard lock(mutex);
    requests.push_back(std::move(request));
    HttpResponse response;
    response.status = 204;
    return response;
  }};
  std::unique_ptr<RemoteWrite> remote;
};

TEST(HttpReceiver, sends_what_the_protocol_asks_for) {
  HttpBench bench([](DestinationOptions& one) { one.headers = {{"X-Scope-OrgID", "tenant"}}; });
  bench.remote->push({history_row("w", 1000, bench.shape, {1})});
  const HttpRequest request = bench.first();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/api/v1/write");
  EXPECT_EQ(request.header("Content-Encoding"), "snappy");
  EXPECT_EQ(request.header("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(request.header("X-Prometheus-Remote-Write-Version"), "0.1.0");
  EXPECT_EQ(request.header("User-Agent"), "paramedic");
  EXPECT_EQ(request.header("X-Scope-OrgID"), "tenant");
  EXPECT_EQ(request.header("Authorization"), "");
  EXPECT_THAT(RequestReader::lines(request.body), Contains("__name__=paramedic_worker_a,worker_id=w 1@1000"));
}

TEST(HttpReceiver, a_credential_file_is_read_for_each_request) {
  TempDir secrets;
  HttpBench bench([&](DestinationOptions& one) { one.bearer_token_file = secrets / "token"; });
  bench.remote->push({history_row("w", 1000, bench.shape, {1})});
  EXPECT_TRUE(eventually([&] { return !bench.remote->stats()[0].failing.empty(); }));
  EXPECT_THAT(bench.remote->stats()[0].failing, HasSubstr("cannot read bearer_token_file " + secrets / "token"));
  EXPECT_EQ(bench.count(), 0u) << "nothing goes out without its credential";
  write_bytes(secrets / "token.new", "s3cret\n");
  fs::rename(secrets / "token.new", secrets / "token");
  EXPECT_EQ(bench.first().header("Authorization"), "Bearer s3cret");
}

TEST(HttpReceiver, basic_authentication) {
  TempDir secrets;
  write_bytes(secrets / "password", "open sesame");
  HttpBench bench([&](DestinationOptions& one) {
    one.username = "Aladdin";
    one.password_file = secrets / "password";
  });
  bench.remote->push({history_row("w", 1000, bench.shape, {1})});
  EXPECT_EQ(bench.first().header("Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") << "RFC 7617 section 2";
}

}  // namespace
}  // namespace paramedic::remote_write
