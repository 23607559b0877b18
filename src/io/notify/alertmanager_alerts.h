// Inside the alertmanager channel: our alerts as Alertmanager's, and what it was told to fire. Pure; not for several
// threads.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "io/notify/channel.h"

namespace paramedic::notify {

struct AlertmanagerAlert {
  std::map<std::string, std::string> labels;  // its identity
  std::map<std::string, std::string> annotations;
  std::string url;
  WallTime starts_at{};
  bool ended = false;
};

// [a-zA-Z_][a-zA-Z0-9_]*: other characters become '_'.
std::string alertmanager_name(std::string_view name);

// One per alert that the notification names; one for the whole when it names none (a storm, a test). `extra`: labels of
// the channel. Alerts without firing state are `ended`.
std::vector<AlertmanagerAlert> alertmanager_alerts(const Notification& notification, const SendContext& context,
                                                   const std::map<std::string, std::string>& extra);
// The body of a post. Ended ones, or all with `all_ended`, end at `now`, the others at `end`.
std::string alertmanager_json(const std::vector<AlertmanagerAlert>& alerts, bool all_ended, WallTime now, WallTime end);

// What fires there, by story. Bounded: beyond kMax alerts further stories are not kept (they live until endsAt).
class AlertmanagerMemory {
 public:
  static constexpr std::size_t kMax = 5000;
  void keep(const std::string& story, std::vector<AlertmanagerAlert> alerts);
  void forget(const std::string& story);
  // Alerts of the story that are not among `alerts`: left the group, or changed their severity.
  std::vector<AlertmanagerAlert> left(const std::string& story, const std::vector<AlertmanagerAlert>& alerts) const;
  std::vector<AlertmanagerAlert> all() const;
  bool empty() const { return stories_.empty(); }

 private:
  std::map<std::string, std::vector<AlertmanagerAlert>> stories_;
  std::size_t count_ = 0;
};

}  // namespace paramedic::notify
