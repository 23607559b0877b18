// Named numbers of one worker at one instant, stored as columns: the names are shared between all sets of one shape.
#pragma once
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paramedic {

using MetricNames = std::vector<std::string>;  // sorted, unique

struct MetricSet {
  std::shared_ptr<const MetricNames> names;  // null = empty set
  std::vector<double> values;                // one per name; NaN = not known at this instant

  std::optional<double> find(std::string_view name) const;
  std::size_t size() const { return names ? names->size() : 0; }
};

// How many decimals of a metric are kept from intake on, so that memory, history and API show the same value:
// percentages and rates 2, megabytes 1, seconds and milliseconds 3, counts 0, anything else 3.
int metric_decimals(std::string_view name);
double quantise(double value, int decimals);

}  // namespace paramedic
