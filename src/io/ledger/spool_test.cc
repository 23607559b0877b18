#include "io/ledger/spool.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "io/ledger/ledger_rows.h"

namespace paramedic {
namespace {

namespace fs = std::filesystem;

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() {
    char path[] = "/tmp/paramedic_spool_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~SpoolTest() override { fs::remove_all(dir_); }
  void open(std::uint64_t max_bytes = 1 << 20) {
    spool_.reset();
    auto opened = Spool::open({.file = file(), .max_bytes = max_bytes});
    ASSERT_TRUE(opened) << opened.error().message;
    spool_ = std::move(*opened);
  }
  std::string file() const { return dir_ + "/ledger.spool"; }
  std::vector<std::string> drain() {
    std::vector<std::string> out;
    while (!spool_->empty()) {
      const auto front = spool_->front();
      if (!front || !*front) {
        ADD_FAILURE() << "unreadable";
        break;
      }
      out.push_back(**front);
      EXPECT_TRUE(spool_->pop());
    }
    return out;
  }
  std::string bytes() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void overwrite(const std::string& content) { std::ofstream(file(), std::ios::binary | std::ios::trunc) << content; }
  using List = std::vector<std::string>;

  std::string dir_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, keeps_order_across_restarts_and_shrinks_when_drained) {
  open();
  for (const auto* text : {"one", "", "three"}) ASSERT_TRUE(spool_->append(text));
  open();
  EXPECT_EQ(spool_->waiting(), 3u);
  EXPECT_EQ(spool_->repaired(), "");
  ASSERT_TRUE(spool_->pop());
  ASSERT_TRUE(spool_->append("four"));
  EXPECT_EQ(drain(), (List{"", "three", "four"}));
  EXPECT_EQ(fs::file_size(file()), 8u);
  EXPECT_FALSE(*spool_->front());
  ASSERT_TRUE(spool_->append("five"));
  open();
  EXPECT_EQ(drain(), List{"five"});
}

TEST_F(SpoolTest, what_was_popped_before_a_crash_comes_again) {
  open();
  ASSERT_TRUE(spool_->append("one"));
  ASSERT_TRUE(spool_->append("two"));
  ASSERT_TRUE(spool_->pop());
  open();
  EXPECT_EQ(drain(), (List{"one", "two"}));
}

TEST_F(SpoolTest, a_tail_torn_at_any_byte_is_cut_off) {
  open();
  ASSERT_TRUE(spool_->append("first"));
  const std::size_t whole = bytes().size();
  ASSERT_TRUE(spool_->append("second record"));
  const std::string all = bytes();
  for (std::size_t size = whole; size < all.size(); ++size) {
    overwrite(all.substr(0, size));
    open();
    EXPECT_EQ(spool_->waiting(), 1u) << size;
    EXPECT_EQ(spool_->repaired().empty(), size == whole);
    EXPECT_EQ(fs::file_size(file()), whole);
    ASSERT_TRUE(spool_->append("again"));
    EXPECT_EQ(drain(), (List{"first", "again"}));
  }
  EXPECT_FALSE(fs::exists(file() + ".damaged"));
}

TEST_F(SpoolTest, damage_in_the_middle_is_kept_aside_and_told) {
  open();
  for (const auto* text : {"first", "second", "third"}) ASSERT_TRUE(spool_->append(text));
  std::string all = bytes();
  all[all.find("second")] ^= 1;
  overwrite(all);
  open();
  EXPECT_NE(spool_->repaired().find(file() + ".damaged"), std::string::npos) << spool_->repaired();
  EXPECT_EQ(drain(), List{"first"});
  EXPECT_GT(fs::file_size(file() + ".damaged"), 20u);
}

TEST_F(SpoolTest, every_flipped_bit_is_noticed) {
  open();
  ASSERT_TRUE(spool_->append("payload"));
  const std::string all = bytes();
  for (std::size_t i = 8; i < all.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = all;
      flipped[i] = char(flipped[i] ^ (1 << bit));
      EXPECT_FALSE(read_spool_record(flipped, 8)) << i << " " << bit;
    }
}

TEST_F(SpoolTest, refuses_what_is_no_spool_of_this_version) {
  overwrite("PMSPOOL2........");
  auto opened = Spool::open({.file = file()});
  EXPECT_EQ(opened.error().code, Errc::invalid_argument);
  overwrite("SQLite format 3");
  EXPECT_EQ(Spool::open({.file = file()}).error().code, Errc::corrupt);
  EXPECT_FALSE(Spool::open({.file = "/nonexistent/x"}));
  overwrite("PMS");
  open();
  EXPECT_TRUE(spool_->empty());
}

TEST_F(SpoolTest, is_bounded) {
  open(100);
  ASSERT_TRUE(spool_->append(std::string(50, 'x')));
  const auto full = spool_->append(std::string(50, 'x'));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::too_large);
  EXPECT_EQ(spool_->bytes(), 66u);
  ASSERT_TRUE(spool_->append(std::string(20, 'y'))) << "a smaller one fits";
  EXPECT_EQ(drain().size(), 2u);
}

TEST_F(SpoolTest, a_failed_write_leaves_nothing_behind) {
  open();
  ASSERT_TRUE(spool_->append("kept"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 30, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto failed = spool_->append(std::string(100, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find(file()), std::string::npos);
  ASSERT_TRUE(spool_->append("later"));
  open();
  EXPECT_EQ(spool_->repaired(), "");
  EXPECT_EQ(drain(), (List{"kept", "later"}));
}

TEST(LedgerBatch, survives_and_refuses_damage) {
  LedgerBatch batch{.epoch = 7, .sequence = 9};
  batch.rows.push_back({LedgerKind::alert, "key", -5, 6, "w", std::string("p\0q", 3), false, "{}"});
  batch.rows.push_back({});
  const std::string bytes = encode_batch(batch);
  const auto back = decode_batch(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->epoch, 7u);
  EXPECT_EQ(back->rows[0].at, -5);
  EXPECT_EQ(back->rows[0].pool, batch.rows[0].pool);
  EXPECT_EQ(encode_batch(*back), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = decode_batch(std::string_view(bytes).substr(0, size));
    EXPECT_TRUE(!cut || cut->rows.size() < 2) << size;
  }
  std::string wrong = bytes;
  wrong[16] = char(200);
  EXPECT_FALSE(decode_batch(wrong));
}

}  // namespace
}  // namespace paramedic
