#include "io/wire/agent_protocol.h"

#include <gtest/gtest.h>

#include "io/wire/report_json.h"
#include "io/wire/wire_test_values.h"

namespace paramedic::wire {
namespace {

using namespace testing;

AgentFrame some_agent_frame() {
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      return AgentHello{
          1, some_id(), some_text(), some_text(), some_text(), some_span(), some_list<AgentHello::Worker>([] {
            return AgentHello::Worker{some_id(), coin() ? some_id() : ""};
          })};
    case 1:
      return AgentReports{coin(), some_list<Report>(some_report)};
    case 2:
      return AgentProgress{some_id(), some_id(), some_word<LadderStep>(), coin(), coin(), some_id(), some_text()};
    case 3:
      return AgentStarts{some_list<AgentStart>([] {
        return AgentStart{some_id(),
                          some_id(),
                          some_id(),
                          some_id(),
                          *rc::gen::inRange(0, 99),
                          some_span(),
                          some_exit(),
                          coin() ? some_text() : ""};
      })};
    case 4:
      return AgentAlive{};
    default:
      return std::monostate{};
  }
}

MonitorFrame some_monitor_frame() {
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      return MonitorWelcome{1, some_text()};
    case 1:
      return MonitorRefusal{some_text()};
    case 2:
      return Lease{some_id(), some_id(),  *rc::gen::inRange(0, 99), some_span(), coin(), some_text(),
                   coin(),    some_span()};
    case 3:
      return Ladder{some_id(),   some_id(),   some_id(),   some_word<RemedyKind>(),
                    some_span(), some_span(), some_span(), some_span(),
                    some_span(), some_text()};
    case 4:
      return MonitorAck{some_list<std::string>(some_id)};
    case 5:
      return MonitorWorkerCommand{some_id(), some_id(), coin() ? Verb::drain : Verb::resume};
    default:
      return std::monostate{};
  }
}

TEST(AgentProtocol, every_agent_frame_survives_the_wire) {
  EXPECT_TRUE(holds([] {
    const AgentFrame frame = some_agent_frame();
    const std::string text = encode(frame);
    const auto back = decode_agent_frame(text);
    if (!back) RC_FAIL(back.error().message + " in " + text);
    RC_ASSERT(back->index() == frame.index());
    RC_ASSERT(encode(*back) == text);
  }));
}

TEST(AgentProtocol, every_monitor_frame_survives_the_wire) {
  EXPECT_TRUE(holds([] {
    const MonitorFrame frame = some_monitor_frame();
    const std::string text = encode(frame);
    const auto back = decode_monitor_frame(text);
    if (!back) RC_FAIL(back.error().message + " in " + text);
    RC_ASSERT(back->index() == frame.index());
    RC_ASSERT(encode(*back) == text);
  }));
}

TEST(AgentProtocol, spells_frames_as_documented) {
  EXPECT_EQ(encode(AgentFrame(AgentAlive{})), R"({"type":"alive"})");
  EXPECT_EQ(encode(MonitorFrame(Lease{.worker_id = "w", .incarnation = "i", .crashes = 2, .next_start_in = 10s})),
            R"({"type":"lease","worker_id":"w","incarnation":"i","crashes":2,"next_start_in_seconds":10,"hold":false,)"
            R"("adds_jitter":false,"valid_for_seconds":60})");
  EXPECT_EQ(
      encode(MonitorFrame(Ladder{.action_id = "a", .worker_id = "w", .drain = 30s, .term_grace = 30s})),
      R"({"type":"ladder","action_id":"a","worker_id":"w","kind":"restart","diagnostics_seconds":0,"drain_seconds":30,)"
      R"("max_drain_seconds":0,"term_grace_seconds":30,"start_delay_seconds":0})");
}

TEST(AgentProtocol, a_newer_partner_is_understood) {
  EXPECT_EQ(decode_agent_frame(R"({"type":"poetry","x":1})")->index(), 0u);
  EXPECT_EQ(decode_monitor_frame(R"({"type":"poetry"})")->index(), 0u);
  const auto hello = decode_agent_frame(R"({"type":"hello","protocol":2,"agent_id":"a","mood":"fine"})");
  ASSERT_TRUE(hello);
  EXPECT_EQ(std::get<AgentHello>(*hello).protocol, 2);
}

TEST(AgentProtocol, a_refused_report_does_not_cost_its_neighbours) {
  const auto frame = decode_agent_frame(
      R"({"type":"reports","reports":[{"worker_id":"a"},{"worker_id":"b","seq":-1},{},{"worker_id":"c"}]})");
  ASSERT_TRUE(frame);
  const auto& reports = std::get<AgentReports>(*frame);
  EXPECT_EQ(reports.reports.size(), 2u);
  EXPECT_EQ(reports.skipped, 2);
  EXPECT_EQ(reports.first_refusal, "seq: must be a whole number from 0 to 9007199254740992");
}

TEST(AgentProtocol, errors_name_frame_and_member) {
  const auto agent = [](std::string_view text) { return decode_agent_frame(text).error().message; };
  const auto monitor = [](std::string_view text) { return decode_monitor_frame(text).error().message; };
  EXPECT_EQ(agent(R"({"type":"hello"})"), "frame hello: agent_id: is missing");
  EXPECT_EQ(agent(R"({"type":"hello","agent_id":"a","workers":[{}]})"),
            "frame hello: workers[0].worker_id: is missing");
  EXPECT_EQ(agent(R"({"type":"progress","step":"jump"})"),
            "frame progress: step: must be one of: accepted, diagnostics, drain, term, kill, start, verify");
  EXPECT_EQ(agent(R"({"type":"progress","action_id":"a"})"), "frame progress: worker_id: is missing");
  EXPECT_EQ(agent(R"({"type":"progress"})"), "frame progress: action_id: is missing");
  EXPECT_EQ(agent(R"({"type":"starts","starts":[{"action_id":"a","worker_id":"w","exit":{"code":7000}}]})"),
            "frame starts: starts[0].exit.code: must be a whole number from -255 to 255");
  EXPECT_EQ(agent(R"({"type":"reports","reports":7})"),
            "frame reports: reports: must be a list of at most 20000 reports");
  EXPECT_EQ(agent("{}"), "frame: must be an object with a type");
  EXPECT_EQ(agent("7"), "frame: must be an object with a type");
  EXPECT_EQ(agent(R"({"type":7})"), "frame: must be an object with a type");
  EXPECT_EQ(monitor(R"({"type":"ladder","action_id":"a","worker_id":"w"})"), "frame ladder: kind: is missing");
  EXPECT_EQ(monitor(R"({"type":"lease","worker_id":"w","next_start_in_seconds":-1})"),
            "frame lease: next_start_in_seconds: must be a number from 0 to 31622400");
  EXPECT_EQ(monitor(R"({"type":"command","worker_id":"w","verb":"freeze"})"),
            "frame command: verb: must be drain or resume");
  EXPECT_EQ(monitor(R"({"type":"command","worker_id":"w"})"), "frame command: verb: is missing");
  EXPECT_NE(monitor(R"({"type":"ack","action_ids":["a b"]})"), "");
  EXPECT_NE(monitor("{\"type\":\"ack\""), "");
}

TEST(AgentProtocol, survives_hostile_text) {
  const std::string good =
      encode(AgentFrame(AgentReports{true, {*parse_report(R"({"worker_id":"w","disks":[{"mount":"/"}]})")}}));
  for (std::size_t i = 0; i < good.size(); ++i) EXPECT_FALSE(decode_agent_frame(good.substr(0, i))) << i;
  EXPECT_FALSE(decode_agent_frame(std::string(100'000, '{')));
  EXPECT_FALSE(decode_monitor_frame(""));
  EXPECT_EQ(decode_agent_frame(std::string(16 * 1024 * 1024 + 1, ' ')).error().code, Errc::too_large);
}

}  // namespace
}  // namespace paramedic::wire
