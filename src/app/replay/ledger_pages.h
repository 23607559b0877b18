// All pages of a query of the ledger, newest first. Thread as Ledger's.
#pragma once
#include <utility>

#include "io/ledger/ledger.h"

namespace paramedic::replay {

// ask(query) → Result<LedgerPage<T>>; take(T&&) for each. The first error ends it.
template <class T, class Ask, class Take>
Result<void> each_of_ledger(LedgerQuery query, Ask ask, Take take) {
  query.limit = 1000;  // the most that one page holds
  for (;;) {
    Result<LedgerPage<T>> page = ask(query);
    if (!page) return page.error();
    for (T& item : page->items) take(std::move(item));
    if (page->next.empty()) return {};
    query.cursor = page->next;
  }
}

}  // namespace paramedic::replay
