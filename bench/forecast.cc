// bench_forecast DIR OUT.csv: streams the workers of predict_eval.py's DIR/scenarios.txt (lines "worker") through our
// forecasts, one MetricForecast per metric, as if each sample had just come, and writes what predict_eval.py evaluates:
// one row per worker, metric and block that says something. Prints one JSON line: samples, CPU seconds of the forecasts
// alone, and how the alerts' label "may be a burst" was given.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "core/analysis/metric_forecast.h"

namespace {

using namespace paramedic;

// The columns of the scenarios, and which of our kinds each is; limits are the scenarios' own.
struct Column {
  const char* name;
  ForecastKind kind;
  double limit;
};
constexpr Column kColumns[] = {{"mem", ForecastKind::memory, 1.0},         {"disk", ForecastKind::disk, 0.98},
                               {"err", ForecastKind::error_rate, 0.10},    {"lat", ForecastKind::latency, 1000},
                               {"hb", ForecastKind::heartbeat_jitter, 30}, {"gpu_mem", ForecastKind::gpu_memory, 1.0},
                               {"gpu_temp", ForecastKind::temperature, 92}};
constexpr std::size_t kCount = std::size(kColumns);

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return double(u.ru_utime.tv_sec) + 1e-6 * double(u.ru_utime.tv_usec);
}

struct Samples {
  std::vector<double> at;
  std::vector<double> values[kCount];
};

// The columns stand in the order of kColumns, one more (cpu) is not forecast.
bool read(const std::string& path, Samples& out) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (!file) return false;
  char line[512];
  const bool header = std::fgets(line, sizeof line, file);
  while (header && std::fgets(line, sizeof line, file)) {
    char* p = line;
    out.at.push_back(std::strtod(p, &p));
    for (auto& column : out.values) column.push_back(*p == ',' ? std::strtod(p + 1, &p) : 0);
  }
  std::fclose(file);
  return header;
}

struct Row {
  double at;
  bool alert;
  std::optional<Forecast> forecast;
};

void write(std::FILE* out, const std::string& worker, const char* metric, const Row& row) {
  std::fprintf(out, "%s,%.0f,%s,", worker.c_str(), row.at, metric);
  if (row.forecast)
    std::fprintf(out, "%.0f,%d,%.0f,%.0f,%d\n", to_seconds(row.forecast->time_left()), row.alert,
                 to_seconds(row.forecast->earliest - row.forecast->made_at),
                 to_seconds(row.forecast->latest - row.forecast->made_at), row.forecast->may_be_burst);
  else
    std::fprintf(out, ",%d,,,\n", row.alert);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: bench_forecast DIR OUT.csv\n"), 2;
  const std::string dir = argv[1];
  std::FILE* names = std::fopen((dir + "/scenarios.txt").c_str(), "r");
  std::FILE* out = std::fopen(argv[2], "w");
  if (!names || !out) return std::perror("bench_forecast"), 1;
  std::fputs("worker,timestamp,metric,ttf,alert,ttf_lo,ttf_hi,burst\n", out);
  char name[256];
  double cpu = 0;
  std::size_t samples = 0;
  while (std::fscanf(names, "%255s", name) == 1) {
    Samples data;
    if (!read(dir + "/" + name + ".csv", data)) return std::perror(name), 1;
    for (std::size_t c = 0; c < kCount; ++c) {
      MetricForecast forecaster(kColumns[c].kind, kColumns[c].limit);
      const double before = cpu_seconds();
      std::vector<Row> rows;
      bool said = false;
      for (std::size_t i = 0; i < data.at.size(); ++i) {
        if (!forecaster.add(WallTime{from_seconds(data.at[i])}, data.values[c][i])) continue;
        Row row{data.at[i], forecaster.alert(), forecaster.forecast(kColumns[c].name)};
        const bool says = row.forecast || row.alert;
        if (says || said) rows.push_back(std::move(row));
        said = says;
      }
      cpu += cpu_seconds() - before;
      samples += data.at.size();
      for (const Row& row : rows) write(out, name, kColumns[c].name, row);
    }
  }
  std::fclose(names);
  if (std::fclose(out) != 0) return std::perror(argv[2]), 1;
  std::printf("{\"samples\":%zu,\"cpu_seconds\":%.3f,\"bytes\":%zu}\n", samples, cpu, sizeof(MetricForecast));
}
