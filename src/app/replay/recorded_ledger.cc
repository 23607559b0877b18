#include "app/replay/recorded_ledger.h"

#include <algorithm>

namespace paramedic::replay {

namespace {

constexpr Duration kWindow = 1h;
constexpr int kPage = 1000;

// All pages of a query, newest first.
template <class T, class Ask, class Take>
Result<void> each(LedgerQuery query, Ask ask, Take take) {
  query.limit = kPage;
  for (;;) {
    Result<LedgerPage<T>> page = ask(query);
    if (!page) return page.error();
    for (T& item : page->items) take(std::move(item));
    if (page->next.empty()) return {};
    query.cursor = page->next;
  }
}

}  // namespace

Result<void> tally_ledger(Ledger& ledger, std::span<const Span> spans, Tally& out) {
  for (const Span& span : spans) {
    LedgerQuery query;
    query.from = span.from;
    query.to = span.to + 1ms;  // the span holds its last millisecond, the query does not
    const auto take = [&](auto item) { out.take(item); };
    auto done = each<Alert>(
        query, [&](const LedgerQuery& q) { return ledger.alerts(q); }, take);
    if (done)
      done = each<Incident>(
          query, [&](const LedgerQuery& q) { return ledger.incidents(q); }, take);
    if (done)
      done = each<ActionRecord>(
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
  auto done = each<InputRecord>(
      query, [&](const LedgerQuery& q) { return ledger_.inputs(q); },
      [&](InputRecord record) { ready_.push_front(std::move(record)); });
  if (done) at_ = *query.to;
  return done;
}

}  // namespace paramedic::replay
