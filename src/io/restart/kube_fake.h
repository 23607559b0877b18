// For tests: an API server of Kubernetes with pods, over TLS with a CA of its own. It knows only what the public API
// knows, answers in metav1.Status, and refuses, as a failure of the test too, whatever a real one would not take.
#pragma once
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "io/restart/restart_test_support.h"
#include "io/wire/json_reader.h"

namespace paramedic::restart {

// A CA and a certificate of 127.0.0.1, made once per test process.
class TestCertificates {
 public:
  static const TestCertificates& get() {
    static const TestCertificates one;
    return one;
  }
  std::string ca() const { return folder_.path("ca.pem"); }
  Listen listen() const {
    Listen out;
    out.cert_file = folder_.path("server.pem");
    out.key_file = folder_.path("server.key");
    return out;
  }

 private:
  TestCertificates() {
    const std::string key = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -batch 2>/dev/null";
    const std::string dir = "cd " + folder_.path("") + " && ";
    const int made =
        std::system((dir + "openssl req -x509 -subj /CN=ca -keyout ca.key -out ca.pem" + key + " && " +
                     "openssl req -x509 -CA ca.pem -CAkey ca.key -subj /CN=kube -addext subjectAltName=IP:127.0.0.1 " +
                     "-addext basicConstraints=critical,CA:FALSE -keyout server.key -out server.pem" + key)
                        .c_str());
    EXPECT_EQ(made, 0) << "openssl is needed for the TLS tests";
  }
  const Folder folder_;
};

struct FakePod {
  std::string uid = "uid-1";
  std::string owner_kind = "ReplicaSet";  // empty = a bare pod
  std::map<std::string, std::string> labels = {{"app", "web"}};
  std::string deletion;  // its deletionTimestamp; empty = not terminating
};

class FakeKube {
 public:
  FakeKube() : server_([this](const std::string& r) { return take(r); }, TestCertificates::get().listen()) {
    std::ofstream(folder_.path("token")) << "token-1\n";
    std::ofstream(folder_.path("namespace")) << "jobs\n";
    std::filesystem::copy_file(TestCertificates::get().ca(), folder_.path("ca.crt"));
  }

  // The keys of an executor that reaches it.
  Keys keys() const { return {{"url", Params::of(server_.url())}, {"service_account", Params::of(folder_.path("."))}}; }
  void set_token(const std::string& token) { std::ofstream(folder_.path("token")) << token << "\n"; }
  int port() const { return server_.port(); }
  std::string service_account() const { return folder_.path("."); }

  // Before the first request.
  std::map<std::string, FakePod> pods = {{"w-1", {}}};  // of namespace jobs
  std::set<std::string> tokens = {"token-1"};           // accepted
  bool knows_evictions = true;
  std::set<std::string> forbidden;      // "get pods", "create pods/eviction", "delete pods"
  std::vector<std::string> disruption;  // headers of a 429 for each eviction to come: "Retry-After: 30\r\n" or ""
  std::vector<std::string> first;       // answers before its own, one per request
  bool silent = false;                  // evictions are never answered
  bool loses_an_answer = false;         // the next change is made, and answered with 504
  std::function<void(FakeKube&)> before_change;  // what happens between GET and the change

  // What was accepted, in order: "evict w-1 uid-1 grace 30 by act-1".
  std::vector<std::string> changes() {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  std::vector<std::string> actions() {
    const std::lock_guard lock(mutex_);
    return actions_;
  }
  std::size_t requests() { return server_.requests().size(); }

 private:
  static std::string status(int code, const std::string& reason, const std::string& message,
                            const std::string& details = "", const std::string& headers = "") {
    return http(std::to_string(code) + " X", "Content-Type: application/json\r\n" + headers,
                R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" + message +
                    R"(","reason":")" + reason + "\"" + (details.empty() ? "" : ",\"details\":" + details) +
                    ",\"code\":" + std::to_string(code) + "}");
  }
  static std::string bad(const std::string& why, const std::string& request) {
    ADD_FAILURE() << why << " in:\n" << request;
    return status(400, "BadRequest", why);
  }
  static std::string not_found(const std::string& pod) {
    return status(404, "NotFound", "pods \\\"" + pod + "\\\" not found", R"({"name":")" + pod + R"(","kind":"pods"})");
  }

  std::optional<std::string> take(const std::string& request) {
    const std::lock_guard lock(mutex_);
    if (!first.empty()) {
      const std::string answer = first.front();
      first.erase(first.begin());
      return answer;
    }
    const std::string token = header_of(request, "Authorization");
    if (!token.starts_with("Bearer ") || !tokens.contains(token.substr(7)))
      return status(401, "Unauthorized", "Unauthorized");
    const std::string line = request.substr(0, request.find("\r\n"));
    const std::string method = line.substr(0, line.find(' '));
    std::string path = line.substr(method.size() + 1, line.rfind(' ') - method.size() - 1);
    const std::string prefix = "/api/v1/namespaces/jobs/pods/";
    if (!path.starts_with(prefix)) return bad("wrong path", request);
    path.erase(0, prefix.size());
    const bool eviction = path.ends_with("/eviction");
    if (eviction) path.resize(path.size() - 9);
    if (path.find_first_of("/?%") != path.npos) return bad("wrong pod", request);
    const std::string verb = method == "GET" && !eviction      ? "get pods"
                             : method == "DELETE" && !eviction ? "delete pods"
                             : method == "POST" && eviction    ? "create pods/eviction"
                                                               : "";
    if (verb.empty()) return bad("wrong method", request);
    if (forbidden.contains(verb)) return status(403, "Forbidden", "User \\\"x\\\" cannot " + verb);
    if (verb == "get pods") return get(path, request);
    if (header_of(request, "Content-Type") != "application/json") return bad("wrong content type", request);
    if (before_change) before_change(*this);
    if (eviction && silent) return std::nullopt;
    if (eviction && !knows_evictions)
      return status(404, "NotFound", "the server could not find the requested resource");
    return change(path, eviction, request);
  }

  std::string get(const std::string& name, const std::string& request) {
    const auto pod = pods.find(name);
    if (!body_of(request).empty()) return bad("a body", request);
    if (header_of(request, "Accept").find("as=PartialObjectMetadata;g=meta.k8s.io;v=v1") == std::string::npos)
      return bad("it asks for more than metadata", request);
    if (pod == pods.end()) return not_found(name);
    std::string labels, owner;
    for (const auto& [key, value] : pod->second.labels)
      labels += (labels.empty() ? "\"" : ",\"") + key + "\":\"" + value + "\"";
    if (!pod->second.owner_kind.empty())
      owner = R"(,"ownerReferences":[{"apiVersion":"apps/v1","kind":")" + pod->second.owner_kind +
              R"(","name":"web","uid":"u","controller":true}])";
    if (!pod->second.deletion.empty())
      owner += R"(,"deletionTimestamp":")" + pod->second.deletion + R"(","deletionGracePeriodSeconds":30)";
    return http("200 OK", "Content-Type: application/json\r\n",
                R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":")" + name +
                    R"(","namespace":"jobs","uid":")" + pod->second.uid + R"(","labels":{)" + labels + "}" + owner +
                    "}}");
  }

  // Exactly the members that both kinds of change need, nothing else.
  std::string change(const std::string& name, bool eviction, const std::string& request) {
    wire::Document document;
    const std::string body = body_of(request);
    const auto parsed = document.parse(body);
    if (!parsed || !(*parsed)->is_object()) return bad("no JSON object", request);
    const auto& root = (*parsed)->get_object();
    const wire::json::object* options = &root;
    if (eviction) {
      const bool typed = root.at("apiVersion") == "policy/v1" && root.at("kind") == "Eviction";
      const auto& metadata = root.at("metadata").as_object();
      if (!typed || metadata.at("name") != wire::json::string(name) || metadata.at("namespace") != "jobs")
        return bad("no eviction of this pod", request);
      options = &root.at("deleteOptions").as_object();
      if (root.size() != 4 || options->size() != 2) return bad("unknown members", request);
    } else if (root.at("apiVersion") != "v1" || root.at("kind") != "DeleteOptions" || root.size() != 4) {
      return bad("no DeleteOptions", request);
    }
    const auto grace = options->at("gracePeriodSeconds").as_int64();
    const std::string uid(wire::view(options->at("preconditions").as_object().at("uid").as_string()));
    const auto pod = pods.find(name);
    if (pod == pods.end()) return not_found(name);
    if (pod->second.uid != uid)
      return status(409, "Conflict", "the UID in the precondition (" + uid + ") does not match " + pod->second.uid);
    if (eviction && !disruption.empty()) {
      const std::string headers = disruption.front();
      disruption.erase(disruption.begin());
      return status(
          429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.",
          R"({"causes":[{"reason":"DisruptionBudget","message":"The disruption budget web needs 3 healthy pods"}]})",
          headers);
    }
    const std::string agent = header_of(request, "User-Agent");
    actions_.push_back(agent.substr(std::min(agent.size(), agent.find('(') + 1)));
    if (!actions_.back().empty()) actions_.back().pop_back();
    changes_.push_back((eviction ? "evict " : "delete ") + name + " " + uid + " grace " + std::to_string(grace));
    if (std::exchange(loses_an_answer, false)) {
      pod->second.uid = "uid-2";
      return http("504 X", "Retry-After: 0.01\r\n", "");
    }
    if (eviction)
      return http("201 Created", "Content-Type: application/json\r\n",
                  R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})");
    return http("200 OK", "Content-Type: application/json\r\n", R"({"kind":"Pod","metadata":{}})");
  }

  const Folder folder_;
  std::mutex mutex_;  // guards what follows and, while it serves, all above
  std::vector<std::string> changes_, actions_;
  HookServer server_;  // last: its thread uses the rest
};

}  // namespace paramedic::restart
