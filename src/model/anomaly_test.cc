#include "model/anomaly.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace paramedic {
namespace {

Anomaly cpu() {
  Anomaly a;
  a.metric = "cpu_percent";
  a.score = 3.6;
  a.observed = 97;
  a.expected_low = 20;
  a.expected_high = 41;
  a.statistic = AnomalyStatistic::level;
  a.since = parse_time("2026-11-23T14:05:40Z").value();
  a.peers = PeerOpinion::differ;
  return a;
}
const WallTime kNow = parse_time("2026-11-23T15:00:00Z").value();

TEST(Anomaly, is_explained_in_words) {
  EXPECT_EQ(cpu().words(kNow),
            "cpu_percent 97 is far above its usual 20 to 41 (1 in 4 000), since 14:05; its peers are not");
  Anomaly alike = cpu();
  alike.peers = PeerOpinion::alike;
  alike.observed = 3.25;
  EXPECT_EQ(alike.words(kNow),
            "cpu_percent 3.25 is far below its usual 20 to 41 (1 in 4 000), since 14:05; so are its peers");
}

TEST(Anomaly, within_its_band_the_statistic_tells_what_is_unusual) {
  Anomaly a = cpu();
  a.observed = 30;
  a.peers = PeerOpinion::unknown;
  a.statistic = AnomalyStatistic::volatility;
  EXPECT_EQ(a.words(kNow),
            "cpu_percent 30 is wavering more than it does around its usual 20 to 41 (1 in 4 000), since 14:05");
  a.statistic = AnomalyStatistic::vanished;
  EXPECT_EQ(a.words(kNow), "cpu_percent is no longer told (1 in 4 000), since 14:05");
}

TEST(Anomaly, tells_the_day_when_it_is_another) {
  EXPECT_NE(cpu().words(kNow + 24h).find("since 2026-11-23 14:05"), std::string::npos);
}

TEST(Anomaly, every_statistic_has_words_of_its_own) {
  Anomaly a = cpu();
  a.observed = 30;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < kEnumCount<AnomalyStatistic>; ++i) {
    a.statistic = static_cast<AnomalyStatistic>(i);
    if (a.statistic == AnomalyStatistic::none || a.statistic == AnomalyStatistic::relative) continue;
    all.push_back(a.words(kNow));
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "said twice";
}

TEST(Anomaly, claims_no_more_than_two_digits_of_rarity) {
  Anomaly a;
  a.score = 0;
  EXPECT_EQ(a.rarity(), "1 in 1");
  a.score = 2.099;
  EXPECT_EQ(a.rarity(), "1 in 130");
  a.score = 5.7;
  EXPECT_EQ(a.rarity(), "1 in 500 000");
  a.score = 40;
  EXPECT_EQ(a.rarity(), "1 in 1 000 000 000");
}

}  // namespace
}  // namespace paramedic
