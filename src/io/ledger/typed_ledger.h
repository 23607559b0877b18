// TypedLedger: what every store of the ledger does alike, over the bodies (JSON) that it keeps by kind: typed queries,
// decoding, the state at the start. A store answers three questions about bodies. Internal to io/ledger.
// Threads as in ledger.h.
#pragma once
#include <atomic>
#include <functional>

#include "io/ledger/ledger.h"
#include "io/ledger/ledger_rows.h"

namespace paramedic {

class TypedLedger : public Ledger {
 public:
  Result<LedgerState> load(Now now) final;
  Result<LedgerPage<ActionRecord>> actions(const LedgerQuery& query) final;
  Result<LedgerPage<Incident>> incidents(const LedgerQuery& query) final;
  Result<LedgerPage<Alert>> alerts(const LedgerQuery& query) final;
  Result<LedgerPage<AuditRecord>> audit(const LedgerQuery& query) final;
  Result<LedgerPage<InputRecord>> inputs(const LedgerQuery& query) final;
  Result<LedgerPage<NotificationRecord>> notifications(const LedgerQuery& query) final;
  Result<LedgerPage<Silence>> silences(const LedgerQuery& query) final;
  Result<LedgerPage<Acknowledgement>> acknowledgements(const LedgerQuery& query) final;
  Result<std::optional<Incident>> incident(std::string_view id) final;
  Result<std::optional<ActionRecord>> action(std::string_view id) final;

 protected:
  using EachBody = std::function<void(std::string_view body)>;

  // Of all records of a kind that are open, and unless open_only of those touched since; by (at, id).
  virtual Result<void> each_body(LedgerKind kind, bool open_only, WallTime since, const EachBody& each) = 0;
  // The newest `query.limit` before `from` that match, and the cursor when there are more. The query is checked.
  virtual Result<LedgerPage<std::string>> page_of(LedgerKind kind, const LedgerQuery& query,
                                                  const LedgerCursor& from) = 0;
  virtual Result<std::optional<std::string>> body_of(LedgerKind kind, std::string_view key) = 0;

  // Records that do not decode, since the start.
  std::atomic<std::uint64_t> unreadable_ = 0;

 private:
  template <class T>
  std::optional<T> decode(LedgerKind kind, std::string_view body);
  template <class T, class Keep>
  Result<void> each(LedgerKind kind, bool open_only, WallTime since, Keep keep);
  template <class T>
  Result<LedgerPage<T>> page(LedgerKind kind, const LedgerQuery& query);
  template <class T>
  Result<std::optional<T>> one(LedgerKind kind, std::string_view key);
};

}  // namespace paramedic
