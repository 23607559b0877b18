#include "app/demo/queue_store.h"

#include <fstream>

#include <gtest/gtest.h>

#include "app/demo/test_support.h"

namespace paramedic::demo {
namespace {

constexpr WallTime kNow{Duration{1'795'000'000'000'000'000}};

struct QueueStoreTest : testing::Test {
  void reopen() {
    store.reset();
    auto opened = QueueStore::open(folder.path());
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  void SetUp() override { reopen(); }
  std::string log() const { return *read_file(folder.path() / "queue.log", 1 << 24); }

  TempFolder folder;
  std::unique_ptr<QueueStore> store;
};

TEST_F(QueueStoreTest, hands_out_tasks_in_the_order_they_came) {
  EXPECT_EQ(*store->put("thumbs", "resize", 10, kNow), 1u);
  EXPECT_EQ(*store->put("thumbs", "crop", 20, kNow + 1s), 2u);
  EXPECT_EQ(store->stats("thumbs", kNow + 3s).ready, 2u);
  EXPECT_EQ(store->stats("thumbs", kNow + 3s).oldest, 3s);
  const auto first = store->take("thumbs", 7);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, "resize");
  EXPECT_EQ(first->bytes, 10u);
  EXPECT_EQ(store->take("thumbs", 7)->id, 2u);
  EXPECT_FALSE(store->take("thumbs", 7));
  EXPECT_FALSE(store->take("nothing", 7));
  EXPECT_EQ(store->stats("thumbs", kNow).unacked, 2u);
  EXPECT_EQ(store->stats("nothing", kNow).ready, 0u);
}

TEST_F(QueueStoreTest, keeps_waiting_and_unacked_tasks_over_a_restart_but_not_acked_ones) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->put("hashes", "digest", 5, kNow));
  ASSERT_TRUE(store->take("hashes", 1));
  ASSERT_TRUE(store->ack(1, 1));
  ASSERT_TRUE(store->take("hashes", 1));  // never acked
  reopen();
  EXPECT_EQ(store->stats("hashes", kNow).ready, 2u);
  EXPECT_EQ(store->take("hashes", 1)->id, 2u);
  EXPECT_EQ(*store->put("hashes", "digest", 5, kNow), 4u) << "ids are never used twice";
}

TEST_F(QueueStoreTest, never_reuses_an_id_even_when_everything_was_acked) {
  ASSERT_TRUE(store->put("thumbs", "crop", 5, kNow));
  ASSERT_TRUE(store->take("thumbs", 1));
  ASSERT_TRUE(store->ack(1, 1));
  reopen();
  reopen();
  EXPECT_EQ(*store->put("thumbs", "crop", 5, kNow), 2u);
}

TEST_F(QueueStoreTest, only_the_holder_may_settle_a_task) {
  ASSERT_TRUE(store->put("thumbs", "crop", 5, kNow));
  EXPECT_EQ(store->ack(1, 1).error().code, Errc::not_found) << "nobody took it yet";
  ASSERT_TRUE(store->take("thumbs", 1));
  EXPECT_EQ(store->ack(1, 2).error().code, Errc::not_found);
  EXPECT_EQ(store->nack(1, 2).error().code, Errc::not_found);
  EXPECT_TRUE(store->ack(1, 1));
  EXPECT_FALSE(store->ack(1, 1));
  EXPECT_EQ(store->stats("thumbs", kNow).acked, 1u);
}

TEST_F(QueueStoreTest, gives_a_task_up_after_three_failures_also_over_a_restart) {
  ASSERT_TRUE(store->put("thumbs", "crop", 5, kNow));
  ASSERT_TRUE(store->take("thumbs", 1));
  ASSERT_TRUE(store->nack(1, 1));
  reopen();
  const auto again = store->take("thumbs", 1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempts, 1);
  ASSERT_TRUE(store->nack(1, 1));
  ASSERT_TRUE(store->take("thumbs", 1));
  ASSERT_TRUE(store->nack(1, 1));
  EXPECT_FALSE(store->take("thumbs", 1));
  EXPECT_EQ(store->stats("thumbs", kNow).given_up, 1u);
  reopen();
  EXPECT_EQ(store->stats("thumbs", kNow).ready, 0u);
}

TEST_F(QueueStoreTest, release_puts_the_held_tasks_of_one_owner_back_in_order) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(store->put("thumbs", "crop", 5, kNow));
  ASSERT_TRUE(store->take("thumbs", 1));
  ASSERT_TRUE(store->take("thumbs", 2));
  ASSERT_TRUE(store->take("thumbs", 1));
  store->release(1);
  EXPECT_EQ(store->stats("thumbs", kNow).unacked, 1u);
  EXPECT_EQ(store->take("thumbs", 3)->id, 1u);
  EXPECT_EQ(store->take("thumbs", 3)->id, 3u);
  EXPECT_EQ(store->take("thumbs", 3)->id, 4u);
}

TEST_F(QueueStoreTest, refuses_bad_names_big_tasks_and_too_much) {
  EXPECT_EQ(store->put("Thumbs", "crop", 5, kNow).error().code, Errc::invalid_argument);
  EXPECT_EQ(store->put("", "crop", 5, kNow).error().code, Errc::invalid_argument);
  EXPECT_EQ(store->put("thumbs", "a b", 5, kNow).error().code, Errc::invalid_argument);
  EXPECT_EQ(store->put("thumbs", std::string(33, 'a'), 5, kNow).error().code, Errc::invalid_argument);
  EXPECT_EQ(store->put("thumbs", "crop", kMaxTaskBytes + 1, kNow).error().code, Errc::invalid_argument);
  for (std::size_t i = 0; i < kMaxQueues; ++i) ASSERT_TRUE(store->put("q" + std::to_string(i), "crop", 5, kNow));
  EXPECT_EQ(store->put("onemore", "crop", 5, kNow).error().code, Errc::too_many);
  for (std::size_t i = 1; i < kMaxWaiting; ++i) ASSERT_TRUE(store->put("q0", "crop", 5, kNow));
  EXPECT_EQ(store->put("q0", "crop", 5, kNow).error().code, Errc::too_many);
}

TEST_F(QueueStoreTest, reads_up_to_a_torn_or_damaged_line) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->put("thumbs", "crop", 5, kNow));
  store.reset();
  std::ofstream(folder.path() / "queue.log", std::ios::app) << "P 4 thumbs crop 5 17";  // torn
  reopen();
  EXPECT_EQ(store->stats("thumbs", kNow).ready, 3u);
  std::string text = log();
  store.reset();
  text[text.find("P 2") + 2] = '9';  // its checksum is wrong now, so what follows is not believed
  std::ofstream(folder.path() / "queue.log") << text;
  reopen();
  EXPECT_EQ(store->stats("thumbs", kNow).ready, 1u);
  store.reset();
  std::ofstream(folder.path() / "queue.log") << "\n\xff\xfe garbage\nX 1 00000000\n";
  reopen();
  EXPECT_EQ(store->stats("thumbs", kNow).ready, 0u);
}

TEST_F(QueueStoreTest, one_folder_has_one_broker) {
  const auto second = QueueStore::open(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
}

TEST_F(QueueStoreTest, says_which_folder_cannot_be_used) {
  std::ofstream(folder.path() / "file") << "x";
  const auto opened = QueueStore::open(folder.path() / "file");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("file"), std::string::npos);
}

TEST_F(QueueStoreTest, the_log_is_rewritten_before_it_grows_without_end) {
  std::uint64_t most = 0;
  for (int i = 0; i < 30'000; ++i) {
    const auto id = store->put("thumbs", "resize", 196'608, kNow);
    ASSERT_TRUE(id);
    ASSERT_TRUE(store->take("thumbs", 1));
    ASSERT_TRUE(store->ack(*id, 1));
    most = std::max(most, store->log_bytes());
  }
  EXPECT_LT(most, (1u << 20) + 4096);
  EXPECT_LT(store->log_bytes(), most);
  EXPECT_FALSE(store->degraded());
}

}  // namespace
}  // namespace paramedic::demo
