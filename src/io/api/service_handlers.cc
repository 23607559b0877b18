// The event stream, metrics page, probes, documents, files, and the door of the agents.
#include <charconv>

#include "io/api/core.h"
#include "io/wire/view_json.h"

namespace paramedic::api {

namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Calls each(part) for the parts of `text` between `by`.
template <class Each>
void for_parts(std::string_view text, char by, const Each& each) {
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(by, at), text.size());
    each(trim(text.substr(at, end - at)));
    at = end + 1;
  }
}

// Does Accept prefer OpenMetrics 1.0 over plain text? Unknown parameters are ignored (interop.md 3.2).
MetricsFormat negotiate(std::string_view accept) {
  double open = 0;
  double plain = 0;
  for_parts(accept, ',', [&](std::string_view range) {
    std::string_view type;
    double q = 1;
    bool version_fits = true;
    for_parts(range, ';', [&](std::string_view part) {
      if (type.empty())
        type = part;
      else if (part.starts_with("q="))
        std::from_chars(part.data() + 2, part.data() + part.size(), q);
      else if (part.starts_with("version="))
        version_fits = part == "version=1.0.0" || part == "version=0.0.4";
    });
    if (!version_fits) return;
    if (type == "application/openmetrics-text")
      open = std::max(open, q);
    else if (type == "text/plain" || type == "text/*")
      plain = std::max(plain, q);
  });
  return open > 0 && open >= plain ? MetricsFormat::openmetrics : MetricsFormat::text;
}

HttpReply file_reply(const Core& core, const Call& call, std::string_view path) {
  const auto file = core.ports.files->find(path);
  if (!file) {
    const std::string why = "there is nothing at " + call.request.path + ": GET /openapi.json lists what there is";
    return problem_reply(make_error(Errc::not_found, why), call.request.path);
  }
  HttpResponse response;
  response.headers = {{"ETag", file->etag}, {"Cache-Control", "no-cache"}};
  if (call.request.header("If-None-Match") == file->etag) {
    response.status = 304;
    return response;
  }
  response.content_type = file->content_type;
  response.shared_body = file->body;
  return response;
}

}  // namespace

HttpReply get_events(Core& core, Call& call) {
  if (core.hub.full())
    return problem_reply(make_error(Errc::unavailable,
                                    "too many clients follow the event stream: poll "
                                    "GET /health/summary, or close one"),
                         call.request.path);
  if (call.head) {
    HttpResponse response;
    response.content_type = "text/event-stream";
    return response;
  }
  Streamed reply;
  reply.content_type = "text/event-stream";
  reply.headers = {{"X-Accel-Buffering", "no"}};  // a proxy that buffers would hold the events back
  reply.produce = core.hub.stream();
  return reply;
}

HttpReply get_metrics(Core& core, Call& call) {
  const MetricsFormat format = negotiate(call.request.header("Accept"));
  return on_pool(core, call.request.path, [&core, format]() -> Result<HttpResponse> {
    HttpResponse response;
    response.content_type = format == MetricsFormat::text
                                ? "text/plain; version=0.0.4; charset=utf-8"
                                : "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.body = core.ports.metrics->text(format);
    return response;
  });
}

HttpReply get_healthz(Core& core, Call&) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field("status", "ok").field("version", core.options.version).end_object();
  return json_reply(std::move(body));
}

HttpReply get_readyz(Core& core, Call&) {
  const auto parts = core.ports.readiness->parts();
  PartState worst = PartState::ok;
  for (const ReadinessPart& part : parts) worst = std::max(worst, part.state);
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field("status", worst).key("parts").begin_array();
  for (const ReadinessPart& part : parts)
    w.begin_object().field("name", part.name).field("state", part.state).field("text", part.text).end_object();
  w.end_array().end_object();
  return json_reply(std::move(body), worst == PartState::failed ? 503 : 200);
}

HttpReply get_openapi(Core& core, Call& call) { return file_reply(core, call, "/openapi.json"); }

HttpReply get_agents(Core& core, Call& call) {
  if (!core.ports.agents)
    return problem_reply(make_error(Errc::not_found, "this monitor takes no agents: enable the agent source"),
                         call.request.path);
  AgentCredentials credentials{call.identity.name, call.identity.pool};
  Upgrade reply;
  reply.run = [&core, remote = call.request.remote_address, credentials](std::shared_ptr<WebSocket> socket) {
    return core.ports.agents->accept(std::move(socket), remote, credentials);
  };
  return reply;
}

HttpReply get_file(Core& core, Call& call) {
  if (call.request.method != "GET" && !call.head) {
    const std::string why = "there is nothing at " + call.request.path + " to " + call.request.method;
    return problem_reply(make_error(Errc::not_found, why), call.request.path);
  }
  return file_reply(core, call, call.request.path == "/" ? "/index.html" : call.request.path);
}

}  // namespace paramedic::api
