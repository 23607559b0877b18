// Lives and deaths of workers under a real agent.
#include "app/agent/agent_fixture.h"

namespace paramedic::agent {
namespace {

constexpr char kSleep[] = "exec sleep 1000";

TEST_F(AgentTest, starts_its_workers_and_reports_them) {
  add_worker("w-1", kSleep).labels = {{"zone", "a"}};
  options_.config.workers.back().version = "1.4.2";
  options_.config.workers.back().concurrency = 4;
  add_worker("w-2", kSleep);
  begin_monitor();
  begin_agent();
  EXPECT_GT(pid(0), 0);
  ASSERT_TRUE(eventually([&] { return monitor_->reports("w-1").size() >= 3 && monitor_->reports("w-2").size() >= 3; }));
  const auto hello = monitor_->frames<wire::AgentHello>();
  ASSERT_EQ(hello.size(), 1u);
  EXPECT_EQ(hello[0].agent_id, "agent-1");
  EXPECT_EQ(hello[0].host, "host-1");
  EXPECT_FALSE(hello[0].boot_id.empty());
  EXPECT_EQ(hello[0].period, Duration{200ms});
  ASSERT_EQ(hello[0].workers.size(), 2u);
  EXPECT_EQ(hello[0].workers[0].incarnation, worker(0).incarnation());
  const auto last = monitor_->reports("w-1").back();
  EXPECT_EQ(last.pool, "p");
  EXPECT_EQ(last.host, "host-1");
  EXPECT_EQ(last.version, "1.4.2");
  EXPECT_EQ(last.incarnation, worker(0).incarnation());
  EXPECT_EQ(last.concurrency, 4);
  EXPECT_EQ(last.state, WorkerState::running);
  EXPECT_EQ(last.labels, (Labels{{"zone", "a"}}));
  EXPECT_EQ(last.process->pid, pid(0));
  EXPECT_EQ(last.process->state, 'S');
  EXPECT_FALSE(last.process->exit);
  EXPECT_NEAR(to_seconds(clock_.now().wall - *last.process->started_at), 0, 30);
  EXPECT_GT(last.resources->memory_mb.value_or(0), 0);
  EXPECT_TRUE(last.resources->cpu_percent);
  EXPECT_FALSE(last.disks->empty());
  EXPECT_TRUE(last.capabilities->process);
  EXPECT_FALSE(last.capabilities->voice);
  EXPECT_FALSE(last.alive_at);
  // All workers share a frame.
  EXPECT_EQ(monitor_->frames<wire::AgentReports>().back().reports.size(), 2u);
}

TEST_F(AgentTest, a_killed_worker_is_told_and_started_at_once) {
  add_worker("w-1", kSleep);
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return !monitor_->reports("w-1").empty(); }));
  const auto first = worker().incarnation();
  kill_worker();
  ASSERT_TRUE(eventually([&] { return worker().incarnation() != first && !monitor_->starts().empty(); }));
  EXPECT_TRUE(worker().alive());
  const auto reports = monitor_->reports("w-1");
  const auto dead =
      std::find_if(reports.begin(), reports.end(), [](const Report& r) { return r.process->exit.has_value(); });
  ASSERT_NE(dead, reports.end());
  EXPECT_EQ(dead->incarnation, first);
  EXPECT_EQ(dead->process->exit->signal, SIGKILL);
  EXPECT_FALSE(dead->process->exit->oom);
  const auto start = monitor_->starts().front();
  EXPECT_EQ(start.worker_id, "w-1");
  EXPECT_EQ(start.previous_incarnation, first);
  EXPECT_EQ(start.incarnation, worker().incarnation());
  EXPECT_EQ(start.crashes, 1);
  EXPECT_EQ(start.exit.signal, SIGKILL);
}

TEST_F(AgentTest, the_second_crash_waits_for_its_backoff) {
  add_worker("w-1", "echo life >> lives; exit 3");
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return read("lives") == "life\nlife\n"; }));
  ASSERT_TRUE(eventually([&] { return !worker().alive(); }));
  pass(300ms);
  EXPECT_EQ(read("lives"), "life\nlife\n") << "started again without the backoff of 10 s";
  EXPECT_EQ(monitor_->reports("w-1").back().process->exit->code, 3);
}

TEST_F(AgentTest, an_exit_code_of_the_list_means_stopped) {
  add_worker("w-1", "echo life >> lives; exit 4").no_restart_exit_codes = {0, 4};
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] {
    const auto reports = monitor_->reports("w-1");
    return !reports.empty() && reports.back().state == WorkerState::stopped;
  }));
  EXPECT_TRUE(worker().stopped());
  EXPECT_EQ(monitor_->reports("w-1").back().process->exit->code, 4);
  pass(200ms);
  EXPECT_EQ(read("lives"), "life\n");
  EXPECT_TRUE(monitor_->starts().empty());
}

TEST_F(AgentTest, a_missing_binary_is_a_crash_with_backoff) {
  add_worker("w-1", "").command = {"/no/such/binary"};
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return !monitor_->reports("w-1").empty() && !monitor_->starts().empty(); }));
  pass(100ms);
  const auto report = monitor_->reports("w-1").back();
  EXPECT_EQ(report.process->exit->code, 127);
  EXPECT_FALSE(report.incarnation.empty());
  EXPECT_FALSE(worker().alive());
  EXPECT_EQ(monitor_->starts().size(), 1u) << "the first retry is immediate, the next waits 10 s";
}

TEST_F(AgentTest, leftovers_of_the_group_are_ended_before_the_start) {
  add_worker("w-1", "sh -c 'trap \"\" TERM; echo $$ >> children; while :; do sleep 0.05; done' & wait");
  begin_agent();
  ASSERT_TRUE(eventually([&] { return !read("children").empty(); }));
  const int child = std::stoi(read("children"));
  const int first = pid();
  kill_worker();
  // It ignores TERM: a start may only come after KILL, one second later.
  ASSERT_TRUE(eventually([&] { return pid() != first && pid() > 0; }));
  EXPECT_FALSE(group_has_living_member("/proc", first));
  EXPECT_TRUE(eventually([&] { return !is_alive(child) || read_stat("/proc", child)->state == 'Z'; }));
}

TEST_F(AgentTest, a_hold_stops_the_start_until_it_is_lifted_and_outlives_the_agent) {
  add_worker("w-1", kSleep);
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return !monitor_->reports("w-1").empty(); }));
  Lease lease;
  lease.worker_id = "w-1";
  lease.incarnation = worker().incarnation();
  lease.hold = true;
  lease.hold_reason = "maintenance";
  monitor_->send(lease);
  const auto journal_says_hold = [&] { return read("data/journal.jsonl").find("maintenance") != std::string::npos; };
  ASSERT_TRUE(eventually(journal_says_hold));
  kill_worker();
  ASSERT_TRUE(eventually([&] { return !worker().alive(); }));
  pass(100ms);
  EXPECT_FALSE(worker().alive());
  crash_agent();
  begin_agent();
  pass(100ms);
  EXPECT_FALSE(worker().alive()) << "a new agent must not forget the hold";
  ASSERT_TRUE(eventually([&] { return agent_->online(); }));
  lease.hold = false;
  monitor_->send(lease);
  EXPECT_TRUE(eventually([&] { return worker().alive(); }));
}

TEST_F(AgentTest, many_deaths_at_once_spread_their_starts) {
  for (int i = 0; i < 8; ++i) add_worker("w-" + std::to_string(i), kSleep);
  begin_agent();
  for (std::size_t i = 0; i < 8; ++i) kill_worker(i);
  pass(200ms);
  int alive_now = 0;
  for (const auto& w : agent_->workers()) alive_now += w->alive() ? 1 : 0;
  EXPECT_GE(alive_now, 3);
  EXPECT_LT(alive_now, 8) << "0-10 s of jitter from the fourth death on";
}

TEST_F(AgentTest, a_crashed_agent_adopts_its_workers) {
  add_worker("w-1", kSleep);
  add_worker("w-2", kSleep);
  begin_agent();
  const int first = pid(0), second = pid(1);
  const auto incarnation = worker(0).incarnation();
  crash_agent();
  ASSERT_TRUE(is_alive(first));
  begin_monitor();
  begin_agent();
  EXPECT_EQ(pid(0), first);
  EXPECT_EQ(pid(1), second);
  EXPECT_EQ(worker(0).incarnation(), incarnation);
  EXPECT_TRUE(eventually([&] { return copies("w-1") == 1; }));
  ASSERT_TRUE(eventually([&] { return !monitor_->reports("w-1").empty(); }));
  EXPECT_TRUE(monitor_->starts().empty());
  // Its death is seen all the same.
  kill_worker(0);
  ASSERT_TRUE(eventually([&] { return pid(0) > 0 && pid(0) != first; }));
}

TEST_F(AgentTest, a_worker_that_died_while_no_agent_was_there_is_a_crash_of_unknown_cause) {
  add_worker("w-1", kSleep);
  begin_agent();
  const int first = pid();
  const auto incarnation = worker().incarnation();
  crash_agent();
  ::kill(first, SIGKILL);
  ::waitpid(first, nullptr, 0);
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return worker().alive() && !monitor_->starts().empty(); }));
  EXPECT_NE(worker().incarnation(), incarnation);
  const auto start = monitor_->starts().front();
  EXPECT_EQ(start.previous_incarnation, incarnation);
  EXPECT_TRUE(start.exit.unknown_cause);
  EXPECT_EQ(start.crashes, 1);
}

TEST_F(AgentTest, a_start_whose_pid_was_never_written_down_is_found_by_its_environment) {
  add_worker("w-1", kSleep);
  begin_agent();
  const int first = pid();
  crash_agent();
  // Cut the journal back to "starting", as if the agent had been killed between spawn and the next line.
  auto text = read("data/journal.jsonl");
  const auto running = text.find("\"running\"");
  ASSERT_NE(running, std::string::npos);
  std::ofstream(folder_ + "/data/journal.jsonl", std::ios::trunc) << text.substr(0, text.rfind('\n', running) + 1);
  begin_agent();
  EXPECT_EQ(pid(), first);
  EXPECT_TRUE(eventually([&] { return copies("w-1") == 1; }));
}

TEST_F(AgentTest, a_start_that_was_cut_off_before_its_pid_was_written_down_is_told_with_its_incarnation) {
  add_worker("w-1", kSleep);
  begin_agent();
  const auto first = worker().incarnation();
  kill_worker();
  ASSERT_TRUE(eventually([&] { return worker().alive() && worker().incarnation() != first; }));
  const int second = pid();
  crash_agent();
  // Cut off behind the start's first line and "starting": the incarnation was not known yet.
  auto text = read("data/journal.jsonl");
  const auto start = text.find("\"kind\":\"start\"");
  ASSERT_NE(start, std::string::npos);
  const auto running = text.find("\"running\"", start);
  ASSERT_NE(running, std::string::npos);
  std::ofstream(folder_ + "/data/journal.jsonl", std::ios::trunc) << text.substr(0, text.rfind('\n', running) + 1);
  begin_monitor();
  begin_agent();
  EXPECT_EQ(pid(), second);
  ASSERT_TRUE(eventually([&] { return !monitor_->starts().empty(); }));
  EXPECT_EQ(monitor_->starts().back().incarnation, worker().incarnation());
}

TEST_F(AgentTest, orphans_of_a_lost_worker_are_ended_before_its_successor) {
  add_worker("w-1", "sleep 1000 & echo $! > child; wait");
  begin_agent();
  ASSERT_TRUE(eventually([&] { return !read("child").empty(); }));
  const int first = pid(), child = std::stoi(read("child"));
  crash_agent();
  ::kill(first, SIGKILL);
  ::waitpid(first, nullptr, 0);
  ASSERT_TRUE(is_alive(child));
  begin_agent();
  EXPECT_TRUE(eventually([&] {
    const auto stat = read_stat("/proc", child);
    return !stat || stat->state == 'Z';
  }));
}

TEST_F(AgentTest, stopped_survives_a_crash_of_the_agent_but_not_its_clean_end) {
  add_worker("w-1", "echo life >> lives; exit 0");
  begin_agent();
  ASSERT_TRUE(eventually([&] { return worker().stopped(); }));
  crash_agent();
  begin_agent();
  pass(100ms);
  EXPECT_EQ(read("lives"), "life\n");
  agent_->stop();
  ASSERT_TRUE(eventually([&] { return agent_->finished(); }));
  agent_.reset();
  begin_agent();
  EXPECT_TRUE(eventually([&] { return read("lives") == "life\nlife\n"; }));
}

TEST_F(AgentTest, a_clean_end_takes_the_workers_along_and_announces_it) {
  add_worker("w-1", "trap 'echo term >> out2; exit 0' TERM; echo up > up; while :; do sleep 0.02; done");
  begin_monitor();
  begin_agent();
  ASSERT_TRUE(eventually([&] { return exists("up") && agent_->online(); }));
  const int first = pid();
  agent_->stop();
  ASSERT_TRUE(eventually([&] { return agent_->finished(); }));
  EXPECT_FALSE(is_alive(first));
  EXPECT_EQ(read("out2"), "term\n");
  const auto reports = monitor_->reports("w-1");
  EXPECT_TRUE(std::any_of(reports.begin(), reports.end(),
                          [](const Report& r) { return r.state == WorkerState::stopping && r.stop; }));
  EXPECT_EQ(reports.back().state, WorkerState::stopped);
  EXPECT_TRUE(reports.back().process->exit);
}

TEST_F(AgentTest, after_a_clean_end_every_worker_begins_anew) {
  for (const char* id : {"w-1", "w-2", "w-3"}) add_worker(id, kSleep);
  begin_agent();
  agent_->stop();
  ASSERT_TRUE(eventually([&] { return agent_->finished(); }));
  agent_.reset();
  begin_agent();
  EXPECT_TRUE(eventually([&] {
    return std::all_of(agent_->workers().begin(), agent_->workers().end(), [](const auto& w) { return w->alive(); });
  }));
}

TEST_F(AgentTest, a_second_stop_hurries) {
  add_worker("w-1", "trap '' TERM; echo up > up; while :; do sleep 0.02; done").term_grace = 1h;
  begin_agent();
  ASSERT_TRUE(eventually([&] { return exists("up"); }));
  agent_->stop();
  pass(50ms);
  EXPECT_FALSE(agent_->finished());
  agent_->stop();
  ASSERT_TRUE(eventually([&] { return agent_->finished(); }));
  EXPECT_EQ(worker().last_exit().signal, SIGKILL);
}

TEST_F(AgentTest, a_clean_end_may_leave_the_workers) {
  add_worker("w-1", kSleep);
  options_.config.on_exit = config::OnExit::leave;
  begin_agent();
  const int first = pid();
  agent_->stop();
  ASSERT_TRUE(eventually([&] { return agent_->finished(); }));
  agent_.reset();
  EXPECT_TRUE(is_alive(first));
  begin_agent();
  EXPECT_EQ(pid(), first);
}

TEST_F(AgentTest, two_agents_cannot_share_a_folder) {
  add_worker("w-1", kSleep);
  begin_agent();
  Agent second(options_, *log_, clock_);
  const auto started = second.start(io_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::conflict);
  EXPECT_TRUE(eventually([&] { return copies("w-1") == 1; }));
}

TEST_F(AgentTest, bad_settings_are_refused_with_a_remedy) {
  options_.config.monitor_url = "https://monitor";
  EXPECT_NE(Agent(options_, *log_, clock_).start(io_).error().message.find("http://HOST:PORT"), std::string::npos);
  options_.config.monitor_url = "http://127.0.0.1:1";
  options_.config.agent_id = "a b";
  EXPECT_NE(Agent(options_, *log_, clock_).start(io_).error().message.find("agent_id"), std::string::npos);
  options_.config.agent_id = "a";
  options_.config.socket_dir = folder_ + "/" + std::string(120, 'x');
  add_worker("w", kSleep);
  EXPECT_NE(Agent(options_, *log_, clock_).start(io_).error().message.find("socket_dir"), std::string::npos);
}

TEST_F(AgentTest, a_worker_that_is_no_longer_configured_is_left_and_forgotten) {
  add_worker("w-1", kSleep);
  add_worker("w-2", kSleep);
  begin_agent();
  const int second = pid(1);
  crash_agent();
  options_.config.workers.pop_back();
  begin_agent();
  EXPECT_TRUE(is_alive(second));
  EXPECT_NE(read("data/journal.jsonl").find(R"({"kind":"forget","worker_id":"w-2"})"), std::string::npos);
}

TEST_F(AgentTest, ends_with_its_workers_when_asked_to) {
  add_worker("w-1", "exit 5").no_restart_exit_codes = {5};
  options_.end_with_workers = true;
  begin_agent();
  ASSERT_TRUE(eventually([&] { return agent_->finished(); }));
  EXPECT_EQ(worker().last_exit().code, 5);
}

TEST_F(AgentTest, run_ends_on_a_signal) {
  add_worker("w-1", kSleep);
  agent_ = std::make_unique<Agent>(options_, *log_, clock_);
  boost::asio::steady_timer timer(io_);
  timer.expires_after(50ms);
  timer.async_wait([](const boost::system::error_code&) { ::kill(::getpid(), SIGTERM); });
  EXPECT_TRUE(agent_->run(io_));
  EXPECT_TRUE(agent_->finished());
  EXPECT_EQ(copies("w-1"), 0);
}

}  // namespace
}  // namespace paramedic::agent
