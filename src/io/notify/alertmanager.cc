// Prometheus Alertmanager, API v2: each alert of the group is an alert there, with the same labels for its whole life.
// Every member of a cluster gets every post: members share silences and what was notified, but not alerts. An
// Alertmanager forgets an alert at its endsAt, and all alerts when it restarts, so a thread posts those that fire again
// (alertmanager_alerts.h); it is soft state: after a restart of this monitor endsAt, hours away, holds the alerts until
// the story's next message.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "io/notify/alertmanager_alerts.h"
#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"
#include "io/outgoing/encode.h"

namespace paramedic::notify {

namespace {

constexpr std::size_t kMaxMembers = 16;
constexpr Duration kRepostTimeout = 3s;  // a message waits for it at most

struct Options {
  std::vector<std::string> urls;
  Secret token, password;
  std::string username;
  std::map<std::string, std::string> labels;
  Duration expire_after = 5h;  // longer than repeat_interval (4 h), whose reminder extends it
  Duration repost = 1min;
};

class Alertmanager final : public Channel {
 public:
  Alertmanager(Options options, std::unique_ptr<HttpWay> way, std::unique_ptr<HttpWay> repost_way)
      : options_(std::move(options)), way_(std::move(way)), repost_way_(std::move(repost_way)) {
    for (const std::string& url : options_.urls) destination_ += (destination_.empty() ? "" : ",") + host_of_url(url);
  }
  ~Alertmanager() override {
    cancel();
    if (thread_.joinable()) thread_.join();
  }

  bool wants(NotificationKind kind) const override { return kind != NotificationKind::acknowledged; }
  bool can_digest() const override { return false; }
  const std::string& destination() const override { return destination_; }

  void cancel() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    way_->cancel();
    repost_way_->cancel();
  }

  SendResult send(const Notification& n, const SendContext& context) override {
    std::vector<AlertmanagerAlert> alerts = alertmanager_alerts(n, context, options_.labels);
    const bool test = n.kind == NotificationKind::test, resolved = n.kind == NotificationKind::resolved;
    if (!test) add_left(n, alerts);
    const WallTime end = context.now + (test ? 1min : options_.expire_after);
    const std::string body = alertmanager_json(alerts, resolved, context.now, end);
    // One post at a time: a resolve must not be overtaken by the repetition of what fired before it.
    const std::lock_guard posting(post_mutex_);
    SendResult result = post_all(*way_, body, context.timeout, context.now);
    if (result.verdict == SendVerdict::delivered && !test) remember(n, std::move(alerts));
    return result;
  }

  void restore(const Notification& n, const SendContext& context) override {
    if (wants(n.kind) && n.kind != NotificationKind::test)
      remember(n, alertmanager_alerts(n, context, options_.labels));
  }
  void inherit(Channel& before) override {
    auto* old = dynamic_cast<Alertmanager*>(&before);
    if (!old) return;
    const std::scoped_lock both(mutex_, old->mutex_);
    memory_ = std::move(old->memory_);
    start_thread();
  }

 private:
  // What the story posted before and does not name now: ended, unless the message names only a part of its alerts.
  void add_left(const Notification& n, std::vector<AlertmanagerAlert>& alerts) {
    const std::lock_guard lock(mutex_);
    const bool part = n.alert_count > int(n.alerts.size()) && n.kind != NotificationKind::resolved;
    for (AlertmanagerAlert& alert : memory_.left(n.group_key, alerts)) {
      alert.ended = !part;
      alerts.push_back(std::move(alert));
    }
  }

  void remember(const Notification& n, std::vector<AlertmanagerAlert> alerts) {
    const std::lock_guard lock(mutex_);
    if (n.kind == NotificationKind::resolved)
      memory_.forget(n.group_key);
    else
      memory_.keep(n.group_key, std::move(alerts));
    start_thread();
  }
  // REQUIRES: mutex_ held.
  void start_thread() {
    if (stopping_ || thread_.joinable() || memory_.empty()) return;
    thread_ = std::thread([this] { repost_loop(); });
  }

  void repost_loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      wake_.wait_for(lock, options_.repost, [this] { return stopping_; });
      if (stopping_) return;
      lock.unlock();
      repost();
      lock.lock();
    }
  }

  void repost() {
    const std::lock_guard posting(post_mutex_);
    const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    std::vector<AlertmanagerAlert> alerts;
    {
      const std::lock_guard lock(mutex_);
      alerts = memory_.all();
    }
    if (alerts.empty()) return;
    // A failure is told by the next message; the next turn tries again.
    (void)post_all(*repost_way_, alertmanager_json(alerts, false, now, now + options_.expire_after), kRepostTimeout,
                   now);
  }

  SendResult post_all(HttpWay& way, const std::string& body, Duration timeout, WallTime now) const {
    const auto credential = authorization();
    if (!credential) return not_sent(credential.error());
    const TimeLeft time(timeout);
    std::vector<SendResult> results;
    for (std::size_t i = 0; i < options_.urls.size(); ++i) {
      HttpPost request = json_post(options_.urls[i] + "/api/v2/alerts", body);
      request.headers[0].second = "application/json";  // anything else is refused
      if (!credential->empty()) request.headers.emplace_back("Authorization", *credential);
      results.push_back(exchange(way, std::move(request), time.share(options_.urls.size() - i), now).result);
    }
    return together(results);
  }

  SendResult together(const std::vector<SendResult>& results) const {
    const auto count = [&](SendVerdict v) {
      return std::count_if(results.begin(), results.end(), [&](const SendResult& r) { return r.verdict == v; });
    };
    SendResult out;
    // Delivered = one has it; the others get it with the next post of what fires.
    out.verdict = count(SendVerdict::delivered) > 0 ? SendVerdict::delivered
                  : count(SendVerdict::retry) > 0   ? SendVerdict::retry
                                                    : SendVerdict::permanent;
    std::string text = results.size() > 1
                           ? fmt::format("{} of {} members took it", count(SendVerdict::delivered), results.size())
                           : "";
    for (std::size_t i = 0; i < results.size(); ++i) {
      const SendResult& one = results[i];
      if (one.verdict == out.verdict) out.http_status = one.http_status;
      if (one.retry_after) out.retry_after = std::max(out.retry_after.value_or(0s), *one.retry_after);
      if (one.verdict == SendVerdict::delivered && results.size() > 1) continue;
      text +=
          (text.empty() ? "" : "; ") + (results.size() > 1 ? host_of_url(options_.urls[i]) + ": " : "") + one.answer;
    }
    if (out.verdict != SendVerdict::retry) out.retry_after = std::nullopt;
    out.answer = cut_bytes(std::move(text), 500);
    return out;
  }

  Result<std::string> authorization() const {
    if (!options_.token.given() && !options_.password.given()) return std::string();
    const auto secret = options_.token.given() ? options_.token.read() : options_.password.read();
    if (!secret) return secret.error();
    return options_.token.given() ? "Bearer " + *secret : "Basic " + base64(options_.username + ":" + *secret);
  }

  const Options options_;
  std::string destination_;
  const std::unique_ptr<HttpWay> way_, repost_way_;
  std::mutex post_mutex_;  // held while posting; before mutex_
  std::mutex mutex_;       // guards the two below
  AlertmanagerMemory memory_;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;  // started by the first alert that fires
};

}  // namespace

std::unique_ptr<Channel> make_alertmanager(ParamsReader& r, const Ways& ways) {
  Options o;
  r.read("urls", o.urls);
  if (o.urls.empty() || o.urls.size() > kMaxMembers)
    r.problem("urls",
              fmt::format("must be a list of 1 to {}: every member of the cluster, not a balancer", kMaxMembers));
  for (std::string& url : o.urls) {
    check_url(r, "urls", url);
    url = base_url(std::move(url));
  }
  o.token = read_secret(r, "token", false);
  r.read("username", o.username);
  o.password = read_secret(r, "password", false);
  if (o.username.empty() == o.password.given())
    r.problem("username", "username and password_file (or password_variable) belong together");
  if (o.token.given() && o.password.given()) r.problem("token_file", "cannot stand beside a password: one credential");
  r.read("labels", o.labels);
  for (const auto& [name, value] : o.labels)
    if (name.empty() || alertmanager_name(name) != name)
      r.problem("labels",
                fmt::format("'{}' is no label name: letters, digits and _, not beginning with a digit", name));
  r.read("expire_after", o.expire_after, 5min, 24h * 7);
  r.read("repost", o.repost, 1s, 1h);
  if (o.repost * 2 > o.expire_after) r.problem("repost", "must be at most half of expire_after");
  const CurlOptions http = read_http_options(r);
  return std::make_unique<Alertmanager>(std::move(o), ways.http(http), ways.http(http));
}

}  // namespace paramedic::notify
