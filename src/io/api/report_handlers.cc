// Reports over HTTP: parsed here, handed to the engine's inbox.
#include "base/ids.h"
#include "io/api/core.h"
#include "io/wire/report_json.h"

namespace paramedic::api {

namespace {

// A larger body is parsed on the pool: a megabyte takes milliseconds.
constexpr std::size_t kParseAtOnce = 64u << 10;
constexpr std::string_view kSource = "http";

// A token for one pool speaks for that pool only.
Result<void> check_pool(const Core& core, const Identity& identity, Report& report) {
  if (identity.pool.empty()) return {};
  const auto known = core.ports.fleet->view()->find(report.worker_id);
  const std::string& pool = known ? known->pool : report.pool;
  const bool foreign =
      (known && known->pool != identity.pool) || (!report.pool.empty() && report.pool != identity.pool);
  if (foreign)
    return make_error(Errc::conflict, "worker '" + report.worker_id + "' belongs to pool '" +
                                          (report.pool.empty() ? pool : report.pool) + "', but token '" +
                                          identity.name + "' reports for pool '" + identity.pool + "' only");
  report.pool = identity.pool;
  return {};
}

ReportInput to_input(Report report, SteadyTime received) {
  return ReportInput{.report = std::move(report), .source = std::string(kSource), .received = received};
}

void refuse(wire::BulkReports& bulk, std::vector<std::size_t>& items, std::size_t at, std::string message) {
  bulk.refused.push_back({items[at], std::move(message)});
  bulk.reports.erase(bulk.reports.begin() + std::ptrdiff_t(at));
  items.erase(items.begin() + std::ptrdiff_t(at));
}

// Position in the request of each report that was read.
std::vector<std::size_t> item_numbers(const wire::BulkReports& bulk) {
  std::vector<std::size_t> items;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bulk.reports.size() + bulk.refused.size(); ++i) {
    if (refused < bulk.refused.size() && bulk.refused[refused].index == i)
      ++refused;
    else
      items.push_back(i);
  }
  return items;
}

Result<HttpResponse> take_bulk(Core& core, const Identity& identity, const std::string& body, SteadyTime received) {
  auto bulk = wire::parse_reports(body);
  if (!bulk) return bulk.error();
  core.unknown_report_members += bulk->stats.unknown_fields;
  std::vector<std::size_t> items = item_numbers(*bulk);
  std::vector<ReportInput> inputs;
  for (std::size_t i = 0; i < bulk->reports.size();) {
    auto allowed = check_pool(core, identity, bulk->reports[i]);
    if (allowed)
      inputs.push_back(to_input(std::move(bulk->reports[i++]), received));
    else
      refuse(*bulk, items, i, allowed.error().message);
  }
  if (!inputs.empty()) {
    auto taken = core.ports.intake->push(std::move(inputs));
    if (!taken) {
      core.reports_refused += items.size();
      return taken.error();
    }
    for (auto r = taken->rbegin(); r != taken->rend(); ++r)  // from the back: positions stay right
      if (r->index < items.size()) refuse(*bulk, items, r->index, r->error.message);
  }
  const auto by_index = [](const auto& a, const auto& b) { return a.index < b.index; };
  std::sort(bulk->refused.begin(), bulk->refused.end(), by_index);
  core.reports += items.size();
  core.reports_refused += bulk->refused.size();
  return json_reply(wire::bulk_answer_json(*bulk), 202);
}

}  // namespace

HttpReply post_report(Core& core, Call& call) {
  const auto refuse_with = [&](const Error& error) {
    ++core.reports_refused;
    return problem_reply(error, call.request.path);
  };
  if (!valid_id(call.id)) return refuse_with(make_error(Errc::invalid_argument, explain_bad_id(call.id)));
  wire::ParseStats stats;
  auto report = wire::parse_report(call.request.body, &stats, call.id);
  if (!report) return refuse_with(report.error());
  core.unknown_report_members += stats.unknown_fields;
  if (auto allowed = check_pool(core, call.identity, *report); !allowed) return refuse_with(allowed.error());
  std::vector<ReportInput> inputs;
  inputs.push_back(to_input(std::move(*report), call.now.steady));
  const auto taken = core.ports.intake->push(std::move(inputs));
  if (!taken) return refuse_with(taken.error());
  if (!taken->empty()) return refuse_with(taken->front().error);
  ++core.reports;
  return json_reply(R"({"accepted":1,"refused":[]})", 202);
}

HttpReply post_reports(Core& core, Call& call) {
  if (call.request.body.size() > kParseAtOnce) {
    auto body = std::make_shared<const std::string>(std::move(call.request.body));
    return on_pool(core, call.request.path, [&core, identity = call.identity, body, at = call.now.steady] {
      return take_bulk(core, identity, *body, at);
    });
  }
  auto answer = take_bulk(core, call.identity, call.request.body, call.now.steady);
  if (!answer) return problem_reply(answer.error(), call.request.path);
  return std::move(*answer);
}

}  // namespace paramedic::api
