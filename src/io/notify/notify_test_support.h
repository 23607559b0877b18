// For the tests of io/notify: notifications of every sort, and a way out that answers from a script.
#pragma once
#include <cstdlib>
#include <deque>
#include <initializer_list>
#include <mutex>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"

namespace paramedic::notify {

namespace json = boost::json;

inline const WallTime kNow = WallTime{std::chrono::sys_days{std::chrono::year(2026) / 11 / 29}} + 3h;

inline Notification notification(NotificationKind kind = NotificationKind::firing) {
  Alert alert;
  alert.key = "worker/w-17/heartbeat/silent";
  alert.incident_id = "inc-1";
  alert.severity = Severity::critical;
  alert.reason = Reason::silent;
  alert.rule = "WorkerSilent";
  alert.check = "heartbeat";
  alert.worker_id = "w-17";
  alert.pool = "thumbs";
  alert.host = "h3";
  alert.title = "Worker w-17 is silent";
  alert.message = "no sign of life for 42 s";
  alert.labels = {{"zone", "a"}};
  alert.annotations = {{"runbook_url", "https://runbooks.example/silent"}};
  alert.started_at = kNow - 42s;
  Notification n;
  n.id = "0123456789abcdef";
  n.group_key = "ops/pool=thumbs";
  n.channel = "there";
  n.route = "ops";
  n.kind = kind;
  n.severity = Severity::critical;
  n.incident_id = "inc-1";
  n.title = "Worker w-17 is silent";
  n.text = "no sign of life for 42 s\nlast heard at 03:00";
  n.group_labels = {{"pool", "thumbs"}};
  n.common_labels = {{"pool", "thumbs"}, {"host", "h3"}};
  n.alerts = {alert};
  n.alert_count = n.firing_count = n.worker_count = 1;
  n.at = kNow;
  n.sequence = 1;
  if (kind == NotificationKind::resolved) n.firing_count = 0;
  if (kind == NotificationKind::acknowledged) n.actor = "ann";
  return n;
}

// All that an evil worker can put into names: markup, line ends, wide characters, broken UTF-8, and far too much of it.
inline Notification huge_notification(NotificationKind kind = NotificationKind::firing) {
  const std::string evil = "<b>&\"'*_~`|>[](x)#@everyone\r\nX-Injected: 1\n\xF0\x9F\x94\xA5\xC3\xA4\xFF\x01 ";
  std::string much;
  while (much.size() < 9000) much += evil;
  Notification n = notification(kind);
  n.title = much;
  n.text = much;
  n.alerts[0].title = n.alerts[0].message = n.alerts[0].worker_id = n.alerts[0].host = n.alerts[0].rule = much;
  n.alerts[0].annotations.emplace_back("bad name-\xFF", much);
  n.alerts.assign(Notification::kMaxAlerts, n.alerts[0]);
  n.alert_count = 5000;
  n.group_key = much;
  n.actor = much;
  for (int i = 0; i < 60; ++i) n.common_labels.emplace_back("label " + std::to_string(i), much);
  return n;
}

inline SendContext context(std::string remote_id = {}) {
  SendContext out;
  out.remote_id = std::move(remote_id);
  out.external_url = "https://paramedic.example/";
  out.now = kNow;
  return out;
}

inline HttpResponse answer(int status, std::string body = {}, HttpHeaders headers = {}) {
  HttpResponse out;
  out.status = status;
  out.body = std::move(body);
  out.headers = std::move(headers);
  return out;
}

// What was asked, and what is answered next; the last answer repeats.
struct Script {
  std::mutex mutex;
  std::vector<HttpCall> calls;
  std::vector<CurlOptions> options;
  std::deque<Result<HttpResponse>> answers;
  std::vector<MailCall> mails;
  std::vector<MailServer> servers;
  std::deque<Result<MailAnswer>> mail_answers;
  int cancels = 0;

  template <class T, class Call>
  T next(std::deque<T>& from, std::vector<Call>& to, const Call& call) {
    const std::lock_guard lock(mutex);
    to.push_back(call);
    T out = from.front();
    if (from.size() > 1) from.pop_front();
    return out;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return calls.size();
  }
};

class ScriptedHttp final : public HttpWay {
 public:
  explicit ScriptedHttp(Script& script) : script_(script) {}
  Result<HttpResponse> send(const HttpCall& call) override {
    return script_.next(script_.answers, script_.calls, call);
  }
  void cancel() override {
    const std::lock_guard lock(script_.mutex);
    ++script_.cancels;
  }

 private:
  Script& script_;
};
class ScriptedMail final : public MailWay {
 public:
  explicit ScriptedMail(Script& script) : script_(script) {}
  Result<MailAnswer> send(const MailCall& call) override {
    return script_.next(script_.mail_answers, script_.mails, call);
  }
  void cancel() override { ++script_.cancels; }

 private:
  Script& script_;
};

inline Ways scripted(Script& script) {
  return {[&script](const CurlOptions& options) {
            script.options.push_back(options);
            return std::make_unique<ScriptedHttp>(script);
          },
          [&script](const MailServer& server) {
            script.servers.push_back(server);
            return std::make_unique<ScriptedMail>(script);
          }};
}

// ---- configuration -------------------------------------------------------------------------------------------------

inline Params list(std::initializer_list<std::string> texts) {
  Params out;
  out.kind = Params::Kind::list;
  for (const std::string& text : texts) out.items.push_back(Params::of(text));
  return out;
}
struct Key {
  Key(std::string k, const char* text) : name(std::move(k)), value(Params::of(text)) {}
  Key(std::string k, std::string text) : name(std::move(k)), value(Params::of(std::move(text))) {}
  Key(std::string k, Params p) : name(std::move(k)), value(std::move(p)) {}
  std::string name;
  Params value;
};
using Keys = std::vector<Key>;

// A secret in the environment of this test; returns the variable's name.
inline std::string secret(std::string name, const std::string& value) {
  name = "PARAMEDIC_TEST_" + name;
  ::setenv(name.c_str(), value.c_str(), 1);
  return name;
}

inline std::unique_ptr<Channel> build(const Ways& ways, const std::string& kind, const Keys& keys, Problems& problems) {
  Params node = Params::map();
  for (const Key& key : keys) node.set(key.name, key.value);
  ChannelConfig config;
  config.name = "there";
  config.kind = kind;
  config.params = &node;
  return make_channel_over(ways, config, problems);
}
inline std::unique_ptr<Channel> channel(Script& script, const std::string& kind, const Keys& keys) {
  Problems problems;
  auto made = build(scripted(script), kind, keys, problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
  return made;
}
// All that is wrong with these keys, a line each; no channel may come out.
inline std::string refused(const std::string& kind, const Keys& keys) {
  Script script;
  Problems problems;
  EXPECT_EQ(build(scripted(script), kind, keys, problems), nullptr);
  std::string out;
  for (const Problem& problem : problems) out += problem.to_string() + "\n";
  return out;
}

// ---- what was sent -------------------------------------------------------------------------------------------------

inline json::value body_of(const HttpCall& call) {
  boost::system::error_code failed;
  json::value out = json::parse(call.body, failed);
  EXPECT_FALSE(failed) << call.body;
  return out;
}
inline std::string text_at(const json::value& v, std::string_view pointer) {
  boost::system::error_code failed;
  const json::value* found = v.find_pointer(pointer, failed);
  if (!found || !found->is_string()) return "(no text at " + std::string(pointer) + ")";
  return {found->get_string().data(), found->get_string().size()};
}
inline std::string header_of(const HttpCall& call, std::string_view name) {
  const std::string* found = find_header(call.headers, name);
  return found ? *found : "(none)";
}

}  // namespace paramedic::notify
