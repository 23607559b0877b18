// Routes that take reports and commands.
#include "io/api/test_api.h"

namespace paramedic::api {
namespace {

using testing::HasSubstr;

class ChangeApi : public ApiTest {
 protected:
  void SetUp() override {
    fake.fleet = make_fleet({make_full_worker("w-1"), make_worker("w-2", Status::healthy, "hashes")});
  }
};

TEST_F(ChangeApi, takes_a_report_into_the_inbox) {
  const Answer a = post("/health/workers/w%2F7/report", R"({"pool":"p","resources":{"cpu_percent":41.2},"shiny":1})");
  EXPECT_EQ(a.status, 202);
  EXPECT_EQ(a.at("/accepted"), "1");
  ASSERT_EQ(fake.taken.size(), 1u);
  EXPECT_EQ(fake.taken[0].report.worker_id, "w/7");
  EXPECT_EQ(fake.taken[0].source, "http");
  EXPECT_EQ(fake.taken[0].received, clock.now().steady);
  EXPECT_EQ(api->stats().reports, 1u);
  EXPECT_EQ(api->stats().unknown_report_members, 1u);
}

TEST_F(ChangeApi, refuses_a_report_that_is_wrong_or_has_no_room) {
  expect_problem(post("/health/workers/w-1/report", "{"), 400, "");
  expect_problem(post("/health/workers/w-1/report", R"({"worker_id":"w-2"})"), 400, "w-2");
  expect_problem(post("/health/workers/w-1/report", R"({"resources":{"cpu_percent":"high"}})"), 400, "cpu_percent");
  expect_problem(post("/health/workers/refuse-me/report", "{}"), 429, "too many new workers");
  fake.inbox_full = true;
  const Answer full = post("/health/workers/w-1/report", "{}");
  expect_problem(full, 503, "inbox is full");
  EXPECT_EQ(full.header("Retry-After"), "1");
  EXPECT_EQ(post("/health/reports", R"([{"worker_id":"a"}])").header("Retry-After"), "1");
  EXPECT_EQ(api->stats().reports_refused, 6u);
}

TEST_F(ChangeApi, takes_the_good_reports_of_a_bulk_and_names_the_others) {
  const Answer a =
      post("/health/reports", R"([{"worker_id":"a"},{"worker_id":"a b"},{"worker_id":"refuse-me"},{"worker_id":"c"}])");
  EXPECT_EQ(a.status, 202);
  EXPECT_EQ(a.at("/accepted"), "2");
  EXPECT_EQ(a.at("/refused/0/index"), "1");
  EXPECT_EQ(a.at("/refused/1/index"), "2");
  EXPECT_THAT(a.at("/refused/1/message"), HasSubstr("too many new workers"));
  const Answer lines = post("/health/reports", "{\"worker_id\":\"d\"}\nnonsense\n{\"worker_id\":\"e\"}\n",
                            {{"Content-Type", "application/x-ndjson"}});
  EXPECT_EQ(lines.at("/accepted"), "2");
  EXPECT_EQ(lines.at("/refused/0/index"), "1");
  expect_problem(post("/health/reports", "[{"), 400, "");
}

TEST_F(ChangeApi, parses_a_large_bulk_on_the_pool) {
  std::string body = "[";
  for (int i = 0; i < 5000; ++i)
    body += (i ? "," : "") + std::string(R"({"worker_id":"n-)") + std::to_string(i) + "\"}";
  EXPECT_EQ(post("/health/reports", body + "]").at("/accepted"), "5000");
  EXPECT_EQ(fake.taken.size(), 5000u);
  expect_problem(post("/health/reports", body), 400, "");
}

TEST_F(ChangeApi, refuses_bodies_over_the_limit_of_the_route) {
  EXPECT_EQ(call("POST", "/health/workers/w-1/report", std::string(300 << 10, ' ')).status, 413);
  EXPECT_EQ(call("POST", "/recovery/freeze", std::string(17 << 10, ' ')).status, 413);
  EXPECT_EQ(Api::body_limit("POST", "/health/reports"), std::size_t{16} << 20);
  EXPECT_TRUE(fake.taken.empty());
}

TEST_F(ChangeApi, hands_a_restart_to_the_engine_and_tells_which_tasks_are_lost) {
  fake.answer = CommandResult{.success = true, .action_id = "a-9", .running = true, .message = "restart begun"};
  const Answer a =
      post("/health/workers/w-1/restart", R"({"reason":"stuck","force":true})", {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(a.status, 202);
  EXPECT_EQ(a.at("/success"), "true");
  EXPECT_EQ(a.at("/action_id"), "a-9");
  EXPECT_EQ(a.at("/in_flight/0/id"), "t-1");
  ASSERT_EQ(fake.commands.size(), 1u);
  const CommandInput& c = fake.commands[0];
  EXPECT_EQ(c.verb, Verb::restart);
  EXPECT_EQ(c.worker_id, "w-1");
  EXPECT_EQ(c.reason, "stuck");
  EXPECT_EQ(c.actor, "anonymous@127.0.0.1");
  EXPECT_EQ(c.idempotency_key, "k1");
  EXPECT_TRUE(c.force);
}

TEST_F(ChangeApi, tells_what_becomes_of_each_task_before_a_restart) {
  fake.answer = CommandResult{.success = true, .message = "would restart worker w-1"};
  LossForecast& forecast = fake.answer.forecast.emplace();
  forecast.known = true;
  forecast.left_out = 2;
  forecast.tasks.push_back({"t-1", "resize", WallTime{5s}, 41.0, TaskFate::redone, "acknowledged after its end"});
  forecast.tasks.push_back({"t-2", "", std::nullopt, std::nullopt, TaskFate::unknown, "not configured"});
  const Answer a = post("/health/workers/w-1/restart", R"({"dry_run":true})");
  EXPECT_EQ(a.status, 200);
  EXPECT_TRUE(fake.commands.back().dry_run);
  EXPECT_EQ(a.at("/forecast/tasks/0/fate"), "redone");
  EXPECT_EQ(a.at("/forecast/tasks/0/running_seconds"), "41");
  EXPECT_EQ(a.at("/forecast/tasks/1/since"), "null");
  EXPECT_EQ(a.at("/forecast/tasks_left_out"), "2");
  expect_problem(post("/health/workers/w-1/drain", R"({"dry_run":true})"), 400, "unknown member 'dry_run'");
}

TEST_F(ChangeApi, answers_what_the_engine_refuses_as_a_problem) {
  fake.answer.error = make_error(Errc::conflict, "w-1 is the last healthy worker of thumbs: send force");
  expect_problem(post("/health/workers/w-1/restart"), 409, "send force");
  fake.answer.error = make_error(Errc::not_found, "worker w-9 is not known");
  expect_problem(post("/health/workers/w-9/drain"), 404, "w-9");
  fake.answer.error = make_error(Errc::timeout, "the engine did not answer within 10 s");
  expect_problem(post("/recovery/freeze"), 504, "10 s");
}

TEST_F(ChangeApi, hands_acknowledgements_to_the_engine) {
  EXPECT_EQ(post("/incidents/inc-1/acknowledge", R"({"comment":"on it","author":"ann","duration":"1h"})").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::acknowledge);
  EXPECT_EQ(fake.commands.back().target, "inc-1");
  EXPECT_EQ(fake.commands.back().reason, "on it");
  EXPECT_EQ(fake.commands.back().author, "ann");
  EXPECT_EQ(fake.commands.back().duration, 1h);
  EXPECT_EQ(post("/alerts/worker%2Fw-1%2Fheartbeat%2Fsilent/acknowledge").status, 200);
  EXPECT_EQ(fake.commands.back().target, "worker/w-1/heartbeat/silent");
  EXPECT_EQ(post("/incidents/inc-1/acknowledge", R"({"on":false})").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::unacknowledge);
  expect_problem(post("/incidents/inc-1/acknowledge", R"({"on":false,"duration":"1h"})"), 400, "duration");
  expect_problem(post("/incidents/inc-1/acknowledge", R"({"force":true})"), 400, "force");
}

TEST_F(ChangeApi, hands_silences_to_the_engine) {
  fake.answer.id = "sil-1";
  const Answer a = post("/silences", R"({"matchers":["pool=thumbs",{"label":"host","op":"=~","value":"h[12]"}],)"
                                     R"("duration":"2h","comment":"disks"})");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.at("/id"), "sil-1");
  ASSERT_TRUE(fake.commands.back().silence);
  const Silence& s = *fake.commands.back().silence;
  EXPECT_EQ(to_text(s.matchers), "pool=thumbs, host=~h[12]");
  EXPECT_EQ(s.ends_at - s.starts_at, 2h);
  EXPECT_EQ(s.starts_at, clock.now().wall);
  EXPECT_EQ(fake.commands.back().reason, "disks");
  EXPECT_EQ(call("DELETE", "/silences/sil-1").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::unsilence);
  EXPECT_EQ(fake.commands.back().target, "sil-1");
}

TEST_F(ChangeApi, refuses_silences_that_cannot_be_meant) {
  const auto refused = [&](const char* body, const char* word) { expect_problem(post("/silences", body), 400, word); };
  refused(R"({"duration":"2h"})", "matchers");
  refused(R"({"matchers":[],"duration":"2h"})", "1 to 16");
  refused(R"({"matchers":["pool"],"duration":"2h"})", "label=value");
  refused(R"({"matchers":[{"label":"pool"}],"duration":"2h"})", "matchers");
  refused(R"({"matchers":[{"label":"pool","op":"<","value":"x"}],"duration":"2h"})", "op");
  refused(R"({"matchers":["a=b"]})", "duration");
  refused(R"({"matchers":["a=b"],"duration":"2h","ends_at":"2030-01-01T00:00:00Z"})", "either");
  refused(R"({"matchers":["a=b"],"ends_at":"2001-01-01T00:00:00Z"})", "after now");
  refused(R"({"matchers":["a=b"],"ends_at":"soon"})", "time");
  refused(R"({"matchers":["a=b"],"duration":"9000d"})", "366 days");
  refused(R"({"matchers":["a=b"],"duration":"2h","loud":true})", "loud");
  refused("[]", "object");
  refused("{", "JSON");
  EXPECT_TRUE(fake.commands.empty());
}

TEST_F(ChangeApi, knows_every_verb_of_a_worker) {
  const std::pair<const char*, Verb> verbs[] = {{"restart", Verb::restart}, {"drain", Verb::drain},
                                                {"resume", Verb::resume},   {"quarantine", Verb::quarantine},
                                                {"release", Verb::release}, {"approve", Verb::approve},
                                                {"reject", Verb::reject}};
  for (const auto& [path, verb] : verbs) {
    EXPECT_EQ(post("/health/workers/w-1/" + std::string(path), R"({"reason":"x"})").status, 200);
    EXPECT_EQ(fake.commands.back().verb, verb);
  }
  EXPECT_EQ(call("DELETE", "/health/workers/w-1?reason=scaled%20down").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::forget);
  EXPECT_EQ(fake.commands.back().reason, "scaled down");
  EXPECT_EQ(post("/recovery/freeze").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::freeze);
  EXPECT_EQ(post("/recovery/thaw", R"({"reason":"over"})").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::thaw);
}

TEST_F(ChangeApi, begins_and_ends_maintenance_of_one_target) {
  EXPECT_EQ(post("/maintenance", R"({"pool":"thumbs","duration":"2h","reason":"kernel"})").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::maintenance_on);
  EXPECT_EQ(fake.commands.back().pool, "thumbs");
  EXPECT_EQ(fake.commands.back().duration, Duration(2h));
  EXPECT_EQ(post("/maintenance", R"({"fleet":true,"on":false})").status, 200);
  EXPECT_EQ(fake.commands.back().verb, Verb::maintenance_off);
  EXPECT_EQ(fake.commands.back().pool + fake.commands.back().worker_id, "");
  EXPECT_EQ(post("/maintenance", R"({"worker_id":"w-1"})").status, 200);
  for (const char* body : {"", "{}", R"({"fleet":false})", R"({"pool":"a","fleet":true})"})
    expect_problem(post("/maintenance", body), 400, "name one target");
  expect_problem(post("/maintenance", R"({"fleet":true,"on":false,"duration":"1h"})"), 400, "'duration'");
  expect_problem(post("/maintenance", R"({"fleet":true,"duration":"soon"})"), 400, "'duration'");
}

TEST_F(ChangeApi, an_answer_to_a_waiting_remedy_may_name_it) {
  EXPECT_EQ(post("/health/workers/w-1/approve", R"({"action_id":"a-1"})").status, 200);
  EXPECT_EQ(fake.commands.back().target, "a-1");
  expect_problem(post("/health/workers/w-1/restart", R"({"action_id":"a-1"})"), 400, "unknown member 'action_id'");
}

TEST_F(ChangeApi, begins_and_changes_rolling_restarts) {
  fake.answer = CommandResult{.success = true, .running = true, .message = "begins", .id = "roll-1"};
  const Answer a = post("/restarts/rolling",
                        R"({"pool":"thumbs","at_once":"10%","pause_on_failure":false,"version":"2","reason":"new"})");
  EXPECT_EQ(a.status, 202);
  EXPECT_EQ(a.at("/id"), "roll-1");
  const CommandInput first = fake.commands.back();
  EXPECT_EQ(first.verb, Verb::rolling_start);
  EXPECT_EQ(first.pool, "thumbs");
  ASSERT_TRUE(first.rolling);
  EXPECT_EQ(first.rolling->at_once_percent, 10);
  EXPECT_FALSE(first.rolling->pause_on_failure);
  EXPECT_EQ(first.rolling->version, "2");
  EXPECT_EQ(post("/restarts/rolling", R"({"all":true,"at_once":3,"host":"h1"})").status, 202);
  EXPECT_EQ(fake.commands.back().rolling->pool, "");
  EXPECT_EQ(fake.commands.back().rolling->at_once, 3);
  for (const char* body : {"{}", R"({"pool":"a","all":true})", R"({"all":false})"})
    expect_problem(post("/restarts/rolling", body), 400, "name one target");
  for (const char* wrong : {"0", "1001", "1.5", "\"0%\"", "\"101%\"", "\"ten\"", "true", "\"nan%\""})
    expect_problem(post("/restarts/rolling", R"({"all":true,"at_once":)" + std::string(wrong) + "}"), 400, "'at_once'");
  const std::pair<const char*, Verb> verbs[] = {
      {"pause", Verb::rolling_pause}, {"resume", Verb::rolling_resume}, {"abort", Verb::rolling_abort}};
  for (const auto& [path, verb] : verbs) {
    EXPECT_EQ(post("/restarts/rolling/roll-1/" + std::string(path), R"({"reason":"x"})").status, 202);
    EXPECT_EQ(fake.commands.back().verb, verb);
    EXPECT_EQ(fake.commands.back().target, "roll-1");
  }
  expect_problem(post("/restarts/rolling/a%20b/pause"), 400, "rolling restart id");
}

TEST_F(ChangeApi, shows_rolling_restarts) {
  auto view = std::make_shared<FleetView>(*make_fleet({}));
  RollingRecord open, over;
  open.id = "roll-2";
  open.wish.pool = "thumbs";
  open.now = {"w-1"};
  over.id = "roll-1";
  over.state = RollingState::finished;
  over.notes = {{"w-2", RollingTargetState::skipped, "it is quarantined", view->at}};
  view->rollings = {open, over};
  fake.set_fleet(view);
  const Answer all = call("GET", "/restarts/rolling");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.at("/rolling_restarts/1/notes/0/text"), "it is quarantined");
  EXPECT_EQ(call("GET", "/restarts/rolling?state=running").at("/rolling_restarts/0/id"), "roll-2");
  EXPECT_EQ(call("GET", "/restarts/rolling?pool=thumbs").at("/rolling_restarts/0/now/0"), "w-1");
  EXPECT_EQ(call("GET", "/restarts/rolling/roll-1").at("/state"), "finished");
  expect_problem(call("GET", "/restarts/rolling/roll-9"), 404, "roll-9");
  expect_problem(call("GET", "/restarts/rolling?state=bored"), 400, "state");
  EXPECT_EQ(call("GET", "/health/summary").at("/rolling_restarts/0/id"), "roll-2");
}

TEST_F(ChangeApi, refuses_commands_that_are_not_understood) {
  expect_problem(post("/health/workers/w-1/restart", R"({"froce":true})"), 400,
                 "unknown member 'froce'; known are reason, force");
  expect_problem(post("/health/workers/w-1/resume", R"({"force":true})"), 400, "unknown member 'force'");
  expect_problem(post("/health/workers/w-1/restart", R"({"force":"yes"})"), 400, "true or false");
  expect_problem(post("/health/workers/w-1/restart", "[]"), 400, "JSON object");
  expect_problem(post("/health/workers/w-1/restart", "{"), 400, "not valid JSON");
  expect_problem(post("/health/workers/w%20x/restart"), 400, "worker id");
  expect_problem(call("DELETE", "/health/workers/w%20x"), 400, "worker id");
  expect_problem(call("DELETE", "/health/workers/w?force=1"), 400, "unknown parameter");
  expect_problem(post("/recovery/freeze", R"({"reason":5})"), 400, "'reason'");
  expect_problem(post("/maintenance", R"({"worker_id":"a b"})"), 400, "'worker_id'");
  expect_problem(post("/recovery/freeze", "", {{"Idempotency-Key", "a b"}}), 400, "Idempotency-Key");
  EXPECT_TRUE(fake.commands.empty());
}

TEST_F(ChangeApi, breaks_demo_workers_only_in_the_demonstration) {
  EXPECT_EQ(get("/demo").at("/modes/0"), "crash");
  const Answer a = post("/demo/break", R"({"worker_id":"d-1","mode":"crash"})");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.at("/message"), "d-1 crashes");
  expect_problem(post("/demo/break", R"({"worker_id":"d-1","mode":"melt"})"), 404, "no mode 'melt'");
  expect_problem(post("/demo/break", R"({"mode":"crash"})"), 400, "'worker_id' and 'mode'");
}

TEST_F(ChangeApi, reloads_the_configuration_or_says_all_that_is_wrong_with_it) {
  const Answer good = post("/config/reload", "{}");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.at("/message"), "m.yaml is in force, for anonymous@127.0.0.1");
  fake.config_error = make_error(Errc::invalid_argument, "m.yaml:3: alerting.rules[0].when: is missing");
  expect_problem(post("/config/reload", "{}"), 400, "m.yaml:3");
  expect_problem(post("/config/reload", R"({"file":"/etc/passwd"})"), 400, "file");
  Ports ports = fake.all();
  ports.reload = nullptr;
  serve({}, nullptr, ports);
  expect_problem(post("/config/reload", "{}"), 404, "no configuration file");
}

TEST_F(ChangeApi, has_neither_demo_nor_agents_when_their_ports_are_absent) {
  Ports ports = fake.all();
  ports.demo = nullptr;
  ports.agents = nullptr;
  serve({}, nullptr, ports);
  EXPECT_EQ(get("/demo").at("/enabled"), "false");
  expect_problem(post("/demo/break", R"({"worker_id":"d-1","mode":"crash"})"), 404, "no demonstration");
  expect_problem(get("/health/agents"), 404, "takes no agents");
}

}  // namespace
}  // namespace paramedic::api
