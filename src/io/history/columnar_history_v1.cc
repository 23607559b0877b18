// Format 1 kept single rows in a chained log. They are moved once, at the first start with format 2: in batches, each
// one transaction with the deletion of what it moved, so that a crash in between costs nothing.
#include "io/history/columnar_history.h"
#include "io/history/series.h"

namespace paramedic::history {

Result<void> ColumnarHistory::move_v1() {
  for (;;) {
    const auto more = move_v1_batch(20'000);
    if (!more) return with_context(more.error(), "rows of the old format cannot be moved");
    if (!*more) return store_->end_old_rows();
  }
}

Result<bool> ColumnarHistory::move_v1_batch(std::size_t batch) {
  std::unordered_map<std::int64_t, const std::string*> names;
  for (const auto& [name, worker] : workers_) names[worker->no] = &name;
  const auto last = store_->old_rows(batch, [&](const OldRow& old) {
    const auto name = names.find(old.worker);
    if (name == names.end()) return;
    HistoryRow row{*name->second, from_millis(old.at), Status(old.state & kStatusBits)};
    row.transition = old.state & kTransition;
    row.backlog = old.state & kBacklog;
    if (old.score) row.score = double(*old.score) / 10'000;
    if (const auto schema = find_schema(old.schema)) {
      row.metrics.names = schema->schema.names;
      if (!unpack_values(old.values, schema->schema, row.metrics.values)) {
        ++damaged_;
        return;
      }
    }
    buffer_.push_back(std::move(row));
  });
  if (!last) return last.error();
  if (*last == 0) return false;
  std::vector<Fold> folds;
  pack();
  if (auto done = write(*last, folds); !done) return done.error();
  publish(folds);
  buffer_.clear();
  return true;
}

}  // namespace paramedic::history
