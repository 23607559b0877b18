// What is kept out: foreign hosts, pages, types and tokens.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "io/api/test_api.h"
#include "io/net/ws_client.h"

namespace paramedic::api {
namespace {

using testing::HasSubstr;

std::shared_ptr<const TokenTable> table() {
  Problems problems;
  const std::string text = "agents report " + token_hash("r-secret") + "\nops operate " + token_hash("o-secret") +
                           "\nthumbs report " + token_hash("t-secret") + " thumbs\n";
  auto out = std::make_shared<const TokenTable>(TokenTable::parse(text, "tokens", problems));
  EXPECT_TRUE(problems.empty());
  return out;
}

HttpHeaders bearer(std::string token) { return {{"Authorization", "Bearer " + std::move(token)}}; }

class SecurityApi : public ApiTest {
 protected:
  void SetUp() override { fake.fleet = make_fleet({make_worker("w-1", Status::healthy, "hashes")}); }

  // One request with exactly these header lines.
  std::string raw(const std::string& request, const std::string& until = "\r\n\r\n") {
    url("/");
    RawClient client(server->port());
    client.send(request + "\r\n");
    return client.read_until(until);
  }
};

TEST_F(SecurityApi, refuses_names_that_are_not_its_own) {
  ApiOptions options;
  options.guard.listen_address = "10.1.2.3";
  options.guard.allowed_hosts = {"Paramedic.example.net"};
  serve(options);
  for (const char* host : {"localhost", "LOCALHOST:8420", "127.0.0.1:1", "127.8.8.8", "[::1]:8420", "10.1.2.3:8420",
                           "paramedic.example.net:443"})
    EXPECT_THAT(raw("GET /healthz HTTP/1.1\r\nHost: " + std::string(host) + "\r\n"), HasSubstr(" 200 ")) << host;
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.1.2.4", "[::2]"})
    EXPECT_THAT(raw("GET /healthz HTTP/1.1\r\nHost: " + std::string(host) + "\r\n"), HasSubstr(" 403 ")) << host;
  EXPECT_THAT(raw("GET /healthz HTTP/1.0\r\n"), HasSubstr(" 400 "));
  EXPECT_EQ(api->stats().auth_failures, 6u);
}

TEST_F(SecurityApi, refuses_requests_of_other_web_pages_also_to_read_stream_and_socket) {
  const std::string own = url("").substr(0);
  for (const char* path : {"/health/workers", "/health/events", "/health/agents", "/"}) {
    expect_problem(get(path, {{"Origin", "http://evil.example"}}), 403, "evil.example");
    expect_problem(get(path, {{"Origin", "null"}}), 403, "null");
    expect_problem(get(path, {{"Origin", "http://127.0.0.1:1"}}), 403, "127.0.0.1:1");
  }
  expect_problem(post("/recovery/freeze", "{}", {{"Origin", "http://evil.example"}}), 403, "evil.example");
  expect_problem(call("DELETE", "/health/workers/w-1", "", {{"Origin", "http://evil.example"}}), 403, "evil.example");
  EXPECT_TRUE(fake.commands.empty());
  EXPECT_EQ(post("/recovery/freeze", "{}", {{"Origin", own}}).status, 200);
}

TEST_F(SecurityApi, allows_configured_origins) {
  ApiOptions options;
  options.guard.allowed_origins = {"https://dash.example.net"};
  serve(options);
  EXPECT_EQ(get("/healthz", {{"Origin", "https://dash.example.net"}}).status, 200);
}

TEST_F(SecurityApi, needs_a_json_type_for_every_change_also_without_a_body) {
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""})
    for (const char* path : {"/recovery/freeze", "/health/workers/w-1/restart", "/health/workers/w-1/report",
                             "/health/reports", "/maintenance", "/demo/break"})
      expect_problem(post(path, "", {{"Content-Type", type}}), 415, "application/json");
  expect_problem(post("/recovery/freeze", "", {{"Content-Type", "application/x-ndjson"}}), 415,
                 "also with an empty body");
  EXPECT_THAT(raw("POST /recovery/freeze HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"), HasSubstr(" 415 "));
  EXPECT_TRUE(fake.commands.empty());
  EXPECT_EQ(post("/recovery/freeze", "", {{"Content-Type", "Application/JSON; charset=utf-8"}}).status, 200);
}

TEST_F(SecurityApi, separates_reporting_from_operating_by_token) {
  serve({}, table());
  const Answer nobody = post("/recovery/freeze");
  expect_problem(nobody, 401, "a token with the scope operate is needed");
  EXPECT_THAT(std::string(nobody.header("WWW-Authenticate")), HasSubstr("Bearer"));
  expect_problem(post("/recovery/freeze", "", bearer("guess")), 401, "token is unknown");
  expect_problem(post("/recovery/freeze", "", {{"Authorization", "Basic o-secret"}}), 401, "token is unknown");
  expect_problem(post("/recovery/freeze", "", {{"Authorization", "Bearer "}}), 401, "token is unknown");
  expect_problem(post("/recovery/freeze", "", bearer("r-secret")), 403, "token 'agents' lacks the scope operate");
  expect_problem(post("/health/workers/w/report", "{}", bearer("o-secret")), 403, "lacks the scope report");
  expect_problem(call("DELETE", "/health/workers/w-1"), 401, "operate");
  EXPECT_TRUE(fake.commands.empty());
  EXPECT_EQ(api->stats().auth_failures, 7u);
  EXPECT_EQ(post("/recovery/freeze", "", {{"Authorization", "bearer o-secret"}}).status, 200);
  EXPECT_EQ(fake.commands.back().actor, "ops");
  EXPECT_EQ(post("/health/workers/w/report", "{}", bearer("r-secret")).status, 202);
  EXPECT_EQ(get("/health/workers").status, 200);
}

TEST_F(SecurityApi, lets_a_pool_token_report_for_its_pool_only) {
  serve({}, table());
  const auto mine = bearer("t-secret");
  EXPECT_EQ(post("/health/workers/t/report", R"({"pool":"thumbs"})", mine).status, 202);
  EXPECT_EQ(post("/health/workers/t2/report", "{}", mine).status, 202);
  EXPECT_EQ(fake.taken.back().report.pool, "thumbs");
  expect_problem(post("/health/workers/t3/report", R"({"pool":"hashes"})", mine), 409, "pool 'thumbs' only");
  expect_problem(post("/health/workers/w-1/report", "{}", mine), 409, "belongs to pool 'hashes'");
  expect_problem(post("/health/workers/w-1/report", R"({"pool":"thumbs"})", mine), 409, "w-1");
  const Answer bulk = post("/health/reports", R"([{"worker_id":"w-1"},{"worker_id":"t4"}])", mine);
  EXPECT_EQ(bulk.at("/accepted"), "1");
  EXPECT_EQ(bulk.at("/refused/0/index"), "0");
}

TEST_F(SecurityApi, takes_a_new_token_file_while_it_runs) {
  serve();
  EXPECT_EQ(post("/recovery/freeze").status, 200);
  api->set_tokens(table());
  EXPECT_EQ(post("/recovery/freeze").status, 401);
}

TEST_F(SecurityApi, locks_every_answer_down) {
  std::vector<WorkerRef> many;
  for (int i = 0; i < 100; ++i) many.push_back(make_worker("n-" + std::to_string(i), Status::healthy));
  fake.fleet = make_fleet(many);
  for (const Answer& a :
       {get("/"), get("/health/workers"), get("/metrics"), get("/nothing"), post("/recovery/freeze")}) {
    EXPECT_THAT(std::string(a.header("Content-Security-Policy")), HasSubstr("default-src 'none'"));
    EXPECT_EQ(a.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(a.header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(a.header("X-Frame-Options"), "DENY");
    EXPECT_EQ(a.header("Access-Control-Allow-Origin"), "");
    EXPECT_FALSE(a.header("Cache-Control").empty());
  }
}

// Connects as an agent does; the first message, or the error.
Result<std::string> first_message(std::uint16_t port, HttpHeaders headers) {
  Result<std::string> out = make_error(Errc::internal, "not run");
  run_coroutine([&]() -> boost::asio::awaitable<void> {
    WebSocketTarget target;
    target.port = port;
    target.path = "/health/agents";
    target.headers = headers;
    auto socket = co_await connect_websocket(std::move(target));
    if (!socket)
      out = socket.error();
    else
      out = co_await (*socket)->receive();
  });
  return out;
}

TEST_F(SecurityApi, hands_agents_with_a_report_token_to_their_link) {
  serve({}, table());
  const auto hello = first_message(server->port(), bearer("t-secret"));
  ASSERT_TRUE(hello) << hello.error().message;
  EXPECT_EQ(*hello, "hello thumbs thumbs");
  EXPECT_EQ(first_message(server->port(), {}).error().code, Errc::unauthorized);
  EXPECT_EQ(first_message(server->port(), bearer("o-secret")).error().code, Errc::forbidden);
  HttpHeaders foreign = bearer("r-secret");
  foreign.emplace_back("Origin", "http://evil.example");
  EXPECT_EQ(first_message(server->port(), foreign).error().code, Errc::forbidden);
  EXPECT_EQ(get("/health/agents", bearer("r-secret")).status, 426);
}

TEST(Guard, listens_beyond_this_machine_only_with_tokens) {
  for (const char* local : {"127.0.0.1", "127.9.9.9", "::1", "localhost"})
    EXPECT_TRUE(check_listen(local, false)) << local;
  for (const char* open : {"0.0.0.0", "::", "10.0.0.1", "127.evil.example", "", "example.net"}) {
    const auto refused = check_listen(open, false);
    ASSERT_FALSE(refused) << open;
    EXPECT_THAT(refused.error().message, HasSubstr("token"));
    EXPECT_TRUE(check_listen(open, true));
  }
}

TEST(Tokens, names_every_bad_line) {
  const std::string hash = token_hash("x");
  Problems problems;
  const auto parsed = TokenTable::parse(
      "# comment\n\n  good report,operate " + hash + "\nbad\na read " + hash + "\nb report sha256:12\nc operate " +
          token_hash("c") + " pool\ngood report " + token_hash("d") + "\ne report " + hash + "\nf\x01 report " + hash +
          "\ng report sha256:" + std::string(64, 'g') + "\nh report md5:" + std::string(64, 'a') + "\n",
      "tokens", problems);
  EXPECT_EQ(parsed.size(), 1u);
  std::vector<int> lines;
  for (const Problem& p : problems) lines.push_back(p.line);
  EXPECT_THAT(lines, testing::ElementsAre(4, 5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_THAT(problems[1].message, HasSubstr("unknown scope 'read'"));
  EXPECT_TRUE(parsed.identify("x")->may_operate);
  EXPECT_FALSE(parsed.identify("y"));
  EXPECT_FALSE(parsed.identify(""));
}

TEST(Tokens, accepts_upper_case_digits_and_knows_the_hash_of_the_standard) {
  // FIPS 180-2, "abc"
  std::string hash = token_hash("abc");
  EXPECT_EQ(hash, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  std::transform(hash.begin() + 7, hash.end(), hash.begin() + 7, [](char c) { return char(std::toupper(c)); });
  Problems problems;
  EXPECT_TRUE(TokenTable::parse("a report " + hash, "t", problems).identify("abc"));
}

TEST(Tokens, makes_lines_that_it_reads_back) {
  const auto made = make_token("ops", {Scope::report, Scope::operate}, "thumbs");
  ASSERT_TRUE(made);
  Problems problems;
  const auto table_of_one = TokenTable::parse(made->line, "t", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(table_of_one.identify(made->secret)->pool, "thumbs");
  EXPECT_EQ(made->line.find(made->secret), std::string::npos);
  EXPECT_NE(make_token("ops", {Scope::report})->secret, make_token("ops", {Scope::report})->secret);
  EXPECT_FALSE(make_token("a b", {Scope::report}));
  EXPECT_FALSE(make_token("a", {}));
  EXPECT_FALSE(make_token("a", {Scope::open}));
  EXPECT_FALSE(make_token("a", {Scope::operate}, "pool"));
}

}  // namespace
}  // namespace paramedic::api
