#include "io/api/api.h"

#include "io/api/core.h"
#include "io/wire/report_json.h"
#include "io/wire/view_json.h"

namespace paramedic::api {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kCommandBytes = 16u << 10;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

void decorate(HttpHeaders& headers) {
  add_security_headers(headers);
  if (!find_header(headers, "Cache-Control")) headers.emplace_back("Cache-Control", "no-store");
}

HttpResponse decorated(Api::Core& core, HttpResponse response, std::size_t route) {
  decorate(response.headers);
  core.counters.count(route, response.status);
  return response;
}

asio::awaitable<HttpResponse> decorate_later(Api::Core* core, asio::awaitable<HttpResponse> inner, std::size_t route) {
  HttpResponse response = co_await std::move(inner);
  co_return decorated(*core, std::move(response), route);
}

// Headers and counting, whichever way the answer takes.
HttpReply finish(Api::Core& core, HttpReply reply, std::size_t route) {
  return std::visit(
      Overloaded{
          [&](HttpResponse&& r) -> HttpReply { return decorated(core, std::move(r), route); },
          [&](Deferred&& d) -> HttpReply {
            return Deferred{[&core, run = std::move(d.run), route] { return decorate_later(&core, run(), route); }};
          },
          [&](Streamed&& s) -> HttpReply {
            decorate(s.headers);
            core.counters.count(route, s.status);
            return std::move(s);
          },
          [&](Upgrade&& u) -> HttpReply {
            core.counters.count(route, 101);
            return std::move(u);
          },
      },
      std::move(reply));
}

void log_refusal(Api::Core& core, const Call& call, std::string_view why) {
  ++core.auth_failures;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(call.now.steady.time_since_epoch()).count();
  auto last = core.auth_logged_at.load();
  if (now - last < 10 && last != 0) return;  // a flood must not fill the log; the counter has them all
  if (core.auth_logged_at.compare_exchange_strong(last, now))
    core.logger.warning("request_refused", {{"remote", call.request.remote_address},
                                            {"method", call.request.method},
                                            {"path", call.request.path},
                                            {"reason", why}});
}

HttpResponse refuse(Api::Core& core, const Call& call, const Error& error) {
  log_refusal(core, call, error.message);
  HttpResponse response = problem_reply(error, call.request.path);
  if (error.code == Errc::unauthorized) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"paramedic\"");
  return response;
}

Result<Identity> identify(Api::Core& core, const Call& call) {
  const std::string anonymous = "anonymous@" + call.request.remote_address;
  const auto tokens = core.tokens();
  if (!tokens) return Identity{.name = anonymous, .may_report = true, .may_operate = true};
  const std::string_view header = call.request.header("Authorization");
  if (header.empty()) return Identity{.name = anonymous};
  const bool bearer = header.size() > kBearer.size() && same_header_name(header.substr(0, kBearer.size()), kBearer);
  if (bearer)
    if (auto identity = tokens->identify(header.substr(kBearer.size()))) return std::move(*identity);
  return make_error(Errc::unauthorized,
                    "the token is unknown: send 'Authorization: Bearer TOKEN' with one of the token file");
}

// Who may pass. `call.identity` is set when it succeeds.
Result<void> authorise(Api::Core& core, Call& call, Scope scope) {
  if (scope == Scope::open) return {};
  auto identity = identify(core, call);
  if (!identity) return identity.error();
  if (!identity->may(scope)) {
    const bool known = !call.request.header("Authorization").empty();
    const std::string wanted(to_string(scope));
    if (known) return make_error(Errc::forbidden, "token '" + identity->name + "' lacks the scope " + wanted);
    return make_error(Errc::unauthorized,
                      "a token with the scope " + wanted + " is needed: send 'Authorization: Bearer TOKEN'");
  }
  call.identity = std::move(*identity);
  return {};
}

std::optional<HttpResponse> refuse_body(const Call& call, BodyKind kind) {
  if (kind == BodyKind::none || has_json_type(call.request)) return std::nullopt;
  if (kind == BodyKind::bulk && has_ndjson_type(call.request)) return std::nullopt;
  return problem_reply(415, "unsupported_media_type", "Wrong content type",
                       kind == BodyKind::bulk ? "send 'Content-Type: application/json' or 'application/x-ndjson'"
                                              : "send 'Content-Type: application/json', also with an empty body",
                       call.request.path);
}

HttpResponse wrong_method(const Call& call, const std::string& allow) {
  HttpResponse response;
  if (call.request.method == "OPTIONS")
    response.status = 204;
  else
    response = problem_reply(405, "method_not_allowed", "Method not allowed",
                             call.request.path + " does not take " + call.request.method + ", only " + allow,
                             call.request.path);
  response.headers.emplace_back("Allow", allow);
  return response;
}

HttpReply run_route(Api::Core& core, Call& call, const Route& route) {
  if (auto allowed = authorise(core, call, route.scope); !allowed) return refuse(core, call, allowed.error());
  if (auto refused = refuse_body(call, route.body)) return std::move(*refused);
  return route.handle(core, call);
}

HttpReply answer(Api::Core& core, Call& call, std::size_t& index) {
  const GuardOptions& guard = core.options.guard;
  if (auto ok = check_host(call.request, guard); !ok) return refuse(core, call, ok.error());
  if (auto ok = check_origin(call.request, guard); !ok) return refuse(core, call, ok.error());
  const auto segments = split_path(call.request.path);
  if (!segments) return problem_reply(segments.error(), call.request.path);
  RouteTable::Match match = core.routes.find(call.request.method, *segments);
  if (!match.route && !match.allow.empty()) return wrong_method(call, match.allow);
  if (!match.route) return get_file(core, call);
  index = match.index;
  call.id = std::move(match.id);
  return run_route(core, call, *match.route);
}

asio::awaitable<HttpResponse> await_job(Api::Core* core, std::string instance,
                                        std::function<Result<HttpResponse>()> job) {
  auto result = co_await core->pool.run(std::move(job));
  if (!result) co_return problem_reply(result.error(), instance);
  co_return std::move(*result);
}

}  // namespace

HttpResponse json_reply(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

HttpResponse problem_reply(const Error& error, std::string_view instance) {
  HttpResponse response = json_reply(wire::problem_json(error, instance), http_status(error.code));
  response.content_type = "application/problem+json";
  if (error.code == Errc::unavailable || error.code == Errc::too_many)
    response.headers.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse problem_reply(int status, std::string_view code, std::string_view title, std::string_view detail,
                           std::string_view instance) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field("type", "urn:paramedic:problem:" + std::string(code)).field("title", title);
  w.field("status", status).field("detail", detail).field("code", code).field("instance", instance).end_object();
  HttpResponse response = json_reply(std::move(body), status);
  response.content_type = "application/problem+json";
  return response;
}

HttpReply on_pool(Core& core, std::string instance, std::function<Result<HttpResponse>()> job) {
  return Deferred{
      [&core, instance = std::move(instance), job = std::move(job)] { return await_job(&core, instance, job); }};
}

Api::Core::Core(ApiOptions o, Ports p, std::shared_ptr<const TokenTable> t, BlockingPool& b, const Clock& c, Logger& l)
    : options(std::move(o)),
      ports(p),
      pool(b),
      clock(c),
      logger(l),
      hub(*p.feed, *p.fleet, b, options.events),
      tokens_(std::move(t)) {}

Api::Api(ApiOptions options, Ports ports, std::shared_ptr<const TokenTable> tokens, BlockingPool& pool,
         const Clock& clock, Logger& logger)
    : core_(std::make_unique<Core>(std::move(options), ports, std::move(tokens), pool, clock, logger)) {}

Api::~Api() = default;

HttpReply Api::handle(HttpRequest&& request) {
  Call call{.request = std::move(request), .now = core_->clock.now()};
  call.head = call.request.method == "HEAD";
  std::size_t index = all_routes().size();
  HttpReply reply = answer(*core_, call, index);
  return finish(*core_, std::move(reply), index);
}

void Api::set_tokens(std::shared_ptr<const TokenTable> tokens) { core_->set_tokens(std::move(tokens)); }

ApiStats Api::stats() const {
  ApiStats s;
  s.requests = core_->counters.read();
  s.auth_failures = core_->auth_failures;
  s.reports = core_->reports;
  s.reports_refused = core_->reports_refused;
  s.unknown_report_members = core_->unknown_report_members;
  s.event_clients = core_->hub.clients();
  s.event_overflows = core_->hub.overflows();
  return s;
}

std::size_t Api::body_limit(std::string_view method, std::string_view path) {
  if (method != "POST") return kCommandBytes;
  if (path == "/health/reports") return wire::kMaxBulkBytes;
  if (path.ends_with("/report")) return wire::kMaxReportBytes;
  return kCommandBytes;
}

}  // namespace paramedic::api
