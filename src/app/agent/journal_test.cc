#include "app/agent/journal.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>

#include "app/agent/journal_text.h"

namespace paramedic::agent {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/journal_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Journal open() {
    auto journal = Journal::open(folder_, *logger_);
    EXPECT_TRUE(journal) << journal.error().message;
    return std::move(*journal);
  }
  std::string path() const { return folder_ + "/journal.jsonl"; }
  static JournalWorker worker(std::string id) {
    JournalWorker w;
    w.worker_id = std::move(id);
    w.phase = JournalWorker::Phase::running;
    w.incarnation = "b.1.2";
    w.pid = 1;
    w.start_ticks = 2;
    w.boot_id = "boot";
    w.crashes = 3;
    w.hold = true;
    w.hold_reason = "maintenance";
    w.exit.signal = 9;
    w.exit.oom = true;
    return w;
  }
  static JournalStart start(std::string action, WallTime at = WallTime{5s}) {
    JournalStart s;
    s.start.action_id = std::move(action);
    s.start.worker_id = "w";
    s.start.previous_incarnation = "old";
    s.start.incarnation = "new";
    s.start.crashes = 2;
    s.start.exit.code = 3;
    s.start.last_words = "KeyError:\nuser";
    s.at = at;
    return s;
  }
  static JournalLadder ladder(std::string action, bool done, WallTime at = WallTime{5s}) {
    JournalLadder l;
    l.ladder.action_id = std::move(action);
    l.ladder.worker_id = "w";
    l.ladder.expected_incarnation = "x";
    l.ladder.kind = RemedyKind::drain_restart;
    l.ladder.drain = 1500ms;
    l.ladder.max_drain = 5min;
    l.ladder.term_grace = 30s;
    l.ladder.start_delay = 1ns;
    l.ladder.reason = "silent for 72 s";
    l.progress.action_id = l.ladder.action_id;
    l.progress.worker_id = "w";
    l.progress.step = LadderStep::kill;
    l.progress.done = done;
    l.progress.ok = false;
    l.progress.new_incarnation = "n";
    l.progress.message = "two\nlines";
    l.at = at;
    return l;
  }
  std::string folder_;
  std::unique_ptr<Logger> logger_ = make_null_logger();
};

TEST_F(JournalTest, everything_is_read_back) {
  {
    auto journal = open();
    journal.put(worker("w"));
    journal.put(start("a1"));
    journal.put(ladder("a2", false));
    journal.sync();
  }
  const auto journal = open();
  const auto& state = journal.state();
  EXPECT_FALSE(state.clean);
  ASSERT_EQ(state.workers.count("w"), 1u);
  const auto& w = state.workers.at("w");
  EXPECT_EQ(w.phase, JournalWorker::Phase::running);
  EXPECT_EQ(w.incarnation, "b.1.2");
  EXPECT_EQ(w.pid, 1);
  EXPECT_EQ(w.start_ticks, 2u);
  EXPECT_EQ(w.boot_id, "boot");
  EXPECT_EQ(w.crashes, 3);
  EXPECT_TRUE(w.hold);
  EXPECT_EQ(w.hold_reason, "maintenance");
  EXPECT_EQ(w.exit, worker("w").exit);
  const auto& s = state.starts.at("a1");
  EXPECT_EQ(s.start.previous_incarnation, "old");
  EXPECT_EQ(s.start.incarnation, "new");
  EXPECT_EQ(s.start.crashes, 2);
  EXPECT_EQ(s.start.exit.code, 3);
  EXPECT_EQ(s.start.last_words, "KeyError:\nuser");
  EXPECT_EQ(s.at, WallTime{5s});
  const auto& l = state.ladders.at("a2");
  EXPECT_EQ(l.ladder.expected_incarnation, "x");
  EXPECT_EQ(l.ladder.kind, RemedyKind::drain_restart);
  EXPECT_EQ(l.ladder.drain, Duration{1500ms});
  EXPECT_EQ(l.ladder.start_delay, Duration{1ns});
  EXPECT_EQ(l.progress.step, LadderStep::kill);
  EXPECT_EQ(l.progress.message, "two\nlines");
  EXPECT_FALSE(l.progress.ok);
  EXPECT_FALSE(l.acked);
}

TEST_F(JournalTest, an_acknowledged_start_is_forgotten_and_an_ended_ladder_kept_for_idempotency) {
  auto journal = open();
  journal.put(start("a1"));
  journal.put(ladder("running", false));
  journal.put(ladder("ended", true));
  for (const auto* id : {"a1", "running", "ended", "never heard of"}) journal.acknowledge(id);
  const auto again = open();
  EXPECT_TRUE(again.state().starts.empty());
  EXPECT_FALSE(again.state().ladders.at("running").acked);
  EXPECT_TRUE(again.state().ladders.at("ended").acked);
}

// The monitor may be away while later steps are told.
TEST_F(JournalTest, what_the_diagnostics_told_outlives_later_steps_until_the_end_is_acknowledged) {
  auto diagnosed = ladder("a", false);
  diagnosed.progress.step = LadderStep::diagnostics;
  diagnosed.progress.message = "stack of 7";
  {
    auto journal = open();
    journal.put(diagnosed);
    EXPECT_EQ(journal.state().ladders.at("a").diagnosis, "stack of 7");
    journal.put(ladder("a", false));
    EXPECT_EQ(journal.state().ladders.at("a").diagnosis, "stack of 7");
  }
  {
    auto journal = open();
    EXPECT_EQ(journal.state().ladders.at("a").diagnosis, "stack of 7");
    EXPECT_EQ(journal.state().ladders.at("a").progress.message, "two\nlines");
    journal.put(ladder("a", true));
  }
  auto journal = open();  // it was compacted twice
  EXPECT_EQ(journal.state().ladders.at("a").diagnosis, "stack of 7");
  journal.acknowledge("a");
  EXPECT_EQ(journal.state().ladders.at("a").diagnosis, "");
  EXPECT_EQ(open().state().ladders.at("a").diagnosis, "");
}

TEST_F(JournalTest, clean_holds_until_the_next_word_on_a_worker) {
  {
    auto journal = open();
    journal.put(worker("w"));
    journal.mark_clean();
  }
  {
    auto journal = open();
    EXPECT_TRUE(journal.state().clean);
    journal.put(worker("w"));
  }
  auto journal = open();
  EXPECT_FALSE(journal.state().clean);
  journal.forget_worker("w");
  EXPECT_TRUE(open().state().workers.empty());
}

TEST_F(JournalTest, a_torn_tail_is_cut_at_every_byte) {
  {
    auto journal = open();
    journal.put(worker("first"));
    journal.put(worker("second"));
  }
  std::ifstream in(path());
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  const auto last_line = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t cut = last_line; cut < whole.size(); ++cut) {
    std::ofstream(path(), std::ios::trunc) << whole.substr(0, cut);
    const auto journal = open();
    EXPECT_EQ(journal.state().workers.count("first"), 1u) << cut;
    EXPECT_EQ(journal.skipped(), 0) << cut;
    // All but the line end has arrived: the record is whole.
    EXPECT_EQ(journal.state().workers.count("second"), cut + 1 == whole.size() ? 1u : 0u) << cut;
  }
}

TEST_F(JournalTest, broken_lines_in_the_middle_are_skipped_and_counted) {
  open().put(worker("w"));
  std::ofstream(path(), std::ios::app) << "garbage\n\n{\"kind\":\"dance\"}\n{\"kind\":\"worker\"}\n[1]\n"
                                       << journal_line(worker("x")) << "\n";
  const auto journal = open();
  EXPECT_EQ(journal.skipped(), 4);
  EXPECT_EQ(journal.state().workers.size(), 2u);
  EXPECT_EQ(open().skipped(), 0) << "open() rewrites the file";
}

TEST_F(JournalTest, a_newer_version_is_refused_with_a_remedy) {
  std::ofstream(path()) << R"({"kind":"journal","version":99})"
                        << "\n";
  const auto journal = Journal::open(folder_, *logger_);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::corrupt);
  EXPECT_NE(journal.error().message.find("version 99"), std::string::npos);
}

TEST_F(JournalTest, grows_and_shrinks_again) {
  auto journal = open();
  for (int i = 0; i < 20'000; ++i) journal.put(worker("w"));
  struct ::stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_LT(info.st_size, 2 << 20);
  EXPECT_EQ(open().state().workers.size(), 1u);
}

TEST_F(JournalTest, starts_and_ended_ladders_are_bounded_oldest_first) {
  auto journal = open();
  for (int i = 0; i < 600; ++i) {
    journal.put(start("s" + std::to_string(i), WallTime{Duration{1s} * i}));
    journal.put(ladder("l" + std::to_string(i), i != 0, WallTime{Duration{1s} * i}));
  }
  EXPECT_EQ(journal.state().starts.size(), kMaxJournalStarts);
  EXPECT_EQ(journal.state().starts.count("s599"), 1u);
  EXPECT_EQ(journal.state().starts.count("s0"), 0u);
  EXPECT_EQ(journal.state().ladders.size(), kMaxJournalLadders);
  EXPECT_EQ(journal.state().ladders.count("l0"), 1u) << "a running one is never forgotten";
}

TEST_F(JournalTest, an_unwritable_folder_is_an_error) {
  const auto journal = Journal::open(folder_ + "/none", *logger_);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::not_found);
}

RC_GTEST_PROP(JournalText, survives_any_bytes, (const std::string& text)) {
  parse_journal_line(text);
  parse_journal_line("{\"kind\":\"worker\",\"worker_id\":\"" + text + "\"}");
}

RC_GTEST_PROP(JournalText, any_text_is_read_back, (const std::string& text)) {
  JournalWorker worker;
  worker.worker_id = "w";
  worker.hold = true;
  for (const char c : text) worker.hold_reason += static_cast<char>(c & 0x7f);  // the writer keeps only valid UTF-8
  const auto line = journal_line(worker);
  RC_ASSERT(line.find('\n') == std::string::npos);
  const auto back = parse_journal_line(line);
  RC_ASSERT(back.has_value());
  RC_ASSERT(std::get<JournalWorker>(*back).hold_reason == worker.hold_reason);
}

}  // namespace
}  // namespace paramedic::agent
