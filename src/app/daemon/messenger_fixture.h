// For tests: what delivery lives in, without the engine. A real ledger, dispatcher and messenger, and a stand-in for
// the part of core that writes records: queued when a message is decided, then what became of it; open ones are handed
// over again at start.
#pragma once
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "app/daemon/dispatcher.h"
#include "app/daemon/messenger.h"
#include "io/net/curl/curl_client.h"

namespace paramedic::daemon {

// POSTs the id of a message, judges by the status: as small as a channel can be.
class PostChannel final : public notify::Channel {
 public:
  PostChannel(std::string name, std::string url)
      : name_(std::move(name)), url_(std::move(url)), client_(CurlOptions{}) {}
  notify::SendResult send(const Notification& notification, const notify::SendContext& context) override {
    HttpCall call;
    call.method = "POST";
    call.url = url_;
    call.timeout = context.timeout;
    call.headers = {{"webhook-id", notification.id},
                    {"story", notification.group_key},
                    {"sequence", std::to_string(notification.sequence)},
                    {"decided", std::to_string(notification.at.time_since_epoch().count())},
                    {"members", std::to_string(notification.members.size())}};
    call.body = notification.title;
    const auto answer = client_.send(call);
    notify::SendResult out;
    out.answer = answer ? std::to_string(answer->status) : answer.error().message;
    if (!answer) return out;
    out.http_status = answer->status;
    if (answer->status / 100 == 2)
      out.verdict = notify::SendVerdict::delivered;
    else if (answer->status / 100 == 4 && answer->status != 429)
      out.verdict = notify::SendVerdict::permanent;
    else if (answer->status == 429)
      out.retry_after = 100ms;
    return out;
  }
  bool wants(NotificationKind) const override { return true; }
  bool can_digest() const override { return true; }
  const std::string& destination() const override { return name_; }
  void cancel() override { client_.cancel(); }

 private:
  std::string name_, url_;
  CurlClient client_;
};

class LittleMonitor {
 public:
  struct Options {
    std::string data_dir;
    std::map<std::string, std::string> channels;  // name → url
    std::map<std::string, std::string> keys;      // of each channel, besides its type
  };
  explicit LittleMonitor(Options options) : options_(std::move(options)) {}
  ~LittleMonitor() { stop(0s); }

  Result<void> start() {
    auto ledger = open_sqlite_ledger({.data_dir = options_.data_dir});
    if (!ledger) return ledger.error();
    ledger_ = std::move(*ledger);
    const auto state = ledger_->load(clock_.now());
    if (!state) return state.error();
    auto made =
        Messenger::make(config(),
                        [this](const notify::ChannelConfig& c, Problems&) {
                          return std::make_unique<PostChannel>(c.name, options_.channels.at(c.name));
                        },
                        {.tell_engine = [this](Input input) { return take(std::get<DeliveryInput>(input).outcome); },
                         .problem = [] { return std::string(); },
                         .clock = clock_,
                         .log = *log_});
    if (!made) return made.error();
    messenger_ = std::move(*made);
    messenger_->restore(*ledger_, *state, clock_.now());
    dispatcher_ = std::make_unique<Dispatcher>(
        Dispatcher::Ports{.commit = [this](std::span<const LedgerEntry> entries) { return commit(entries); },
                          .perform = [this](const Act& act) { messenger_->perform(act); },
                          .tell_engine =
                              [this](Input input) {
                                if (const auto* s = std::get_if<LedgerStateInput>(&input))
                                  messenger_->set_degraded(s->degraded);
                              }},
        *log_);
    messenger_->start();
    restore(*state);
    return {};
  }
  void stop(Duration drain) {
    if (messenger_) messenger_->stop(drain);
    if (dispatcher_) dispatcher_->stop();
  }

  void decide(Notification notification) {
    NotificationRecord record;
    record.notification = notification;
    write(std::move(record), {SendNotification{std::move(notification)}});
  }
  void break_ledger(bool broken) { broken_ = broken; }
  std::size_t known() const {
    const std::lock_guard lock(mutex_);
    return records_.size();
  }
  // How many are in this state, as the stand-in for core knows it.
  std::size_t count(DeliveryState state) const {
    const std::lock_guard lock(mutex_);
    return std::size_t(
        std::count_if(records_.begin(), records_.end(), [&](const auto& one) { return one.second.state == state; }));
  }
  std::map<std::string, NotificationRecord> records() const {
    const std::lock_guard lock(mutex_);
    return records_;
  }
  // As stored, by id.
  std::map<std::string, NotificationRecord> stored() {
    std::map<std::string, NotificationRecord> out;
    LedgerQuery query;
    query.limit = 1000;
    do {
      auto page = ledger_->notifications(query);
      if (!page) break;
      for (auto& record : page->items) out[record.notification.id] = std::move(record);
      query.cursor = page->next;
    } while (!query.cursor.empty());
    return out;
  }
  Messenger& messenger() { return *messenger_; }
  Dispatcher& dispatcher() { return *dispatcher_; }

 private:
  config::MonitorConfig config() const {
    config::MonitorConfig out;
    out.channels = Params::map();
    for (const auto& [name, url] : options_.channels) {
      Params one = Params::map();
      one.set("type", Params::of("post"));
      for (const auto& [key, value] : options_.keys) one.set(key, Params::of(value));
      out.channels.set(name, std::move(one));
    }
    return out;
  }
  Result<void> commit(std::span<const LedgerEntry> entries) {
    if (broken_) return Error{Errc::io, "the disk is full"};
    const auto done = ledger_->commit(entries);
    if (done) messenger_->committed(entries);
    return done;
  }
  void restore(const LedgerState& state) {
    for (auto& [id, record] : stored()) records_[id] = record;
    for (const NotificationRecord& record : state.notifications)
      if (!is_final(record.state)) dispatcher_->submit({}, {SendNotification{record.notification}});
  }
  void write(NotificationRecord record, std::vector<Act> acts) {
    const WallTime now = clock_.now().wall;
    {
      const std::lock_guard lock(mutex_);
      records_[record.notification.id] = record;
    }
    dispatcher_->submit({LedgerEntry{now, std::move(record)}}, std::move(acts));
  }
  Result<void> take(const DeliveryOutcome& outcome) {
    NotificationRecord record;
    {
      const std::lock_guard lock(mutex_);
      record = records_[outcome.notification_id];
    }
    if (outcome.digest) record.notification = *outcome.digest;
    record.state = outcome.state;
    record.attempts = outcome.attempts;
    record.tried_at = outcome.at;
    if (is_final(outcome.state)) record.ended_at = outcome.at;
    record.answer = outcome.answer;
    record.merged_into = outcome.merged_into;
    record.remote_id = outcome.remote_id;
    write(std::move(record), {});
    return {};
  }

  const Options options_;
  SystemClock clock_;
  std::unique_ptr<Logger> log_ = make_null_logger();
  std::atomic<bool> broken_{false};
  mutable std::mutex mutex_;
  std::map<std::string, NotificationRecord> records_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Messenger> messenger_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace paramedic::daemon
