#include "app/daemon/dispatcher.h"

#include <future>

#include <gtest/gtest.h>

namespace paramedic::daemon {

namespace {

// A ledger that can be broken, and a log of what happened in which order.
struct Bench {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> order;
  std::vector<Input> told;
  bool broken = false;
  std::unique_ptr<Logger> log = make_null_logger();
  Dispatcher dispatcher{{.commit = [this](std::span<const LedgerEntry> entries) { return commit(entries); },
                         .perform = [this](const Act& act) { note(name(act)); },
                         .tell_engine = [this](Input input) { tell(std::move(input)); }},
                        *log};

  Result<void> commit(std::span<const LedgerEntry> entries) {
    const std::lock_guard lock(mutex);
    if (broken) return Error{Errc::io, "disk full"};
    order.push_back("commit " + std::to_string(entries.size()));
    changed.notify_all();
    return {};
  }
  static std::string name(const Act& act) {
    if (const auto* ladder = std::get_if<SendLadder>(&act)) return "ladder " + ladder->ladder.action_id;
    if (std::holds_alternative<SendLease>(act)) return "lease";
    return std::holds_alternative<Notify>(act) ? "notify" : "other";
  }
  void note(std::string text) {
    const std::lock_guard lock(mutex);
    order.push_back(std::move(text));
    changed.notify_all();
  }
  void tell(Input input) {
    const std::lock_guard lock(mutex);
    told.push_back(std::move(input));
    changed.notify_all();
  }
  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), predicate);
  }
};

LedgerEntry entry() { return {.body = BudgetRecord{}}; }
Act ladder(std::string id, RemedyKind kind) {
  return SendLadder{"agent/a", {.action_id = std::move(id), .kind = kind}};
}

}  // namespace

TEST(Dispatcher, commits_before_it_acts) {
  Bench bench;
  bench.dispatcher.submit({entry(), entry()}, {ladder("a", RemedyKind::restart)});
  bench.dispatcher.stop();
  EXPECT_EQ(bench.order, (std::vector<std::string>{"commit 2", "ladder a"}));
  EXPECT_EQ(bench.dispatcher.stats().entries, 2u);
}

TEST(Dispatcher, acts_without_entries_need_no_commit) {
  Bench bench;
  bench.dispatcher.submit({}, {SendLease{}});
  bench.dispatcher.stop();
  EXPECT_EQ(bench.order, (std::vector<std::string>{"lease"}));
}

TEST(Dispatcher, holds_stops_but_not_starts_while_the_ledger_is_down) {
  Bench bench;
  bench.broken = true;
  bench.dispatcher.submit(
      {entry()}, {ladder("stop", RemedyKind::restart), ladder("start", RemedyKind::start), Notify{}, SendLease{}});
  ASSERT_TRUE(bench.wait([&] { return bench.order.size() == 3 && bench.told.size() == 2; }));
  EXPECT_EQ(bench.order, (std::vector<std::string>{"ladder start", "notify", "lease"}));
  EXPECT_TRUE(std::get<LedgerStateInput>(bench.told[0]).degraded);
  EXPECT_EQ(bench.dispatcher.stats().problem, "disk full");
  const auto& failed = std::get<ProgressInput>(bench.told[1]);
  EXPECT_EQ(failed.action_id, "stop");
  EXPECT_TRUE(failed.done && !failed.ok);
  EXPECT_EQ(bench.dispatcher.stats().acts_held, 1u);
}

TEST(Dispatcher, keeps_what_it_could_not_commit_and_says_when_it_is_well_again) {
  Bench bench;
  bench.broken = true;
  bench.dispatcher.submit({entry()}, {});
  ASSERT_TRUE(bench.wait([&] { return bench.told.size() == 1; }));
  {
    const std::lock_guard lock(bench.mutex);
    bench.broken = false;
  }
  ASSERT_TRUE(bench.wait([&] { return bench.told.size() == 2; }));  // tried again by itself
  EXPECT_FALSE(std::get<LedgerStateInput>(bench.told[1]).degraded);
  EXPECT_EQ(bench.order, (std::vector<std::string>{"commit 1"}));
  EXPECT_FALSE(bench.dispatcher.stats().degraded);
  EXPECT_EQ(bench.dispatcher.stats().problem, "");
}

TEST(Dispatcher, cares_for_the_ledger_at_the_start_and_now_and_then) {
  std::mutex mutex;
  std::condition_variable changed;
  int cares = 0;
  const auto log = make_null_logger();
  Dispatcher dispatcher({.commit = [](std::span<const LedgerEntry>) { return Result<void>(); },
                         .perform = [](const Act&) {},
                         .tell_engine = [](Input) {},
                         .care =
                             [&] {
                               const std::lock_guard lock(mutex);
                               ++cares;
                               changed.notify_all();
                             },
                         .care_every = 1ms},
                        *log);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return cares >= 3; }));
  lock.unlock();
  dispatcher.stop();
}

}  // namespace paramedic::daemon
