// The metrics of one row as bytes: each value a zigzag varint of the integer value·10^decimals, as quantised at intake
// (model/metric_set.h); two escapes for what does not fit. Pure; any thread. Layout: docs/formats/history.md.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/metric_set.h"

namespace paramedic::history {

// Names and decimals that rows of one shape share; stored once. Decimals are stored too: a later version may round
// otherwise.
struct Schema {
  std::shared_ptr<const MetricNames> names;
  std::vector<int> decimals;  // 0…4, one per name
};

Schema make_schema(std::shared_ptr<const MetricNames> names);
// "cpu_percent:2\nmemory_mb:1"
std::string schema_text(const Schema& schema);
std::optional<Schema> parse_schema(std::string_view text);

// Lossless for every double; 1–4 bytes for a quantised one. NaN = not known.
void pack_values(std::string& out, const Schema& schema, std::span<const double> values);
// False when the bytes do not decode to exactly one value per name.
bool unpack_values(std::string_view bytes, const Schema& schema, std::vector<double>& out);

}  // namespace paramedic::history
