#include "io/history/downsample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

namespace paramedic::history {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Gauge {
  double sum = 0, min = 0, max = 0;
  std::size_t count = 0;
  void add(double v) {
    min = count ? std::min(min, v) : v;
    max = count ? std::max(max, v) : v;
    sum += v;
    ++count;
  }
};

enum class Kind { mean, min, max };
struct Column {
  std::size_t slot = 0;
  Kind kind = Kind::mean;
};

double value_of(const Gauge& g, Kind kind, int decimals) {
  if (g.count == 0) return kNone;
  if (kind == Kind::min) return g.min;
  if (kind == Kind::max) return g.max;
  // One decimal more than the samples have: a mean of whole numbers is not one.
  return quantise(g.sum / double(g.count), std::min(decimals + 1, 4));
}

// How bad a status is for a step: the worst one is what must survive zooming out. unknown says least.
int rank(Status s) {
  switch (s) {
    case Status::critical:
      return 3;
    case Status::warning:
      return 2;
    case Status::healthy:
      return 1;
    case Status::unknown:
      break;
  }
  return 0;
}

// Metrics of all rows, each name with one slot; layouts are looked up once per shared name list.
class Slots {
 public:
  explicit Slots(const std::vector<HistoryRow>& rows) {
    for (const HistoryRow& row : rows)
      if (row.metrics.names && !layouts_.contains(row.metrics.names.get())) add(*row.metrics.names);
    make_columns();
  }
  const std::vector<std::size_t>& layout(const MetricNames& names) const { return layouts_.at(&names); }
  std::size_t size() const { return slots_.size(); }
  MetricSet values(const std::vector<Gauge>& gauges) const {
    MetricSet out{names_, {}};
    out.values.reserve(columns_.size());
    for (const Column& c : columns_) out.values.push_back(value_of(gauges[c.slot], c.kind, decimals_[c.slot]));
    return out;
  }

 private:
  void add(const MetricNames& names) {
    auto& layout = layouts_[&names];
    for (const auto& name : names) layout.push_back(slots_.emplace(name, slots_.size()).first->second);
  }
  void make_columns() {
    std::map<std::string, Column> columns;
    decimals_.resize(slots_.size());
    for (const auto& [name, slot] : slots_) {
      columns[name] = {slot, Kind::mean};
      decimals_[slot] = metric_decimals(name);
    }
    // A metric that is really called NAME_min keeps its place.
    for (const auto& [name, slot] : slots_) {
      columns.emplace(name + "_min", Column{slot, Kind::min});
      columns.emplace(name + "_max", Column{slot, Kind::max});
    }
    auto names = std::make_shared<MetricNames>();
    for (const auto& [name, column] : columns) {
      names->push_back(name);
      columns_.push_back(column);
    }
    names_ = std::move(names);
  }

  std::map<std::string, std::size_t> slots_;
  std::unordered_map<const MetricNames*, std::vector<std::size_t>> layouts_;
  std::vector<int> decimals_;
  std::vector<Column> columns_;
  std::shared_ptr<const MetricNames> names_;
};

void absorb(HistoryRow& out, std::vector<Gauge>& gauges, const HistoryRow& row, const Slots& slots) {
  if (rank(row.status) > rank(out.status)) out.status = row.status;
  if (row.score && (!out.score || *row.score < *out.score)) out.score = row.score;
  out.transition |= row.transition;
  out.backlog |= row.backlog;
  if (!row.metrics.names) return;
  const auto& layout = slots.layout(*row.metrics.names);
  for (std::size_t i = 0; i < layout.size() && i < row.metrics.values.size(); ++i)
    if (!std::isnan(row.metrics.values[i])) gauges[layout[i]].add(row.metrics.values[i]);
}

WallTime floor_to(WallTime t, Duration step) {
  const auto since = t.time_since_epoch().count(), width = step.count();
  const auto rest = since % width;
  return WallTime{Duration{since - (rest < 0 ? rest + width : rest)}};
}

}  // namespace

void sort_and_merge(std::vector<HistoryRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const HistoryRow& a, const HistoryRow& b) { return a.at < b.at; });
  rows.erase(
      std::unique(rows.begin(), rows.end(), [](const HistoryRow& a, const HistoryRow& b) { return a.at == b.at; }),
      rows.end());
}

std::vector<HistoryRow> downsample(const std::vector<HistoryRow>& rows, Duration step) {
  const Slots slots(rows);
  std::vector<HistoryRow> out;
  for (std::size_t i = 0; i < rows.size();) {
    HistoryRow& bucket = out.emplace_back();
    bucket.worker_id = rows[i].worker_id;
    bucket.at = floor_to(rows[i].at, step);
    std::vector<Gauge> gauges(slots.size());
    for (; i < rows.size() && rows[i].at < bucket.at + step; ++i) absorb(bucket, gauges, rows[i], slots);
    bucket.metrics = slots.values(gauges);
  }
  return out;
}

}  // namespace paramedic::history
