// For tests: an Engine of Docker on a unix socket, with containers. It refuses, as a failure of the test too, what a
// real one would not take.
#pragma once
#include <map>

#include <gtest/gtest.h>

#include "io/restart/restart_test_support.h"

namespace paramedic::restart {

class FakeDocker {
 public:
  FakeDocker() : server_([this](const std::string& r) { return take(r); }, listen(folder_)) {}

  Keys keys() const { return {{"socket", Params::of(folder_.path("docker.sock"))}}; }

  struct Box {
    std::string id = std::string(64, 'a');
    std::string status = "running";
  };
  // Before the first request.
  std::map<std::string, Box> containers = {{"w-1", {}}};
  std::string version = R"({"ApiVersion":"1.45","MinAPIVersion":"1.24"})";
  std::string speaks = "v1.41";  // what it must be spoken to in
  std::string failure;           // of a restart: "500 X" with these words
  bool silent = false;           // restarts are never answered

  // What was done, in order: "restart w-1 t=30".
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
  static Listen listen(const Folder& folder) {
    Listen out;
    out.unix_path = folder.path("docker.sock");
    return out;
  }
  static std::string json(const std::string& status, const std::string& body) {
    return http(status, "Content-Type: application/json\r\n", body);
  }
  static std::string bad(const std::string& why, const std::string& request) {
    ADD_FAILURE() << why << " in:\n" << request;
    return json("400 X", R"({"message":")" + why + "\"}");
  }

  std::optional<std::string> take(const std::string& request) {
    const std::lock_guard lock(mutex_);
    const std::string line = request.substr(0, request.find("\r\n"));
    if (line == "GET /version HTTP/1.1") return json("200 OK", version);
    const auto first = line.find(' '), last = line.rfind(' ');
    const std::string method = line.substr(0, first), path = line.substr(first + 1, last - first - 1);
    const std::string prefix = "/" + speaks + "/containers/";
    if (!path.starts_with(prefix)) return bad("wrong path or version", request);
    const auto slash = path.find('/', prefix.size());
    const std::string name = path.substr(prefix.size(), slash - prefix.size());
    const std::string what = slash == path.npos ? "" : path.substr(slash + 1);
    // A whole name, a whole id or the beginning of one.
    const auto found = std::find_if(containers.begin(), containers.end(), [&](const auto& one) {
      return one.first == name || (!name.empty() && one.second.id.starts_with(name));
    });
    if (found == containers.end()) return json("404 X", R"({"message":"No such container: )" + name + "\"}");
    if (method == "GET" && what == "json")
      return json("200 OK", R"({"Id":")" + found->second.id + R"(","Name":"/)" + found->first +
                                R"(","RestartCount":0,"State":{"Status":")" + found->second.status + R"(","Paused":)" +
                                (found->second.status == "paused" ? "true" : "false") + "}}");
    const bool restart = what.starts_with("restart?t=");
    if (method != "POST" || (!restart && what != "start")) return bad("no such call", request);
    if (header_of(request, "Content-Length") != "0") return bad("a body", request);
    if (silent) return std::nullopt;
    if (!failure.empty()) return json("500 X", R"({"message":")" + failure + "\"}");
    if (!restart && found->second.status == "running") return http("304 Not Modified", "", "");
    const std::string agent = header_of(request, "User-Agent");
    actions_.push_back(agent.substr(11, agent.size() - 12));  // "paramedic (act-1)"
    changes_.push_back((restart ? "restart " : "start ") + found->first + (restart ? " t=" + what.substr(10) : ""));
    found->second.status = "running";
    return http("204 No Content", "", "");
  }

  const Folder folder_;
  std::mutex mutex_;  // guards what follows and, while it serves, all above
  std::vector<std::string> changes_, actions_;
  HookServer server_;  // last: its thread uses the rest
};

}  // namespace paramedic::restart
