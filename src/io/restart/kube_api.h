// Inside io/restart: calls of the Kubernetes API with the credentials of a pod's service account, or configured ones.
// One KubeApi per attempt; call() from one thread, cancel() from any.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "io/outgoing/http_way.h"
#include "io/restart/cancellation.h"

namespace paramedic::restart {

struct KubeOptions {
  std::string url;                  // empty = of the cluster that we run in, by KUBERNETES_SERVICE_HOST and _PORT
  std::string ca_file, token_file;  // empty = those of the service account
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string name_space;  // empty = the service account's
};

// What is asked of one pod: metadata only.
struct KubePod {
  std::string uid;
  std::string controller;  // "ReplicaSet/web-6d4b"; empty = nothing would make another one
  bool terminating = false;
  std::optional<WallTime> ends_at;  // when a terminating one should be gone
  std::map<std::string, std::string> labels;
};
// Untrusted bytes. nullopt: no pod with a uid.
std::optional<KubePod> parse_pod(std::string_view body);

struct KubeCall {
  std::string method, path, body;
  bool wants_metadata = false;
  bool too_many_is_an_answer = false;  // 429 says what the caller wants to know; else it is tried again
};

class KubeApi {
 public:
  // `agent` stands in the API server's audit log.
  KubeApi(KubeOptions options, std::string agent);

  // Names the namespace, from the configuration or the service account. Error: unreadable.
  Result<std::string> name_space() const;
  // From here on call() has so long, all calls together.
  void begin(Duration timeout);
  // Tries until then: no connection, timeouts, 408, 429 and 5xx are repeated after Retry-After or 1, 2, 4 … 15 s, a
  // 401 once at once with the token read anew. Errors: timeout with the words of the last try, invalid_argument
  // (credentials), unavailable (cancelled). Any other status is a success.
  Result<HttpResponse> call(const KubeCall& call);
  // An earlier try of the latest call may have been performed without its answer reaching us.
  bool lost_an_answer() const { return lost_an_answer_; }
  // "HTTP 404: pods \"web-0\" not found": of a metav1.Status, or the first bytes of anything else; no token in it.
  std::string words(const HttpResponse& answer) const;
  void cancel();

 private:
  Result<HttpCall> request(const KubeCall& call);
  Result<std::string> base() const;

  const KubeOptions options_;
  const std::string agent_;
  std::string token_;  // of the latest request
  Duration timeout_ = 60s;
  SteadyTime end_{};
  bool lost_an_answer_ = false;
  const std::unique_ptr<outgoing::HttpWay> way_;
  Cancellation cancellation_;
};

}  // namespace paramedic::restart
