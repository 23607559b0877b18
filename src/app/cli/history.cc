// paramedic history WORKER: its stored points as a table.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"
#include "base/text.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

// "cpu_percent,memory_mb" → the columns, in this order.
std::vector<std::string> columns_of(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    if (comma > at) out.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

}  // namespace

int history(const ClientOptions& client, const HistoryOptions& options) {
  std::string path = fmt::format("{}/history?hours={}&step={}", worker_path(options.worker), options.hours,
                                 percent_encode(options.step));
  if (!options.metrics.empty()) path += "&metrics=" + percent_encode(options.metrics);
  const auto body = get_text(client, path);
  if (!body) return fail(body.error());
  if (client.json) {
    std::cout << *body << '\n';
    return 0;
  }
  boost::system::error_code failed;
  const json::value document = json::parse(*body, failed);
  if (failed || !document.is_array()) return fail(make_error(Errc::corrupt, "the monitor did not answer with a list"));
  const json::array& points = document.get_array();
  if (points.empty()) {
    std::cout << "no point in this time\n";
    return 0;
  }
  const std::vector<std::string> columns = columns_of(options.metrics);
  fmt::print("{:<25} {:<9} {:>6}", "AT", "STATUS", "SCORE");
  for (const std::string& column : columns) fmt::print(" {:>18}", column);
  fmt::print("\n");
  for (const json::value& value : points) {
    if (!value.is_object()) continue;
    const json::object& point = value.get_object();
    fmt::print("{:<25} {:<9} {:>6}", text_of(point, "timestamp"), text_of(point, "status"),
               text_of(point, "health_score"));
    const json::value* metrics = point.if_contains("metrics");
    for (const std::string& column : columns)
      fmt::print(" {:>18}", metrics && metrics->is_object() ? text_of(metrics->get_object(), column) : "-");
    fmt::print("\n");
  }
  return 0;
}

}  // namespace paramedic::cli
