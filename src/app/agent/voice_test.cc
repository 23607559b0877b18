#include "app/agent/voice.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "app/agent/voice_state.h"
#include "io/wire/report_json.h"

namespace paramedic::agent {
namespace {

template <class T>
T one(std::string_view datagram) {
  const auto parsed = parse_voice(datagram);
  EXPECT_EQ(parsed.garbage, 0) << parsed.first_error;
  EXPECT_EQ(parsed.events.size(), 1u);
  if (parsed.events.size() != 1 || !std::holds_alternative<T>(parsed.events[0])) {
    ADD_FAILURE() << "not the wanted event: " << datagram;
    return T{};
  }
  return std::get<T>(parsed.events[0]);
}

std::string refusal(std::string_view line) {
  const auto event = parse_voice_line(line);
  return event ? std::string("accepted") : event.error().message;
}

TEST(Voice, signs_of_life_are_understood) {
  EXPECT_TRUE(one<Beat>(R"({"event":"beat"})").promised);
  one<Ready>(R"({"event":"ready"})");
}

TEST(Voice, task_events_carry_their_members) {
  const auto started = one<TaskStarted>(
      R"({"event":"task_started","id":17,"type":"resize","queue":"q","args_digest":"9f","traceparent":"00-1"})");
  EXPECT_EQ(started.id, "17");
  EXPECT_EQ(started.type, "resize");
  EXPECT_EQ(started.queue, "q");
  EXPECT_EQ(started.args_digest, "9f");
  EXPECT_EQ(started.traceparent, "00-1");
  const auto done = one<TaskEnded>(R"({"event":"task_finished","id":"x","duration_seconds":1.5,"new_member":[1]})");
  EXPECT_EQ(done.how, TaskEnded::How::finished);
  EXPECT_EQ(done.duration_seconds, 1.5);
  EXPECT_EQ(one<TaskEnded>(R"({"event":"task_failed","id":"x"})").how, TaskEnded::How::failed);
  EXPECT_EQ(one<TaskEnded>(R"({"event":"task_retried","id":"x"})").how, TaskEnded::How::retried);
  EXPECT_EQ(one<TaskEnded>(R"({"event":"task_revoked","id":"x"})").how, TaskEnded::How::revoked);
  EXPECT_EQ(one<TaskProgress>(R"({"event":"progress"})").id, "");
}

TEST(Voice, state_events_carry_their_members) {
  const auto model = one<ModelNews>(R"({"event":"model","name":"clip","state":"loading","progress":0.5})").model;
  EXPECT_EQ(model.state, ModelState::loading);
  EXPECT_EQ(model.progress, 0.5);
  const auto queue = one<QueueNews>(
      R"({"event":"queue","broker":"r","name":"q","connected":true,"ready":3,"oldest_age_seconds":2.5,"rtt_ms":0.8,"consumed":null})");
  EXPECT_EQ(queue.queue.broker, "r");
  EXPECT_EQ(queue.queue.connected, true);
  EXPECT_EQ(queue.queue.ready, 3u);
  EXPECT_EQ(queue.queue.oldest_age_seconds, 2.5);
  EXPECT_FALSE(queue.queue.paused);
  EXPECT_FALSE(queue.queue.consumed);
}

TEST(Voice, stop_notices_name_reason_and_return) {
  const auto stop = one<StopNotice>(R"({"event":"stopping","reason":"deploy","back_within_seconds":60})");
  EXPECT_EQ(stop.reason, StopReason::deploy);
  EXPECT_EQ(stop.back_within, Duration{60s});
  EXPECT_EQ(one<StopNotice>(R"({"event":"stopping"})").reason, StopReason::operator_request);
}

TEST(Voice, sd_notify_is_understood_on_the_same_socket) {
  const auto parsed = parse_voice("READY=1\nSTATUS=warming up\nMAINPID=77\nWATCHDOG=1\nSTOPPING=1\nFDSTORE=1\n");
  EXPECT_EQ(parsed.garbage, 0) << parsed.first_error;
  ASSERT_EQ(parsed.events.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<Ready>(parsed.events[0]));
  EXPECT_EQ(std::get<StatusText>(parsed.events[1]).text, "warming up");
  EXPECT_TRUE(std::get<Beat>(parsed.events[2]).promised);
  EXPECT_TRUE(std::holds_alternative<StopNotice>(parsed.events[3]));
}

TEST(Voice, refusals_name_the_member) {
  EXPECT_NE(refusal("{").find("not JSON"), std::string::npos);
  EXPECT_NE(refusal("[]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(refusal("{}").find("event: is missing"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"dance"})").find("not known"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"task_started"})").find("id: is missing"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"task_started","id":[]})").find("id: must be text"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"task_started","id":"\u0000x"})").find("control"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"task_started","id":")" + std::string(300, 'x') + "\"}").find("too long"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"event":"task_finished","id":"1","duration_seconds":-1})").find("duration_seconds"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"event":"task_finished","id":"1","duration_seconds":1e999})").find("duration_seconds"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"event":"model","name":"m","state":"great"})").find("state"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"queue","name":"q","connected":"yes"})").find("connected"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"metrics","x":"y"})").find("x: must be"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"metrics","a b":1})").find("a b: must be"), std::string::npos);
  EXPECT_NE(refusal(R"({"event":"stopping","reason":"bored"})").find("reason"), std::string::npos);
  EXPECT_NE(refusal("{\"event\":\"beat\",\"x\":[[[[[[1]]]]]]}").find("not JSON"), std::string::npos) << "too deep";
}

TEST(Voice, garbage_is_counted_and_does_not_hide_good_lines) {
  const auto parsed = parse_voice("garbage\n{\"event\":\"beat\"}\r\n\xff\xfe\n\n");
  EXPECT_EQ(parsed.garbage, 2);
  EXPECT_EQ(parsed.events.size(), 1u);
  EXPECT_FALSE(parsed.first_error.empty());
}

TEST(Voice, a_datagram_of_many_lines_is_cut) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "WATCHDOG=1\n";
  const auto parsed = parse_voice(many);
  EXPECT_EQ(parsed.events.size(), kMaxVoiceLines);
  EXPECT_EQ(parsed.garbage, 1);
}

// One refused member would cost the monitor the whole report.
RC_GTEST_PROP(Voice, whatever_is_accepted_makes_a_report_that_the_monitor_accepts, (const std::string& text)) {
  VoiceState state;
  ManualClock clock;
  for (const auto* event : {"task_started", "task_finished", "model", "queue"}) {
    const auto line = std::string("{\"event\":\"") + event + "\",\"state\":\"ready\",\"id\":\"" + text +
                      "\",\"name\":\"" + text + "\",\"type\":\"" + text + "\",\"error\":\"" + text +
                      "\",\"broker\":\"" + text + "\"}";
    if (const auto parsed = parse_voice_line(line)) state.apply(*parsed, clock.now());
  }
  for (const auto& event : parse_voice("{\"event\":\"metrics\",\"" + text + "\":1}").events)
    state.apply(event, clock.now());
  Report report;
  report.worker_id = "w";
  state.fill(report);
  const auto read = wire::parse_report(wire::report_json(report));
  RC_ASSERT(read.has_value());
}

RC_GTEST_PROP(Voice, survives_any_bytes, (const std::string& text)) {
  parse_voice(text);
  parse_voice("{\"event\":\"" + text + "\"}");
  parse_voice("{\"event\":\"task_started\",\"id\":\"" + text + "\"}");
}

class VoiceStateTest : public ::testing::Test {
 protected:
  VoiceState::Change say(std::string_view line, Duration later = 0s) {
    now_ = clock_.advance(later);
    const auto event = parse_voice_line(line);
    EXPECT_TRUE(event) << event.error().message;
    return state_.apply(*event, now_);
  }
  Report report() const {
    Report out;
    state_.fill(out);
    return out;
  }
  ManualClock clock_;
  Now now_ = clock_.now();
  VoiceState state_;
};

TEST_F(VoiceStateTest, silence_declares_nothing) {
  const auto out = report();
  EXPECT_EQ(out.capabilities, Capabilities{});
  EXPECT_FALSE(out.alive_at);
  EXPECT_FALSE(out.tasks);
  EXPECT_FALSE(out.in_flight);
  EXPECT_FALSE(out.queues);
  EXPECT_FALSE(state_.in_flight());
}

TEST_F(VoiceStateTest, only_a_beat_promises_to_speak_again) {
  EXPECT_FALSE(say(R"({"event":"task_started","id":"1"})").beat);
  EXPECT_FALSE(report().capabilities->voice);
  EXPECT_TRUE(report().alive_at);
  EXPECT_TRUE(say(R"({"event":"beat"})", 5s).beat);
  EXPECT_TRUE(report().capabilities->voice);
  EXPECT_EQ(report().alive_at, now_.wall);
}

TEST_F(VoiceStateTest, counts_tasks_and_measures_their_time) {
  say(R"({"event":"task_started","id":"1","type":"resize"})");
  say(R"({"event":"task_started","id":"2","type":"resize"})");
  say(R"({"event":"task_started","id":"2","type":"resize"})");  // told twice
  EXPECT_EQ(state_.in_flight(), 2);
  say(R"({"event":"task_finished","id":"1"})", 2s);
  say(R"({"event":"task_failed","id":"2","duration_seconds":0.5})");
  say(R"({"event":"task_finished","id":"unheard","type":"other","duration_seconds":1})");
  say(R"({"event":"task_retried","id":"3","type":"other"})");
  say(R"({"event":"task_revoked","id":"4"})");
  const auto out = report();
  ASSERT_EQ(out.tasks->size(), 3u);
  const auto& other = (*out.tasks)[0];
  const auto& resize = (*out.tasks)[1];
  EXPECT_EQ(resize.type, "resize");
  EXPECT_EQ(resize.started, 2u);
  EXPECT_EQ(resize.completed, 1u);
  EXPECT_EQ(resize.failed, 1u);
  EXPECT_EQ(resize.durations->count(), 2u);
  EXPECT_DOUBLE_EQ(resize.durations->sum_seconds, 2.5);
  EXPECT_EQ(other.retried, 1u);
  EXPECT_EQ((*out.tasks)[2].revoked, 1u);
  EXPECT_EQ((*out.tasks)[2].type, "unknown");
  EXPECT_TRUE(out.in_flight->empty());
  EXPECT_TRUE(out.capabilities->tasks);
}

TEST_F(VoiceStateTest, what_is_in_flight_at_death_is_lost_and_still_named) {
  say(R"({"event":"task_started","id":"1","type":"resize","args_digest":"9f"})");
  state_.lose_in_flight();
  const auto out = report();
  EXPECT_EQ((*out.tasks)[0].lost, 1u);
  ASSERT_EQ(out.in_flight->size(), 1u);
  EXPECT_EQ((*out.in_flight)[0].args_digest, "9f");
}

TEST_F(VoiceStateTest, task_events_count_as_consumption_of_their_queue) {
  say(R"({"event":"queue","broker":"r","name":"a","connected":true,"ready":5})");
  EXPECT_FALSE((*report().queues)[0].consumed) << "no task was spoken of yet";
  say(R"({"event":"task_started","id":"1"})");  // the only queue
  say(R"({"event":"task_finished","id":"1"})");
  say(R"({"event":"task_finished","id":"2"})");  // its start was not told
  EXPECT_EQ((*report().queues)[0].consumed, 2u);
  say(R"({"event":"queue","broker":"r","name":"b","consumed":10})");
  say(R"({"event":"task_started","id":"3","queue":"b"})");
  say(R"({"event":"task_started","id":"4","queue":"a"})");
  say(R"({"event":"task_started","id":"5"})");  // of which queue? of none
  EXPECT_EQ((*report().queues)[0].consumed, 3u);
  EXPECT_EQ((*report().queues)[1].consumed, 10u) << "the worker counts by itself";
  EXPECT_TRUE(report().capabilities->queues);
}

TEST_F(VoiceStateTest, a_lost_connection_is_urgent_and_keeps_what_was_known) {
  EXPECT_TRUE(say(R"({"event":"queue","name":"a","connected":true,"ready":5})").urgent);
  EXPECT_FALSE(say(R"({"event":"queue","name":"a","connected":true})").urgent);
  EXPECT_TRUE(say(R"({"event":"queue","name":"a","connected":false})").urgent);
  EXPECT_EQ((*report().queues)[0].ready, 5u);
}

TEST_F(VoiceStateTest, models_are_timed_from_loading_to_ready) {
  EXPECT_TRUE(say(R"({"event":"model","name":"m","state":"loading","progress":0.1})").urgent);
  EXPECT_FALSE(say(R"({"event":"model","name":"m","state":"loading","progress":0.7})", 3s).urgent);
  EXPECT_TRUE(say(R"({"event":"model","name":"m","state":"ready"})", 5s).urgent);
  EXPECT_EQ((*report().models)[0].load_seconds, 8.0);
  say(R"({"event":"model","name":"m","state":"ready","smoke_ok":true})");
  EXPECT_EQ((*report().models)[0].load_seconds, 8.0);
  EXPECT_EQ((*report().models)[0].smoke_ok, true);
  EXPECT_TRUE(report().capabilities->models);
}

TEST_F(VoiceStateTest, ready_stop_status_and_metrics) {
  EXPECT_TRUE(say(R"({"event":"ready"})").urgent);
  EXPECT_FALSE(say(R"({"event":"ready"})").urgent);
  EXPECT_TRUE(state_.ready());
  EXPECT_TRUE(say(R"({"event":"stopping","reason":"recycle"})").urgent);
  EXPECT_EQ(report().stop->reason, StopReason::recycle);
  say(R"({"event":"metrics","batch":8,"loss":0.25})");
  EXPECT_EQ(report().metrics.size(), 2u);
  const auto before = state_.progress_count();
  say(R"({"event":"progress","id":"1"})");
  EXPECT_GT(state_.progress_count(), before);
  for (const auto& event : parse_voice("STATUS=busy").events) state_.apply(event, now_);
  EXPECT_EQ(state_.status_text(), "busy");
}

TEST_F(VoiceStateTest, everything_is_bounded) {
  for (int i = 0; i < 1000; ++i) {
    const auto n = std::to_string(i);
    say(R"({"event":"task_started","id":")" + n + R"(","type":"t)" + n + "\"}");
    say(R"({"event":"queue","name":"q)" + n + "\"}");
    say(R"({"event":"model","state":"ready","name":"m)" + n + "\"}");
    say(R"({"event":"metrics","x)" + n + "\":1}");
  }
  const auto out = report();
  EXPECT_EQ(out.tasks->size(), kMaxTaskTypesPerWorker);
  std::uint64_t started = 0;
  for (const auto& task : *out.tasks) started += task.started;
  EXPECT_EQ(started, 1000u) << "what does not fit is counted under __other__";
  EXPECT_EQ(out.in_flight->size(), kMaxInFlight);
  EXPECT_EQ(out.queues->size(), kMaxListItems);
  EXPECT_EQ(out.models->size(), kMaxListItems);
  EXPECT_EQ(out.metrics.size(), kMaxMetrics);
}

}  // namespace
}  // namespace paramedic::agent
