#include "io/history/rollup.h"

#include <cmath>
#include <limits>

#include "io/history/frame_merge.h"
#include "io/history/series.h"
#include "model/metric_set.h"

namespace paramedic::history {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// How bad a status is for a step: the worst one is what must survive zooming out; unknown (0) says least.
int rank(std::uint8_t state) {
  const int status = state & kStatusBits;  // 1 critical, 2 warning, 3 healthy
  return status == 0 ? 0 : 4 - status;
}

// Rows of all parts, in order of time, each with the step it falls into.
struct Steps {
  Frame out;                                   // rows without columns
  std::vector<std::vector<std::uint32_t>> of;  // [part][row] → index of the step
  std::vector<double> weight;                  // rows as stored per step
};

const FrameColumn* weights(const Frame& part) { return part.find(kWeight); }

Steps steps_of(std::span<const Frame> parts, std::int64_t step) {
  Steps s;
  for (const Frame& part : parts) {
    const FrameColumn* weight = weights(part);
    auto& of = s.of.emplace_back();
    of.reserve(part.rows());
    for (std::size_t i = 0; i < part.rows(); ++i) {
      // A division per row only where a step ends.
      if (s.out.empty() || part.at[i] >= s.out.at.back() + step) {
        s.out.at.push_back(floor_to(part.at[i], step));
        s.out.state.push_back(0);
        s.out.score.push_back(kNoScore);
        s.weight.push_back(0);
      }
      of.push_back(std::uint32_t(s.out.rows() - 1));
      std::uint8_t& state = s.out.state.back();
      const std::uint8_t marks = (state | part.state[i]) & ~kStatusBits;
      state = std::uint8_t(((rank(part.state[i]) > rank(state) ? part.state[i] : state) & kStatusBits) | marks);
      std::int32_t& score = s.out.score.back();
      if (part.score[i] != kNoScore && (score == kNoScore || part.score[i] < score)) score = part.score[i];
      s.weight.back() += weight ? weight->values[i] : 1;
    }
  }
  return s;
}

// One metric over all steps.
class Gauge {
 public:
  Gauge(std::size_t steps, bool p95)
      : sum_(steps, 0), weight_(steps, 0), min_(steps, kNone), max_(steps, kNone), p95_(p95 ? steps : 0, kNone) {}

  void add(const Frame& part, const std::vector<std::uint32_t>& of, std::uint32_t metric) {
    const FrameColumn* mean = part.find(metric_series(metric));
    if (!mean) return;
    if (const FrameColumn* weight = weights(part))
      add_rolled(part, of, metric, mean->values, weight->values);
    else
      add_rows(of, mean->values);
  }
  void finish(std::vector<FrameColumn>& out, std::uint32_t metric, int decimals) {
    close();
    for (std::size_t i = 0; i < sum_.size(); ++i)
      sum_[i] = weight_[i] > 0 ? quantise(sum_[i] / weight_[i], decimals) : kNone;
    out.push_back({metric_series(metric, Stat::mean), std::move(sum_)});
    out.push_back({metric_series(metric, Stat::min), std::move(min_)});
    out.push_back({metric_series(metric, Stat::max), std::move(max_)});
    if (!p95_.empty()) out.push_back({metric_series(metric, Stat::p95), std::move(p95_)});
  }

 private:
  void extremes(std::size_t step, double low, double high) {
    if (!(min_[step] <= low)) min_[step] = low;
    if (!(max_[step] >= high)) max_[step] = high;
  }
  void add_rows(const std::vector<std::uint32_t>& of, const std::vector<double>& values) {
    for (std::size_t i = 0; i < of.size(); ++i) {
      const double v = values[i];
      if (std::isnan(v)) continue;
      const std::uint32_t step = of[i];
      sum_[step] += v;
      weight_[step] += 1;
      extremes(step, v, v);
      if (p95_.empty()) continue;
      if (step != held_step_) close();
      held_step_ = step;
      held_.push_back(v);
    }
  }
  void add_rolled(const Frame& part, const std::vector<std::uint32_t>& of, std::uint32_t metric,
                  const std::vector<double>& mean, const std::vector<double>& weight) {
    const FrameColumn* low = part.find(metric_series(metric, Stat::min));
    const FrameColumn* high = part.find(metric_series(metric, Stat::max));
    const FrameColumn* p95 = part.find(metric_series(metric, Stat::p95));
    close();
    for (std::size_t i = 0; i < of.size(); ++i) {
      if (std::isnan(mean[i])) continue;
      sum_[of[i]] += mean[i] * weight[i];
      weight_[of[i]] += weight[i];
      extremes(of[i], low ? low->values[i] : mean[i], high ? high->values[i] : mean[i]);
      if (p95_.empty() || !p95 || p95->values[i] <= p95_[of[i]]) continue;
      p95_[of[i]] = p95->values[i];
    }
  }
  // Nearest rank among the values held for one step; a roll-up in the same step may know a higher one.
  void close() {
    if (held_.empty()) return;
    const auto at = held_.begin() + std::ptrdiff_t((held_.size() * 95 + 99) / 100 - 1);
    std::nth_element(held_.begin(), at, held_.end());
    if (!(p95_[held_step_] >= *at)) p95_[held_step_] = *at;
    held_.clear();
  }

  std::vector<double> sum_, weight_, min_, max_, p95_;
  std::vector<double> held_;
  std::uint32_t held_step_ = 0;
};

FrameColumn summed(std::span<const Frame> parts, const Steps& steps, SeriesId id) {
  FrameColumn out{id, std::vector<double>(steps.out.rows(), kNone)};
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const FrameColumn* column = parts[p].find(id);
    if (!column) continue;
    for (std::size_t i = 0; i < column->values.size(); ++i) {
      if (std::isnan(column->values[i])) continue;
      double& sum = out.values[steps.of[p][i]];
      sum = std::isnan(sum) ? column->values[i] : sum + column->values[i];
    }
  }
  return out;
}

}  // namespace

Frame roll_up(std::span<const Frame> parts, const RollUpOptions& options) {
  Steps steps = steps_of(parts, options.step);
  std::vector<FrameColumn> columns;
  columns.push_back({kWeight, steps.weight});
  for (const SeriesId id : union_of_ids(parts)) {
    if (is_task(id)) {
      columns.push_back(summed(parts, steps, id));
    } else if (is_metric(id) && stat_of(id) == Stat::mean) {
      Gauge gauge(steps.out.rows(), options.p95);
      for (std::size_t p = 0; p < parts.size(); ++p) gauge.add(parts[p], steps.of[p], metric_of(id));
      gauge.finish(columns, metric_of(id), std::min(4, options.decimals(metric_of(id)) + 1));
    }
  }
  steps.out.columns = std::move(columns);
  return std::move(steps.out);
}

}  // namespace paramedic::history
