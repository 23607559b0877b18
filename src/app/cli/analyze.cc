// paramedic analyze: scores a series of anybody's with the shipped detector (docs/analysis.md).
#include "app/analyze/analyze.h"

#include <cerrno>
#include <fstream>
#include <iostream>

#include "app/cli/commands.h"

namespace paramedic::cli {

int analyze_file(const AnalyzeOptions& options) {
  if (options.forecast && !(options.limit > 0))
    return fail({Errc::invalid_argument, "--forecast needs --limit: the value, above 0, whose crossing is foretold"});
  std::optional<analyze::AnalyzeForecast> forecast;
  if (options.forecast) forecast = {options.limit, parse_enum<ForecastKind>(options.kind).value_or(ForecastKind::disk)};
  std::ios::sync_with_stdio(false);
  std::ifstream file;
  const bool standard_input = options.file == "-";
  if (!standard_input) {
    file.open(options.file);
    if (!file) return fail(errno_error("cannot open " + options.file, errno));
  }
  std::istream& in = standard_input ? std::cin : file;
  const auto done = analyze::analyze_csv(in, standard_input ? "standard input" : options.file, std::cout, forecast);
  return done ? 0 : fail(done.error());
}

}  // namespace paramedic::cli
