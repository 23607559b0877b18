// A fixed life of a ledger on a disk that fails at the nth operation, for many n and each kind of fault: no
// acknowledged entry is lost, none comes twice, nothing is damaged, and it goes on by itself when the disk does.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "io/ledger/ledger.h"
#include "io/ledger/ledger_check.h"
#include "io/sqlite/fault_vfs.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;
using sqlite::FaultPlan;
using sqlite::FaultVfs;
using sqlite::Harm;
using sqlite::Loss;
using sqlite::Operation;

constexpr int kSteps = 60, kReopenAt = 31;
constexpr Duration kStep = 12h, kKept = 24h * 20;

// PARAMEDIC_FAULT_RUNS=100000 tries every single operation.
std::uint64_t runs_per_sweep() {
  const char* wanted = std::getenv("PARAMEDIC_FAULT_RUNS");
  return wanted ? std::strtoull(wanted, nullptr, 10) : 30;
}

// Thirty days of decisions, committed as the dispatcher does it: what fails is kept and comes again with what is new.
class Life {
 public:
  explicit Life(FaultVfs& vfs) : vfs_(vfs) {
    char path[] = "/tmp/paramedic_life_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~Life() {
    ledger_.reset();
    fs::remove_all(dir_);
  }

  bool open() {
    auto opened = open_sqlite_ledger({.data_dir = dir_, .retention = kKept, .reserve_bytes = 64 * 1024});
    expect_honest(opened ? Result<void>() : opened.error());
    if (opened) ledger_ = std::move(*opened);
    return opened.has_value();
  }
  // What was not acknowledged is forgotten with the process; some of it may be on disk.
  void close() {
    ledger_.reset();
    for (const LedgerEntry& entry : kept_) note(entry, maybe_);
    kept_.clear();
  }
  void step(int number) {
    clock_.advance(kStep);
    for (LedgerBody& body : decisions(number)) kept_.push_back({clock_.now().wall, std::move(body)});
    commit();
    if (number % 4 == 3) {
      const auto pruned = ledger_->prune(clock_.now());
      expect_honest(pruned ? Result<void>() : pruned.error());
    }
    if (number % 7 == 0) look(false);
  }
  bool commit() {
    const auto done = ledger_->commit(kept_);
    expect_honest(done);
    EXPECT_EQ(ledger_->stats().degraded, !done);
    if (!done) return false;
    for (const LedgerEntry& entry : kept_) note(entry, safe_);
    kept_.clear();
    return true;
  }
  // What the disk holds after the faults are over, also to a second process.
  void verify() {
    kept_.push_back({clock_.now().wall, audit("the last")});
    ASSERT_TRUE(commit());
    ASSERT_TRUE(ledger_->prune(clock_.now()));
    EXPECT_FALSE(ledger_->stats().reserve_spent) << "taken again when there is room";
    close();
    const auto parts = check_ledger(dir_ + "/ledger.db", nullptr);
    ASSERT_TRUE(parts) << parts.error().message;
    for (const auto& part : *parts) ASSERT_EQ(part.damaged, 0u) << part.name << ": " << part.problems.front();
    ASSERT_TRUE(open());
    look(true);
    const auto state = ledger_->load(clock_.now());
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(ledger_->stats().unreadable, 0u);
    std::set<std::string> running;
    for (const auto& action : state->actions) running.insert(action.action_id);
    for (const auto& [id, text] : safe_.actions)
      EXPECT_TRUE(maybe_.actions.contains(id) || running.contains(id)) << id << " is running and was not loaded";
  }
  bool reserve_spent() const { return ledger_->stats().reserve_spent; }

 private:
  struct Known {
    std::map<std::string, std::string> actions;  // text of the latest record, by id
    std::map<std::string, WallTime> audits;      // when, by their reason, of which each is different
  };

  static AuditRecord audit(std::string reason) { return {.verb = "test", .reason = std::move(reason)}; }
  std::vector<LedgerBody> decisions(int step) {
    ActionRecord action{.action_id = "a" + std::to_string(step % 12),
                        .worker_id = "w",
                        .pool = "p",
                        .state = ActionState::running,
                        .text = std::to_string(step) + std::string(std::size_t(step) * 20, '.'),
                        .requested_at = clock_.now().wall - step % 12 * 1s};
    std::vector<LedgerBody> out{action, audit(std::to_string(step) + " first"),
                                BudgetRecord{.action_id = action.action_id, .worker_id = "w", .at = clock_.now().wall}};
    if (step % 3 == 0) out.push_back(audit(std::to_string(step) + " second"));
    if (step % 5 == 0) out.push_back(InputRecord{.what = RecordedBroker{"b", true}});
    return out;
  }
  void note(const LedgerEntry& entry, Known& to) {
    if (const auto* action = std::get_if<ActionRecord>(&entry.body)) to.actions[action->action_id] = action->text;
    if (const auto* audit = std::get_if<AuditRecord>(&entry.body)) to.audits[audit->reason] = entry.at;
  }
  // An error says what the disk did: never that the file is damaged, nor that this program is.
  void expect_honest(const Result<void>& done) const {
    if (done) return;
    EXPECT_TRUE(vfs_.struck()) << done.error().message;
    const Errc code = done.error().code;
    EXPECT_TRUE(code == Errc::io || code == Errc::unavailable || code == Errc::forbidden) << done.error().message;
    EXPECT_NE(done.error().message.find("ledger.db"), std::string::npos) << done.error().message;
  }
  void look(bool surely) {
    look_at_audits(surely);
    const auto actions = ledger_->actions({.limit = 1000});
    expect_honest(actions ? Result<void>() : actions.error());
    ASSERT_TRUE(actions || !surely);
    if (!actions) return;
    std::map<std::string, std::string> found;
    for (const auto& action : actions->items)
      EXPECT_TRUE(found.emplace(action.action_id, action.text).second) << "twice";
    for (const auto& [id, text] : safe_.actions) {
      const auto other = maybe_.actions.find(id);
      EXPECT_TRUE(found[id] == text || (other != maybe_.actions.end() && found[id] == other->second))
          << id << " is " << found[id] << " instead of " << text;
    }
  }
  void look_at_audits(bool surely) {
    std::set<std::string> found;
    LedgerQuery query{.limit = 20};
    do {
      const auto page = ledger_->audit(query);
      expect_honest(page ? Result<void>() : page.error());
      ASSERT_TRUE(page || !surely);
      if (!page) return;
      for (const auto& record : page->items) {
        EXPECT_TRUE(found.insert(record.reason).second) << record.reason << " twice";
        EXPECT_TRUE(safe_.audits.contains(record.reason) || maybe_.audits.contains(record.reason))
            << record.reason << " was refused";
      }
      query.cursor = page->next;
    } while (!query.cursor.empty());
    for (const auto& [reason, at] : safe_.audits)
      EXPECT_TRUE(at < clock_.now().wall - kKept || found.contains(reason)) << reason << " is lost";
  }

  FaultVfs& vfs_;
  std::string dir_;
  ManualClock clock_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<LedgerEntry> kept_;
  Known safe_, maybe_;  // acknowledged; nobody knows
};

struct Sweep {
  std::string name;
  FaultPlan plan;
  bool full_disk = false;
  Loss loss = Loss::nothing;
};
void PrintTo(const Sweep& sweep, std::ostream* out) { *out << sweep.name; }

class LedgerFaults : public ::testing::TestWithParam<Sweep> {
 protected:
  bool off() const { return GetParam().plan.harm == Harm::power_off; }
  void mend() {
    met_ = true;
    if (off())
      vfs_.power_on(GetParam().loss, seed_);
    else
      vfs_.heal();
  }
  // When that fails, once more on a disk that is well again.
  void open(Life& life) {
    if (life.open()) return;
    mend();
    ASSERT_TRUE(life.open());
  }
  void live(Life& life) {
    open(life);
    std::optional<int> mend_at;
    for (int i = 0; i < kSteps && !HasFailure(); ++i) {
      if (i == kReopenAt) {
        life.close();
        if (off() && vfs_.struck()) mend();
        open(life);
      }
      life.step(i);
      if (!mend_at && vfs_.struck()) mend_at = off() ? i : i + 3;
      EXPECT_TRUE(GetParam().full_disk || !life.reserve_spent()) << "for no lack of space";
      if (mend_at != i) continue;
      if (off()) life.close();
      mend();
      if (off()) open(life);
    }
    met_ = met_ || vfs_.struck();
    vfs_.heal();
    if (!HasFailure()) life.verify();
  }

  FaultVfs vfs_;
  std::uint64_t seed_ = 1;
  bool met_ = false;  // the fault
};

TEST_P(LedgerFaults, lose_nothing_that_was_acknowledged) {
  const Sweep& sweep = GetParam();
  std::uint64_t total = 0;
  {
    Life life(vfs_);
    ASSERT_TRUE(life.open());
    for (int i = 0; i < kSteps; ++i) life.step(i);
    total = sweep.full_disk ? 300'000 : vfs_.count(sweep.plan.operation);
    life.verify();
  }
  const std::uint64_t stride = std::max<std::uint64_t>(1, total / runs_per_sweep());
  std::uint64_t runs = 0;
  for (bool met = true; met && !HasFailure(); seed_ += stride, ++runs) {
    SCOPED_TRACE(::testing::Message() << sweep.name << " at " << seed_ << " of about " << total);
    Life life(vfs_);
    FaultPlan plan = sweep.plan;
    plan.nth = seed_;
    if (sweep.full_disk)
      vfs_.fill(seed_);
    else
      vfs_.arm(plan);
    met_ = false;
    live(life);
    met = met_;
  }
  EXPECT_GT(runs, 2u) << "the fault was hardly ever met";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, LedgerFaults,
    ::testing::Values(Sweep{"write", {.operation = Operation::write}},
                      Sweep{"writes", {.operation = Operation::write, .lasting = true}},
                      Sweep{"half_a_write", {.operation = Operation::write, .harm = Harm::half}},
                      Sweep{"sync", {.operation = Operation::sync}},
                      Sweep{"syncs", {.operation = Operation::sync, .lasting = true}},
                      Sweep{"remove", {.operation = Operation::remove, .lasting = true}},
                      Sweep{"open", {.operation = Operation::open}}, Sweep{"read", {.operation = Operation::read}},
                      Sweep{"reads", {.operation = Operation::read, .lasting = true}}, Sweep{"full_disk", {}, true},
                      Sweep{"killed", {.operation = Operation::change, .harm = Harm::power_off}},
                      Sweep{"power_loss", {.operation = Operation::change, .harm = Harm::power_off}, false, Loss::all},
                      Sweep{
                          "torn_writes", {.operation = Operation::change, .harm = Harm::power_off}, false, Loss::torn}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace paramedic
