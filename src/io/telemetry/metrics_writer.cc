#include "io/telemetry/metrics_writer.h"

#include <cassert>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace paramedic::telemetry {

namespace {

// HELP: \ and newline, OpenMetrics also ". Label values: \ and newline and ".
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    out.append(buffer, end);
  }
}

std::string_view without(std::string_view name, std::string_view ending) {
  if (name.ends_with(ending)) name.remove_suffix(ending.size());
  return name;
}

// How HELP, TYPE and UNIT lines spell the family.
std::string_view heading_name(const MetricFamily& family, PageFormat format) {
  if (format == PageFormat::text) return family.name;
  if (family.type == MetricType::counter) return without(family.name, "_total");
  if (family.type == MetricType::info) return without(family.name, "_info");
  return family.name;
}

std::string_view type_name(MetricType type, PageFormat format) {
  if (type == MetricType::info && format == PageFormat::text) return "gauge";
  return to_string(type);
}

}  // namespace

std::string_view content_type(PageFormat format) {
  return format == PageFormat::text ? "text/plain; version=0.0.4; charset=utf-8"
                                    : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

void MetricsWriter::begin(const MetricFamily& family) {
  family_ = &family;
  heading_written_ = false;
}

void MetricsWriter::open_line(std::string_view suffix, LabelSet labels, std::string_view bound) {
  assert(family_);
  if (!heading_written_) {
    heading_written_ = true;
    const auto name = heading_name(*family_, format_);
    out_.append("# HELP ").append(name) += ' ';
    append_escaped(out_, family_->help, format_ == PageFormat::openmetrics);
    out_.append("\n# TYPE ").append(name).append(" ").append(type_name(family_->type, format_)) += '\n';
    if (format_ == PageFormat::openmetrics && !family_->unit.empty())
      out_.append("# UNIT ").append(name).append(" ").append(family_->unit) += '\n';
  }
  out_.append(family_->name).append(suffix);
  char separator = '{';
  for (const auto& [name, value] : labels) {
    out_ += separator;
    separator = ',';
    out_.append(name).append("=\"");
    append_escaped(out_, value, true);
    out_ += '"';
  }
  if (!bound.empty()) {
    out_ += separator;
    separator = ',';
    out_.append("le=\"").append(bound) += '"';
  }
  if (separator == ',') out_ += '}';
  out_ += ' ';
}

void MetricsWriter::close_line(double value) {
  append_double(out_, value);
  out_ += '\n';
}

void MetricsWriter::close_line(std::uint64_t value) {
  char buffer[24];
  out_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  out_ += '\n';
}

void MetricsWriter::sample(LabelSet labels, double value) {
  open_line({}, labels);
  close_line(value);
}

void MetricsWriter::sample(LabelSet labels, std::uint64_t value) {
  open_line({}, labels);
  close_line(value);
}

void MetricsWriter::histogram(LabelSet labels, const DurationHistogram& value) {
  assert(family_ && family_->type == MetricType::histogram);
  std::uint64_t cumulative = 0;
  for (std::size_t bucket = 0; bucket < kDurationBuckets; ++bucket) {
    cumulative += value.counts[bucket];
    std::string bound;
    append_double(bound, duration_bound(bucket));
    open_line("_bucket", labels, bound);
    close_line(cumulative);
  }
  open_line("_sum", labels);
  close_line(value.sum_seconds);
  open_line("_count", labels);
  close_line(cumulative);
}

std::string MetricsWriter::finish() {
  if (format_ == PageFormat::openmetrics) out_ += "# EOF\n";
  return std::move(out_);
}

}  // namespace paramedic::telemetry
