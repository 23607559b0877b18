#include "io/wire/history_json.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "io/wire/json_number.h"
#include "io/wire/json_writer.h"

namespace paramedic::wire {

namespace {

char* put_text(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// One row after the other; the keys are escaped once.
class RowWriter {
 public:
  explicit RowWriter(const HistoryColumns& columns) : columns_(columns) {
    std::size_t longest = 160 + kMaxNumber;
    for (const HistoryColumn& column : columns.metrics) {
      std::string key = keys_.empty() ? "" : ",";
      append_json_string(key, column.metric);
      key += ':';
      longest += key.size() + kMaxNumber;
      keys_.push_back(std::move(key));
    }
    line_.resize(longest);
  }
  std::string_view row(std::size_t i) {
    char* to = put_text(line_.data(), R"({"timestamp":")");
    to = time_.put(to, columns_.at[i]);
    to = put_text(to, R"(","status":")");
    to = put_text(to, to_string(columns_.status[i]));
    to = put_text(to, R"(","health_score":)");
    to = put_number(to, columns_.score[i]);
    to = put_text(to, R"(,"metrics":{)");
    if (knows_any(i)) to = put_metrics(to, i);
    *to++ = '}';
    if (columns_.marks[i] & HistoryColumns::kTransition) to = put_text(to, R"(,"transition":true)");
    if (columns_.marks[i] & HistoryColumns::kBacklog) to = put_text(to, R"(,"backlog":true)");
    *to++ = '}';
    return {line_.data(), std::size_t(to - line_.data())};
  }

 private:
  bool knows_any(std::size_t i) const {
    return std::any_of(columns_.metrics.begin(), columns_.metrics.end(),
                       [&](const HistoryColumn& column) { return !std::isnan(column.values[i]); });
  }
  char* put_metrics(char* to, std::size_t i) const {
    for (std::size_t m = 0; m < keys_.size(); ++m)
      to = put_number(put_text(to, keys_[m]), columns_.metrics[m].values[i]);
    return to;
  }

  const HistoryColumns& columns_;
  std::vector<std::string> keys_;  // "NAME":
  std::string line_;               // as long as a row may become
  TimeText time_;
};

// [[0,"healthy"],[17,"critical"]]
void append_changes(std::string& out, const std::vector<Status>& status) {
  out += '[';
  for (std::size_t i = 0; i < status.size(); ++i) {
    if (i > 0 && status[i] == status[i - 1]) continue;
    char place[kMaxNumber];
    out += i > 0 ? ",[" : "[";
    out.append(place, put_unsigned(place, i));
    ((out += ",\"") += to_string(status[i])) += "\"]";
  }
  out += ']';
}

void append_places(std::string& out, const std::vector<std::uint8_t>& marks, std::uint8_t mark) {
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < marks.size(); ++i)
    if (marks[i] & mark) places.push_back(std::int64_t(i));
  append_integers(out, places);
}

}  // namespace

std::optional<std::string> history_rows_json(const HistoryColumns& columns, std::size_t most) {
  std::string out = "[";
  RowWriter writer(columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string_view row = writer.row(i);
    // Rows are of one size, roughly: growing by doubling would copy megabytes and touch fresh pages each time.
    if (i == 0) out.reserve(std::min((row.size() + 32) * columns.size(), most));
    if (i > 0) out += ',';
    out += row;
    if (out.size() >= most) return std::nullopt;
  }
  out += ']';
  return out;
}

std::optional<std::string> history_columns_json(std::string_view worker_id, const HistoryColumns& columns,
                                                std::size_t most) {
  std::string out = R"({"worker_id":)";
  // Pages that stay untouched cost nothing, growing by doubling does.
  out.reserve(std::min(256 + columns.size() * (24 + 10 * columns.metrics.size()), most));
  append_json_string(out, worker_id);
  append_integers(out += R"(,"timestamps_ms":)", columns.at);
  append_changes(out += R"(,"status":)", columns.status);
  append_numbers(out += R"(,"health_score":)", columns.score);
  append_places(out += R"(,"transitions":)", columns.marks, HistoryColumns::kTransition);
  append_places(out += R"(,"backlog":)", columns.marks, HistoryColumns::kBacklog);
  out += R"(,"metrics":{)";
  for (const HistoryColumn& column : columns.metrics) {
    if (&column != columns.metrics.data()) out += ',';
    append_json_string(out, column.metric);
    append_numbers(out += ':', column.values);
    if (out.size() >= most) return std::nullopt;
  }
  out += "}}";
  if (out.size() > most) return std::nullopt;
  return out;
}

}  // namespace paramedic::wire
