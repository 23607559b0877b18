// A channel carries notifications to one place where people look: Slack, PagerDuty, a mailbox … One file per kind, in
// the list builtin_channels.def; each parses its own part of the configuration. A channel renders and sends one message
// and judges the answer; what comes after (retry, pace, digest, failover, outbox) is delivery's, the same for all.
//
// Threads: everything but cancel() from the one thread of its destination. What a channel needs of
// earlier messages of the same story comes in SendContext, which survives restarts; what it remembers beside comes back
// by restore().
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/params.h"
#include "base/result.h"
#include "io/outgoing/secret.h"
#include "io/outgoing/send_result.h"
#include "model/notification.h"

namespace paramedic::notify {

// Secrets, verdicts and ways out are the same for all that leaves the monitor.
using namespace outgoing;

struct SendContext {
  std::string remote_id;     // of the story's first message at this channel; empty = this is the first
  Duration timeout = 10s;    // of the whole send
  std::string external_url;  // of this monitor, for links; empty = none
  WallTime now{};
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual SendResult send(const Notification& notification, const SendContext& context) = 0;
  // False: this kind means nothing here (an acknowledgement to a webhook) and counts as delivered without a send.
  virtual bool wants(NotificationKind kind) const = 0;
  // Whether several throttled messages may become one digest. PagerDuty and Alertmanager keep a state per story: no.
  virtual bool can_digest() const = 0;
  // Where it goes, without secrets: "hooks.slack.com", "smtp.example.org:587". For logs, metrics and answers.
  virtual const std::string& destination() const = 0;
  // Any thread: ends the running send() within milliseconds and refuses later ones.
  virtual void cancel() = 0;
  // A message of a story that is still open, which an earlier life had delivered here; oldest first, before the first
  // send(). For kinds that keep what they told standing at the receiver.
  virtual void restore(const Notification&, const SendContext&) {}
  // `before`: the channel of the same kind and name that this one replaces after a reload; it sends no more.
  virtual void inherit(Channel& /*before*/) {}
};

// What all channels share besides their own keys.
struct ChannelConfig {
  std::string name;                // the key under `channels:`
  std::string kind;                // "slack", … : its key `type`
  const Params* params = nullptr;  // the whole node; owned by the caller, alive for the call only
};
// Checks and builds. Problems name file, line and key. Null when there were any.
std::unique_ptr<Channel> make_channel(const ChannelConfig& config, Problems& problems);

}  // namespace paramedic::notify
