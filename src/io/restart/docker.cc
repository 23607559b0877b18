// A container of Docker, or of podman behind the same API, over the Engine's unix socket. The container is looked up
// first, and restarted by the id that the answer names: the API takes beginnings of ids for names, and those are not
// what the allow-list means. A paused container was paused by somebody on purpose: that is told, not undone.
#include <algorithm>

#include <fmt/format.h>

#include "base/readable.h"
#include "io/outgoing/answer.h"
#include "io/outgoing/http_way.h"
#include "io/restart/cancellation.h"
#include "io/restart/docker_answers.h"
#include "io/restart/executor_kind.h"
#include "io/restart/job_values.h"

namespace paramedic::restart {

namespace {

constexpr NameRule kContainerName{"container", "_.-", 255, false, "letters, digits, '_', '.', '-'"};
constexpr std::size_t kMaxInspect = 1u << 20;

constexpr DockerVersion kOurs{1, 41};

struct Options {
  std::string socket = "/var/run/docker.sock";
  std::string container = "{worker_id}";
  std::vector<std::string> allow;
  Duration timeout = 60s;
};

CurlOptions curl_options(const Options& o) {
  CurlOptions out;
  out.unix_socket = o.socket;
  return out;
}

class DockerAttempt final : public Attempt {
 public:
  DockerAttempt(const Options& options, Job job)
      : options_(options), job_(std::move(job)), way_(outgoing::curl_http_way(curl_options(options))) {}

  Outcome run() override {
    end_ = std::chrono::steady_clock::now() + options_.timeout;
    const auto name = target_name(kContainerName, options_.container, job_);
    if (!name) return {false, name.error().message};
    if (!is_allowed(options_.allow, *name))
      return {false,
              fmt::format("not performed: container {} is not allowed: add it to executors.docker.allow", *name)};
    name_ = *name;
    if (std::string why = negotiate(); !why.empty()) return {false, std::move(why)};
    const auto answer = call("GET", fmt::format("/{}/containers/{}/json", version_.text(), name_), kMaxInspect);
    if (!answer) return {false, answer.error().message};
    if (answer->status != 200) return refused(*answer);
    const auto container = parse_container(answer->body);
    if (!container) return {false, fmt::format("not performed: {} describes no container", options_.socket)};
    if (std::string why = unfit(*container); !why.empty()) return {false, "not performed: " + why};
    return perform(*container);
  }
  void cancel() override {
    cancellation_.cancel();
    way_->cancel();
  }

 private:
  // The newest API that both sides know; empty = good.
  std::string negotiate() {
    const auto answer = call("GET", "/version", outgoing::kMaxAnswerBytes);
    if (!answer) return answer.error().message;
    const outgoing::AnswerObject about(answer->body);
    const auto newest = parse_docker_version(about.text("ApiVersion"));
    if (answer->status != 200 || !newest)
      return fmt::format("{} does not speak the Engine API: {}", options_.socket, words(*answer));
    version_ = std::min(kOurs, *newest);
    // An Engine of later years does not speak ours any more; what is asked of it has stayed the same.
    if (const auto oldest = parse_docker_version(about.text("MinAPIVersion"))) version_ = std::max(version_, *oldest);
    return "";
  }

  std::string unfit(const Container& found) const {
    if (found.name != name_)
      return fmt::format("{} is the beginning of an id, of container {}; name it as `docker ps` does", name_,
                         readable_trimmed(found.name.substr(0, 80)));
    if (found.paused)
      return fmt::format("container {} is paused, so somebody holds it on purpose: `docker unpause {}` first", name_,
                         name_);
    if (found.status == "removing" || found.status == "dead")
      return fmt::format("container {} is being removed (state {}): make it anew", name_, found.status);
    return "";
  }

  Outcome perform(const Container& found) {
    const bool start = job_.ladder.kind == RemedyKind::start;
    const auto grace = std::chrono::ceil<std::chrono::seconds>(std::max<Duration>(job_.ladder.term_grace, 0s)).count();
    const auto answer = call("POST",
                             fmt::format("/{}/containers/{}/{}", version_.text(), found.id,
                                         start ? "start" : fmt::format("restart?t={}", grace)),
                             outgoing::kMaxAnswerBytes);
    if (!answer) return {false, answer.error().message};
    if (answer->status == 204) return {true, fmt::format("container {} {}", name_, start ? "started" : "restarted")};
    if (answer->status == 304 && start) return {true, fmt::format("container {} runs already", name_)};
    return refused(*answer);
  }

  Outcome refused(const HttpResponse& answer) const {
    if (answer.status == 404)
      return {false, fmt::format("there is no container {} (any more): `docker ps -a` shows all; `container` of the "
                                 "executor says how a worker's is called. {}",
                                 name_, words(answer))};
    return {false, fmt::format("container {}: {}", name_, words(answer))};
  }
  static std::string words(const HttpResponse& answer) {
    const std::string said = outgoing::AnswerObject(answer.body).text("message");
    return outgoing::answer_text(
        fmt::format("HTTP {} {}: {}", answer.status, status_reason(answer.status), said.empty() ? answer.body : said),
        {});
  }

  Result<HttpResponse> call(std::string method, const std::string& path, std::size_t limit) {
    HttpCall out;
    out.method = std::move(method);
    out.url = "http://docker" + path;
    out.headers = {{"User-Agent", fmt::format("paramedic ({})", percent_encode(job_.ladder.action_id))}};
    out.timeout = std::max<Duration>(end_ - std::chrono::steady_clock::now(), 1ms);
    out.response_limit = limit;
    auto answer = way_->send(out);
    if (answer) return answer;
    if (cancellation_.cancelled()) return Error{Errc::unavailable, fmt::format("container {}: cancelled", name_)};
    const Error& failed = answer.error();
    if (failed.code == Errc::timeout)
      return Error{Errc::timeout,
                   fmt::format("container {}: no success within {:g} s", name_, to_seconds(options_.timeout))};
    return Error{failed.code, fmt::format("{}: {}; is the Engine running, and may the monitor's user write to its "
                                          "socket?",
                                          options_.socket, failed.message)};
  }

  const Options options_;
  const Job job_;
  const std::unique_ptr<outgoing::HttpWay> way_;
  Cancellation cancellation_;
  SteadyTime end_{};
  std::string name_;
  DockerVersion version_ = kOurs;
};

class Docker final : public Executor {
 public:
  explicit Docker(Options options) : options_(std::move(options)) {}
  std::unique_ptr<Attempt> prepare(const Job& job) const override {
    return std::make_unique<DockerAttempt>(options_, job);
  }

 private:
  const Options options_;
};

}  // namespace

std::shared_ptr<const Executor> make_docker(ParamsReader& r, const KindContext& context) {
  constexpr std::size_t kMaxSocketPath = 107;  // of sockaddr_un
  Options o;
  o.timeout = context.timeout;
  o.allow = context.allow;
  r.read("container", o.container);
  r.read("socket", o.socket);
  check_template(r, "container", o.container);
  if (o.container.empty()) r.problem("container", "must name a container: \"{worker_id}\"");
  if (!o.socket.starts_with('/') || o.socket.size() > kMaxSocketPath || has_control_character(o.socket))
    r.problem("socket", fmt::format("must be the absolute path of a unix socket, at most {} bytes", kMaxSocketPath));
  check_allow(r, "type", "docker", o.allow);
  return std::make_shared<Docker>(std::move(o));
}

}  // namespace paramedic::restart
