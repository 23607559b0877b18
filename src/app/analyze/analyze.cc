#include "app/analyze/analyze.h"

#include <iterator>

#include <fmt/format.h>

#include "app/analyze/csv_series.h"
#include "core/analysis/anomaly_detector.h"
#include "core/analysis/forecast_columns.h"

namespace paramedic::analyze {

namespace {

// Collects lines and writes them in large pieces, but holds nothing back while the input keeps it waiting.
class Lines {
 public:
  Lines(std::istream& in, std::ostream& out, bool forecasts) : in_(in), out_(out) {
    text_ = "timestamp,value,anomaly_score";
    if (forecasts) text_.append(",").append(ForecastColumns::kHeader);
    text_ += '\n';
  }
  // `forecast`: further columns; empty = none.
  void add(const CsvSample& sample, float score, std::string_view forecast) {
    fmt::format_to(std::back_inserter(text_), "{},{},{:.6g}", sample.timestamp, sample.text, score);
    if (!forecast.empty()) text_.append(",").append(forecast);
    text_ += '\n';
    if (text_.size() >= kPiece || in_.rdbuf()->in_avail() <= 0) write();
  }
  void write() {
    out_ << text_;
    out_.flush();
    text_.clear();
  }

 private:
  static constexpr std::size_t kPiece = 64 * 1024;
  std::istream& in_;
  std::ostream& out_;
  std::string text_;
};

}  // namespace

Result<Analyzed> analyze_csv(std::istream& in, const std::string& name, std::ostream& out,
                             const std::optional<AnalyzeForecast>& forecast) {
  CsvSeries series(in, name);
  AnomalyDetector detector;
  std::optional<ForecastColumns> columns;
  if (forecast) columns.emplace(forecast->limit, forecast->kind);
  Lines lines(in, out, forecast.has_value());
  Analyzed done;
  while (true) {
    const auto sample = series.next();
    if (!sample || !*sample) lines.write();
    if (!sample) return sample.error();
    if (!*sample) break;
    const AnomalyReading reading = detector.observe((*sample)->at, (*sample)->value);
    ++done.samples;
    done.unusable += reading.rejected ? 1 : 0;
    lines.add(**sample, reading.score, columns ? columns->add((*sample)->at, (*sample)->value) : std::string_view());
    if (!out) return make_error(Errc::io, "the output cannot be written");
  }
  if (!out) return make_error(Errc::io, "the output cannot be written");
  if (done.samples == 0) return make_error(Errc::invalid_argument, fmt::format("{}: has no samples", name));
  return done;
}

}  // namespace paramedic::analyze
