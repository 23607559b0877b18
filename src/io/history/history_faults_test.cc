// A fixed life of a history on a disk that fails at the nth operation, for many n and each kind of fault: what was
// flushed stays, nothing comes twice, nothing is damaged, and it goes on by itself when the disk does.
#include <map>

#include <gtest/gtest.h>

#include "io/history/history_check.h"
#include "io/history/history_conformance.h"
#include "io/sqlite/database.h"
#include "io/sqlite/fault_vfs.h"

namespace paramedic {
namespace {

using sqlite::FaultPlan;
using sqlite::FaultVfs;
using sqlite::Harm;
using sqlite::Loss;
using sqlite::Operation;

constexpr int kSteps = 44, kReopenAt = 23;
constexpr Duration kStep = 2h, kKept = 48h;

// PARAMEDIC_FAULT_RUNS=100000 tries every single operation.
std::uint64_t runs_per_sweep() {
  const char* wanted = std::getenv("PARAMEDIC_FAULT_RUNS");
  return wanted ? std::strtoull(wanted, nullptr, 10) : 30;
}

// 88 hours of three workers, a row an hour each, flushed each two hours: hours are folded, days merged and rolled up,
// what is older than two days leaves; closed and opened once.
class Life {
 public:
  explicit Life(FaultVfs& vfs) : vfs_(vfs) {
    char path[] = "/tmp/paramedic_life_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~Life() {
    history_.reset();
    fs::remove_all(dir_);
  }

  bool open() {
    auto opened = open_sqlite_history(
        {.data_dir = dir_, .retention = kKept, .keep_ten_minutes = 24h * 10, .keep_hours = 24h * 20});
    expect_honest(opened ? Result<void>() : opened.error());
    if (opened) history_ = std::move(*opened);
    return opened.has_value();
  }
  void close() {
    history_.reset();
    maybe_.merge(waiting_);  // its last flush tells nobody how it went
    waiting_.clear();
  }
  void step(int number) {
    clock_.advance(kStep);
    history_->append(rows(number));
    flush();
    if (number % 2 == 0) {
      const auto kept = history_->retain(clock_.now());
      expect_honest(kept ? Result<void>() : kept.error());
    }
    if (number % 5 == 0) look(false);
  }
  // What the disk holds after the faults are over, also to a second process.
  void verify() {
    ASSERT_TRUE(flush());
    for (bool more = true; more;) {
      const auto kept = history_->retain(clock_.now());
      ASSERT_TRUE(kept) << kept.error().message;
      more = kept->more;
    }
    close();
    const auto parts = check_history(dir_ + "/history.db", nullptr);
    ASSERT_TRUE(parts) << parts.error().message;
    for (const auto& part : *parts) ASSERT_EQ(part.damaged, 0u) << part.name << ": " << part.problems.front();
    {
      auto db = sqlite::Database::open(dir_ + "/history.db", {.read_only = true});
      ASSERT_TRUE(db);
      EXPECT_EQ(*db->number("PRAGMA auto_vacuum"), 2);
      EXPECT_EQ(*db->number("PRAGMA page_size"), 1024);
      EXPECT_EQ(*db->number("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='wal'"), 1);
    }
    ASSERT_TRUE(open());
    EXPECT_EQ(history_->stats().damaged, 0u);
    look(true);
    look_at_tasks();
  }
  std::size_t safe() const { return safe_.size(); }

 private:
  using Key = std::pair<std::string, WallTime>;

  static std::string worker(int number) { return "w" + std::to_string(number); }
  std::vector<HistoryRow> rows(int step) {
    std::vector<HistoryRow> out;
    for (int w = 0; w < 3; ++w)
      for (const Duration ago : {1h, 0h}) {
        HistoryRow row{worker(w), clock_.now().wall - ago, Status::healthy, 1.0, {names_, {}}};
        row.metrics.values = {double((step * 7 + w * 3) % 100), double(step * 1000 + w)};
        row.tasks = {{.type = "resize", .completed = std::uint64_t(1 + step % 3), .durations = {}}};
        out.push_back(row);
      }
    // A late one, into an hour that is in a chunk already; without tasks, for it may come again.
    if (step % 6 == 5) {
      HistoryRow late{worker(1), clock_.now().wall - 9h - 1ms, Status::unknown, std::nullopt, {names_, {1, 2}}};
      late.backlog = true;
      out.push_back(late);
    }
    for (const HistoryRow& row : out) waiting_[{row.worker_id, row.at}] = row;
    return out;
  }
  bool flush() {
    const auto done = history_->flush();
    expect_honest(done);
    EXPECT_EQ(history_->stats().degraded, !done);
    if (!done) return false;
    for (auto& [key, row] : waiting_) safe_[key] = row;
    waiting_.clear();
    EXPECT_EQ(history_->stats().buffered, 0u);
    return true;
  }
  // An error says what the disk did: never that the file is damaged, nor that this program is.
  void expect_honest(const Result<void>& done) const {
    if (done) return;
    EXPECT_TRUE(vfs_.struck()) << done.error().message;
    const Errc code = done.error().code;
    EXPECT_TRUE(code == Errc::io || code == Errc::unavailable || code == Errc::forbidden) << done.error().message;
    EXPECT_NE(done.error().message.find("history.db"), std::string::npos) << done.error().message;
  }
  void look(bool surely) {
    for (int w = 0; w < 3; ++w) {
      const auto got =
          history_->read({.worker_id = worker(w), .from = clock_.now().wall - 24h * 30, .to = clock_.now().wall + 24h});
      expect_honest(got ? Result<void>() : got.error());
      ASSERT_TRUE(got || !surely);
      if (got) compare(worker(w), *got);
    }
  }
  void compare(const std::string& worker, const std::vector<HistoryRow>& got) {
    std::map<WallTime, const HistoryRow*> found;
    for (const HistoryRow& row : got) {
      EXPECT_TRUE(found.emplace(row.at, &row).second) << "twice";
      const Key key{worker, row.at};
      const auto written = safe_.contains(key) ? safe_.find(key) : maybe_.find(key);
      ASSERT_TRUE(written != safe_.end() && written != maybe_.end()) << "never written";
      EXPECT_EQ(row.metrics.find("cpu_percent"), written->second.metrics.find("cpu_percent"));
      EXPECT_EQ(row.metrics.find("memory_mb"), written->second.metrics.find("memory_mb"));
    }
    for (const auto& [key, row] : safe_) {
      const bool wanted = key.first == worker && key.second >= clock_.now().wall - kKept;
      ASSERT_TRUE(!wanted || found.contains(key.second)) << "lost";
    }
  }
  // Rows and roll-ups together tell of each task exactly once.
  void look_at_tasks() {
    for (int w = 0; w < 3; ++w) {
      std::uint64_t least = 0, most = 0, counted = 0;
      for (const auto* rows : {&safe_, &maybe_})
        for (const auto& [key, row] : *rows)
          for (const auto& task : row.tasks)
            if (key.first == worker(w)) (rows == &safe_ ? least : most) += task.completed;
      const auto points = history_->read_tasks(
          {.worker_id = worker(w), .from = clock_.now().wall - 24h * 8, .to = clock_.now().wall + 24h, .step = 24h});
      ASSERT_TRUE(points) << points.error().message;
      for (const auto& point : *points)
        for (const auto& task : point.tasks) counted += task.completed;
      EXPECT_GE(counted, least) << worker(w);
      EXPECT_LE(counted, least + most) << worker(w);
    }
  }

  FaultVfs& vfs_;
  std::string dir_;
  ManualClock clock_;
  std::shared_ptr<const MetricNames> names_ = names({"cpu_percent", "memory_mb"});
  std::unique_ptr<History> history_;
  std::map<Key, HistoryRow> safe_, waiting_, maybe_;  // flushed; not yet; nobody knows
};

struct Sweep {
  std::string name;
  FaultPlan plan;
  std::optional<std::uint64_t> room{};  // a full disk instead
  Loss loss = Loss::nothing;
};
void PrintTo(const Sweep& sweep, std::ostream* out) { *out << sweep.name; }

class HistoryFaults : public ::testing::TestWithParam<Sweep> {
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

TEST_P(HistoryFaults, lose_nothing_that_was_flushed) {
  const Sweep& sweep = GetParam();
  std::uint64_t total = 0;
  {
    Life life(vfs_);
    ASSERT_TRUE(life.open());
    for (int i = 0; i < kSteps; ++i) life.step(i);
    total = sweep.room ? 400'000 : vfs_.count(sweep.plan.operation);
    life.verify();
    ASSERT_GT(life.safe(), 250u);
  }
  const std::uint64_t stride = std::max<std::uint64_t>(1, total / runs_per_sweep());
  std::uint64_t runs = 0;
  for (bool met = true; met && !HasFailure(); seed_ += stride, ++runs) {
    SCOPED_TRACE(::testing::Message() << sweep.name << " at " << seed_ << " of about " << total);
    Life life(vfs_);
    FaultPlan plan = sweep.plan;
    plan.nth = seed_;
    if (sweep.room)
      vfs_.fill(seed_);
    else
      vfs_.arm(plan);
    met_ = false;
    live(life);
    met = met_;
  }
  EXPECT_GT(runs, 2u) << "the fault was hardly ever met";
  RecordProperty("runs", int(runs));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, HistoryFaults,
    ::testing::Values(
        Sweep{"write", {.operation = Operation::write}},
        Sweep{"writes", {.operation = Operation::write, .lasting = true}},
        Sweep{"half_a_write", {.operation = Operation::write, .harm = Harm::half}},
        Sweep{"sync", {.operation = Operation::sync}}, Sweep{"syncs", {.operation = Operation::sync, .lasting = true}},
        Sweep{"truncate", {.operation = Operation::truncate, .lasting = true}},
        Sweep{"remove", {.operation = Operation::remove, .lasting = true}},
        Sweep{"open", {.operation = Operation::open}}, Sweep{"read", {.operation = Operation::read}},
        Sweep{"reads", {.operation = Operation::read, .lasting = true}}, Sweep{"full_disk", {}, 0},
        Sweep{"killed", {.operation = Operation::change, .harm = Harm::power_off}},
        Sweep{"power_loss", {.operation = Operation::change, .harm = Harm::power_off}, std::nullopt, Loss::all},
        Sweep{"torn_writes", {.operation = Operation::change, .harm = Harm::power_off}, std::nullopt, Loss::torn}),
    [](const auto& tested) { return tested.param.name; });

class HistoryOnAFailingDisk : public ::testing::Test {
 protected:
  HistoryOnAFailingDisk() {
    char path[] = "/tmp/paramedic_life_XXXXXX";
    options_.data_dir = ::mkdtemp(path);
    options_.retention = 24h;
    options_.keep_ten_minutes = options_.keep_hours = Duration{0};
  }
  ~HistoryOnAFailingDisk() override {
    history_.reset();
    fs::remove_all(options_.data_dir);
  }
  void open() {
    history_.reset();
    auto opened = open_sqlite_history(options_);
    ASSERT_TRUE(opened) << opened.error().message;
    history_ = std::move(*opened);
  }
  void append(Duration ago, bool backlog = false) {
    HistoryRow row{"w", clock_.now().wall - ago, Status::healthy, 1.0, {names({"cpu_percent"}), {1}}};
    row.backlog = backlog;
    history_->append({row});
  }
  void live(int hours) {
    for (int i = 0; i < hours; ++i) {
      clock_.advance(1h);
      append(0h);
      ASSERT_TRUE(history_->flush());
      ASSERT_TRUE(history_->retain(clock_.now()));
    }
  }

  FaultVfs vfs_;
  ManualClock clock_;
  HistoryOptions options_;
  std::unique_ptr<History> history_;
};

TEST_F(HistoryOnAFailingDisk, counts_rows_that_came_too_late_once_however_often_it_tries) {
  open();
  live(80);
  append(60h, true);
  ASSERT_TRUE(history_->flush());
  clock_.advance(2h);
  append(0h);
  vfs_.arm({.operation = Operation::write, .lasting = true});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(history_->flush());
  vfs_.heal();
  EXPECT_TRUE(history_->flush());
  EXPECT_EQ(history_->stats().dropped, 1u);
}

TEST_F(HistoryOnAFailingDisk, leaves_the_rest_of_the_space_to_the_ledger) {
  options_.leave_free_bytes = std::uint64_t(1) << 60;
  open();
  append(0h);
  const auto done = history_->flush();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_NE(done.error().message.find("left to the ledger; free some space"), std::string::npos)
      << done.error().message;
  EXPECT_TRUE(history_->stats().degraded);
  EXPECT_EQ(history_->stats().buffered, 1u);
  EXPECT_TRUE(history_->retain(clock_.now())) << "what frees space goes on";
}

}  // namespace
}  // namespace paramedic
