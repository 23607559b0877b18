// What the handlers of the API share. Internal to io/api.
#pragma once
#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "io/api/api.h"
#include "io/wire/view_json.h"

namespace paramedic::api {

struct Route;

// One request on its way through a handler.
struct Call {
  HttpRequest request;
  std::string id;  // {worker_id} or {incident_id} of the path, decoded
  Identity identity;
  Now now;
  bool head = false;
};

// What a changing request must carry. none: no body is read. json: application/json. bulk: that or
// application/x-ndjson.
enum class BodyKind { none, json, bulk };

using Core = Api::Core;
using Handle = HttpReply (*)(Core& core, Call& call);

struct Route {
  std::string_view method, pattern;
  Scope scope = Scope::open;
  BodyKind body = BodyKind::none;
  Handle handle = nullptr;
};

// Every route, in the order of docs/api.md.
std::span<const Route> all_routes();

// Finds routes by path; immutable after construction.
class RouteTable {
 public:
  struct Match {
    const Route* route = nullptr;  // null: no such path, or not with this method
    std::size_t index = 0;         // into all_routes()
    std::string id;
    std::string allow;  // methods of the path; empty: no such path
  };
  RouteTable();
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  std::vector<std::vector<std::string_view>> patterns_;  // by index
};

// Answers per route and status; lock-free.
class RouteCounters {
 public:
  RouteCounters();
  // index = all_routes().size() for paths without a route.
  void count(std::size_t index, int status);
  std::vector<RouteCount> read() const;

 private:
  static constexpr std::array kStatuses = {101, 200, 202, 204, 304, 400, 401, 403, 404, 405,
                                           409, 413, 415, 422, 426, 429, 500, 503, 504, 0};  // 0 = any other
  using Row = std::array<std::atomic<std::uint64_t>, kStatuses.size()>;
  std::vector<Row> rows_;
};

struct Api::Core {
  Core(ApiOptions o, Ports p, std::shared_ptr<const TokenTable> t, BlockingPool& b, const Clock& c, Logger& l);

  const ApiOptions options;
  const Ports ports;
  BlockingPool& pool;
  const Clock& clock;
  Logger& logger;
  const RouteTable routes;
  RouteCounters counters;
  EventHub hub;
  std::atomic<std::uint64_t> auth_failures{0}, reports{0}, reports_refused{0}, unknown_report_members{0};
  std::atomic<std::int64_t> auth_logged_at{0};  // steady seconds of the latest log line about a refused token

  std::shared_ptr<const TokenTable> tokens() const {
    const std::lock_guard lock(mutex);
    return tokens_;
  }
  void set_tokens(std::shared_ptr<const TokenTable> tokens) {
    const std::lock_guard lock(mutex);
    tokens_ = std::move(tokens);
  }

 private:
  mutable std::mutex mutex;
  std::shared_ptr<const TokenTable> tokens_;
};

// ---- replies ----
HttpResponse json_reply(std::string body, int status = 200);
// Adds Retry-After to unavailable and too_many.
HttpResponse problem_reply(const Error& error, std::string_view instance);
// For statuses without an Errc of their own (405, 415).
HttpResponse problem_reply(int status, std::string_view code, std::string_view title, std::string_view detail,
                           std::string_view instance);
// Runs `job` → Result<HttpResponse> on the blocking pool and answers with it.
HttpReply on_pool(Core& core, std::string instance, std::function<Result<HttpResponse>()> job);

// Hands an operator's wish to the engine and answers with its result; actor, times and idempotency key are filled in.
// `in_flight`: a JSON list of tasks that end with the worker, shown in the answer.
HttpReply submit_command(Core& core, const Call& call, CommandInput command, std::string in_flight = {});
// {"<name>":[…],"next":"<time>"}; `next` goes into `before` of the following request.
template <class Record, class Write, class TimeOf>
HttpResponse records_reply(std::string_view name, const std::vector<Record>& records, std::size_t limit, Write write,
                           TimeOf time_of) {
  std::string next;
  if (records.size() >= limit && !records.empty()) wire::append_time(next, time_of(records.back()));
  return json_reply(wire::list_json(name, records, write, next));
}

// ---- handlers, by file ----
// read_handlers.cc
HttpReply get_workers(Core&, Call&);
HttpReply get_worker(Core&, Call&);
HttpReply get_summary(Core&, Call&);
HttpReply get_pools(Core&, Call&);
HttpReply get_queues(Core&, Call&);
HttpReply get_poison_tasks(Core&, Call&);
HttpReply get_anomalies(Core&, Call&);
HttpReply get_forecasts(Core&, Call&);
HttpReply get_degradations(Core&, Call&);
HttpReply get_alerts(Core&, Call&);
HttpReply get_maintenance(Core&, Call&);
HttpReply get_demo(Core&, Call&);
// record_handlers.cc: history and ledger
HttpReply get_history(Core&, Call&);
HttpReply get_task_history(Core&, Call&);
HttpReply get_incidents(Core&, Call&);
HttpReply get_incident(Core&, Call&);
HttpReply get_restarts(Core&, Call&);
HttpReply get_audit(Core&, Call&);
// input_handlers.cc
HttpReply get_inputs(Core&, Call&);
// service_handlers.cc
HttpReply get_events(Core&, Call&);
HttpReply get_metrics(Core&, Call&);
HttpReply get_healthz(Core&, Call&);
HttpReply get_readyz(Core&, Call&);
HttpReply get_openapi(Core&, Call&);
HttpReply get_agents(Core&, Call&);
HttpReply get_file(Core&, Call&);  // no route of its own: any other path
// report_handlers.cc
HttpReply post_report(Core&, Call&);
HttpReply post_reports(Core&, Call&);
// command_handlers.cc
HttpReply post_restart(Core&, Call&);
HttpReply post_drain(Core&, Call&);
HttpReply post_resume(Core&, Call&);
HttpReply post_quarantine(Core&, Call&);
HttpReply post_release(Core&, Call&);
HttpReply post_approve(Core&, Call&);
HttpReply post_reject(Core&, Call&);
HttpReply delete_worker(Core&, Call&);
HttpReply post_maintenance(Core&, Call&);
HttpReply post_freeze(Core&, Call&);
HttpReply post_thaw(Core&, Call&);
HttpReply post_reload(Core&, Call&);
HttpReply post_demo_break(Core&, Call&);
// rolling_handlers.cc
HttpReply get_rollings(Core&, Call&);
HttpReply get_rolling(Core&, Call&);
HttpReply post_rolling(Core&, Call&);
HttpReply post_rolling_pause(Core&, Call&);
HttpReply post_rolling_resume(Core&, Call&);
HttpReply post_rolling_abort(Core&, Call&);

// alert_handlers.cc
HttpReply post_acknowledge_alert(Core&, Call&);
HttpReply post_acknowledge_incident(Core&, Call&);
HttpReply get_acknowledgements(Core&, Call&);
HttpReply get_silences(Core&, Call&);
HttpReply post_silence(Core&, Call&);
HttpReply delete_silence(Core&, Call&);
HttpReply get_notifications(Core&, Call&);

}  // namespace paramedic::api
