// What operators do: each becomes one CommandInput, answered when the engine has decided.
#include "base/ids.h"
#include "io/api/command_body.h"
#include "io/api/core.h"
#include "io/api/query.h"
#include "io/wire/view_json.h"

namespace paramedic::api {

namespace {

namespace asio = boost::asio;

// Tasks that end with the worker, as a JSON list.
std::string in_flight_json(const Core& core, const std::string& worker_id) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_array();
  if (const auto worker = core.ports.fleet->view()->find(worker_id))
    for (const InFlightTask& task : worker->in_flight)
      w.begin_object().field("id", task.id).field("type", task.type).field("started_at", task.started_at).end_object();
  w.end_array();
  return out;
}

asio::awaitable<HttpResponse> run_command(Core* core, CommandInput command, std::string instance,
                                          std::string in_flight) {
  const std::string verb(to_string(command.verb));
  const std::string target = !command.worker_id.empty() ? command.worker_id
                             : !command.target.empty()  ? command.target
                                                        : command.pool;
  const std::string actor = command.actor;
  CommandResult result = co_await core->ports.commands->submit(std::move(command));
  core->logger.info("operator_command", {{"verb", verb},
                                         {"target", target},
                                         {"actor", actor},
                                         {"result", result.error ? std::string_view(result.error->message)
                                                                 : std::string_view(result.message)}});
  if (result.error) co_return problem_reply(*result.error, instance);
  std::string body = wire::command_result_json(result);
  if (!in_flight.empty()) body.insert(body.size() - 1, ",\"in_flight\":" + in_flight);
  co_return json_reply(std::move(body), result.running ? 202 : 200);
}

Result<void> read_idempotency_key(const Call& call, CommandInput& command) {
  command.idempotency_key = std::string(call.request.header("Idempotency-Key"));
  if (command.idempotency_key.empty() || valid_id(command.idempotency_key)) return {};
  return make_error(Errc::invalid_argument, "Idempotency-Key: " + explain_bad_id(command.idempotency_key));
}

}  // namespace

HttpReply submit_command(Core& core, const Call& call, CommandInput command, std::string in_flight) {
  if (auto ok = read_idempotency_key(call, command); !ok) return problem_reply(ok.error(), call.request.path);
  command.actor = call.identity.name;
  command.received = call.now.steady;
  return Deferred{[&core, command = std::move(command), path = call.request.path, lost = std::move(in_flight)] {
    return run_command(&core, command, path, lost);
  }};
}

namespace {

HttpReply worker_command(Core& core, Call& call, Verb verb, std::initializer_list<std::string_view> members) {
  if (!valid_id(call.id))
    return problem_reply(make_error(Errc::invalid_argument, "worker id: " + explain_bad_id(call.id)),
                         call.request.path);
  auto body = parse_command_body(call.request.body, members);
  if (!body) return problem_reply(body.error(), call.request.path);
  CommandInput command;
  command.verb = verb;
  command.worker_id = call.id;
  command.reason = body->reason.value_or("");
  command.force = body->force.value_or(false);
  command.target = body->action_id.value_or("");
  command.dry_run = body->dry_run.value_or(false);
  const bool ends_tasks = verb == Verb::restart || verb == Verb::drain;
  return submit_command(core, call, std::move(command), ends_tasks ? in_flight_json(core, call.id) : std::string());
}

HttpReply fleet_command(Core& core, Call& call, Verb verb) {
  auto body = parse_command_body(call.request.body, {"reason"});
  if (!body) return problem_reply(body.error(), call.request.path);
  CommandInput command;
  command.verb = verb;
  command.reason = body->reason.value_or("");
  return submit_command(core, call, std::move(command));
}

Result<CommandInput> maintenance_command(const CommandBody& body) {
  const int targets = int(body.worker_id.has_value()) + int(body.pool.has_value()) + int(body.fleet.value_or(false));
  if (targets != 1)
    return make_error(Errc::invalid_argument, "name one target: \"worker_id\", \"pool\", or \"fleet\": true");
  CommandInput command;
  command.verb = body.on.value_or(true) ? Verb::maintenance_on : Verb::maintenance_off;
  if (command.verb == Verb::maintenance_off && body.duration)
    return make_error(Errc::invalid_argument, "member 'duration' belongs to \"on\": true");
  command.worker_id = body.worker_id.value_or("");
  command.pool = body.pool.value_or("");
  command.reason = body.reason.value_or("");
  command.duration = body.duration;
  return command;
}

}  // namespace

HttpReply post_restart(Core& core, Call& call) {
  return worker_command(core, call, Verb::restart, {"reason", "force", "dry_run"});
}
HttpReply post_drain(Core& core, Call& call) { return worker_command(core, call, Verb::drain, {"reason", "force"}); }
HttpReply post_resume(Core& core, Call& call) { return worker_command(core, call, Verb::resume, {"reason"}); }
HttpReply post_quarantine(Core& core, Call& call) { return worker_command(core, call, Verb::quarantine, {"reason"}); }
HttpReply post_release(Core& core, Call& call) { return worker_command(core, call, Verb::release, {"reason"}); }
HttpReply post_approve(Core& core, Call& call) {
  return worker_command(core, call, Verb::approve, {"reason", "action_id"});
}
HttpReply post_reject(Core& core, Call& call) {
  return worker_command(core, call, Verb::reject, {"reason", "action_id"});
}

HttpReply delete_worker(Core& core, Call& call) {
  QueryReader query(call.request.query);
  const auto reason = query.text("reason");
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  if (!valid_id(call.id))
    return problem_reply(make_error(Errc::invalid_argument, "worker id: " + explain_bad_id(call.id)),
                         call.request.path);
  CommandInput command;
  command.verb = Verb::forget;
  command.worker_id = call.id;
  command.reason = reason.value_or("").substr(0, 500);
  return submit_command(core, call, std::move(command));
}

HttpReply post_maintenance(Core& core, Call& call) {
  auto body = parse_command_body(call.request.body, {"worker_id", "pool", "fleet", "on", "duration", "reason"});
  if (!body) return problem_reply(body.error(), call.request.path);
  auto command = maintenance_command(*body);
  if (!command) return problem_reply(command.error(), call.request.path);
  return submit_command(core, call, std::move(*command));
}

HttpReply post_freeze(Core& core, Call& call) { return fleet_command(core, call, Verb::freeze); }
HttpReply post_thaw(Core& core, Call& call) { return fleet_command(core, call, Verb::thaw); }

HttpReply post_reload(Core& core, Call& call) {
  if (!core.ports.reload)
    return problem_reply(make_error(Errc::not_found, "this monitor has no configuration file"), call.request.path);
  const auto body = parse_command_body(call.request.body, {"reason"});
  if (!body) return problem_reply(body.error(), call.request.path);
  return on_pool(core, call.request.path, [&core, actor = call.identity.name]() -> Result<HttpResponse> {
    const auto done = core.ports.reload->reload(actor);
    if (!done) return done.error();
    return json_reply(wire::command_result_json(CommandResult{.success = true, .message = *done}));
  });
}

HttpReply post_demo_break(Core& core, Call& call) {
  if (!core.ports.demo)
    return problem_reply(make_error(Errc::not_found, "this is no demonstration: start one with `paramedic demo`"),
                         call.request.path);
  auto body = parse_command_body(call.request.body, {"worker_id", "mode"});
  if (body && (!body->worker_id || !body->mode))
    body = make_error(Errc::invalid_argument, "members 'worker_id' and 'mode' are needed; GET /demo lists the modes");
  if (!body) return problem_reply(body.error(), call.request.path);
  auto done = core.ports.demo->break_worker(*body->worker_id, *body->mode);
  if (!done) return problem_reply(done.error(), call.request.path);
  return json_reply(wire::command_result_json(CommandResult{.success = true, .message = *done}));
}

}  // namespace paramedic::api
