// Format 1 kept single rows in a chained log. They are moved once, at the first start with format 2: in batches, each
// one transaction with the deletion of what it moved, so that a crash in between costs nothing.
#include <fmt/format.h>

#include "io/history/series.h"
#include "io/history/sqlite_history.h"

namespace paramedic::history {

using sqlite::Step;

Result<void> SqliteHistory::move_v1() {
  const auto exists = writer_.number("SELECT count(*) FROM sqlite_master WHERE name='log_v1'");
  if (!exists) return exists.error();
  if (*exists == 0) return {};
  for (;;) {
    const auto more = move_v1_batch(20'000);
    if (!more) return with_context(more.error(), "rows of the old format cannot be moved");
    if (!*more) return writer_.run("DROP TABLE log_v1");
  }
}

Result<bool> SqliteHistory::move_v1_batch(std::size_t batch) {
  std::unordered_map<std::int64_t, const std::string*> names;
  for (const auto& [name, worker] : workers_) names[worker->no] = &name;
  auto s = writer_.prepare("SELECT id, worker, at, state, score, schema, vals FROM log_v1 ORDER BY id LIMIT ?1");
  if (!s) return s.error();
  s->bind(1, std::int64_t(batch));
  std::int64_t last = 0;
  Step step;
  while ((step = s->step()) == Step::row) {
    last = s->integer(0);
    const auto name = names.find(s->integer(1));
    if (name == names.end()) continue;
    HistoryRow row{*name->second, from_millis(s->integer(2)), Status(s->integer(3) & kStatusBits)};
    row.transition = s->integer(3) & kTransition;
    row.backlog = s->integer(3) & kBacklog;
    if (!s->is_null(4)) row.score = double(s->integer(4)) / 10'000;
    if (const auto schema = find_schema(s->integer(5))) {
      row.metrics.names = schema->schema.names;
      if (!unpack_values(s->blob(6), schema->schema, row.metrics.values)) {
        ++damaged_;
        continue;
      }
    }
    buffer_.push_back(std::move(row));
  }
  if (step == Step::failed) return writer_.error();
  s->reset();
  if (last == 0) return false;
  std::vector<Fold> folds;
  pack();
  if (auto done = write(fmt::format("DELETE FROM log_v1 WHERE id<={}", last).c_str(), folds); !done)
    return done.error();
  publish(folds);
  buffer_.clear();
  return true;
}

}  // namespace paramedic::history
