// The event stream.
#include "io/api/embedded_static.h"
#include "io/api/query.h"
#include "io/api/test_api.h"

namespace paramedic::api {
namespace {

using testing::HasSubstr;

constexpr const char* kFollow = "GET /health/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

class EventsApi : public ApiTest {
 protected:
  void publish(std::uint64_t generation, const std::string& worker_id, std::string padding = {}) {
    auto worker = make_worker(worker_id, Status::critical);
    worker->version = std::move(padding);
    const auto view = make_fleet({worker}, generation);
    fake.set_fleet(view);
    FleetDelta delta{.view = view, .changed = {worker}, .removed = {"old"}};
    fake.publish(delta);
  }
  void wait_for_clients(std::size_t count) {
    EXPECT_TRUE(eventually([&] { return api->stats().event_clients == count; }));
  }
};

TEST_F(EventsApi, sends_a_snapshot_and_then_deltas) {
  fake.fleet = make_fleet({make_worker("w-1", Status::healthy)}, 7);
  serve();
  RawClient client(server->port());
  client.send(kFollow);
  const std::string start = client.read_until("}\n\n");
  EXPECT_THAT(start, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(start, HasSubstr("retry: 2000\n\n"));
  EXPECT_THAT(start, HasSubstr("id: 7\nevent: snapshot\ndata: {\"generation\":7,"));
  EXPECT_THAT(start, HasSubstr("\"worker_id\":\"w-1\""));
  publish(8, "w-2");
  publish(9, "w-3");
  const std::string all = client.read_until("event: delta\n", 2);
  EXPECT_LT(all.find("id: 8\n"), all.find("id: 9\n"));
  EXPECT_THAT(all, HasSubstr("\"removed\":[\"old\"]"));
}

TEST_F(EventsApi, follows_with_the_line_client_and_is_valid_json) {
  fake.fleet = make_fleet({make_full_worker("w-1")}, 1);
  serve();
  std::vector<std::string> data;
  HttpCall call{.url = url("/health/events")};
  const auto done = follow_lines(std::move(call), [&](std::string_view line) {
    if (line.starts_with("data: ")) data.emplace_back(line.substr(6));
    if (data.size() == 1 && line.empty()) publish(2, "w-2");
    return data.size() < 2;
  });
  ASSERT_TRUE(done);
  ASSERT_EQ(data.size(), 2u);
  for (const char* kind : {"snapshot", "delta"}) {
    Answer event{200, data[kind[0] == 's' ? 0 : 1], {{"Content-Type", "application/json"}}};
    EXPECT_TRUE(event.json().is_object());
    record("EVENT", kind, event);
  }
}

TEST_F(EventsApi, skips_deltas_that_the_snapshot_already_holds) {
  fake.fleet = make_fleet({make_worker("w-1", Status::healthy)}, 7);
  serve();
  RawClient client(server->port());
  client.send(kFollow);
  client.read_until("}\n\n");
  FleetDelta old{.view = make_fleet({}, 6), .changed = {make_worker("stale", Status::healthy)}};
  fake.publish(old);
  publish(8, "w-2");
  EXPECT_THAT(client.read_until("event: delta\n"), testing::Not(HasSubstr("stale")));
}

TEST_F(EventsApi, shows_that_it_lives_while_nothing_happens) {
  ApiOptions options;
  options.events.heartbeat = 20ms;
  serve(options);
  RawClient client(server->port());
  client.send(kFollow);
  EXPECT_THAT(client.read_until(": alive\n\n", 3), HasSubstr(": alive\n\n"));
}

TEST_F(EventsApi, gives_a_client_that_is_too_slow_a_new_snapshot_instead_of_a_gap) {
  ApiOptions options;
  options.events.queue_events = 4;
  serve(options);
  RawClient client(server->port(), 4096);
  client.send(kFollow);
  client.read_until("}\n\n");
  const std::string padding(400'000, 'x');  // fills the socket, since nobody reads
  std::uint64_t generation = 1;
  EXPECT_TRUE(eventually([&] {
    ++generation;
    publish(generation, "w-" + std::to_string(generation), padding);
    return api->stats().event_overflows > 0;
  }));
  publish(++generation, "the-last");
  const std::string& all = client.read_until("the-last");
  EXPECT_THAT(all, HasSubstr("the-last"));
  const auto second = all.rfind("event: snapshot");
  EXPECT_NE(second, all.find("event: snapshot")) << "a second snapshot";
}

TEST_F(EventsApi, keeps_deltas_in_order_and_complete_for_several_clients) {
  serve();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    clients.back()->send(kFollow);
    clients.back()->read_until("}\n\n");
  }
  wait_for_clients(5);
  for (std::uint64_t g = 2; g < 52; ++g) publish(g, "w-" + std::to_string(g));
  for (const auto& client : clients) {
    const std::string& all = client->read_until("event: delta\n", 50);
    std::size_t at = 0;
    for (std::uint64_t g = 2; g < 52; ++g) {
      const auto found = all.find("id: " + std::to_string(g) + "\nevent: delta", at);
      ASSERT_NE(found, std::string::npos) << g;
      at = found;
    }
  }
  clients.clear();
  for (std::uint64_t g = 52; api->stats().event_clients > 0 && g < 2000; ++g) {
    publish(g, "w");
    std::this_thread::sleep_for(1ms);
  }
  wait_for_clients(0);
}

TEST_F(EventsApi, resynchronises_when_publications_come_faster_than_text_is_made) {
  ApiOptions options;
  options.events.pending_deltas = 2;
  serve(options);
  RawClient client(server->port());
  client.send(kFollow);
  client.read_until("}\n\n");
  const auto go = std::make_shared<std::atomic<bool>>(false);
  for (int i = 0; i < 2; ++i) {  // both pool threads are busy
    const bool posted = pool.post([go] { EXPECT_TRUE(eventually([&go] { return go->load(); })); });
    EXPECT_TRUE(posted);
  }
  for (std::uint64_t g = 2; g < 6; ++g) publish(g, "w-" + std::to_string(g));
  *go = true;
  const std::string& all = client.read_until("event: snapshot", 2);
  EXPECT_THAT(all, testing::Not(HasSubstr("event: delta")));
}

TEST_F(EventsApi, limits_the_clients_and_answers_head) {
  ApiOptions options;
  options.events.max_clients = 1;
  serve(options);
  EXPECT_EQ(call("HEAD", "/health/events").header("Content-Type"), "text/event-stream");
  RawClient client(server->port());
  client.send(kFollow);
  client.read_until("}\n\n");
  const Answer refused = get("/health/events");
  expect_problem(refused, 503, "too many clients");
  EXPECT_EQ(refused.header("Retry-After"), "1");
}

TEST_F(EventsApi, ends_with_the_server) {
  serve();
  RawClient client(server->port());
  client.send(kFollow);
  client.read_until("}\n\n");
  server->stop(1s);
  client.read_to_end();
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(api->stats().event_clients, 0u);
}

TEST(EmbeddedStatic, serves_what_was_compiled_in_and_later_sets_win) {
  static constexpr EmbeddedFile kOne[] = {{"/a.js", "text/javascript", "one", "\"1\""},
                                          {"/b.js", "text/javascript", "b", "\"b\""}};
  static constexpr EmbeddedFile kTwo[] = {{"/a.js", "text/javascript", "two", "\"2\""}};
  const EmbeddedStatic files({kOne, kTwo});
  EXPECT_EQ(*files.find("/a.js")->body, "two");
  EXPECT_EQ(files.find("/b.js")->etag, "\"b\"");
  EXPECT_FALSE(files.find("/c.js"));
}

TEST(QueryReader, reads_typed_values_and_reports_the_first_problem) {
  QueryReader q("a=1&b=x,y&b=z&c=c,c&t=2026-11-23T17%3A40%3A00Z&d=5m");
  EXPECT_EQ(q.number("a", 0, 5), 1);
  EXPECT_THAT(q.texts("b"), testing::ElementsAre("x", "y", "z"));
  EXPECT_THAT(q.values("c"), testing::ElementsAre("c,c"));
  EXPECT_TRUE(q.time("t"));
  EXPECT_EQ(q.duration("d", 1s, 1h), Duration(5min));
  EXPECT_FALSE(q.text("absent"));
  EXPECT_TRUE(q.finish());
  for (const char* bad : {"a=9", "a=1x", "a=", "a=1&a=2", "z=1", "a=%zz"}) {
    QueryReader reader(bad);
    reader.number("a", 0, 5);
    EXPECT_FALSE(reader.finish()) << bad;
  }
}

}  // namespace
}  // namespace paramedic::api
