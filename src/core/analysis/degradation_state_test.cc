#include <gtest/gtest.h>

#include "base/checksum.h"
#include "core/analysis/degradation_pool.h"

namespace paramedic {
namespace {

const DegradationFinder::Key kKey{"thumbs", "resize"};

ScriptEffect slow_host(const ScriptWorker& w, std::int64_t block) {
  return {.slower = block >= 320 && block < 340 && w.host == "h1" ? 2.5 : 1};
}

// Whatever is decided later is the same, to the last bit, wherever the monitor was restarted.
TEST(DegradationState, a_restored_finder_goes_on_bit_equal) {
  ScriptedPool pool({.workers = 6, .hosts = 3, .tasks = 25}, 3);
  DegradationFinder straight;
  pool.blocks(straight, 0, 300, slow_host);
  DegradationFinder restarted = straight;
  std::size_t told = 0;
  for (std::int64_t b = 300; b < 370; ++b) {
    if (b % 7 == 0) {  // before, during and after the change; the open block is not empty
      const std::string blob = restarted.encode(kKey, ScriptedPool::at(b));
      DegradationFinder next;
      const auto key = next.restore(blob, ScriptedPool::at(b));
      ASSERT_TRUE(key) << key.error().message;
      EXPECT_EQ(*key, kKey);
      EXPECT_EQ(next.encode(kKey, ScriptedPool::at(b)), blob);
      restarted = std::move(next);
    }
    ScriptedPool same = pool;
    pool.block(straight, b, slow_host);
    same.block(restarted, b, slow_host);
    const auto changes = straight.take_changes();
    EXPECT_EQ(changes, restarted.take_changes()) << b;
    told += changes.size();
    ASSERT_EQ(straight.encode(kKey, ScriptedPool::at(b)), restarted.encode(kKey, ScriptedPool::at(b))) << b;
  }
  EXPECT_EQ(told, 2u);  // it began and ended
}

class DegradationBlob : public ::testing::Test {
 protected:
  void SetUp() override {
    ScriptedPool pool({.workers = 3, .hosts = 2, .tasks = 10}, 4);
    pool.blocks(finder_, 0, 30);
    blob_ = finder_.encode(kKey, now_);
  }
  static std::string sealed(std::string bytes) {
    put_checksum(bytes);
    return bytes;
  }
  std::string bare() const { return blob_.substr(0, blob_.size() - kChecksumBytes); }
  WallTime now_ = ScriptedPool::at(30);
  DegradationFinder finder_;
  std::string blob_;
};

TEST_F(DegradationBlob, unknown_types_have_none) { EXPECT_TRUE(finder_.encode({"thumbs", "x"}, now_).empty()); }

TEST_F(DegradationBlob, damage_is_refused_and_changes_nothing) {
  DegradationFinder other = finder_;
  for (std::size_t i = 0; i < blob_.size(); i += 7) {
    std::string damaged = blob_;
    damaged[i] = char(damaged[i] ^ 0x20);
    EXPECT_EQ(other.restore(damaged, now_).error().code, Errc::corrupt);
  }
  EXPECT_EQ(other.encode(kKey, now_), blob_);
}

TEST_F(DegradationBlob, what_is_cut_off_or_goes_on_is_refused_with_a_right_checksum_too) {
  DegradationFinder other;
  for (std::size_t size = 0; size < bare().size(); size += 13)
    EXPECT_FALSE(other.restore(sealed(bare().substr(0, size)), now_)) << size;
  EXPECT_FALSE(other.restore(sealed(bare() + "x"), now_));
  EXPECT_EQ(other.types(), 0u);
  EXPECT_TRUE(other.restore(sealed(bare()), now_));
}

TEST_F(DegradationBlob, another_version_a_week_old_and_the_future_are_refused) {
  DegradationFinder other;
  std::string newer = bare();
  newer[0] = 2;
  EXPECT_EQ(other.restore(sealed(newer), now_).error().code, Errc::corrupt);
  EXPECT_EQ(other.restore(blob_, now_ + 7 * 24h + 1s).error().code, Errc::invalid_argument);
  EXPECT_EQ(other.restore(blob_, now_ - 25h).error().code, Errc::invalid_argument);
  EXPECT_TRUE(other.restore(blob_, now_ + 6 * 24h));
}

TEST_F(DegradationBlob, what_does_not_fit_into_the_limits_is_refused) {
  DegradationLimits few;
  few.windows.workers = 2;
  EXPECT_FALSE(DegradationFinder(few).restore(blob_, now_));
  few = {};
  few.types = 0;
  EXPECT_EQ(DegradationFinder(few).restore(blob_, now_).error().code, Errc::too_large);
  // In place of itself it always fits.
  few = {};
  few.windows.workers = 3;
  few.types = 1;
  DegradationFinder full(few);
  EXPECT_TRUE(full.restore(blob_, now_));
  EXPECT_TRUE(full.restore(blob_, now_));
  EXPECT_EQ(full.use().workers, 3u);
}

}  // namespace
}  // namespace paramedic
