#include "io/history/history_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"

namespace paramedic {

namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMaxMetricName = 100;  // as a report's
constexpr std::size_t kMaxTextMetrics = 10'000;
constexpr double kLastSecond = 9'214'646'399;  // of 2261: nanoseconds end in 2262
constexpr std::string_view kCsvHead = "worker_id,timestamp,status,health_score,marks";
constexpr std::string_view kStatus = "paramedic_history_status", kScore = "paramedic_history_health_score",
                           kMarks = "paramedic_history_marks", kMetric = "paramedic_history_metric";
constexpr int kTransitionMark = 1, kBacklogMark = 2;

std::int64_t millis(WallTime t) { return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count(); }
WallTime from_millis(std::int64_t ms) { return WallTime{std::chrono::milliseconds(ms)}; }

int marks_of(const HistoryRow& row) {
  return (row.transition ? kTransitionMark : 0) | (row.backlog ? kBacklogMark : 0);
}
void set_marks(HistoryRow& row, int marks) {
  row.transition = (marks & kTransitionMark) != 0;
  row.backlog = (marks & kBacklogMark) != 0;
}

bool valid_metric(std::string_view name) {
  if (name.empty() || name.size() > kMaxMetricName || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool read_number(std::string_view text, double& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size() && std::isfinite(out);
}

// What of the file can be told to a person: bounded, without control characters.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 60));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return "'" + out + (text.size() > 60 ? "…'" : "'");
}

Error wrong(std::size_t line, std::string what) {
  return make_error(Errc::invalid_argument, fmt::format("line {}: {}", line, what));
}

// Collects text and hands it on in pieces.
class Out {
 public:
  Out(PutText put, void* to) : put_(put), to_(to) {}
  ~Out() { put_(to_, text); }
  void end_line() {
    text += '\n';
    if (text.size() < kPiece) return;
    put_(to_, text);
    text.clear();
  }
  std::string text;

 private:
  PutText put_;
  void* to_;
};

// Takes the text line by line; the last one must be complete.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const auto end = rest_.find('\n');
    cut_off_ = end == rest_.npos;
    line = rest_.substr(0, end);
    rest_.remove_prefix(cut_off_ ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return true;
  }
  std::size_t number() const { return number_; }
  bool cut_off() const { return cut_off_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
  bool cut_off_ = false;
};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto comma = line.find(',');
    out.push_back(line.substr(0, comma));
    if (comma == line.npos) return out;
    line.remove_prefix(comma + 1);
  }
}

// Rows by instant, while they are read.
class Collector {
 public:
  // Null: too many.
  HistoryRow* row(std::int64_t ms) {
    auto& row = rows_[ms];
    if (rows_.size() > kMaxTextRows) return nullptr;
    row.at = from_millis(ms);
    return &row;
  }
  // Empty = as before or the first.
  std::string worker(std::string_view id) {
    if (worker_.empty()) {
      if (!valid_id(id)) return explain_bad_id(id);
      worker_ = id;
    }
    return id == worker_ ? std::string()
                         : fmt::format("worker {} after {}: a file holds one worker", shown(id), worker_);
  }
  Result<std::vector<HistoryRow>> finish() {
    if (rows_.empty()) return make_error(Errc::invalid_argument, "no row in it");
    std::vector<HistoryRow> out;
    out.reserve(rows_.size());
    for (auto& [at, row] : rows_) {
      row.worker_id = worker_;
      out.push_back(std::move(row));
    }
    return out;
  }
  std::size_t size() const { return rows_.size(); }

 private:
  std::string worker_;
  std::map<std::int64_t, HistoryRow> rows_;
};

Error too_many() {
  return make_error(Errc::too_large, fmt::format("more than {} rows or {} values; export shorter spans of time",
                                                 kMaxTextRows, kMaxTextCells));
}

// ---- CSV ----

class CsvReader {
 public:
  Result<std::vector<HistoryRow>> read(std::string_view text) {
    Lines lines(text);
    std::string_view line;
    lines.next(line);
    if (std::string what = head(line); !what.empty()) return wrong(1, what);
    while (lines.next(line)) {
      if (lines.cut_off()) return wrong(lines.number(), "it does not end with a line break: the file is cut off");
      if (std::string what = row(line); !what.empty()) return wrong(lines.number(), what);
      if (full_ || collector_.size() * std::max<std::size_t>(names_->size(), 1) > kMaxTextCells) return too_many();
    }
    return collector_.finish();
  }

 private:
  std::string head(std::string_view line) {
    if (line != kCsvHead && !line.starts_with(std::string(kCsvHead) + ","))
      return fmt::format("must begin with {} and go on with names of metrics", kCsvHead);
    const auto cells = split(line);
    if (cells.size() > kFixed + kMaxTextMetrics) return fmt::format("more than {} metrics", kMaxTextMetrics);
    MetricNames names;
    for (std::size_t i = kFixed; i < cells.size(); ++i) {
      if (!valid_metric(cells[i])) return fmt::format("{} is no name of a metric", shown(cells[i]));
      names.emplace_back(cells[i]);
    }
    // Columns may stand in any order; stored sets are sorted.
    place_.resize(names.size());
    MetricNames sorted = names;
    std::sort(sorted.begin(), sorted.end());
    if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
      return fmt::format("metric {} stands there twice", *twice);
    for (std::size_t i = 0; i < names.size(); ++i)
      place_[i] = std::size_t(std::lower_bound(sorted.begin(), sorted.end(), names[i]) - sorted.begin());
    names_ = std::make_shared<const MetricNames>(std::move(sorted));
    return {};
  }

  std::string row(std::string_view line) {
    const auto cells = split(line);
    if (cells.size() != kFixed + place_.size())
      return fmt::format("{} cells instead of {}", cells.size(), kFixed + place_.size());
    if (std::string what = collector_.worker(cells[0]); !what.empty()) return what;
    const auto at = parse_time(cells[1]);
    if (!at) return at.error().message;
    HistoryRow read;
    const auto status = parse_enum<Status>(cells[2]);
    if (!status) return fmt::format("status {} must be healthy, warning, critical or unknown", shown(cells[2]));
    read.status = *status;
    double number = 0;
    if (!cells[3].empty()) {
      if (!read_number(cells[3], number) || number < 0 || number > 1)
        return fmt::format("health_score {} must be a number from 0 to 1, or empty", shown(cells[3]));
      read.score = number;
    }
    read.transition = cells[4] == "transition" || cells[4] == "transition backlog";
    read.backlog = cells[4] == "backlog" || cells[4] == "transition backlog";
    if (!cells[4].empty() && marks_of(read) == 0)
      return fmt::format("marks {} must be empty, transition, backlog or 'transition backlog'", shown(cells[4]));
    read.metrics = {names_, std::vector<double>(place_.size(), std::nan(""))};
    for (std::size_t i = 0; i < place_.size(); ++i) {
      const std::string_view cell = cells[kFixed + i];
      if (cell.empty()) continue;
      if (!read_number(cell, number))
        return fmt::format("{} {} must be a finite number, or empty", (*names_)[place_[i]], shown(cell));
      read.metrics.values[place_[i]] = number;
    }
    HistoryRow* to = collector_.row(millis(*at));
    full_ = to == nullptr;
    if (to) {
      read.at = to->at;
      *to = std::move(read);
    }
    return {};
  }

  static constexpr std::size_t kFixed = 5;
  std::shared_ptr<const MetricNames> names_;
  std::vector<std::size_t> place_;  // of each column in the sorted names
  Collector collector_;
  bool full_ = false;
};

// ---- OpenMetrics ----

struct Sample {
  std::string_view family;
  std::string worker, metric;
  double value = 0;
  std::int64_t ms = 0;
};

// One `name="value"`; false when it is none. `value` comes without its escapes.
bool take_label(std::string_view& rest, std::string_view& name, std::string& value) {
  const auto equals = rest.find("=\"");
  if (equals == rest.npos) return false;
  name = rest.substr(0, equals);
  rest.remove_prefix(equals + 2);
  value.clear();
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\') {
      rest.remove_prefix(1);
      if (rest.empty() || (rest.front() != '\\' && rest.front() != '"')) return false;
    }
    value += rest.front();
    rest.remove_prefix(1);
  }
  if (rest.empty()) return false;
  rest.remove_prefix(1);
  return true;
}

// Empty = good.
std::string parse_sample(std::string_view line, Sample& out) {
  const auto open = line.find('{');
  if (open == line.npos) return "must be NAME{labels} VALUE TIMESTAMP";
  out.family = line.substr(0, open);
  std::string_view rest = line.substr(open + 1), name;
  std::string value;
  for (;;) {
    if (!take_label(rest, name, value)) return "its labels do not end";
    if (name == "worker_id")
      out.worker = value;
    else if (name == "metric")
      out.metric = value;
    else
      return fmt::format("label {} is not known here", shown(name));
    if (rest.starts_with("} ")) break;
    if (!rest.starts_with(',')) return "its labels do not end";
    rest.remove_prefix(1);
  }
  rest.remove_prefix(2);
  const auto space = rest.find(' ');
  if (space == rest.npos) return "the timestamp is missing";
  if (!read_number(rest.substr(0, space), out.value))
    return fmt::format("value {} must be a finite number", shown(rest.substr(0, space)));
  double at = 0;
  if (!read_number(rest.substr(space + 1), at) || at < 0 || at > kLastSecond)
    return fmt::format("timestamp {} must be seconds since 1970", shown(rest.substr(space + 1)));
  out.ms = std::llround(at * 1000);
  return {};
}

class OpenMetricsReader {
 public:
  Result<std::vector<HistoryRow>> read(std::string_view text) {
    Lines lines(text);
    std::string_view line;
    bool ended = false;
    while (lines.next(line)) {
      if (ended) return wrong(lines.number(), "there must be nothing behind # EOF");
      ended = line == "# EOF";
      if (line.starts_with('#')) continue;
      if (std::string what = sample(line); !what.empty()) return wrong(lines.number(), what);
      if (full_) return too_many();
    }
    if (!ended) return wrong(lines.number(), "the file does not end with # EOF: it is cut off");
    return finish();
  }

 private:
  std::string sample(std::string_view line) {
    Sample s;
    if (std::string what = parse_sample(line, s); !what.empty()) return what;
    if (std::string what = collector_.worker(s.worker); !what.empty()) return what;
    HistoryRow* row = collector_.row(s.ms);
    full_ = row == nullptr;
    if (full_) return {};
    if (s.family == kMetric) return metric(s);
    if (!s.metric.empty()) return fmt::format("{} has no label metric", s.family);
    if (s.family == kScore) {
      if (s.value < 0 || s.value > 1) return "a health score must lie between 0 and 1";
      row->score = s.value;
    } else if (s.family == kStatus) {
      if (s.value != 0 && s.value != 1 && s.value != 2 && s.value != 3) return "a status must be 0, 1, 2 or 3";
      row->status = static_cast<Status>(int(s.value));
    } else if (s.family == kMarks) {
      if (s.value != 1 && s.value != 2 && s.value != 3) return "marks must be 1, 2 or 3";
      set_marks(*row, int(s.value));
    } else {
      return fmt::format("{} is no family of an export", shown(s.family));
    }
    return {};
  }

  std::string metric(const Sample& s) {
    if (!valid_metric(s.metric)) return fmt::format("{} is no name of a metric", shown(s.metric));
    auto& values = metrics_[s.metric];
    if (metrics_.size() > kMaxTextMetrics) return fmt::format("more than {} metrics", kMaxTextMetrics);
    values.emplace_back(s.ms, s.value);
    full_ = ++cells_ > kMaxTextCells;
    return {};
  }

  Result<std::vector<HistoryRow>> finish() {
    if (collector_.size() * std::max<std::size_t>(metrics_.size(), 1) > kMaxTextCells) return too_many();
    MetricNames sorted;
    for (const auto& [name, values] : metrics_) sorted.push_back(name);
    const auto names = std::make_shared<const MetricNames>(std::move(sorted));
    auto rows = collector_.finish();
    if (!rows) return rows;
    std::unordered_map<std::int64_t, std::size_t> at;
    for (std::size_t i = 0; i < rows->size(); ++i) {
      at[millis((*rows)[i].at)] = i;
      (*rows)[i].metrics = {names, std::vector<double>(names->size(), std::nan(""))};
    }
    std::size_t column = 0;
    for (const auto& [name, values] : metrics_) {
      for (const auto& [ms, value] : values) (*rows)[at[ms]].metrics.values[column] = value;
      ++column;
    }
    return rows;
  }

  Collector collector_;
  std::map<std::string, std::vector<std::pair<std::int64_t, double>>> metrics_;
  std::size_t cells_ = 0;
  bool full_ = false;
};

}  // namespace

MetricNames metric_names_of(const std::vector<HistoryRow>& rows) {
  MetricNames out;
  const MetricNames* last = nullptr;  // rows share their names
  for (const HistoryRow& row : rows) {
    if (!row.metrics.names || row.metrics.names.get() == last) continue;
    last = row.metrics.names.get();
    out.insert(out.end(), last->begin(), last->end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
  }
  return out;
}

void write_history_csv(const std::vector<HistoryRow>& rows, PutText put, void* to) {
  const MetricNames names = metric_names_of(rows);
  Out out(put, to);
  out.text += kCsvHead;
  for (const auto& name : names) out.text += "," + name;
  out.end_line();
  for (const HistoryRow& row : rows) {
    constexpr std::string_view kWords[] = {"", "transition", "backlog", "transition backlog"};
    out.text += fmt::format("{},{},{},{},{}", row.worker_id, format_time(row.at), to_string(row.status),
                            row.score ? format_number(*row.score) : "", kWords[marks_of(row)]);
    for (const auto& name : names) {
      out.text += ',';
      if (const auto value = row.metrics.find(name); value && std::isfinite(*value)) out.text += format_number(*value);
    }
    out.end_line();
  }
}

void write_history_openmetrics(const std::vector<HistoryRow>& rows, PutText put, void* to) {
  Out out(put, to);
  const auto family = [&](std::string_view name, std::string_view help) {
    out.text += fmt::format("# TYPE {} gauge\n# HELP {} {}", name, name, help);
    out.end_line();
  };
  const auto sample = [&](std::string_view name, const HistoryRow& row, std::string_view more, double value) {
    const std::int64_t ms = millis(row.at);
    out.text += fmt::format("{}{{worker_id=\"{}\"{}}} {} {}.{:03}", name, row.worker_id, more, format_number(value),
                            ms / 1000, ms % 1000);
    out.end_line();
  };
  family(kStatus, "0 unknown, 1 critical, 2 warning, 3 healthy.");
  for (const HistoryRow& row : rows) sample(kStatus, row, "", double(row.status));
  family(kScore, "From 0 to 1.");
  for (const HistoryRow& row : rows)
    if (row.score) sample(kScore, row, "", *row.score);
  family(kMarks, "1 stored because of a transition, 2 arrived late, 3 both.");
  for (const HistoryRow& row : rows)
    if (marks_of(row) != 0) sample(kMarks, row, "", marks_of(row));
  family(kMetric, "What the worker reported.");
  for (const auto& name : metric_names_of(rows)) {
    const std::string label = ",metric=\"" + name + "\"";
    for (const HistoryRow& row : rows)
      if (const auto value = row.metrics.find(name); value && std::isfinite(*value))
        sample(kMetric, row, label, *value);
  }
  out.text += "# EOF";
  out.end_line();
}

Result<std::vector<HistoryRow>> parse_history_text(std::string_view text) {
  return text.starts_with('#') ? OpenMetricsReader().read(text) : CsvReader().read(text);
}

}  // namespace paramedic
