// paramedic export WORKER: its history as CSV or OpenMetrics text on standard output.
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/instant.h"
#include "base/data_dir.h"
#include "base/ids.h"
#include "base/text.h"
#include "io/history/history.h"
#include "io/history/history_text.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

constexpr Duration kWindow = 1h;  // one read: 3600 rows of one a second

using Rows = std::vector<HistoryRow>;
using ReadWindow = std::function<Result<Rows>(WallTime from, WallTime to)>;

// A list of one worker's rows from the monitor; nothing when it is none.
std::optional<Rows> parse_rows(const std::string& body, const std::string& worker) {
  boost::system::error_code failed;
  const json::value document = json::parse(body, failed);
  if (failed || !document.is_array()) return std::nullopt;
  Rows out;
  std::shared_ptr<const MetricNames> names = std::make_shared<const MetricNames>();
  for (const json::value& value : document.as_array()) {
    if (!value.is_object()) return std::nullopt;
    const json::object& point = value.as_object();
    const auto* at = point.if_contains("timestamp");
    const auto* status = point.if_contains("status");
    const auto* score = point.if_contains("health_score");
    const auto* metrics = point.if_contains("metrics");
    if (!at || !at->is_string() || !status || !status->is_string() || !metrics || !metrics->is_object())
      return std::nullopt;
    const auto time = parse_time(at->as_string());
    const auto word = parse_enum<Status>(status->as_string());
    if (!time || !word) return std::nullopt;
    HistoryRow row{.worker_id = worker, .at = *time, .status = *word};
    if (score && score->is_number()) row.score = score->to_number<double>();
    row.transition = point.contains("transition");
    row.backlog = point.contains("backlog");
    std::vector<std::pair<std::string, double>> cells;
    for (const auto& [name, number] : metrics->as_object())
      cells.emplace_back(name, number.is_number() ? number.to_number<double>() : std::nan(""));
    std::sort(cells.begin(), cells.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    MetricNames seen;
    for (const auto& cell : cells) seen.push_back(cell.first);
    if (seen != *names) names = std::make_shared<const MetricNames>(std::move(seen));
    row.metrics.names = names;
    for (const auto& cell : cells) row.metrics.values.push_back(cell.second);
    out.push_back(std::move(row));
  }
  return out;
}

Result<Rows> ask_monitor(const ClientOptions& client, const std::string& worker, WallTime from, WallTime to) {
  // The monitor's `end` is the first instant that is not wanted.
  const auto body = get_text(
      client, fmt::format("{}/history?start={}&end={}", worker_path(worker), format_time(from), format_time(to + 1ms)));
  if (!body) return body.error();
  auto rows = parse_rows(*body, worker);
  if (!rows) return Error{Errc::corrupt, client.monitor + " does not answer as a monitor does; is --monitor right?"};
  return std::move(*rows);
}

Result<Rows> collect(const ReadWindow& read, WallTime from, WallTime to) {
  Rows out;
  std::size_t cells = 0;
  for (WallTime begin = from; begin <= to; begin += kWindow) {
    auto rows = read(begin, std::min(to, begin + kWindow - 1ms));
    if (!rows) return rows;
    for (const HistoryRow& row : *rows) cells += row.metrics.size();
    if (out.size() + rows->size() > kMaxTextRows || cells > kMaxTextCells)
      return Error{Errc::too_large,
                   fmt::format("more than {} rows or {} values; narrow --from and --to", kMaxTextRows, kMaxTextCells)};
    std::move(rows->begin(), rows->end(), std::back_inserter(out));
  }
  return out;
}

Result<Rows> read_rows(const ClientOptions& client, const ExportOptions& options) {
  const WallTime now = SystemClock().now().wall;
  const auto from = parse_instant(options.from, "--from", now);
  if (!from) return from.error();
  const auto to = parse_instant(options.to, "--to", now);
  if (!to) return to.error();
  if (*to < *from) return Error{Errc::invalid_argument, "--to lies before --from"};
  if (!valid_id(options.worker)) return Error{Errc::invalid_argument, explain_bad_id(options.worker)};
  if (options.data_dir.empty())
    return collect([&](WallTime a, WallTime b) { return ask_monitor(client, options.worker, a, b); }, *from, *to);
  std::error_code failed;
  if (!std::filesystem::exists(options.data_dir + "/history.db", failed))
    return Error{Errc::not_found, options.data_dir + " holds no history.db; name the data_dir of a monitor"};
  const auto lock = DataDir::open(options.data_dir);
  if (!lock) return with_context(lock.error(), "a running monitor is asked with --monitor");
  const auto history = open_sqlite_history({.data_dir = options.data_dir});
  if (!history) return history.error();
  const auto read = [&](WallTime a, WallTime b) {
    return (*history)->read({.worker_id = options.worker, .from = a, .to = b, .max_rows = kMaxTextRows});
  };
  return collect(read, *from, *to);
}

}  // namespace

int export_history(const ClientOptions& client, const ExportOptions& options) {
  const auto rows = read_rows(client, options);
  if (!rows) return fail(rows.error());
  if (rows->empty())
    return fail({Errc::not_found,
                 fmt::format("no history of worker {} in this time; --from and --to name another", options.worker)});
  const auto write = options.format == "csv" ? write_history_csv : write_history_openmetrics;
  write(
      *rows,
      [](void* to, std::string_view piece) { std::fwrite(piece.data(), 1, piece.size(), static_cast<FILE*>(to)); },
      stdout);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return fail(errno_error("cannot write to standard output", errno != 0 ? errno : EIO));
  return 0;
}

}  // namespace paramedic::cli
