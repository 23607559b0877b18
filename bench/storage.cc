// bench_storage DIR FILE.csv [raw|rollups]: puts fleetgen.py's CSV (time, worker, 20 values) into DIR/history.db as the
// monitor would: one flush per instant, a retention pass each minute of the data's own time. Prints one JSON line:
// samples, CPU seconds, memory of the open hours. Names are fleetgen's METRICS in sorted order.
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include <sys/resource.h>

#include "base/text.h"
#include "io/history/history.h"

namespace {

using namespace paramedic;

const char* const kMetrics[] = {"cpu_percent",
                                "memory_megabytes",
                                "queue_depth",
                                "tasks_active",
                                "tasks_completed_total",
                                "tasks_failed_total",
                                "task_latency_p50_seconds",
                                "task_latency_p95_seconds",
                                "task_latency_p99_seconds",
                                "disk_read_bytes_total",
                                "disk_write_bytes_total",
                                "net_rx_bytes_total",
                                "net_tx_bytes_total",
                                "open_fds",
                                "threads",
                                "load1",
                                "restarts_total",
                                "heartbeat_timestamp_seconds",
                                "uptime_seconds",
                                "disk_used_percent"};
constexpr std::size_t kCount = std::size(kMetrics);

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return double(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * double(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

struct Import {
  History& history;
  std::shared_ptr<const MetricNames> names;
  std::vector<std::size_t> order;  // place of the n-th sorted name in the line
  std::vector<HistoryRow> rows = {};
  std::int64_t at = 0, started = 0;
  std::uint64_t samples = 0;
  double cpu = 0;

  // The CSV's own cost is not counted.
  bool commit(bool last) {
    if (started == 0) started = at;
    const double before = cpu_seconds();
    history.append(std::move(rows));
    rows.clear();
    bool ok = bool(history.flush());
    if (ok && (at % 60 == 0 || last)) {
      const Now now{SteadyTime{std::chrono::seconds(at - started + 1)}, WallTime{std::chrono::seconds(at)}};
      while (ok) {
        const auto done = history.retain(now);
        ok = bool(done);
        if (!ok || !done->more) break;
      }
    }
    cpu += cpu_seconds() - before;
    return ok;
  }
  bool line(char* text) {
    const std::int64_t time = std::strtoll(text, &text, 10);
    if (time != at && !rows.empty() && !commit(false)) return false;
    at = time;
    const long worker = std::strtol(text + 1, &text, 10);
    double values[kCount] = {};
    for (double& v : values)
      if (*text == ',') v = std::strtod(text + 1, &text);
    HistoryRow row{.worker_id = "w" + std::to_string(worker), .at = WallTime{std::chrono::seconds(time)}};
    row.status = Status::healthy;
    row.score = 1;
    row.metrics.names = names;
    for (const std::size_t i : order) row.metrics.values.push_back(quantise(values[i], metric_decimals(kMetrics[i])));
    rows.push_back(std::move(row));
    samples += kCount;
    return true;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: bench_storage DIR FILE.csv [raw|rollups]\n", stderr), 2;
  HistoryOptions options{.data_dir = argv[1], .retention = 24h * 366};
  if (argc > 3 && std::string_view(argv[3]) == "raw") options.keep_ten_minutes = options.keep_hours = Duration{0};
  auto opened = open_sqlite_history(options);
  std::FILE* in = std::fopen(argv[2], "r");
  if (!opened || !in) return std::fputs("cannot open the store or the file\n", stderr), 1;
  std::vector<std::size_t> order(kCount);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [](auto a, auto b) { return std::string_view(kMetrics[a]) < kMetrics[b]; });
  MetricNames names;
  for (const std::size_t i : order) names.emplace_back(kMetrics[i]);
  Import import{**opened, std::make_shared<const MetricNames>(names), order};
  char line[4096];
  while (std::fgets(line, sizeof line, in))
    if (!import.line(line)) return std::fputs("the store refused\n", stderr), 1;
  if (!import.commit(true)) return 1;
  std::fclose(in);
  const auto stats = (*opened)->stats();
  std::printf("{\"samples\": %llu, \"cpu_seconds\": %.2f, \"last\": %lld, \"open_bytes_per_worker\": %.0f}\n",
              (unsigned long long)import.samples, import.cpu, (long long)import.at,
              double(stats.open_bytes) / double(std::max<std::uint64_t>(1, stats.workers)));
  return 0;
}
