#include "io/wire/report_json.h"

#include <gtest/gtest.h>

#include "io/wire/wire_test_values.h"

namespace paramedic::wire {
namespace {

using testing::holds;
using testing::some_report;

// The example of the design, complete.
constexpr std::string_view kFull = R"({"schema":1,"worker_id":"w-17","pool":"thumbs","host":"h3","version":"1.4.2",
 "incarnation":"4711-99","seq":812,"sent_at":"2026-11-23T17:40:00.2Z","age_ms":250,"alive_at":"2026-11-23T17:40:00.1Z",
 "period_seconds":5,"capabilities":["voice","tasks","queues","telepathy"],"state":"running","concurrency":4,
 "stop":{"reason":"deploy","back_within_seconds":60},"labels":{"zone":"a","arch":"arm"},
 "process":{"pid":4711,"started_at":"2026-11-23T17:00:00Z","state":"S","threads":9,"exit":{"code":null,"signal":null,"oom":false}},
 "resources":{"cpu_percent":41.2,"cpu_cores":2,"memory_percent":22.0,"memory_mb":512,"memory_limit_kind":"cgroup",
  "memory_limit_mb":2048,"gpus":[{"id":"GPU-1","utilization":80,"memory_percent":71.5,"temperature_celsius":64,"xid":null}]},
 "disks":[{"mount":"/","used_percent":71.2,"free_bytes":91234567,"inodes_used_percent":12}],
 "tasks":[{"type":"resize","started":12,"completed":11,"failed":1,"retried":0,"revoked":0,"lost":0,
  "duration_seconds":{"sum":3.2,"buckets":[0,0,1,2,3,4,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}}],
 "in_flight":[{"id":"t1","type":"resize","started_at":"2026-11-23T17:39:00Z","args_digest":"ab","traceparent":"00-1"}],
 "queues":[{"broker":"redis-a","name":"thumbs","connected":true,"paused":false,"rtt_ms":0.8,"ready":14,
  "oldest_age_seconds":2.1,"consumed":9123}],
 "models":[{"name":"clip-b32","state":"loading","load_seconds":8.1,"progress":0.5,"error":null,"smoke_ok":true}],
 "metrics":{"any_name":1.0},"future":{"x":1}})";

std::string error_of(std::string_view text) {
  const auto r = parse_report(text);
  return r ? "" : r.error().message;
}
std::string with(std::string_view members) { return R"({"worker_id":"w",)" + std::string(members) + "}"; }

TEST(ParseReport, reads_every_member_of_the_schema) {
  ParseStats stats;
  const auto r = parse_report(kFull, &stats);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->worker_id, "w-17");
  EXPECT_EQ(r->pool, "thumbs");
  EXPECT_EQ(r->seq, 812u);
  EXPECT_EQ(r->age, 250ms);
  EXPECT_EQ(*r->sent_at - *r->alive_at, 100ms);
  EXPECT_EQ(r->period, 5s);
  EXPECT_EQ(r->capabilities, (Capabilities{.voice = true, .tasks = true, .queues = true}));
  EXPECT_EQ(r->state, WorkerState::running);
  EXPECT_EQ(r->stop->reason, StopReason::deploy);
  EXPECT_EQ(r->stop->back_within, 60s);
  EXPECT_EQ(r->concurrency, 4);
  EXPECT_EQ(r->labels, (Labels{{"arch", "arm"}, {"zone", "a"}}));
  EXPECT_EQ(r->process->pid, 4711);
  EXPECT_EQ(r->process->state, 'S');
  EXPECT_FALSE(r->process->exit) << "an exit without any member is a living process";
  EXPECT_EQ(r->resources->cpu_cores, 2);
  EXPECT_EQ(r->resources->memory_limit_kind, MemoryLimitKind::cgroup);
  EXPECT_EQ(r->resources->gpus.at(0).utilization, 80);
  EXPECT_FALSE(r->resources->gpus.at(0).xid);
  EXPECT_EQ(r->disks->at(0).free_bytes, 91234567u);
  EXPECT_EQ(r->tasks->at(0).durations->counts[5], 4u);
  EXPECT_EQ(r->in_flight->at(0).args_digest, "ab");
  EXPECT_EQ(r->queues->at(0).consumed, 9123u);
  EXPECT_EQ(r->models->at(0).progress, 0.5);
  EXPECT_EQ(r->models->at(0).smoke_ok, true);
  EXPECT_EQ(r->metrics.at(0), (std::pair<std::string, double>("any_name", 1.0)));
  EXPECT_EQ(stats.unknown_fields, 2u) << "telepathy and future";
}

TEST(ParseReport, needs_only_a_worker_id) {
  const auto r = parse_report(R"({"worker_id":"w"})");
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->tasks);
  EXPECT_FALSE(r->resources);
  EXPECT_EQ(error_of("{}"), "worker_id: is missing");
  EXPECT_EQ(error_of("[]"), "a report must be a JSON object");
}

TEST(ParseReport, takes_the_id_of_the_address_and_refuses_another) {
  EXPECT_EQ(parse_report("{}", nullptr, "w-1")->worker_id, "w-1");
  EXPECT_EQ(parse_report(R"({"worker_id":"x"})", nullptr, "w-1").error().message,
            "worker_id: 'x' is not the worker 'w-1' of the address");
}

TEST(ParseReport, an_empty_list_is_known_to_be_empty_and_null_is_unknown) {
  const auto r = parse_report(with(R"("queues":[],"tasks":null)"));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->queues && r->queues->empty());
  EXPECT_FALSE(r->tasks);
}

TEST(ParseReport, names_the_member_that_is_wrong) {
  EXPECT_EQ(error_of(with(R"("disks":[{"mount":"/"},{"mount":"/a"},{"mount":"/b","used_percent":"full"}])")),
            "disks[2].used_percent: must be a number from 0 to 100");
  EXPECT_EQ(error_of(with(R"("disks":[{"mount":"/","used_percent":100.5}])")),
            "disks[0].used_percent: must be a number from 0 to 100");
  EXPECT_EQ(error_of(with(R"("disks":[{}])")), "disks[0].mount: is missing");
  EXPECT_EQ(error_of(with(R"("disks":[7])")), "disks[0]: must be an object");
  EXPECT_EQ(error_of(with(R"("disks":{})")), "disks: must be a list");
  EXPECT_EQ(error_of(with(R"("process":7)")), "process: must be an object");
  EXPECT_EQ(error_of(with(R"("process":{"exit":{"code":"x"}})")),
            "process.exit.code: must be a whole number from -255 to 255");
  EXPECT_EQ(error_of(with(R"("process":{"state":"RS"})")),
            "process.state: must be one letter of R S D T Z X, as in /proc/PID/stat");
  EXPECT_EQ(error_of(with(R"("tasks":[{"type":"t","duration_seconds":{"sum":1,"buckets":[1]}}])")),
            "tasks[0].duration_seconds.buckets: must be a list of 24 counts, one per bound and +Inf, not cumulative");
  EXPECT_EQ(error_of(with(R"("tasks":[{"type":"t","completed":-1}])")),
            "tasks[0].completed: must be a whole number from 0 to 9007199254740992");
  EXPECT_EQ(error_of(with(R"("metrics":{"a-b":1})")),
            "metrics.a-b: must be a name of at most 100 of A-Z a-z 0-9 _, not beginning with a digit");
  EXPECT_EQ(error_of(with(R"("metrics":{"a":true})")), "metrics.a: must be a finite number");
  EXPECT_EQ(error_of(with(R"("state":"gone")")),
            "state: must be one of: starting, running, draining, stopping, stopped");
  EXPECT_EQ(error_of(with(R"("stop":{"reason":"boredom"})")),
            "stop.reason: must be one of: drain, deploy, scale_down, recycle, operator");
  EXPECT_EQ(error_of(with(R"("period_seconds":0)")), "period_seconds: must be a number from 0.05 to 86400");
  EXPECT_EQ(error_of(with(R"("capabilities":"voice")")), "capabilities: must be a list of words");
  EXPECT_EQ(error_of(with(R"("capabilities":[1])")), "capabilities: must be a list of words");
  EXPECT_EQ(error_of(with(R"("labels":{"a":1})")), "labels.a: must be text");
  EXPECT_EQ(error_of(with(R"("sent_at":1)")), "sent_at: must be a time as RFC 3339 text");
  EXPECT_NE(error_of(with(R"("sent_at":"yesterday")")), "");
  EXPECT_NE(error_of(R"({"worker_id":"a b"})"), "");
  EXPECT_NE(error_of(R"({"worker_id":7})"), "");
  EXPECT_EQ(error_of(with("\"host\":\"a\\u0007b\"")), "host: must not hold control characters");
  EXPECT_EQ(error_of(with(R"("queues":[{"name":"q","connected":1}])")), "queues[0].connected: must be true or false");
  EXPECT_EQ(error_of(with(R"("models":[{"name":"m","error":7}])")), "models[0].error: must be text");
  EXPECT_EQ(error_of(with(R"("resources":{"gpus":[{}]})")), "resources.gpus[0].id: is missing");
  EXPECT_EQ(error_of(with(R"("in_flight":[{}])")), "in_flight[0].id: is missing");
}

TEST(ParseReport, refuses_numbers_that_are_not_finite_or_out_of_range) {
  for (const auto* number : {"1e999", "-1e999", "1e309", "NaN", "Infinity", "-1", "123456789012345678901234567890"})
    EXPECT_NE(error_of(with(R"("resources":{"memory_percent":)" + std::string(number) + "}")), "") << number;
  EXPECT_EQ(error_of(with(R"("tasks":[{"type":"t","completed":12.0}])")), "") << "some clients write doubles only";
  EXPECT_NE(error_of(with(R"("tasks":[{"type":"t","completed":12.5}])")), "");
  EXPECT_NE(error_of(with(R"("tasks":[{"type":"t","completed":18446744073709551615}])")), "");
}

TEST(ParseReport, refuses_too_much_of_anything) {
  std::string labels, metrics, disks;
  for (int i = 0; i < 17; ++i) labels += (i ? ",\"l" : "\"l") + std::to_string(i) + "\":\"v\"";
  for (int i = 0; i < 257; ++i) metrics += (i ? ",\"m" : "\"m") + std::to_string(i) + "\":1";
  for (int i = 0; i < 65; ++i) disks += i ? R"(,{"mount":"/"})" : R"({"mount":"/"})";
  EXPECT_EQ(error_of(with("\"labels\":{" + labels + "}")), "labels: has 17 labels; at most 16");
  EXPECT_EQ(error_of(with("\"metrics\":{" + metrics + "}")), "metrics: has 257 members; at most 256");
  EXPECT_EQ(error_of(with("\"disks\":[" + disks + "]")), "disks: has 65 items; at most 64");
  EXPECT_EQ(error_of(with("\"labels\":{\"a\":\"" + std::string(65, 'x') + "\"}")),
            "labels.a: has 65 bytes; at most 64");
  EXPECT_NE(error_of(with("\"labels\":{\"" + std::string(65, 'x') + "\":\"a\"}")), "");
  EXPECT_NE(error_of(with("\"version\":\"" + std::string(201, 'x') + "\"")), "");
  EXPECT_NE(error_of(R"({"worker_id":")" + std::string(201, 'x') + "\"}"), "");
  const auto big = parse_report(with("\"x\":\"" + std::string(kMaxReportBytes, 'x') + "\""));
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().code, Errc::too_large);
}

TEST(ParseReport, keeps_the_oldest_of_too_many_tasks_in_flight) {
  std::string tasks;
  for (int i = 0; i < 300; ++i) {
    const std::string start = i == 299 ? R"(,"started_at":"2026-01-01T00:00:00Z")" : "";
    tasks += (i ? ",{\"id\":\"t" : "{\"id\":\"t") + std::to_string(i) + "\"" + start + "}";
  }
  ParseStats stats;
  const auto r = parse_report(with("\"in_flight\":[" + tasks + "]"), &stats);
  ASSERT_TRUE(r);
  ASSERT_EQ(r->in_flight->size(), kMaxInFlight);
  EXPECT_EQ(r->in_flight->front().id, "t299");
  EXPECT_EQ(stats.dropped_items, 44u);
}

TEST(ParseReport, cuts_a_long_model_error_between_characters) {
  const auto r = parse_report(with("\"models\":[{\"name\":\"m\",\"error\":\"" + std::string(1023, 'x') + "ä" + "\"}]"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->models->at(0).error, std::string(1023, 'x'));
}

TEST(ParseReport, reduces_process_states_to_the_known_ones) {
  EXPECT_EQ(parse_report(with(R"("process":{"state":"t"})"))->process->state, 'T');
  EXPECT_EQ(parse_report(with(R"("process":{"state":"x"})"))->process->state, 'X');
  EXPECT_EQ(parse_report(with(R"("process":{"state":"I"})"))->process->state, 'S');
  EXPECT_EQ(parse_report(with(R"("process":{"state":""})"))->process->state, 0);
}

TEST(ParseReport, survives_hostile_text) {
  EXPECT_NE(error_of(""), "");
  EXPECT_NE(error_of("{"), "");
  EXPECT_NE(error_of(R"({"worker_id":"w")"), "");
  EXPECT_NE(error_of(R"({"worker_id":"w"}x)"), "");
  EXPECT_EQ(error_of("{\"worker_id\":\"w\"} \n"), "");
  EXPECT_NE(error_of(std::string(100'000, '[')), "");
  std::string deep = R"({"worker_id":"w","x":)";
  for (int i = 0; i < 5000; ++i) deep += "{\"a\":";
  EXPECT_NE(error_of(deep), "");
  EXPECT_NE(error_of("{\"worker_id\":\"w\xFF\"}"), "") << "not UTF-8";
  EXPECT_NE(error_of(std::string("{\"worker_id\":\"w\0\"}", 19)), "");
  EXPECT_NE(error_of("\xEF\xBB\xBF{}"), "");
  const std::string full(kFull);
  for (std::size_t i = 0; i < full.size(); ++i) EXPECT_FALSE(parse_report(full.substr(0, i))) << i;
}

TEST(ParseReports, tells_an_array_from_lines) {
  const auto array = parse_reports(R"( [{"worker_id":"a"},{"worker_id":"b b"},{"worker_id":"c"}] )");
  ASSERT_TRUE(array);
  ASSERT_EQ(array->reports.size(), 2u);
  EXPECT_EQ(array->reports[1].worker_id, "c");
  ASSERT_EQ(array->refused.size(), 1u);
  EXPECT_EQ(array->refused[0].index, 1u);
  const auto lines = parse_reports("{\"worker_id\":\"a\",\"zz\":1}\r\n\n{broken\n{\"worker_id\":\"c\"}");
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->reports.size(), 2u);
  EXPECT_EQ(lines->stats.unknown_fields, 1u);
  ASSERT_EQ(lines->refused.size(), 1u);
  EXPECT_EQ(lines->refused[0].index, 1u);
  EXPECT_EQ(bulk_answer_json(BulkReports{.reports = {Report{}}, .refused = {{1, "a \"b\""}}}),
            R"({"accepted":1,"refused":[{"index":1,"message":"a \"b\""}]})");
}

TEST(ParseReports, refuses_what_cannot_be_told_apart) {
  EXPECT_FALSE(parse_reports(""));
  EXPECT_FALSE(parse_reports(" \n"));
  EXPECT_FALSE(parse_reports("[{\"worker_id\":\"a\"}"));
  EXPECT_EQ(parse_reports(std::string(kMaxBulkBytes + 1, ' ')).error().code, Errc::too_large);
  std::string many;
  for (std::size_t i = 0; i <= kMaxBulkReports; ++i) many += "{}\n";
  EXPECT_EQ(parse_reports(many).error().code, Errc::too_large);
  std::string array = "[0";
  for (std::size_t i = 0; i <= kMaxBulkReports; ++i) array += ",0";
  EXPECT_EQ(parse_reports(array + "]").error().code, Errc::too_large);
}

TEST(ReportJson, what_is_written_reads_back_equal) {
  EXPECT_TRUE(holds([] {
    const Report report = some_report();
    const std::string text = report_json(report);
    ParseStats stats;
    const auto back = parse_report(text, &stats);
    if (!back) RC_FAIL(back.error().message + " in " + text);
    RC_ASSERT(report_json(*back) == text);
    RC_ASSERT(stats.unknown_fields == 0u);
    RC_ASSERT(back->metrics == report.metrics);
    RC_ASSERT(back->labels == report.labels);
    RC_ASSERT(back->capabilities == report.capabilities);
    RC_ASSERT(back->process.has_value() == report.process.has_value());
    if (report.process) RC_ASSERT(back->process->exit == report.process->exit);
  }));
}

TEST(ReportJson, a_death_of_unknown_cause_stays_a_death) {
  Report report;
  report.worker_id = "w";
  report.process.emplace().exit = ExitInfo{};
  const auto back = parse_report(report_json(report));
  ASSERT_TRUE(back->process->exit);
  EXPECT_TRUE(back->process->exit->unknown_cause);
}

}  // namespace
}  // namespace paramedic::wire
