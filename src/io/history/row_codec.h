// One row as bytes, as it stands in the log and in the open hour: each value a zigzag varint of the integer
// value·10^decimals, as quantised at intake (model/metric_set.h); two escapes for what does not fit. Pure; any thread.
// Layout: docs/formats/history.md.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/history/codec/frame.h"
#include "model/history_row.h"

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
// The same from the front of `bytes`, which keeps what follows.
bool take_values(std::string_view& bytes, const Schema& schema, std::vector<double>& out);

// A schema with its number in the file and the numbers of its metrics.
struct SchemaEntry {
  std::int64_t no = 0;
  Schema schema;
  std::vector<std::uint32_t> metrics;
};
using SchemaRef = std::shared_ptr<const SchemaEntry>;
using SchemaOf = std::function<SchemaRef(std::int64_t)>;  // null: no such schema

inline std::int64_t to_millis(WallTime t) {
  return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
}
inline WallTime from_millis(std::int64_t ms) { return WallTime{std::chrono::milliseconds(ms)}; }

// Appends the row. `schema` may be null (no metrics); `task_types` are the numbers of row.tasks, one each.
void pack_row(std::string& out, const HistoryRow& row, const SchemaEntry* schema,
              std::span<const std::uint32_t> task_types);
// The instant of a packed row (Unix milliseconds).
bool row_time(std::string_view row, std::int64_t& at);
// The number of its schema; 0: none, or the bytes are damaged.
std::int64_t row_schema(std::string_view row);

// Packed rows, one after the other, as one part of a frame: rows stand as they were added, columns are sorted.
class RowUnpacker {
 public:
  explicit RowUnpacker(SchemaOf schema_of) : schema_of_(std::move(schema_of)) {}
  // False: the bytes are damaged or name an unknown schema; the row is left out.
  bool add(std::string_view row);
  Frame finish();

 private:
  bool add_tasks(std::string_view& row);
  void set(SeriesId id, double value);

  SchemaOf schema_of_;
  SchemaRef schema_;  // of the row before: rows of one worker rarely change shape
  std::vector<double> values_;
  std::vector<std::pair<SeriesId, double>> cells_;  // of the row at hand
  Frame frame_;                                     // columns unsorted until finish()
  std::unordered_map<SeriesId, std::size_t> column_of_;
};

}  // namespace paramedic::history
