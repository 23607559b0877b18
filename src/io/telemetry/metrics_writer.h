// Writes a metrics page: Prometheus text 0.0.4 or OpenMetrics 1.0, one family after the other. Pure; one thread at a
// time. Wire facts: shared/interop.md 3.1 and 3.2 (prometheus/docs, OpenMetrics specification).
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/enum_names.h"
#include "model/histogram.h"

namespace paramedic::telemetry {

enum class PageFormat { text, openmetrics };
enum class MetricType { gauge, counter, histogram, info };

}  // namespace paramedic::telemetry

namespace paramedic {

PARAMEDIC_ENUM_NAMES(telemetry::PageFormat, "text", "openmetrics")
PARAMEDIC_ENUM_NAMES(telemetry::MetricType, "gauge", "counter", "histogram", "info")

}  // namespace paramedic

namespace paramedic::telemetry {

// For the Content-Type header.
std::string_view content_type(PageFormat format);

// `name` is the full exported name, as a query spells it: counters end in _total, infos in _info, histograms are bare.
// OpenMetrics drops those endings in TYPE and HELP lines; the writer does that.
struct MetricFamily {
  std::string_view name;
  MetricType type = MetricType::gauge;
  std::string_view help;
  std::string_view unit = {};  // "seconds", "bytes"; must end the name (before _total)
};

using LabelPair = std::pair<std::string_view, std::string_view>;
using LabelSet = std::initializer_list<LabelPair>;

class MetricsWriter {
 public:
  explicit MetricsWriter(PageFormat format) : format_(format) {}

  // Begins a family: samples until the next begin() are its own. Each family may begin once only (they must not
  // interleave).
  void begin(const MetricFamily& family);
  void sample(LabelSet labels, double value);
  void sample(LabelSet labels, std::uint64_t value);
  // All lines of one histogram: buckets made cumulative, +Inf, sum, count. REQUIRES: the family is a histogram.
  void histogram(LabelSet labels, const DurationHistogram& value);
  // Ends the page and hands it over; a family without samples leaves no lines.
  std::string finish();

 private:
  void open_line(std::string_view suffix, LabelSet labels, std::string_view bound = {});
  void close_line(double value);
  void close_line(std::uint64_t value);

  PageFormat format_;
  const MetricFamily* family_ = nullptr;
  bool heading_written_ = false;
  std::string out_;
};

}  // namespace paramedic::telemetry
