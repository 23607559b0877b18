#include "core/analysis/anomaly_notice.h"

namespace paramedic {

const Anomaly* anomaly_to_tell(const WorkerAnalysisView& view, bool told) {
  if (view.level == AnomalyLevel::usual || (!told && view.level != AnomalyLevel::critical)) return nullptr;
  for (const Anomaly& anomaly : view.anomalies) {
    if (!anomaly.may_notify || anomaly.peers == PeerOpinion::alike) continue;
    if (told || view.at - anomaly.since >= kTellAnomalyAfter) return &anomaly;
  }
  return nullptr;
}

}  // namespace paramedic
