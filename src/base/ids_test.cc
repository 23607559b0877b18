#include "base/ids.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace paramedic {

TEST(Ids, follow_the_grammar_of_the_design) {
  EXPECT_TRUE(valid_id("celery@host-1:w/17+a=b._"));
  EXPECT_TRUE(valid_id(std::string(200, 'x')));
  EXPECT_FALSE(valid_id(""));
  EXPECT_FALSE(valid_id(std::string(201, 'x')));
  for (const char* id : {"a b", "a\n", "ä", "a?b", "a#b", "a%b", "a\"b", "<b>"}) EXPECT_FALSE(valid_id(id)) << id;
}

TEST(Ids, explain_what_is_wrong) {
  EXPECT_NE(explain_bad_id("").find("empty"), std::string::npos);
  EXPECT_NE(explain_bad_id(std::string(300, 'x')).find("300 bytes"), std::string::npos);
  EXPECT_NE(explain_bad_id("ab c").find("0x20 at position 2"), std::string::npos);
  EXPECT_EQ(explain_bad_id("fine"), "");
}

TEST(Hash, is_the_same_in_every_run) {
  EXPECT_EQ(hash_hex(stable_hash("w-17")), hash_hex(stable_hash("w-17")));
  EXPECT_NE(stable_hash("w-17"), stable_hash("w-18"));
  EXPECT_NE(stable_hash("w-17", 1), stable_hash("w-17", 2));
  // Persisted inside action ids: must never change.
  EXPECT_EQ(hash_hex(stable_hash("w-17")).size(), 16u);
}

RC_GTEST_PROP(Hash, jitter_stays_inside_its_span, (std::uint64_t seed)) {
  const Duration jitter = hash_jitter(hash_mix(seed, 1), 10s);
  RC_ASSERT(jitter >= 0s && jitter < 10s);
}

TEST(Hash, spreads_evenly) {
  int low = 0;
  for (int i = 0; i < 10'000; ++i) low += hash_fraction(stable_hash("w-" + std::to_string(i))) < 0.5;
  EXPECT_NEAR(low, 5000, 200);
}

}  // namespace paramedic
