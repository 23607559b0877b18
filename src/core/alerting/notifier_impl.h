// The state of class Notifier, private to its .cc files: routes (who belongs where), groups (when is it told), mutes,
// storm, flap, escalation, outbox, text, restore.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>

#include "core/alerting/notifier.h"
#include "core/alerting/silences.h"
#include "model/answered_commands.h"

namespace paramedic {

struct Notifier::Impl {
  // An alert that fires.
  struct Tracked {
    Alert alert;
    Severity peak = Severity::info;  // of its episode: what it is routed by, so that a fall tears no story apart
    Labels labels;                   // current ones: what silences and inhibitions see
    std::set<std::string> groups;    // keys
    std::vector<std::pair<std::size_t, std::string>> source_of, target_of;  // inhibition, values of `equal`
    bool muted = false;
    std::uint64_t muted_epoch = 0;  // of the answer in `muted`
  };
  // One story on one route. Invariants: `members` fire; `told_members` are those of the latest message.
  struct Group {
    NotificationGroup rec;
    std::optional<std::size_t> route;  // none: its route left the configuration; only its end is told
    std::string lookup;                // route and labels
    std::set<std::string> members, told_members;
    std::deque<Alert> ended;                                  // since the latest message, the latest 20
    std::set<std::string> aliases;                            // of a storm: lookups whose stories it tells
    std::set<std::string> followers;                          // keys of groups whose story goes on here
    std::set<std::pair<std::size_t, std::string>> held_keys;  // its entries in `held`
    Severity worst = Severity::info;                          // that ever fired
    int most_workers = 0;                                     // that were ever told
    std::optional<SteadyTime> waits_since, held_until, next_step, timer;
    SteadyTime told_at{}, spoke_at{};  // latest message to all of its channels; to any
    Duration hold{};                   // longest of the alerts that ended in it
    bool prompt = false;               // its story changed: told at once
    bool about_channel = false;        // that cannot be reached
    bool dirty_record = false;
    bool told() const { return !rec.channels.empty(); }
  };
  struct Summary {
    int unmuted = 0, openers = 0;
    bool hard = false, joined = false, acknowledged = false;
    Severity worst = Severity::info;
  };
  struct IncidentInfo {
    std::string scope, title;
    std::set<std::string> alerts;  // keys that fire
    int affected = 0;              // workers
    bool open = true;
  };
  struct Flap {
    Duration hold{};
    SteadyTime ended_at{};
  };
  struct Storm {
    std::deque<SteadyTime> openings;            // within the window, at most the limit + 1
    std::map<std::string, SteadyTime> pool_at;  // latest opening of a pool
    std::string group;                          // key of the open storm group; empty = none
  };
  struct Outgoing {
    NotificationRecord record;
    std::vector<std::string> visited;  // channels that were tried before this one
    std::vector<std::string> peers;    // channels that were told the same at the same time
    SteadyTime since{};
    std::optional<SteadyTime> first_try;
    bool resend = false;
  };
  using GroupMap = std::map<std::string, Group>;

  explicit Impl(NotifierConfig c) : config(std::move(c)) {}

  // ---- notifier.cc ----
  void settle(const Now& now, NotifierOutput& out);
  void set_timer(Group& g, SteadyTime at);
  void mark(const std::string& group_key) { dirty.insert(group_key); }
  void mark_all();
  void mark_incident(const std::string& id);

  // ---- notifier_routes.cc ----
  void on_firing(const Alert& alert, const Now& now);
  void on_ended(const Alert& alert, const Now& now);
  void place(Tracked& t, const Now& now);
  void unlink_incident(const Tracked& t);
  std::string lookup_of(std::size_t route, const Labels& group_labels) const;
  Labels group_labels_of(const Route& route, const Tracked& t) const;
  Group& group_for(std::size_t route, const Tracked& t, const Now& now);
  void join(Group& g, Tracked& t);
  void part(Group& g, Tracked& t);
  void follow(Group& part, Group& whole);
  void release(Group& g);
  void rehome(Group& g, std::size_t route, std::string lookup, const Tracked& t);
  void drop(const std::string& group_key);
  std::vector<std::string> channels_of(const Group& g) const;

  // ---- notifier_groups.cc ----
  void evaluate(const std::string& group_key, const Now& now, NotifierOutput& out);
  Summary summarize(const Group& g, const Now& now);
  void open(Group& g, const Summary& s, const Now& now, NotifierOutput& out);
  void progress(Group& g, const Summary& s, const Now& now, NotifierOutput& out);
  void end(Group& g, const Now& now, NotifierOutput& out);
  void close(Group& g, const Now& now, NotifierOutput& out);
  void tell(Group& g, NotificationKind kind, const std::vector<std::string>& channels, const Now& now,
            NotifierOutput& out, const std::string& actor = {});
  void save(Group& g, const Now& now, NotifierOutput& out);

  // ---- notifier_escalation.cc ----
  void escalate(Group& g, const Summary& s, const Now& now, NotifierOutput& out);
  void remind(Group& g, const Summary& s, const Now& now, NotifierOutput& out);
  bool acknowledged(const Group& g) const;

  // ---- notifier_mutes.cc ----
  bool muted(Tracked& t, const Now& now);
  bool explained(const Tracked& t) const;
  void index_inhibitions(Tracked& t);
  void unindex_inhibitions(const Tracked& t);
  bool inhibited(const Tracked& t) const;
  void mark_targets(std::size_t rule, const std::string& equal);
  bool in_maintenance(const Alert& alert) const;
  void sweep_mutes(const Now& now, NotifierOutput& out);
  void end_acknowledgement(const std::string& incident, const Now& now, NotifierOutput& out);

  // ---- notifier_commands.cc ----
  CommandResult command(const CommandInput& c, const Now& now, NotifierOutput& out);
  CommandResult silence(const CommandInput& c, const Now& now, NotifierOutput& out);
  CommandResult unsilence(const CommandInput& c, const Now& now, NotifierOutput& out);
  CommandResult acknowledge(const CommandInput& c, const Now& now, NotifierOutput& out);
  CommandResult unacknowledge(const CommandInput& c, const Now& now, NotifierOutput& out);
  Result<std::string> incident_of(const std::string& target) const;

  // ---- notifier_storm.cc ----
  bool swallow(Group& g, const Now& now);
  Group& storm_group(std::size_t route, const Now& now);

  // ---- notifier_flap.cc ----
  void note_end(Group& g, const Alert& alert, const Now& now);
  void note_return(const std::string& alert_key, const Now& now);

  // ---- notifier_text.cc ----
  Notification render(const Group& g, NotificationKind kind, const Now& now, const std::string& actor);

  // ---- notifier_outbox.cc ----
  void send(Outgoing o, const Now& now, NotifierOutput& out);
  void make_room(const Now& now, NotifierOutput& out);
  void take(Outgoing& o, const DeliveryOutcome& outcome, const Now& now, NotifierOutput& out);
  bool fail_over(Outgoing& o, const Now& now, NotifierOutput& out);
  std::vector<std::string> stand_ins(const Outgoing& o) const;
  void channel_failed(const std::string& channel, const std::string& why, NotifierOutput& out);
  void channel_works(const std::string& channel, NotifierOutput& out);
  void put(const Outgoing& o, const Now& now, NotifierOutput& out);
  void resend(NotifierOutput& out);

  // ---- notifier_restore.cc ----
  void restore(const LedgerState& state, const Now& now);
  void set_config(NotifierConfig c, const Now& now);

  NotifierConfig config;
  std::map<std::string, Tracked> alerts;
  std::map<std::string, IncidentInfo> incidents;
  GroupMap groups;
  std::map<std::string, std::string> by_lookup;  // route and labels → group key; of storms too
  // Groups that nothing fires in any more, until their end is told: (route, alert key) → group key.
  std::map<std::pair<std::size_t, std::string>, std::string> held;
  std::set<std::pair<SteadyTime, std::string>> timers;
  std::set<std::string> dirty;  // group keys

  Silences silences;
  std::vector<std::pair<Silence, CompiledMatchers>> windows;
  std::set<std::string> maintenance;
  std::uint64_t mute_epoch = 1;
  std::optional<SteadyTime> next_mute_edge;
  std::map<std::string, Acknowledgement> acks;  // by incident
  std::map<std::pair<std::size_t, std::string>, std::pair<std::set<std::string>, std::set<std::string>>>
      sources;  // pure ones; targets as well
  std::map<std::pair<std::size_t, std::string>, std::set<std::string>> targets;
  AnsweredCommands answered;
  std::uint64_t silences_made = 0;

  std::map<std::size_t, Storm> storms;  // by route
  std::map<std::string, Flap> flaps;    // by alert key

  std::map<std::string, Outgoing> outbox;  // no outcome yet
  std::set<std::string> failing;           // channels
  bool resend_due = false;
  std::optional<SteadyTime> outbox_due;
  NotifierStats stats;
};

inline constexpr std::size_t kMaxFlaps = 20'000, kMaxOutbox = 20'000, kMaxAcks = 10'000;
inline bool of_channel(const Alert& a) { return a.reason == Reason::notification_failed; }
// Name of the channel that an alert "monitor/notification_failed/NAME" is about.
std::string failed_channel(const Alert& a);
// The alert whose incident others join: an outage or a shared cause.
bool is_head_scope(std::string_view scope);

}  // namespace paramedic
