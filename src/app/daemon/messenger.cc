#include "app/daemon/messenger.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "io/config/yaml.h"

namespace paramedic::daemon {

namespace {

// How far back names of stories at their receivers are looked for: a thread of last week is not continued.
constexpr Duration kRememberStories = 24h * 7;
constexpr int kMaxPages = 5;

template <NamedEnum E, class Counts>
std::vector<std::pair<std::string_view, std::uint64_t>> by_name(const Counts& counts) {
  std::vector<std::pair<std::string_view, std::uint64_t>> out;
  for (std::size_t i = 0; i < counts.size(); ++i) out.emplace_back(to_string(static_cast<E>(i)), counts[i]);
  return out;
}

Result<std::vector<notify::ChannelSetup>> channels_of(const config::MonitorConfig& config,
                                                      const notify::ChannelFactory& factory) {
  Problems problems;
  auto channels = notify::read_channels(config.channels, factory, problems);
  if (!problems.empty())
    return Error{Errc::invalid_argument, "the configuration is wrong:\n" + config::format_problems(problems)};
  return channels;
}

}  // namespace

Result<std::unique_ptr<Messenger>> Messenger::make(const config::MonitorConfig& config, notify::ChannelFactory factory,
                                                   Ports ports) {
  auto channels = channels_of(config, factory);
  if (!channels) return channels.error();
  std::unique_ptr<Messenger> out(new Messenger(std::move(factory), std::move(ports)));
  const Ports& p = out->ports_;
  const auto tell = [&p](const DeliveryOutcome& outcome) {
    return p.tell_engine(Input(DeliveryInput{outcome, p.clock.now().steady}));
  };
  out->delivery_ = std::make_unique<notify::Delivery>(
      std::move(*channels), notify::Delivery::Ports{tell, p.clock, p.log, config.external_url});
  out->dead_man_config_ = config.dead_man;
  return out;
}

Messenger::~Messenger() { stop(0s); }

void Messenger::restore(Ledger& ledger, const LedgerState& state, const Now& now) {
  // Oldest first: the last word on a story counts.
  std::vector<NotificationRecord> records;
  LedgerQuery query;
  query.from = now.wall - kRememberStories;
  query.limit = 1000;
  for (int page = 0; page < kMaxPages; ++page) {
    auto read = ledger.notifications(query);
    if (!read) break;  // Redis is away: what load() brought is enough to be right, if not to continue each thread
    std::move(read->items.begin(), read->items.end(), std::back_inserter(records));
    if (read->next.empty()) break;
    query.cursor = read->next;
  }
  std::reverse(records.begin(), records.end());
  delivery_->restore(records);
  delivery_->restore(state.notifications);
  std::set<std::string> open;
  for (const NotificationGroup& group : state.groups) open.insert(group.key);
  std::vector<Notification> told;
  for (NotificationRecord& record : records)
    if (record.state == DeliveryState::delivered && open.contains(record.notification.group_key))
      told.push_back(std::move(record.notification));
  delivery_->restore_told(told);
}

void Messenger::start() {
  delivery_->start();
  set_dead_man(dead_man_config_);
}

void Messenger::set_dead_man(const config::DeadManConfig& config) {
  std::unique_ptr<notify::DeadMan> made;
  if (config.on()) {
    notify::DeadManOptions options;
    options.url = config.url;
    options.url_file = config.url_file;
    options.every = config.every;
    options.timeout = std::min<Duration>(options.timeout, config.every);
    made = std::make_unique<notify::DeadMan>(std::move(options),
                                             notify::curl_ping({ports_.problem, {}, {}, ports_.clock, ports_.log}));
    made->start();
  } else {
    ports_.log.warning("dead_man_missing",
                       {{"effect", "nobody notices when this monitor dies"},
                        {"remedy", "set dead_man.url to a service that alarms when pings stay away"}});
  }
  {
    const std::lock_guard lock(mutex_);
    dead_man_.swap(made);
  }
  dead_man_config_ = config;  // the old one, if any, ends here
}

bool Messenger::perform(const Act& act) {
  const auto* send = std::get_if<SendNotification>(&act);
  if (send) delivery_->send(send->notification);
  return send != nullptr;
}

Result<void> Messenger::reload(const config::MonitorConfig& config) {
  auto channels = channels_of(config, factory_);
  if (!channels) return channels.error();
  delivery_->reload(std::move(*channels));
  if (config.dead_man != dead_man_config_) set_dead_man(config.dead_man);
  return {};
}

void Messenger::stop(Duration drain) {
  std::unique_ptr<notify::DeadMan> last;
  {
    const std::lock_guard lock(mutex_);
    last.swap(dead_man_);
  }
  if (delivery_) delivery_->stop(drain);
}

void Messenger::add_stats(telemetry::MonitorStats& stats) const {
  for (const notify::DestinationStats& one : delivery_->stats().destinations) {
    telemetry::NotificationRow row;
    row.channel = one.name;
    row.queued = one.outbox.queued;
    row.oldest_age_seconds = to_seconds(one.oldest_age);
    row.throttled = one.outbox.throttled;
    row.degraded = one.outbox.degraded;
    row.failing = !one.failing.empty();
    row.sends = by_name<notify::SendVerdict>(one.sends);
    for (const auto& [state, count] : by_name<DeliveryState>(one.outbox.ended))
      if (is_final(*parse_enum<DeliveryState>(state))) row.ended.emplace_back(state, count);
    row.send_seconds = one.send_seconds;
    row.delivery_seconds = one.delivery_seconds;
    stats.notifications.push_back(std::move(row));
  }
  const std::lock_guard lock(mutex_);
  if (!dead_man_) return;
  const notify::DeadManStats pings = dead_man_->stats();
  stats.dead_man = telemetry::DeadManRow{by_name<notify::PingResult>(pings.pings), pings.last_sent};
}

std::vector<api::ReadinessPart> Messenger::parts() const {
  const notify::DeliveryStats stats = delivery_->stats();
  std::vector<api::ReadinessPart> out;
  std::size_t waiting = 0;
  for (const notify::DestinationStats& one : stats.destinations) {
    waiting += one.outbox.queued;
    api::ReadinessPart part{"channel/" + one.name};
    if (!one.failing.empty()) {
      part.state = api::PartState::degraded;
      part.text = fmt::format("{}; {} messages wait", one.failing, one.outbox.queued);
    }
    out.push_back(std::move(part));
  }
  if (stats.degraded && !stats.destinations.empty())
    out.push_back({"notifications", api::PartState::degraded,
                   fmt::format("the ledger cannot commit: messages go out of memory, {} wait there", waiting)});
  const std::lock_guard lock(mutex_);
  if (!dead_man_) return out;
  api::ReadinessPart part{"dead_man"};
  part.text = dead_man_->stats().problem;
  if (!part.text.empty()) part.state = api::PartState::degraded;
  out.push_back(std::move(part));
  return out;
}

}  // namespace paramedic::daemon
