#include "core/analysis/anomaly_notice.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

WorkerAnalysisView view(AnomalyLevel level, Duration lasted, PeerOpinion peers = PeerOpinion::differ, bool may = true) {
  WorkerAnalysisView out;
  out.at = WallTime{std::chrono::hours(480'000)};
  out.level = level;
  Anomaly anomaly;
  anomaly.metric = "cpu_percent";
  anomaly.since = out.at - lasted;
  anomaly.peers = peers;
  anomaly.may_notify = may;
  out.anomalies.push_back(anomaly);
  return out;
}

TEST(AnomalyNotice, begins_with_what_is_rare_and_lasts) {
  EXPECT_TRUE(anomaly_to_tell(view(AnomalyLevel::critical, 5min), false));
  EXPECT_FALSE(anomaly_to_tell(view(AnomalyLevel::critical, 4min), false)) << "a burst";
  EXPECT_FALSE(anomaly_to_tell(view(AnomalyLevel::warning, 1h), false));
}

TEST(AnomalyNotice, goes_on_until_nothing_unusual_lasts) {
  EXPECT_TRUE(anomaly_to_tell(view(AnomalyLevel::warning, 1min), true));
  EXPECT_FALSE(anomaly_to_tell(view(AnomalyLevel::usual, 1h), true));
}

TEST(AnomalyNotice, what_peers_do_and_what_is_not_learned_is_not_told) {
  EXPECT_FALSE(anomaly_to_tell(view(AnomalyLevel::critical, 1h, PeerOpinion::alike), false));
  EXPECT_TRUE(anomaly_to_tell(view(AnomalyLevel::critical, 1h, PeerOpinion::unknown), false));
  EXPECT_FALSE(anomaly_to_tell(view(AnomalyLevel::critical, 1h, PeerOpinion::differ, false), false));
  EXPECT_FALSE(anomaly_to_tell(WorkerAnalysisView{}, true));
}

}  // namespace
}  // namespace paramedic
