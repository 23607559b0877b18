// Every kind of executor behind the same queue: done once, failures in words, time, cancellation, bounds.
#include <gmock/gmock.h>

#include "io/restart/docker_fake.h"
#include "io/restart/kube_fake.h"
#include "io/restart/restart_test_support.h"
#include "io/restart/systemd_fake.h"

namespace paramedic::restart {
namespace {

using ::testing::HasSubstr;

// The other side of one kind: what it is asked to do is written to it, it does what `behaviour` says.
class OtherSide {
 public:
  virtual ~OtherSide() = default;
  virtual ExecutorSetup good() = 0;  // performs each job at once
  virtual ExecutorSetup bad() = 0;   // refuses with "no such unit"
  virtual ExecutorSetup hangs(Duration timeout) = 0;
  virtual std::vector<std::string> performed() = 0;  // action ids, in order
};

class Programs final : public OtherSide {
 public:
  ExecutorSetup good() override { return setup("echo $PARAMEDIC_ACTION_ID >> " + folder_.path("log"), "60s"); }
  ExecutorSetup bad() override { return setup("echo no such unit >&2; exit 4", "60s"); }
  ExecutorSetup hangs(Duration timeout) override {
    return setup("echo $PARAMEDIC_ACTION_ID >> " + folder_.path("log") + "; sleep 600",
                 std::to_string(timeout / 1ms) + "ms");
  }
  std::vector<std::string> performed() override {
    std::ifstream file(folder_.path("log"));
    std::vector<std::string> out;
    for (std::string line; std::getline(file, line);) out.push_back(line);
    return out;
  }

 private:
  ExecutorSetup setup(const std::string& text, const std::string& timeout) {
    const std::string program = folder_.script(text);
    Problems problems;
    ExecutorSetup out = read_setup("command", {{"program", Params::of(program)}, {"timeout", Params::of(timeout)}},
                                   {program}, problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    return out;
  }
  const Folder folder_;
};

class Service final : public OtherSide {
 public:
  ExecutorSetup good() override {
    return setup([](const std::string&) { return http("202 Accepted", "", "queued"); }, "60s");
  }
  ExecutorSetup bad() override {
    return setup([](const std::string&) { return http("422 Unprocessable", "", "no such unit"); }, "60s");
  }
  ExecutorSetup hangs(Duration timeout) override {
    return setup([](const std::string&) { return std::nullopt; }, std::to_string(timeout / 1ms) + "ms");
  }
  std::vector<std::string> performed() override {
    std::vector<std::string> out;
    for (const std::string& request : server_->requests()) out.push_back(header_of(request, "webhook-id"));
    return out;
  }

 private:
  ExecutorSetup setup(HookServer::Answer answer, const std::string& timeout) {
    server_ = std::make_unique<HookServer>(std::move(answer));
    Problems problems;
    ExecutorSetup out =
        read_setup("webhook", {{"url", Params::of(server_->url() + "/restart")}, {"timeout", Params::of(timeout)}},
                   {server_->url()}, problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    return out;
  }
  std::unique_ptr<HookServer> server_;
};

ExecutorSetup read_good(const std::string& type, Keys keys, const std::string& timeout, const std::string& allow) {
  keys.emplace_back("timeout", Params::of(timeout));
  Problems problems;
  ExecutorSetup out = read_setup(type, std::move(keys), {allow}, problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
  return out;
}
std::string in_ms(Duration d) { return std::to_string(d / 1ms) + "ms"; }

class Containers final : public OtherSide {
 public:
  ExecutorSetup good() override { return read_good("docker", docker_.keys(), "60s", "w-*"); }
  ExecutorSetup bad() override {
    docker_.failure = "no such unit";
    return good();
  }
  ExecutorSetup hangs(Duration timeout) override {
    docker_.silent = true;
    for (const char* more : {"w-2", "w-3", "w-4"}) docker_.containers[more] = {std::string(64, more[2]), "running"};
    return read_good("docker", docker_.keys(), in_ms(timeout), "w-*");
  }
  std::vector<std::string> performed() override { return docker_.actions(); }

 private:
  FakeDocker docker_;
};

class Pods final : public OtherSide {
 public:
  ExecutorSetup good() override { return read_good("kubernetes", kube_.keys(), "60s", "jobs"); }
  ExecutorSetup bad() override {
    kube_.first = {http("400 X", "", R"({"kind":"Status","message":"no such unit"})")};
    return good();
  }
  ExecutorSetup hangs(Duration timeout) override {
    kube_.silent = true;
    for (const char* more : {"w-2", "w-3", "w-4"}) kube_.pods[more] = {};
    return read_good("kubernetes", kube_.keys(), in_ms(timeout), "jobs");
  }
  std::vector<std::string> performed() override { return kube_.actions(); }

 private:
  FakeKube kube_;
};

#ifdef PARAMEDIC_SYSTEMD
class Units final : public OtherSide {
 public:
  ExecutorSetup good() override { return setup("60s"); }
  ExecutorSetup bad() override {
    systemd_.units.clear();
    systemd_.unknown_words = "no such unit";
    return setup("60s");
  }
  ExecutorSetup hangs(Duration timeout) override {
    systemd_.result = "";
    for (const char* more : {"w-2", "w-3", "w-4"}) systemd_.units.insert(std::string(more) + ".service");
    return setup(in_ms(timeout));
  }
  // D-Bus carries no name of ours: the n-th change is of the n-th action.
  std::vector<std::string> performed() override {
    std::vector<std::string> out;
    for (std::size_t i = 1; i <= systemd_.changes().size(); ++i) out.push_back("act-" + std::to_string(i));
    return out;
  }

 private:
  ExecutorSetup setup(const std::string& timeout) {
    return read_good("systemd", {{"bus", Params::of(bus_.address())}}, timeout, "w-*");
  }
  const PrivateBus bus_;
  FakeSystemd systemd_{bus_.address()};
};
#endif

struct Kind {
  const char* name;
  std::unique_ptr<OtherSide> (*make)();
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
const Kind kKinds[] = {
    {"command", []() -> std::unique_ptr<OtherSide> { return std::make_unique<Programs>(); }},
    {"docker", []() -> std::unique_ptr<OtherSide> { return std::make_unique<Containers>(); }},
    {"kubernetes", []() -> std::unique_ptr<OtherSide> { return std::make_unique<Pods>(); }},
#ifdef PARAMEDIC_SYSTEMD
    {"systemd", []() -> std::unique_ptr<OtherSide> { return std::make_unique<Units>(); }},
#endif
    {"webhook", []() -> std::unique_ptr<OtherSide> { return std::make_unique<Service>(); }},
};

class Executors : public ::testing::TestWithParam<Kind> {
 protected:
  const std::unique_ptr<OtherSide> other_ = GetParam().make();
  Told told_;
};

TEST_P(Executors, performs_a_job_and_tells_each_step) {
  PoolExecutor executor(other_->good(), told_.ports());
  executor.submit(job());
  const ProgressInput end = told_.ends(1)[0];
  EXPECT_TRUE(end.ok) << end.message;
  EXPECT_EQ(end.step, LadderStep::start);
  EXPECT_EQ(end.source, "executor/jobs");
  EXPECT_EQ(end.worker_id, "w-1");
  EXPECT_EQ(end.new_incarnation, "") << "its report tells that";
  const auto all = told_.all();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].step, LadderStep::accepted);
  EXPECT_EQ(all[1].step, LadderStep::term);
  EXPECT_EQ(other_->performed(), std::vector<std::string>{"act-1"});
}

TEST_P(Executors, an_action_is_performed_once_and_its_end_told_again) {
  PoolExecutor executor(other_->good(), told_.ports());
  executor.submit(job());
  executor.submit(job());
  (void)told_.ends(1);
  executor.submit(job());
  const auto ends = told_.ends(2);
  EXPECT_EQ(ends[0].message, ends[1].message);
  EXPECT_TRUE(ends[1].ok);
  executor.submit(job("act-2"));
  EXPECT_EQ(told_.ends(3)[2].action_id, "act-2");
  EXPECT_EQ(other_->performed(), (std::vector<std::string>{"act-1", "act-2"}));
}

TEST_P(Executors, a_failure_is_told_in_words) {
  PoolExecutor executor(other_->bad(), told_.ports());
  executor.submit(job());
  const ProgressInput end = told_.ends(1)[0];
  EXPECT_FALSE(end.ok);
  EXPECT_EQ(end.step, LadderStep::term);
  EXPECT_THAT(end.message, HasSubstr("no such unit"));
}

TEST_P(Executors, gives_up_at_its_timeout) {
  PoolExecutor executor(other_->hangs(300ms), told_.ports());
  executor.submit(job());
  const ProgressInput end = told_.ends(1)[0];
  EXPECT_FALSE(end.ok);
  EXPECT_THAT(end.message, HasSubstr("within 0.3 s"));
}

TEST_P(Executors, is_cancelled_at_the_end_and_drops_what_waits) {
  PoolExecutor executor = {[&] {
                             ExecutorSetup one = other_->hangs(10min);
                             one.limits.parallel = 1;
                             return one;
                           }(),
                           told_.ports()};
  executor.submit(job("act-1", "w-1"));
  executor.submit(job("act-2", "w-2"));
  told_.begun(1);
  executor.stop(0s);  // returns: what hangs for ten minutes was ended
  const auto ends = told_.ends(1);
  ASSERT_EQ(ends.size(), 1u) << "of what waited the next life judges anew";
  EXPECT_EQ(ends[0].action_id, "act-1");
  EXPECT_FALSE(ends[0].ok);
  EXPECT_THAT(ends[0].message, HasSubstr("cancelled"));
  executor.submit(job("act-3", "w-3"));
  EXPECT_EQ(told_.all().size(), 3u);
}

TEST_P(Executors, its_queue_is_bounded_and_a_worker_has_one_job_at_a_time) {
  ExecutorSetup setup = other_->hangs(10min);
  setup.limits.parallel = setup.limits.queue = 2;
  PoolExecutor executor(setup, told_.ports());
  for (const char* id : {"1", "2", "3", "4"}) executor.submit(job(std::string("act-") + id, std::string("w-") + id));
  told_.begun(2);
  executor.submit(job("act-5", "w-5"));
  executor.submit(job("act-6", "w-1"));
  executor.submit(job("act-7", "w-4"));
  const auto ends = told_.ends(3);
  EXPECT_EQ(ends[0].message, "the executor of pool jobs is full: 2 jobs run and 2 wait");
  EXPECT_EQ(ends[1].message, "an earlier restart of this worker still runs");
  EXPECT_EQ(ends[2].message, ends[1].message);
  for (const ProgressInput& end : ends) {
    EXPECT_FALSE(end.ok);
    EXPECT_EQ(end.step, LadderStep::accepted) << "refused, not failed";
  }
}

TEST_P(Executors, jobs_run_beside_one_another) {
  PoolExecutor executor(other_->hangs(10min), told_.ports());
  for (const char* id : {"1", "2", "3", "4"}) executor.submit(job(std::string("act-") + id, std::string("w-") + id));
  told_.begun(4);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Executors, ::testing::ValuesIn(kKinds),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace paramedic::restart
