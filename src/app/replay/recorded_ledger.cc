#include "app/replay/recorded_ledger.h"

#include <algorithm>

#include "app/replay/ledger_pages.h"

namespace paramedic::replay {

namespace {

constexpr Duration kWindow = 1h;
}  // namespace

Result<void> tally_ledger(Ledger& ledger, std::span<const Span> spans, Tally& out) {
  for (const Span& span : spans) {
    LedgerQuery query;
    query.from = span.from;
    query.to = span.to + 1ms;  // the span holds its last millisecond, the query does not
    const auto take = [&](auto item) { out.take(item); };
    auto done = each_of_ledger<Alert>(
        query, [&](const LedgerQuery& q) { return ledger.alerts(q); }, take);
    if (done)
      done = each_of_ledger<Incident>(
          query, [&](const LedgerQuery& q) { return ledger.incidents(q); }, take);
    if (done)
      done = each_of_ledger<ActionRecord>(
          query, [&](const LedgerQuery& q) { return ledger.actions(q); }, take);
    if (!done) return done;
  }
  return {};
}

Result<std::optional<InputRecord>> RecordedEvents::next_before(WallTime until) {
  while (ready_.empty() && at_ < std::min(until, to_))
    if (auto done = read_window(); !done) return done.error();
  if (ready_.empty() || ready_.front().at >= until) return std::optional<InputRecord>();
  std::optional<InputRecord> out(std::move(ready_.front()));
  ready_.pop_front();
  return out;
}

Result<void> RecordedEvents::read_window() {
  LedgerQuery query;
  query.from = at_;
  query.to = std::min(to_, at_ + kWindow);
  auto done = each_of_ledger<InputRecord>(
      query, [&](const LedgerQuery& q) { return ledger_.inputs(q); },
      [&](InputRecord record) { ready_.push_front(std::move(record)); });
  if (done) at_ = *query.to;
  return done;
}

}  // namespace paramedic::replay
