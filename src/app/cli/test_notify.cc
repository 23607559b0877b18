// paramedic test-notify CHANNEL --config FILE: one marked message, then what the other side answered.
#include <iostream>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "base/ids.h"
#include "io/config/yaml.h"
#include "io/notify/channel.h"

namespace paramedic::cli {

namespace {

constexpr Duration kTimeout = 10s;  // as of a channel without `timeout`

struct Found {
  std::unique_ptr<notify::Channel> channel;
  std::string kind;
  notify::SendContext context;
};

std::string names_of(const Params& channels) {
  std::string out;
  for (const auto& [name, node] : channels.members) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

// Reads only what it needs: whether the rest of the file is good is check-config's question.
Result<Found> find_channel(const TestNotifyOptions& options) {
  Problems problems;
  Found out;
  const auto tree = config::load_yaml_file(options.config_file, problems);
  const Params* channels = tree ? tree->find("channels") : nullptr;
  const Params* node = channels ? channels->find(options.channel) : nullptr;
  if (tree && !node)
    return Error{Errc::not_found, fmt::format("{} has no channel '{}'; it has: {}", options.config_file,
                                              options.channel, channels ? names_of(*channels) : "none")};
  if (tree) {
    ParamsReader(&*tree, "", problems).read("external_url", out.context.external_url);
    ParamsReader r(node, "channels." + options.channel, problems);
    r.read("type", out.kind);
    out.context.timeout = kTimeout;
    r.read("timeout", out.context.timeout, 100ms, 2min);
    notify::ChannelConfig config;
    config.name = options.channel;
    config.kind = out.kind;
    config.params = node;
    out.channel = notify::make_channel(config, problems);
  }
  if (!problems.empty())
    return Error{Errc::invalid_argument, "the configuration is wrong:\n" + config::format_problems(problems)};
  return out;
}

Alert test_alert(const TestNotifyOptions& options, const Notification& n) {
  Alert alert;
  alert.key = "test/" + options.channel;
  alert.rule = "ParamedicTest";
  alert.title = n.title;
  alert.message = n.text;
  alert.severity = n.severity;
  alert.worker_id = "paramedic-test";
  alert.pool = "test";
  alert.started_at = n.at;
  if (n.kind == NotificationKind::resolved) alert.state = AlertState::resolved;
  return alert;
}

Notification test_message(const TestNotifyOptions& options, NotificationKind kind, WallTime now) {
  Notification n;
  n.id = "test-" + hash_hex(stable_hash(options.channel, std::uint64_t(now.time_since_epoch().count())));
  n.group_key = options.story;
  n.channel = options.channel;
  n.route = "test";
  n.kind = kind;
  n.severity = Severity::info;
  n.title = fmt::format("TEST of channel {}", options.channel);
  n.text = "Sent by `paramedic test-notify`. Nothing is wrong.";
  n.common_labels = {{"test", "true"}};
  n.actor = "paramedic test-notify";
  n.at = now;
  n.alerts = {test_alert(options, n)};
  n.alert_count = 1;
  n.firing_count = kind == NotificationKind::resolved ? 0 : 1;
  return n;
}

int told(const notify::SendResult& result) {
  if (result.verdict == notify::SendVerdict::delivered) return 0;
  return exit_code(result.verdict == notify::SendVerdict::retry ? Errc::unavailable : Errc::invalid_argument);
}

}  // namespace

int test_notify(const TestNotifyOptions& options) {
  const auto kind = parse_enum<NotificationKind>(options.kind);
  if (!kind || *kind == NotificationKind::digest)
    return fail({Errc::invalid_argument, "--kind '" + options.kind +
                                             "' must be test, firing, update, acknowledged, reminder, escalation, "
                                             "storm, delivery_failed or resolved"});
  auto found = find_channel(options);
  if (!found) return fail(found.error());
  const SystemClock clock;
  const Now began = clock.now();
  found->context.now = began.wall;
  found->context.remote_id = options.remote_id;
  notify::Channel& channel = *found->channel;
  if (!channel.wants(*kind)) {
    std::cout << fmt::format("{} ({}): not sent, {} means nothing there\n", options.channel, found->kind, options.kind);
    return 0;
  }
  const notify::SendResult result = channel.send(test_message(options, *kind, began.wall), found->context);
  const double took = to_seconds(clock.now().steady - began.steady);
  const std::string_view verdict = result.verdict == notify::SendVerdict::delivered ? "delivered"
                                   : result.verdict == notify::SendVerdict::retry   ? "failed, would be tried again"
                                                                                    : "refused";
  std::cout << fmt::format("{} ({}, {}): {} in {:.2f} s\nanswer: {}\n", options.channel, found->kind,
                           channel.destination(), verdict, took, result.answer);
  if (result.retry_after) std::cout << fmt::format("asks to wait: {:g} s\n", to_seconds(*result.retry_after));
  if (!result.remote_id.empty()) std::cout << "remote id: " << result.remote_id << '\n';
  return told(result);
}

}  // namespace paramedic::cli
