#include <gmock/gmock.h>

#include "base/text.h"
#include "io/restart/kube_api.h"
#include "io/restart/kube_fake.h"

namespace paramedic::restart {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class KubernetesExecutor : public ::testing::Test {
 protected:
  std::unique_ptr<Attempt> attempt(Keys more = {}, Job what = job(), const std::vector<std::string>& allow = {"jobs"}) {
    Keys keys = kube_.keys();
    for (auto& one : more) {
      std::erase_if(keys, [&](const auto& old) { return old.first == one.first; });
      keys.push_back(one);
    }
    Problems problems;
    const ExecutorSetup setup = read_setup("kubernetes", keys, allow, problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    return setup.executor ? setup.executor->prepare(what) : nullptr;
  }
  Outcome run(Keys more = {}, Job what = job()) { return attempt(std::move(more), std::move(what))->run(); }
  static Params text(const std::string& value) { return Params::of(value); }

  FakeKube kube_;
};

TEST_F(KubernetesExecutor, evicts_the_pod_that_it_saw_and_no_other) {
  const Outcome outcome = run();
  EXPECT_TRUE(outcome.ok) << outcome.words;
  EXPECT_EQ(outcome.words, "pod jobs/w-1 evicted");
  EXPECT_THAT(kube_.changes(), ElementsAre("evict w-1 uid-1 grace 30"));
  EXPECT_THAT(kube_.actions(), ElementsAre("act-1")) << "it stands in the audit log of the cluster";
}

TEST_F(KubernetesExecutor, another_pod_of_that_name_is_left_alone) {
  kube_.before_change = [](FakeKube& kube) { kube.pods["w-1"].uid += "+"; };
  const Outcome outcome = run();
  EXPECT_FALSE(outcome.ok);
  EXPECT_FALSE(outcome.held_back);
  EXPECT_THAT(outcome.words, HasSubstr("not performed: pod jobs/w-1 is another one by now: HTTP 409"));
  EXPECT_FALSE(run({{"evict", text("false")}}).ok);
  EXPECT_TRUE(kube_.changes().empty());
}

TEST_F(KubernetesExecutor, a_disruption_budget_holds_it_back) {
  kube_.disruption = {"Retry-After: 30\r\n", ""};
  const Outcome outcome = run();
  EXPECT_FALSE(outcome.ok);
  EXPECT_TRUE(outcome.held_back);
  EXPECT_EQ(outcome.retry_after, Duration(30s));
  EXPECT_THAT(outcome.words, HasSubstr("Cannot evict pod as it would violate the pod's disruption budget."));
  EXPECT_EQ(kube_.requests(), 2u) << "asked once";
  const Outcome again = run();
  EXPECT_TRUE(again.held_back);
  EXPECT_FALSE(again.retry_after);
  EXPECT_TRUE(kube_.changes().empty());
  EXPECT_TRUE(run().ok);
}

TEST_F(KubernetesExecutor, deletes_where_there_are_no_evictions_or_none_are_wanted) {
  kube_.knows_evictions = false;
  EXPECT_THAT(run().words, HasSubstr("deleted, since this API server knows no evictions"));
  kube_.knows_evictions = true;
  const Outcome outcome = run({{"evict", text("false")}});
  EXPECT_TRUE(outcome.ok);
  EXPECT_THAT(kube_.changes(), ElementsAre("delete w-1 uid-1 grace 30", "delete w-1 uid-1 grace 30"));
}

TEST_F(KubernetesExecutor, a_pod_that_is_gone_or_goes_is_restarted_already) {
  kube_.pods["w-1"].deletion = format_time(std::chrono::system_clock::now() + 20s);
  const Outcome goes = run();
  EXPECT_TRUE(goes.ok);
  EXPECT_THAT(goes.words, HasSubstr("terminating already"));
  kube_.pods.clear();
  const Outcome gone = run();
  EXPECT_TRUE(gone.ok);
  EXPECT_THAT(gone.words, HasSubstr("pod jobs/w-1 is gone"));
  EXPECT_TRUE(kube_.changes().empty());
  kube_.pods["w-1"] = {};
  kube_.before_change = [](FakeKube& kube) { kube.pods.clear(); };
  EXPECT_TRUE(run().ok) << "gone between the two requests";
}

TEST_F(KubernetesExecutor, one_that_is_stuck_in_terminating_is_deleted_again_but_never_by_force) {
  kube_.pods["w-1"].deletion = format_time(std::chrono::system_clock::now() - 10min);
  const Outcome outcome = run();
  EXPECT_TRUE(outcome.ok);
  EXPECT_THAT(outcome.words, HasSubstr("only a person may force the deletion"));
  EXPECT_THAT(kube_.changes(), ElementsAre("delete w-1 uid-1 grace 1"));
}

TEST_F(KubernetesExecutor, a_pod_that_nobody_would_make_anew_is_left_alone) {
  kube_.pods["w-1"].owner_kind = "";
  EXPECT_THAT(run().words, HasSubstr("has no controller"));
  kube_.pods["w-1"].owner_kind = "Node";  // a static pod
  EXPECT_FALSE(run().ok);
  EXPECT_TRUE(kube_.changes().empty());
  EXPECT_TRUE(run({{"allow_bare", text("true")}}).ok);
}

TEST_F(KubernetesExecutor, only_pods_with_the_required_labels_are_touched) {
  const auto wants = [](const std::string& value) { return Keys{{"require_labels", map({{"app", text(value)}})}}; };
  EXPECT_THAT(run(wants("db")).words, HasSubstr("has not the label app=db that require_labels asks for"));
  EXPECT_TRUE(run(wants("web")).ok);
  EXPECT_EQ(kube_.changes().size(), 1u);
}

TEST_F(KubernetesExecutor, a_rotated_token_is_read_anew) {
  kube_.tokens = {"token-2"};
  const Outcome refused = run();
  EXPECT_FALSE(refused.ok);
  EXPECT_THAT(refused.words, HasSubstr("the token is not accepted"));
  EXPECT_THAT(refused.words, Not(HasSubstr("token-1")));
  EXPECT_EQ(kube_.requests(), 2u) << "once more, no oftener";
  kube_.set_token("token-2");
  EXPECT_TRUE(run().ok);
}

TEST_F(KubernetesExecutor, what_rbac_forbids_is_named_with_the_rule_that_it_needs) {
  kube_.forbidden = {"create pods/eviction"};
  EXPECT_THAT(run().words, HasSubstr(R"({apiGroups: [""], resources: [pods/eviction], verbs: [create]})"));
  kube_.forbidden = {"delete pods"};
  EXPECT_THAT(run({{"evict", text("false")}}).words, HasSubstr("resources: [pods], verbs: [delete]"));
  kube_.forbidden = {"get pods"};
  EXPECT_THAT(run().words, HasSubstr("Role in namespace jobs"));
}

TEST_F(KubernetesExecutor, an_overloaded_server_is_asked_again) {
  kube_.first = {http("503 X", "Retry-After: 0.01\r\n", ""), http("429 X", "Retry-After: 0.01\r\n", "slow down")};
  EXPECT_TRUE(run().ok);
  kube_.first = {http("500 X", "Retry-After: 3600\r\n", "")};
  const Outcome outcome = run();
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.words, HasSubstr("no success within 60 s: HTTP 500"));
}

TEST_F(KubernetesExecutor, a_lost_answer_is_no_conflict) {
  kube_.loses_an_answer = true;  // the eviction is accepted; the second try meets the successor
  const Outcome outcome = run();
  EXPECT_TRUE(outcome.ok) << outcome.words;
  EXPECT_THAT(outcome.words, HasSubstr("an earlier try reached the API server"));
  EXPECT_THAT(kube_.changes(), ElementsAre("evict w-1 uid-1 grace 30"));
}

TEST_F(KubernetesExecutor, a_name_from_a_report_stays_a_name) {
  const auto with_id = [&](const std::string& id) { return run({}, job("act-1", id)).words; };
  for (const char* id : {"../secrets/x", "a/b", "w-1?x=1", "w%2f1", "w 1", "w\n1", "..", "-w", "W-1", ""})
    EXPECT_THAT(with_id(id), HasSubstr("is no name of a pod")) << id;
  EXPECT_THAT(with_id(std::string(254, 'a')), HasSubstr("is no name of a pod"));
  EXPECT_EQ(kube_.requests(), 0u);
  kube_.pods["prefix-w-1"] = {};
  EXPECT_TRUE(run({{"pod", text("prefix-{worker_id}")}}).ok);
}

TEST_F(KubernetesExecutor, the_namespace_comes_from_the_service_account_and_must_be_allowed) {
  EXPECT_THAT(attempt({}, job(), {"prod"})->run().words, HasSubstr("namespace jobs is not allowed: add it to"));
  EXPECT_EQ(kube_.requests(), 0u);
  EXPECT_TRUE(attempt({{"namespace", text("jobs")}}, job(), {"job*"})->run().ok);
}

TEST_F(KubernetesExecutor, in_a_pod_the_environment_says_where_the_api_server_is) {
  EXPECT_THAT(run({{"url", text("")}}).words, HasSubstr("KUBERNETES_SERVICE_HOST is not set"));
  ::setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", std::to_string(kube_.port()).c_str(), 1);
  EXPECT_TRUE(run({{"url", text("")}}).ok);
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ::unsetenv("KUBERNETES_SERVICE_PORT");
}

TEST_F(KubernetesExecutor, a_server_of_another_ca_is_not_trusted) {
  const Outcome outcome = run({{"ca_file", text("/etc/ssl/certs/ca-certificates.crt")}, {"timeout", text("300ms")}});
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.words, HasSubstr("no success within 0.3 s"));
  EXPECT_EQ(kube_.requests(), 0u) << "no token went there";
}

TEST_F(KubernetesExecutor, is_cancelled_between_two_tries) {
  kube_.first = {http("503 X", "Retry-After: 600\r\n", "")};
  const auto hangs = attempt({{"timeout", text("10m")}, {"ca_file", text(TestCertificates::get().ca())}});
  std::thread other([&] { hangs->cancel(); });
  EXPECT_FALSE(hangs->run().ok);
  other.join();
}

TEST(KubernetesPod, bytes_that_are_no_pod) {
  for (const char* text :
       {"", "x", "[]", "{}", R"({"metadata":[]})", R"({"metadata":{"uid":7}})", R"({"metadata":{"uid":""}})"})
    EXPECT_FALSE(parse_pod(text)) << text;
  const auto odd = parse_pod(
      R"({"metadata":{"uid":"u","labels":{"a":1,"b":"c"},"ownerReferences":[1,{"controller":"yes"},{}],"deletionTimestamp":"x"}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->controller, "");
  EXPECT_TRUE(odd->terminating);
  EXPECT_FALSE(odd->ends_at);
  EXPECT_EQ(odd->labels, (std::map<std::string, std::string>{{"b", "c"}}));
}

TEST(KubernetesConfig, what_does_not_fit_is_named) {
  const auto with = [](Keys keys, const std::vector<std::string>& allow = {"jobs"}) {
    return problems_of("kubernetes", std::move(keys), allow);
  };
  EXPECT_EQ(with({}), "");
  EXPECT_THAT(with({}, {}), HasSubstr("nothing is allowed: name what may be restarted in executors.kubernetes.allow"));
  EXPECT_THAT(with({}, {"*x"}), HasSubstr("'*x' must be a name, or the beginning of one and '*'"));
  EXPECT_THAT(with({{"namespace", Params::of("prod")}}), HasSubstr("prod is not allowed: add it to"));
  EXPECT_THAT(with({{"namespace", Params::of("Prod/x")}}), HasSubstr("is no name of a namespace"));
  EXPECT_THAT(with({{"url", Params::of("http://10.0.0.1")}}), HasSubstr("must be an https URL"));
  EXPECT_THAT(with({{"pod", Params::of("{pod}")}}), HasSubstr("'{pod}' is no placeholder"));
  EXPECT_THAT(with({{"pod", Params::of("")}}), HasSubstr("must name a pod"));
  EXPECT_THAT(with({{"evict", Params::of("yes")}}), HasSubstr("evict"));
  EXPECT_THAT(with({{"force", Params::of("true")}}), HasSubstr("force: unknown key"));
}

}  // namespace
}  // namespace paramedic::restart
