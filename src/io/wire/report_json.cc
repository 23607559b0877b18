#include "io/wire/report_json.h"

#include <fmt/format.h>

#include "io/wire/json_writer.h"
#include "io/wire/report_reader.h"

namespace paramedic::wire {

namespace {

Error too_big(std::string_view what, std::size_t bytes, std::size_t limit) {
  return make_error(Errc::too_large, fmt::format("{} has {} bytes; at most {}", what, bytes, limit));
}

void take(BulkReports& out, std::size_t index, Result<Report> item) {
  if (item)
    out.reports.push_back(std::move(*item));
  else
    out.refused.push_back({index, std::move(item.error().message)});
}

Error too_many_reports() {
  return make_error(Errc::too_large,
                    fmt::format("more than {} reports in one request; send them in parts", kMaxBulkReports));
}

Result<BulkReports> parse_array(std::string_view body) {
  Document document;
  const auto root = document.parse(body);
  if (!root) return root.error();
  if (!(*root)->is_array()) return make_error(Errc::invalid_argument, "must be a JSON array or NDJSON of reports");
  const auto& items = (*root)->get_array();
  if (items.size() > kMaxBulkReports) return too_many_reports();
  BulkReports out;
  out.reports.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) take(out, i, read_report(items[i], out.stats));
  return out;
}

Result<BulkReports> parse_lines(std::string_view body) {
  BulkReports out;
  std::size_t index = 0;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (index >= kMaxBulkReports) return too_many_reports();
    take(out, index++, parse_report(line, &out.stats));
  }
  return out;
}

}  // namespace

Result<Report> parse_report(std::string_view text, ParseStats* stats, std::string_view worker_id) {
  if (text.size() > kMaxReportBytes) return too_big("report", text.size(), kMaxReportBytes);
  ParseStats unused;
  Document document;
  const auto root = document.parse(text);
  if (!root) return root.error();
  return read_report(**root, stats ? *stats : unused, worker_id);
}

Result<BulkReports> parse_reports(std::string_view body) {
  if (body.size() > kMaxBulkBytes) return too_big("request", body.size(), kMaxBulkBytes);
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return make_error(Errc::invalid_argument, "no reports: the body is empty");
  return body[first] == '[' ? parse_array(body) : parse_lines(body);
}

std::string bulk_answer_json(const BulkReports& bulk) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("accepted", bulk.reports.size()).key("refused").begin_array();
  for (const auto& item : bulk.refused)
    w.begin_object().field("index", item.index).field("message", item.message).end_object();
  w.end_array().end_object();
  return out;
}

void append_report(std::string& out, const Report& report) {
  JsonWriter w(out);
  write_report(w, report);
}

std::string report_json(const Report& report) {
  std::string out;
  out.reserve(1024);
  append_report(out, report);
  return out;
}

}  // namespace paramedic::wire
