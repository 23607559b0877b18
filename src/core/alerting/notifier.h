// Notifier: who is told what of which alert, and when. Alerting says what holds; the notifier groups it by the tree of
// routes, mutes (silences, inhibitions, maintenance), reminds, escalates, brakes storms, holds the end of what flaps,
// and keeps the outbox until each message is delivered or failed over. Pure: (inputs, now) → NotifierOutput. One strand
// calls everything. Per engine step: on_delivery() and on_command() as they come, check_deliveries(), then the edges of
// alerting, then settle(). Ledger entries of one step must be durable before its acts are performed.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/alerting/notifier_config.h"
#include "model/effects.h"
#include "model/input.h"

namespace paramedic {

struct NotifierOutput {
  std::vector<LedgerEntry> ledger;  // messages, groups, silences, acknowledgements, audit
  std::vector<Act> acts;            // SendNotification, Answer
  std::vector<AlertWish> wishes;    // for Alerting: a channel could not be reached, or can be again
  bool changed = false;             // silences or acknowledgements differ
  void clear();
};

// Cumulative, for /metrics.
struct NotifierStats {
  std::uint64_t told = 0, delivered = 0, failed = 0, failed_over = 0, swallowed = 0, unknown_outcomes = 0;
  std::size_t groups = 0, outbox = 0;
};

class Notifier {
 public:
  explicit Notifier(NotifierConfig config);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // What the last life knew: what fires, what was told, what mutes. Messages without an outcome go out again with the
  // first settle(). REQUIRES: called first.
  void restore(const LedgerState& state, const Now& now);
  // Other routes: stories go on where they can; what was told of the others still gets its end.
  void set_config(NotifierConfig config, const Now& now);

  // Edges of alerting, from its ledger records: incidents that are open, then alerts, then incidents that ended.
  void on_incident(const Incident& incident, const Now& now, NotifierOutput& out);
  void on_alert(const Alert& alert, const Now& now);
  // Scopes in maintenance ("worker/<id>", "pool/<pool>", "fleet"); the whole list.
  void set_maintenance(std::vector<std::string> scopes);
  // Silences that no operator made and no ledger keeps, as those of recurring windows; the whole list.
  void set_windows(std::vector<Silence> windows);
  // acknowledge, unacknowledge, silence, unsilence: answered by one Answer. False: another verb.
  bool on_command(const CommandInput& command, const Now& now, NotifierOutput& out);
  void on_delivery(const DeliveryOutcome& outcome, const Now& now, NotifierOutput& out);
  // Messages that are tried for too long.
  void check_deliveries(const Now& now, NotifierOutput& out);

  void settle(const Now& now, NotifierOutput& out);
  std::optional<SteadyTime> next_deadline() const;

  std::vector<Silence> silences() const;                  // not over, by start; windows too
  std::vector<Acknowledgement> acknowledgements() const;  // by incident
  bool any_channel_fails() const;                         // a message was given up there, and none went through since
  NotifierStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
