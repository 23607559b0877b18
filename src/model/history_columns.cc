#include "model/history_columns.h"

#include <cmath>

namespace paramedic {

std::vector<HistoryRow> rows_of(const HistoryColumns& columns, const std::string& worker_id) {
  auto names = std::make_shared<MetricNames>();
  for (const HistoryColumn& column : columns.metrics) names->push_back(column.metric);
  std::vector<HistoryRow> out(columns.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    HistoryRow& row = out[i];
    row.worker_id = worker_id;
    row.at = WallTime{std::chrono::milliseconds(columns.at[i])};
    row.status = columns.status[i];
    row.transition = columns.marks[i] & HistoryColumns::kTransition;
    row.backlog = columns.marks[i] & HistoryColumns::kBacklog;
    if (!std::isnan(columns.score[i])) row.score = columns.score[i];
    row.metrics.values.reserve(names->size());
    bool any = false;
    for (const HistoryColumn& column : columns.metrics) {
      any = any || !std::isnan(column.values[i]);
      row.metrics.values.push_back(column.values[i]);
    }
    if (any)
      row.metrics.names = names;
    else
      row.metrics.values.clear();
  }
  return out;
}

}  // namespace paramedic
