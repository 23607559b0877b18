#include "app/analyze/analyze.h"

#include <iterator>

#include <fmt/format.h>

#include "app/analyze/csv_series.h"
#include "core/analysis/anomaly_detector.h"

namespace paramedic::analyze {

namespace {

// Collects lines and writes them in large pieces, but holds nothing back while the input keeps it waiting.
class Lines {
 public:
  Lines(std::istream& in, std::ostream& out) : in_(in), out_(out) {}
  void add(std::string_view timestamp, std::string_view value, float score) {
    fmt::format_to(std::back_inserter(text_), "{},{},{:.6g}\n", timestamp, value, score);
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
  std::string text_ = "timestamp,value,anomaly_score\n";
};

}  // namespace

Result<Analyzed> analyze_csv(std::istream& in, const std::string& name, std::ostream& out) {
  CsvSeries series(in, name);
  AnomalyDetector detector;
  Lines lines(in, out);
  Analyzed done;
  while (true) {
    const auto sample = series.next();
    if (!sample || !*sample) lines.write();
    if (!sample) return sample.error();
    if (!*sample) break;
    const AnomalyReading reading = detector.observe((*sample)->at, (*sample)->value);
    ++done.samples;
    done.unusable += reading.rejected ? 1 : 0;
    lines.add((*sample)->timestamp, (*sample)->text, reading.score);
    if (!out) return make_error(Errc::io, "the output cannot be written");
  }
  if (!out) return make_error(Errc::io, "the output cannot be written");
  if (done.samples == 0) return make_error(Errc::invalid_argument, fmt::format("{}: has no samples", name));
  return done;
}

}  // namespace paramedic::analyze
