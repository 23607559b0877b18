// Filter, order and page of GET /health/workers. Pure; any thread.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/api/query.h"
#include "model/view.h"

namespace paramedic::api {

using WorkerRef = std::shared_ptr<const WorkerView>;

inline constexpr std::size_t kMaxPage = 20'000;

// worker_id is the order of the fleet itself. Equal keys are in order of worker_id.
enum class WorkerOrder { worker_id, status, health_score, pool, host, state, last_check };

}  // namespace paramedic::api

namespace paramedic {

PARAMEDIC_ENUM_NAMES(api::WorkerOrder, "worker_id", "status", "health_score", "pool", "host", "state", "last_check")

}  // namespace paramedic

namespace paramedic::api {

struct WorkerQuery {
  std::vector<Status> statuses;  // any of; empty = all
  std::vector<WorkerState> states;
  std::vector<std::string> pools, hosts;
  std::vector<std::pair<std::string, std::string>> labels;  // all of
  std::string text;                                         // part of id, pool, host or version, case ignored
  WorkerOrder order = WorkerOrder::worker_id;
  bool descending = false;
  std::optional<std::size_t> limit;  // none = all
  std::size_t offset = 0;
};

// Reads status, state, pool, host, label (key:value), q, sort, limit, offset; the caller calls finish().
WorkerQuery read_worker_query(QueryReader& reader);

struct WorkerSelection {
  std::vector<WorkerRef> workers;  // of the page asked for
  std::size_t matching = 0;        // before paging
};
// O(n); with another order than worker_id O(n log n).
WorkerSelection select_workers(const FleetView& view, const WorkerQuery& query);

}  // namespace paramedic::api
