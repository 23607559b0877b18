#include "model/view.h"

#include <algorithm>

namespace paramedic {

std::vector<std::string> WorkerView::issues() const {
  std::vector<const Cause*> bad;
  for (const Finding& finding : verdict->findings)
    for (const Cause& cause : finding.causes)
      if (badness(cause.status) > 0) bad.push_back(&cause);
  std::stable_sort(bad.begin(), bad.end(),
                   [](const Cause* a, const Cause* b) { return badness(a->status) > badness(b->status); });
  std::vector<std::string> out;
  for (const Cause* cause : bad) out.push_back(describe(*cause));
  for (const Finding& finding : verdict->findings)
    if (finding.status == FindingStatus::error) out.push_back(finding.message());
  return out;
}

std::shared_ptr<const WorkerView> FleetView::find(std::string_view worker_id) const {
  const auto page = std::partition_point(pages.begin(), pages.end(), [&](const std::shared_ptr<const WorkerPage>& p) {
    return p->workers.empty() || p->workers.back()->worker_id < worker_id;
  });
  if (page == pages.end()) return nullptr;
  const auto& workers = (*page)->workers;
  const auto found = std::lower_bound(workers.begin(), workers.end(), worker_id,
                                      [](const auto& w, std::string_view id) { return w->worker_id < id; });
  return found != workers.end() && (*found)->worker_id == worker_id ? *found : nullptr;
}

}  // namespace paramedic
