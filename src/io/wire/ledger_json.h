// Ledger records as JSON, for the ledger's store. Pure, any thread. Reading accepts what any earlier version wrote:
// unknown members are ignored, missing ones keep their default.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/effects.h"

namespace paramedic {

// In the order of the alternatives of LedgerBody.
enum class LedgerKind {
  action,
  worker,
  budget,
  quarantine,
  maintenance,
  big_switch,
  backoff_cleared,
  audit,
  incident,
  alert,
  input,
  notification,
  silence,
  acknowledgement,
  notification_group,
  rolling,
  rolling_target,
  death
};
PARAMEDIC_ENUM_NAMES(LedgerKind, "action", "worker", "budget", "quarantine", "maintenance", "big_switch",
                     "backoff_cleared", "audit", "incident", "alert", "input", "notification", "silence",
                     "acknowledgement", "notification_group", "rolling", "rolling_target", "death")

namespace wire {

inline LedgerKind ledger_kind(const LedgerBody& body) { return static_cast<LedgerKind>(body.index()); }
std::string ledger_json(const LedgerBody& body);
// Errors: corrupt, naming the kind and the member.
Result<LedgerBody> parse_ledger(LedgerKind kind, std::string_view json);

}  // namespace wire
}  // namespace paramedic
