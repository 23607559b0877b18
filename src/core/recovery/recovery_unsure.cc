// Orders of which nobody knows whether they went out: the monitor died, or the line to the agent did, between the
// ledger entry and the first word of the executor. By the time that both are back the worker may be well, its broker
// down, its pool frozen. So an order is not repeated blindly: an agent that has it tells of it with its first words;
// after kFirstWords without a word an automatic remedy is taken back and judged anew, under every brake of now. A
// person's order is repeated while it is young: nobody else would.
#include <fmt/format.h>

#include "base/text.h"
#include "core/recovery/recovery_impl.h"

namespace paramedic {

namespace {
constexpr Duration kFirstWords = 5s;
constexpr Duration kYoungOrder = 10min;
}  // namespace

// `w` has a connection again, or for the first time in this life of the monitor.
void Recovery::Impl::on_connected(Worker& w, const Now& now, RecoveryOutput& out) {
  w.lease.reset();
  if (!w.action_open() || w.action->state != ActionState::sent || shut_down) return;
  if (w.facts.by_agent || w.unsure)
    w.first_words_by = now.steady + kFirstWords;
  else
    out.acts.push_back(SendLadder{w.facts.source, ladder_of(w)});  // here in the monitor, which knows it by its id
  touch(w);
}

void Recovery::Impl::check_unsure(Worker& w, const Now& now, RecoveryOutput& out) {
  if (!w.first_words_by) return;
  const bool sent = w.action_open() && w.action->state == ActionState::sent;
  if (!sent || !w.facts.source_connected || shut_down) return w.first_words_by.reset();
  if (now.steady < *w.first_words_by) return;
  if (fleet.own_lag > policy_of(w).max_own_lag) {  // its word may be here and not heard yet
    w.first_words_by = now.steady + kFirstWords;
    return;
  }
  w.first_words_by.reset();
  w.unsure = false;
  const ActionRecord& a = *w.action;
  const Duration age = a.sent_at ? now.wall - *a.sent_at : kYoungOrder;
  if (a.by_operator && age < kYoungOrder) {
    out.acts.push_back(SendLadder{w.facts.source, ladder_of(w)});
    return;
  }
  const bool approved = w.approved && w.stop_wish.kind != RemedyKind::none;  // for the wish, not the try
  take_back_stop(w, now, out);
  finish_action(w, ActionState::abandoned,
                a.by_operator ? fmt::format("it never began and is {} old: order it again if it is still wanted",
                                            format_duration(age))
                              : "it never began, its executor does not know it: judged anew",
                now, out);
  w.approved = approved;
}

}  // namespace paramedic
