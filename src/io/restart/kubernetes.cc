// A pod of Kubernetes, evicted so that its controller makes another one. First it is asked for: its uid goes with every
// request, so that a pod that has its name by then is never touched. Eviction respects disruption budgets: 429 is a
// hold-back, nothing was done. A plain delete where evictions are not known or not wanted (`evict: false`), and for a
// pod that should have been gone for a minute. A pod that nobody would make anew is left alone.
#include <algorithm>

#include <fmt/format.h>

#include "io/outgoing/answer.h"
#include "io/restart/executor_kind.h"
#include "io/restart/job_values.h"
#include "io/restart/kube_api.h"
#include "io/wire/json_writer.h"

namespace paramedic::restart {

namespace {

constexpr NameRule kPodName{"pod", "-.", 253, true, "small letters, digits, '-', '.'"};
constexpr NameRule kNamespaceName{"namespace", "-", 63, true, "small letters, digits, '-'"};
constexpr Duration kStuckAfter = 60s;  // past the time at which it should have been gone

struct Options {
  KubeOptions api;
  std::string pod = "{worker_id}";
  bool evict = true, allow_bare = false;
  std::map<std::string, std::string> require_labels;
  std::vector<std::string> allow;
  Duration timeout = 60s;
};

std::int64_t grace_seconds(const Job& job) {
  return std::chrono::ceil<std::chrono::seconds>(std::max<Duration>(job.ladder.term_grace, 0s)).count();
}

void delete_options(wire::JsonWriter& w, std::int64_t grace, const std::string& uid) {
  w.key("gracePeriodSeconds").value(grace);
  w.key("preconditions").begin_object().field("uid", uid).end_object();
}

class KubernetesAttempt final : public Attempt {
 public:
  KubernetesAttempt(const Options& options, Job job)
      : options_(options),
        job_(std::move(job)),
        api_(options.api, fmt::format("paramedic ({})", percent_encode(job_.ladder.action_id))) {}

  Outcome run() override {
    api_.begin(options_.timeout);
    if (std::string why = find_names(); !why.empty()) return {false, std::move(why)};
    const auto answer = api_.call({.method = "GET", .path = path(), .body = "", .wants_metadata = true});
    if (!answer) return {false, answer.error().message};
    if (answer->status == 404) return gone();
    if (answer->status != 200) return refused(*answer, "get", "pods");
    const auto pod = parse_pod(answer->body);
    if (!pod) return {false, fmt::format("not performed: the answer of {} describes no pod", path())};
    uid_ = pod->uid;
    if (std::string why = unfit(*pod); !why.empty()) return {false, "not performed: " + why};
    if (pod->terminating) return terminating(*pod);
    return options_.evict ? evict() : erase(grace_seconds(job_), "deleted");
  }
  void cancel() override { api_.cancel(); }

 private:
  // Empty = good.
  std::string find_names() {
    const auto name_space = api_.name_space();
    if (!name_space) return "not performed: " + name_space.error().message;
    const auto good = target_name(kNamespaceName, *name_space, job_);
    if (!good) return good.error().message;
    if (!is_allowed(options_.allow, *good))
      return fmt::format("not performed: namespace {} is not allowed: add it to executors.kubernetes.allow", *good);
    const auto pod = target_name(kPodName, options_.pod, job_);
    if (!pod) return pod.error().message;
    name_space_ = *good;
    pod_ = *pod;
    return "";
  }
  std::string path() const {
    return fmt::format("/api/v1/namespaces/{}/pods/{}", percent_encode(name_space_), percent_encode(pod_));
  }
  std::string name() const { return fmt::format("pod {}/{}", name_space_, pod_); }

  // Why this pod must not be touched; empty = it may.
  std::string unfit(const KubePod& pod) const {
    for (const auto& [key, value] : options_.require_labels) {
      const auto found = pod.labels.find(key);
      if (found == pod.labels.end() || found->second != value)
        return fmt::format("{} has not the label {}={} that require_labels asks for", name(), key, value);
    }
    if (pod.controller.empty() && !options_.allow_bare)
      return fmt::format(
          "{} has no controller (a Deployment, StatefulSet, …), so nothing would start it again; set "
          "allow_bare: true if something of yours does",
          name());
    return "";
  }
  Outcome gone() const {
    return {true, fmt::format("{} is gone: if it has a controller, another one is under way", name())};
  }

  Outcome terminating(const KubePod& pod) {
    const WallTime now = std::chrono::system_clock::now();
    if (!pod.ends_at || now < *pod.ends_at + kStuckAfter)
      return {true, fmt::format("{} is terminating already: a restart is under way", name())};
    Outcome out = erase(1, "deleted again with a grace of 1 s: it should have been gone for a while");
    if (out.ok) out.words += "; when its node is lost, only a person may force the deletion";
    return out;
  }

  Outcome evict() {
    std::string body;
    wire::JsonWriter w(body);
    w.begin_object().field("apiVersion", "policy/v1").field("kind", "Eviction");
    w.key("metadata").begin_object().field("name", pod_).field("namespace", name_space_).end_object();
    w.key("deleteOptions").begin_object();
    delete_options(w, grace_seconds(job_), uid_);
    w.end_object().end_object();
    const auto answer = api_.call({"POST", path() + "/eviction", std::move(body), false, true});
    if (!answer) return {false, answer.error().message};
    if (answer->status >= 200 && answer->status < 300) return {true, fmt::format("{} evicted", name())};
    if (answer->status == 429) return held_back(*answer);
    const outgoing::AnswerObject status(answer->body);
    const bool of_pod = status.id("details", "kind") == "pods" && status.id("details", "name") == pod_;
    if (answer->status == 405 || (answer->status == 404 && !of_pod))
      return erase(grace_seconds(job_), "deleted, since this API server knows no evictions");
    return ended(*answer, "create", "pods/eviction");
  }

  Outcome erase(std::int64_t grace, std::string_view how) {
    std::string body;
    wire::JsonWriter w(body);
    w.begin_object().field("apiVersion", "v1").field("kind", "DeleteOptions");
    delete_options(w, grace, uid_);
    w.end_object();
    const auto answer = api_.call({.method = "DELETE", .path = path(), .body = std::move(body)});
    if (!answer) return {false, answer.error().message};
    if (answer->status >= 200 && answer->status < 300) return {true, fmt::format("{} {}", name(), how)};
    return ended(*answer, "delete", "pods");
  }

  Outcome held_back(const HttpResponse& answer) const {
    Outcome out{false, fmt::format("{}: {}", name(), api_.words(answer))};
    out.held_back = true;
    out.retry_after = outgoing::retry_after(answer.headers, std::chrono::system_clock::now());
    const auto seconds = outgoing::AnswerObject(answer.body).number("details", "retryAfterSeconds");
    if (!out.retry_after && seconds) out.retry_after = outgoing::retry_after_seconds(*seconds);
    return out;
  }
  // Of an eviction or deletion that was not accepted.
  Outcome ended(const HttpResponse& answer, std::string_view verb, std::string_view resource) const {
    if (answer.status == 404) return gone();
    if (answer.status != 409) return refused(answer, verb, resource);
    if (api_.lost_an_answer())
      return {true, fmt::format("{} is another one by now: an earlier try reached the API server", name())};
    return {false, fmt::format("not performed: {} is another one by now: {}", name(), api_.words(answer))};
  }
  Outcome refused(const HttpResponse& answer, std::string_view verb, std::string_view resource) const {
    std::string words = fmt::format("{}: {}", name(), api_.words(answer));
    if (answer.status == 401)
      words += "; the token is not accepted: look at token_file or at the service account of the monitor's pod";
    if (answer.status == 403)
      words += fmt::format(
          "; its service account needs a Role in namespace {} with the rule {{apiGroups: [\"\"], "
          "resources: [{}], verbs: [{}]}}",
          name_space_, resource, verb);
    return {false, std::move(words)};
  }

  const Options options_;
  const Job job_;
  KubeApi api_;
  std::string name_space_, pod_, uid_;
};

class Kubernetes final : public Executor {
 public:
  explicit Kubernetes(Options options) : options_(std::move(options)) {}
  std::unique_ptr<Attempt> prepare(const Job& job) const override {
    return std::make_unique<KubernetesAttempt>(options_, job);
  }

 private:
  const Options options_;
};

void check(ParamsReader& r, const Options& o) {
  check_template(r, "pod", o.pod);
  if (o.pod.empty()) r.problem("pod", "must name a pod: \"{worker_id}\"");
  check_allow(r, "type", "kubernetes", o.allow);
  const std::string& name_space = o.api.name_space;
  if (!name_space.empty() && !target_name(kNamespaceName, name_space, {}))
    r.problem("namespace", fmt::format("'{}' is no name of a namespace: small letters, digits and '-'", name_space));
  else if (!name_space.empty() && !o.allow.empty() && !is_allowed(o.allow, name_space))
    r.problem("namespace", fmt::format("{} is not allowed: add it to executors.kubernetes.allow", name_space));
  if (!o.api.url.empty() && (!outgoing::good_url(o.api.url) || !o.api.url.starts_with("https://")))
    r.problem("url", "must be an https URL without user, password, blanks and '#': a token goes there");
  for (const auto& [key, value] : o.require_labels)
    if (key.empty() || has_control_character(key) || has_control_character(value))
      r.problem("require_labels", "must be labels and their values");
}

}  // namespace

std::shared_ptr<const Executor> make_kubernetes(ParamsReader& r, const KindContext& context) {
  Options o;
  o.timeout = context.timeout;
  o.allow = context.allow;
  r.read("pod", o.pod);
  r.read("namespace", o.api.name_space);
  r.read("evict", o.evict);
  r.read("allow_bare", o.allow_bare);
  r.read("require_labels", o.require_labels);
  r.read("url", o.api.url);
  r.read("ca_file", o.api.ca_file);
  r.read("token_file", o.api.token_file);
  r.read("service_account", o.api.service_account);
  check(r, o);
  return std::make_shared<Kubernetes>(std::move(o));
}

}  // namespace paramedic::restart
