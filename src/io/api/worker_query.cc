#include "io/api/worker_query.h"

#include <algorithm>
#include <cctype>

namespace paramedic::api {

namespace {

template <class List, class T>
bool allows(const List& list, const T& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

bool contains_text(std::string_view text, std::string_view part) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

bool has_labels(const WorkerView& w, const WorkerQuery& q) {
  return std::all_of(q.labels.begin(), q.labels.end(), [&](const auto& wanted) {
    return std::find(w.labels.begin(), w.labels.end(), wanted) != w.labels.end();
  });
}

bool matches(const WorkerView& w, const WorkerQuery& q) {
  if (!allows(q.statuses, w.verdict->status) || !allows(q.states, w.state)) return false;
  if (!allows(q.pools, w.pool) || !allows(q.hosts, w.host) || !has_labels(w, q)) return false;
  return q.text.empty() || contains_text(w.worker_id, q.text) || contains_text(w.pool, q.text) ||
         contains_text(w.host, q.text) || contains_text(w.version, q.text);
}

// What an operator wants first: critical, warning, unknown, healthy.
int urgency(Status status) {
  switch (status) {
    case Status::critical:
      return 0;
    case Status::warning:
      return 1;
    case Status::unknown:
      return 2;
    case Status::healthy:
      return 3;
  }
  return 3;
}

bool before(const WorkerView& a, const WorkerView& b, WorkerOrder order) {
  switch (order) {
    case WorkerOrder::worker_id:
      return a.worker_id < b.worker_id;
    case WorkerOrder::status:
      return urgency(a.verdict->status) < urgency(b.verdict->status);
    case WorkerOrder::health_score:
      return a.verdict->score.value_or(2) < b.verdict->score.value_or(2);
    case WorkerOrder::pool:
      return a.pool < b.pool;
    case WorkerOrder::host:
      return a.host < b.host;
    case WorkerOrder::state:
      return a.state < b.state;
    case WorkerOrder::last_check:
      return a.last_check < b.last_check;
  }
  return false;
}

}  // namespace

WorkerQuery read_worker_query(QueryReader& reader) {
  WorkerQuery q;
  q.statuses = reader.words<Status>("status");
  q.states = reader.words<WorkerState>("state");
  q.pools = reader.texts("pool");
  q.hosts = reader.texts("host");
  for (const std::string& label : reader.values("label")) {
    const auto colon = label.find(':');
    if (colon == std::string::npos || colon == 0)
      reader.problem("label", "write it as key:value");
    else
      q.labels.emplace_back(label.substr(0, colon), label.substr(colon + 1));
  }
  q.text = reader.text("q").value_or("");
  std::string sort = reader.text("sort").value_or("worker_id");
  q.descending = sort.starts_with('-');
  if (q.descending) sort.erase(0, 1);
  if (const auto order = parse_enum<WorkerOrder>(sort))
    q.order = *order;
  else
    reader.problem("sort", "is none of worker_id, status, health_score, pool, host, state, last_check (or with -)");
  if (const auto limit = reader.number("limit", 1, kMaxPage)) q.limit = std::size_t(*limit);
  q.offset = std::size_t(reader.number("offset", 0, 1'000'000).value_or(0));
  return q;
}

WorkerSelection select_workers(const FleetView& view, const WorkerQuery& query) {
  std::vector<WorkerRef> found;
  for (const auto& page : view.pages)
    for (const WorkerRef& w : page->workers)
      if (matches(*w, query)) found.push_back(w);
  if (query.order != WorkerOrder::worker_id || query.descending)
    std::stable_sort(found.begin(), found.end(), [&](const WorkerRef& a, const WorkerRef& b) {
      return query.descending ? before(*b, *a, query.order) : before(*a, *b, query.order);
    });
  WorkerSelection out;
  out.matching = found.size();
  const auto first = std::min(query.offset, found.size());
  const auto last = std::min(first + query.limit.value_or(found.size()), found.size());
  found.resize(last);
  found.erase(found.begin(), found.begin() + std::ptrdiff_t(first));
  out.workers = std::move(found);
  return out;
}

}  // namespace paramedic::api
