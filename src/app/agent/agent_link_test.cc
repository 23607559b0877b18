// The agent and its monitor: ladders, commands, acknowledgements, outages, the worker's voice.
#include <sys/socket.h>
#include <sys/un.h>

#include "app/agent/agent_fixture.h"

namespace paramedic::agent {
namespace {

constexpr char kSleep[] = "exec sleep 1000";

class AgentLinkTest : public AgentTest {
 protected:
  void begin_online() {
    if (!monitor_) begin_monitor();
    begin_agent();
    ASSERT_TRUE(eventually([&] { return agent_->online() && monitor_->count() >= 2; }));
  }
  Ladder ladder(const std::string& action_id, std::size_t index = 0) {
    Ladder l;
    l.action_id = action_id;
    l.worker_id = worker(index).id();
    l.expected_incarnation = worker(index).incarnation();
    l.term_grace = 5s;
    l.reason = "silent for 72 s";
    return l;
  }
  std::vector<wire::AgentProgress> progress(const std::string& action_id) const {
    std::vector<wire::AgentProgress> out;
    for (const auto& frame : monitor_->frames<wire::AgentProgress>())
      if (frame.action_id == action_id) out.push_back(frame);
    return out;
  }
  bool done(const std::string& action_id) const {
    const auto all = progress(action_id);
    return !all.empty() && all.back().done;
  }
  std::string steps(const std::string& action_id) const {
    std::string words;
    for (const auto& p : progress(action_id)) words += std::string(to_string(p.step)) + (p.done ? "! " : " ");
    return words;
  }
  // As a worker would; the path is in its environment.
  void say(const std::string& datagram, std::size_t index = 0) {
    std::ifstream in("/proc/" + std::to_string(pid(index)) + "/environ");
    std::string setting, path;
    while (std::getline(in, setting, '\0'))
      if (setting.starts_with("PARAMEDIC_SOCKET=")) path = setting.substr(17);
    ASSERT_FALSE(path.empty());
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto send = [&] {
      return ::sendto(fd.get(), datagram.data(), datagram.size(), MSG_DONTWAIT, reinterpret_cast<::sockaddr*>(&address),
                      sizeof address) >= 0;
    };
    // The kernel queues only a few datagrams; the agent that reads them runs on this very thread.
    EXPECT_TRUE(eventually(send)) << std::strerror(errno);
  }
  Report last(const std::string& id = "w-1") const {
    const auto all = monitor_->reports(id);
    return all.empty() ? Report{} : all.back();
  }
};

TEST_F(AgentLinkTest, a_ladder_restarts_the_worker_and_tells_each_step) {
  add_worker("w-1", kSleep);
  begin_online();
  const auto first = worker().incarnation();
  monitor_->send(ladder("act-1"));
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_EQ(steps("act-1"), "accepted diagnostics term start! ");
  EXPECT_NE(progress("act-1")[1].message.find("state S"), std::string::npos) << progress("act-1")[1].message;
  const auto end = progress("act-1").back();
  EXPECT_TRUE(end.ok);
  EXPECT_EQ(end.new_incarnation, worker().incarnation());
  EXPECT_NE(worker().incarnation(), first);
  EXPECT_TRUE(monitor_->starts().empty()) << "the monitor's own action is not counted as the agent's";
  ASSERT_TRUE(eventually([&] { return last().incarnation == worker().incarnation(); }));
  for (const Report& report : monitor_->reports("w-1")) {
    if (report.incarnation != worker().incarnation()) continue;
    EXPECT_EQ(report.state, WorkerState::running) << "a successor is not stopping";
  }
}

TEST_F(AgentLinkTest, a_ladder_is_performed_once_however_often_it_comes) {
  add_worker("w-1", kSleep);
  begin_online();
  const auto same = ladder("act-1");
  monitor_->send(same);
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  const int second = pid();
  const auto told = progress("act-1").size();
  monitor_->send(same);
  ASSERT_TRUE(eventually([&] { return progress("act-1").size() > told; })) << "told again";
  EXPECT_EQ(pid(), second);
  crash_agent();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return agent_->online(); }));
  const auto before = progress("act-1").size();
  monitor_->send(same);
  ASSERT_TRUE(eventually([&] { return progress("act-1").size() > before; }));
  EXPECT_EQ(pid(), second) << "a new agent remembers what was done";
}

TEST_F(AgentLinkTest, ladders_for_others_are_refused) {
  add_worker("w-1", "trap '' TERM; while :; do sleep 0.05; done");
  begin_online();
  const int first = pid();
  auto other = ladder("act-1");
  other.expected_incarnation = "somebody.else.1";
  monitor_->send(other);
  auto alive_already = ladder("act-2");
  alive_already.kind = RemedyKind::start;
  monitor_->send(alive_already);
  auto unknown = ladder("act-3");
  unknown.worker_id = "w-99";
  monitor_->send(unknown);
  ASSERT_TRUE(eventually([&] { return done("act-1") && done("act-2") && done("act-3"); }));
  for (const auto* id : {"act-1", "act-2", "act-3"}) {
    EXPECT_FALSE(progress(id).back().ok) << id;
    EXPECT_NE(progress(id).back().message.find("refused"), std::string::npos) << id;
  }
  monitor_->send(ladder("act-4"));  // stays in TERM
  ASSERT_TRUE(eventually([&] { return !progress("act-4").empty(); }));
  monitor_->send(ladder("act-5"));
  ASSERT_TRUE(eventually([&] { return done("act-5"); }));
  EXPECT_NE(progress("act-5").back().message.find("act-4"), std::string::npos);
  EXPECT_EQ(pid(), first);
}

TEST_F(AgentLinkTest, a_worker_that_ignores_term_and_its_children_are_killed) {
  add_worker("w-1",
             "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 0.05; done' & echo up > up; "
             "while :; do sleep 0.05; done");
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up") && !read("child").empty(); }));
  const int first = pid(), child = std::stoi(read("child"));
  auto quick = ladder("act-1");
  quick.term_grace = 100ms;
  monitor_->send(quick);
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_EQ(steps("act-1"), "accepted diagnostics term kill start! ");
  EXPECT_FALSE(group_has_living_member("/proc", first));
  const auto stat = read_stat("/proc", child);
  EXPECT_TRUE(!stat || stat->state == 'Z' || stat->pgrp != first);
}

TEST_F(AgentLinkTest, a_stopped_process_gets_its_term) {
  add_worker("w-1", "trap 'echo term > term; exit 0' TERM; echo up > up; while :; do sleep 0.05; done");
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  ::kill(pid(), SIGSTOP);
  ASSERT_TRUE(eventually([&] { return last().process->state == 'T'; }));
  monitor_->send(ladder("act-1"));
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_EQ(read("term"), "term\n") << "KILL was not needed: CONT follows TERM";
}

TEST_F(AgentLinkTest, the_diagnostics_hook_is_asked_before_anything_is_done_to_the_worker) {
  auto& spec = add_worker("w-1", "trap 'echo term >> order; exit 0' TERM; echo up > up; while :; do sleep 0.02; done");
  spec.diagnostics.command = {"/bin/sh", "-c", "echo asked >> " + folder_ + "/order; echo stack of $0; kill -0 $0",
                              "{pid}"};
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  const int first = pid();
  auto asking = ladder("act-1");
  asking.diagnostics = 10s;
  monitor_->send(asking);
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_EQ(steps("act-1"), "accepted diagnostics term start! ");
  EXPECT_EQ(read("order"), "asked\nterm\n");
  const auto told = progress("act-1").at(1).message;
  EXPECT_TRUE(told.starts_with("state ")) << told;
  EXPECT_NE(told.find("(exit 0)\nstack of " + std::to_string(first)), std::string::npos) << told;
}

TEST_F(AgentLinkTest, the_last_words_of_a_worker_come_with_its_death_and_only_with_it) {
  std::ofstream(folder_ + "/out") << "of somebody else\n";
  add_worker("w-1",
             "echo early; test -e die && exec sleep 1000; touch up; while ! test -e die; do sleep 0.02; done;"
             "echo 'Traceback: no such table' >&2; exit 1")
      .last_words_bytes = 30;
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  std::ofstream(folder_ + "/die") << "";
  const auto dead = [&] {
    std::vector<Report> found;
    for (const auto& report : monitor_->reports("w-1"))
      if (report.process && report.process->exit) found.push_back(report);
    return found;
  };
  ASSERT_TRUE(eventually([&] { return !dead().empty(); }));
  EXPECT_EQ(dead()[0].process->last_words, "arly\nTraceback: no such table");
  ASSERT_TRUE(eventually([&] { return worker().alive() && monitor_->reports("w-1").size() > dead().size() + 2; }));
  int told = 0;
  for (const auto& report : monitor_->reports("w-1")) told += report.process && !report.process->last_words.empty();
  EXPECT_EQ(told, 1);
}

TEST_F(AgentLinkTest, a_worker_that_dies_under_its_diagnostics_is_started_and_the_hook_ended) {
  add_worker("w-1", kSleep).diagnostics.command = {"/bin/sh", "-c", "echo $$ > " + folder_ + "/hook; exec sleep 1000"};
  begin_online();
  const int first = pid();
  auto asking = ladder("act-1");
  asking.diagnostics = 1min;
  monitor_->send(asking);
  ASSERT_TRUE(eventually([&] { return !read("hook").empty(); }));
  kill_worker();
  ASSERT_TRUE(eventually([&] { return done("act-1") && pid() > 0 && pid() != first; }));
  EXPECT_TRUE(progress("act-1").back().ok);
  EXPECT_FALSE(is_alive(std::stoi(read("hook"))));
}

TEST_F(AgentLinkTest, a_drain_waits_for_the_tasks_in_flight) {
  add_worker("w-1", "trap 'echo drain > drain' USR1; echo up > up; while :; do sleep 0.02; done").drain_signal =
      SIGUSR1;
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  const int first = pid();
  say(R"({"event":"task_started","id":"1","type":"t"})");
  auto slow = ladder("act-1");
  slow.drain = 1min;
  monitor_->send(slow);
  ASSERT_TRUE(eventually([&] { return exists("drain") && last().state == WorkerState::draining; }));
  EXPECT_EQ(pid(), first);
  say(R"({"event":"task_finished","id":"1"})");
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_EQ(steps("act-1"), "accepted diagnostics drain term start! ");
}

TEST_F(AgentLinkTest, a_ladder_that_cannot_start_says_so_and_the_backoff_takes_over) {
  const auto script = folder_ + "/worker.sh";
  std::ofstream(script) << "#!/bin/sh\nexec sleep 1000\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  add_worker("w-1", "").command = {script};
  begin_online();
  std::filesystem::remove(script);
  monitor_->send(ladder("act-1"));
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_FALSE(progress("act-1").back().ok);
  EXPECT_NE(progress("act-1").back().message.find("binary missing"), std::string::npos);
  EXPECT_FALSE(worker().alive());
  // Not called stopping any more, or the monitor would hold it as one that ended on purpose.
  ASSERT_TRUE(eventually([&] { return monitor_->reports("w-1").back().process->exit->code == 127; }));
  EXPECT_EQ(monitor_->reports("w-1").back().state, WorkerState::starting);
  EXPECT_EQ(monitor_->starts().size(), 1u) << "the first retry is immediate, the next one waits";
}

TEST_F(AgentLinkTest, a_ladder_is_finished_without_monitor_and_told_until_acknowledged) {
  add_worker("w-1", "trap '' TERM; echo up > up; while :; do sleep 0.05; done");
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  const int first = pid();
  const auto port = monitor_->port();
  auto quick = ladder("act-1");
  quick.term_grace = 300ms;
  monitor_->send(quick);
  ASSERT_TRUE(eventually([&] { return !progress("act-1").empty(); }));
  monitor_.reset();
  ASSERT_TRUE(eventually([&] { return pid() > 0 && pid() != first; }));
  begin_monitor(port);
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_TRUE(progress("act-1").back().ok);
  monitor_->ack("act-1");
  pass(100ms);
  monitor_.reset();
  begin_monitor(port);
  ASSERT_TRUE(eventually([&] { return monitor_->reports("w-1").size() > 1; }));
  EXPECT_TRUE(progress("act-1").empty()) << "acknowledged: never told again";
}

TEST_F(AgentLinkTest, an_unfinished_ladder_goes_on_after_the_agent_was_killed) {
  add_worker("w-1", "trap '' TERM; echo up > up; while :; do sleep 0.05; done");
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  const int first = pid();
  auto slow = ladder("act-1");
  slow.term_grace = 1s;
  monitor_->send(slow);
  ASSERT_TRUE(eventually([&] { return steps("act-1") == "accepted diagnostics term "; }));
  crash_agent();
  begin_agent();
  EXPECT_EQ(pid(), first);
  ASSERT_TRUE(eventually([&] { return done("act-1"); }));
  EXPECT_TRUE(progress("act-1").back().ok);
  EXPECT_NE(pid(), first);
}

TEST_F(AgentLinkTest, starts_are_told_until_acknowledged) {
  add_worker("w-1", kSleep);
  begin_agent();  // no monitor yet
  const int first = pid();
  kill_worker();
  ASSERT_TRUE(eventually([&] { return pid() > 0 && pid() != first; })) << "the first start needs no monitor";
  crash_agent();
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return !monitor_->starts().empty(); }));
  const auto start = monitor_->starts().front();
  EXPECT_EQ(start.crashes, 1);
  EXPECT_EQ(start.incarnation, worker().incarnation());
  monitor_->ack(start.action_id);
  ASSERT_TRUE(eventually([&] { return read("data/journal.jsonl").find("\"ack\"") != std::string::npos; }));
  const auto port = monitor_->port();
  monitor_.reset();
  begin_monitor(port);
  ASSERT_TRUE(eventually([&] { return monitor_->reports("w-1").size() > 1; }));
  EXPECT_TRUE(monitor_->starts().empty());
}

TEST_F(AgentLinkTest, after_an_outage_the_present_comes_first_then_the_backlog) {
  add_worker("w-1", kSleep);
  begin_online();
  const auto port = monitor_->port();
  monitor_.reset();
  ASSERT_TRUE(eventually([&] { return agent_->backlog_frames() >= 4; }));
  begin_monitor(port);
  ASSERT_TRUE(eventually([&] { return monitor_->reports("w-1", true).size() >= 3 && agent_->backlog_frames() == 0; }));
  const auto frames = monitor_->frames<wire::AgentReports>();
  ASSERT_GE(frames.size(), 4u);
  EXPECT_FALSE(frames.front().backlog);
  const auto late = monitor_->reports("w-1", true);
  EXPECT_GT(late.front().age, Duration{100ms});
  // By number: two reports, one of them urgent, may bear the same millisecond.
  for (std::size_t i = 1; i < late.size(); ++i) EXPECT_LT(*late[i - 1].seq, *late[i].seq) << "oldest first";
  EXPECT_LT(*late[0].seq, *frames.front().reports[0].seq);
}

TEST_F(AgentLinkTest, the_token_is_shown_and_a_refusal_does_not_end_the_agent) {
  add_worker("w-1", kSleep);
  begin_monitor(0, "t-secret");
  begin_agent();
  pass(100ms);
  EXPECT_FALSE(agent_->online());
  crash_agent();
  options_.config.token_file = folder_ + "/token";
  std::ofstream(options_.config.token_file) << "t-secret\n";
  begin_agent();
  ASSERT_TRUE(eventually([&] { return agent_->online(); }));
  const auto port = monitor_->port();
  monitor_.reset();
  begin_monitor(port);
  monitor_->refuse_hello();
  ASSERT_TRUE(eventually([&] { return monitor_->frames<wire::AgentHello>().size() >= 2; })) << "it tries again";
  EXPECT_TRUE(worker().alive());
}

TEST_F(AgentLinkTest, an_agent_without_workers_says_that_it_is_alive) {
  begin_monitor();
  begin_agent();
  EXPECT_TRUE(eventually([&] { return monitor_->frames<wire::AgentAlive>().size() >= 2; }));
}

TEST_F(AgentLinkTest, commands_send_the_configured_signals) {
  auto& spec = add_worker(
      "w-1",
      "trap 'echo drain >> got' USR1; trap 'echo resume >> got' USR2; echo up > up; while :; do sleep 0.02; done");
  spec.drain_signal = SIGUSR1;
  spec.resume_signal = SIGUSR2;
  begin_online();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  wire::MonitorWorkerCommand command;
  command.worker_id = "w-1";
  command.incarnation = "another";
  monitor_->send(command);
  command.incarnation = worker().incarnation();
  monitor_->send(command);
  ASSERT_TRUE(eventually([&] { return last().state == WorkerState::draining && read("got") == "drain\n"; }));
  command.verb = Verb::resume;
  monitor_->send(command);
  ASSERT_TRUE(eventually([&] { return last().state == WorkerState::running && read("got") == "drain\nresume\n"; }));
}

TEST_F(AgentLinkTest, the_voice_fills_the_reports) {
  add_worker("w-1", kSleep);
  begin_online();
  say(R"({"event":"queue","broker":"r","name":"q","connected":true,"ready":3})");
  say(R"({"event":"task_started","id":"1","type":"resize"})");
  say("WATCHDOG=1");
  ASSERT_TRUE(eventually([&] { return last().in_flight && last().capabilities->voice; }));
  const auto report = last();
  EXPECT_EQ(report.in_flight->at(0).id, "1");
  EXPECT_EQ(report.queues->at(0).consumed, 1u);
  EXPECT_TRUE(report.alive_at);
  EXPECT_TRUE(report.capabilities->tasks);
  EXPECT_TRUE(report.capabilities->queues);
  kill_worker();
  ASSERT_TRUE(eventually([&] { return !monitor_->starts().empty(); }));
  for (const auto& r : monitor_->reports("w-1")) {
    if (!r.process->exit) continue;
    EXPECT_EQ(r.in_flight->size(), 1u) << "what was in flight at death is told";
    EXPECT_EQ(r.tasks->at(0).lost, 1u);
  }
  ASSERT_TRUE(eventually([&] { return last().incarnation == worker().incarnation(); }));
  EXPECT_FALSE(last().tasks) << "a new life has said nothing yet";
}

TEST_F(AgentLinkTest, a_beat_is_forwarded_at_once_when_the_last_one_is_old) {
  add_worker("w-1", kSleep).heartbeat_deadline = 100ms;
  options_.config.report_period = 1h;
  begin_online();
  pass(120ms);
  const auto before = monitor_->reports("w-1").size();
  say(R"({"event":"beat"})");
  EXPECT_TRUE(eventually([&] { return monitor_->reports("w-1").size() > before && last().alive_at; }));
}

TEST_F(AgentLinkTest, with_a_long_deadline_a_beat_waits_for_the_next_report) {
  add_worker("w-1", kSleep);
  options_.config.report_period = 1h;
  begin_online();
  say(R"({"event":"beat"})");
  ASSERT_TRUE(eventually([&] { return worker().datagrams() == 1; }));
  pass(150ms);
  const auto before = monitor_->reports("w-1").size();
  say(R"({"event":"beat"})");
  pass(150ms);
  EXPECT_EQ(monitor_->reports("w-1").size(), before);
}

TEST_F(AgentLinkTest, a_worker_that_changes_all_the_time_is_told_of_at_a_bounded_rate) {
  add_worker("w-1", kSleep);
  options_.config.report_period = 1h;
  begin_online();
  for (int i = 0; i < 200; ++i) {
    say(std::string(R"({"event":"queue","name":"q","connected":)") + (i % 2 ? "true}" : "false}"));
  }
  ASSERT_TRUE(eventually([&] { return last().queues && worker().datagrams() == 200; }));
  pass(150ms);
  EXPECT_LT(monitor_->reports("w-1").size(), 20u);
  EXPECT_EQ(last().queues->at(0).connected, true) << "the latest state arrives";
}

TEST_F(AgentLinkTest, garbage_is_counted_and_nothing_else_happens) {
  add_worker("w-1", kSleep);
  begin_online();
  say("garbage");
  say(std::string(100'000, 'x'));
  say(std::string("\0\xff{", 3));
  say("{\"event\":\"task_started\"}");
  say("READY=1");
  ASSERT_TRUE(eventually([&] { return worker().datagrams() == 5; }));
  EXPECT_EQ(worker().garbage(), 4u);
  EXPECT_TRUE(worker().alive());
}

TEST_F(AgentLinkTest, the_socket_is_served_again_after_the_agent_was_killed) {
  add_worker("w-1", kSleep);
  begin_agent();
  crash_agent();
  begin_online();
  say(R"({"event":"beat"})");
  EXPECT_TRUE(eventually([&] { return worker().datagrams() == 1; }));
}

TEST_F(AgentLinkTest, a_worker_may_announce_that_it_stops) {
  add_worker("w-1", kSleep);
  begin_online();
  say(R"({"event":"stopping","reason":"scale_down"})");
  ASSERT_TRUE(eventually([&] { return last().state == WorkerState::stopping && last().stop; }));
  kill_worker();
  ASSERT_TRUE(eventually([&] { return last().state == WorkerState::stopped; }));
  pass(100ms);
  EXPECT_FALSE(worker().alive());
  EXPECT_TRUE(monitor_->starts().empty());
}

TEST_F(AgentLinkTest, a_real_worker_speaks_through_python_and_sd_notify) {
  auto& spec = add_worker("w-1", "");
  spec.command = {
      "/usr/bin/python3", "-c",
      "import os, json, socket, time\n"
      "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
      "assert int(os.environ['WATCHDOG_USEC']) == 2000000\n"
      "s.sendto(b'READY=1\\nWATCHDOG=1', os.environ['NOTIFY_SOCKET'])\n"
      "s.sendto(json.dumps({'event': 'task_finished', 'id': 1, 'type': 't', 'duration_seconds': 0.5}).encode(), "
      "os.environ['PARAMEDIC_SOCKET'])\n"
      "time.sleep(1000)\n"};
  spec.watchdog = 2s;
  begin_online();
  ASSERT_TRUE(eventually([&] { return last().tasks && last().capabilities->voice; })) << read("out");
  EXPECT_EQ(last().tasks->at(0).completed, 1u);
  EXPECT_DOUBLE_EQ(last().tasks->at(0).durations->sum_seconds, 0.5);
}

}  // namespace
}  // namespace paramedic::agent
