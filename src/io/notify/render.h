// Notifications as people read them. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/notify/channel.h"
#include "io/outgoing/text_fit.h"
#include "model/notification.h"

namespace paramedic::notify {

// ---- a message -----------------------------------------------------------------------------------------------------

struct Fact {
  std::string name, value;
};
struct Link {
  std::string text, url;
};
struct Message {
  std::string headline;            // "[CRITICAL] Worker w-17 is silent"
  std::vector<std::string> lines;  // what is wrong, a line each
  std::vector<Fact> facts;         // at most ten: pool, host, workers …
  std::vector<Link> links;         // incident, runbook; only http and https
  std::string footer;              // "paramedic, incident inc-…"
};
Message describe(const Notification& notification, const SendContext& context);
// Headline, lines, facts, links and footer, LF line ends.
std::string plain_text(const Message& message, bool with_headline = true);

// The page of the incident, else of the monitor; empty without external_url. The dashboard has no page per incident:
// the link shows what GET /incidents/{id} answers.
std::string incident_url(const SendContext& context, const Notification& notification);
// The page on which a person says yes or no to a remedy that waits: "https://…/#/approve/WORKER/ACTION". Opening it
// does nothing. Empty when the alert asks for no word, or without external_url.
std::string approval_url(const SendContext& context, const Alert& alert);
// Of the first three that ask.
std::vector<std::string> approval_urls(const SendContext& context, const Notification& notification);
// "http://runbook" of the first alert that has an annotation runbook_url; empty when none has.
std::string runbook_url(const Notification& notification);
// #rrggbb by severity, green once resolved.
std::string_view color_of(const Notification& notification);
// Worker, host or pool that it is about; "paramedic" when it is several.
std::string source_of(const Notification& notification);
std::string find_label(const Labels& labels, std::string_view name);

// The story's name at receivers that take at most `max` bytes; equal for equal group keys.
std::string story_key(const Notification& notification, std::size_t max);
// The notification as JSON (docs/api.md) of at most `max` bytes: alerts are left out from the end, then text is cut.
std::string notification_json(Notification notification, std::size_t max);

}  // namespace paramedic::notify
