// Rolling restarts: read from the published fleet; ordered, paused, resumed and aborted as any operator's command.
#include "base/ids.h"
#include "io/api/command_body.h"
#include "io/api/core.h"
#include "io/api/query.h"
#include "io/wire/rolling_json.h"

namespace paramedic::api {

namespace {

Result<CommandInput> rolling_command(const CommandBody& body) {
  if (body.pool.has_value() == body.all.value_or(false))
    return make_error(Errc::invalid_argument, "name one target: \"pool\", or \"all\": true");
  CommandInput command;
  command.verb = Verb::rolling_start;
  command.reason = body.reason.value_or("");
  command.pool = body.pool.value_or("");
  RollingWish& wish = command.rolling.emplace();
  wish.pool = command.pool;
  wish.version = body.version.value_or("");
  wish.host = body.host.value_or("");
  wish.at_once = body.at_once.value_or(1);
  wish.at_once_percent = body.at_once_percent.value_or(0);
  wish.pause_on_failure = body.pause_on_failure.value_or(true);
  return command;
}

HttpReply change_rolling(Core& core, Call& call, Verb verb) {
  if (!valid_id(call.id))
    return problem_reply(make_error(Errc::invalid_argument, "rolling restart id: " + explain_bad_id(call.id)),
                         call.request.path);
  auto body = parse_command_body(call.request.body, {"reason"});
  if (!body) return problem_reply(body.error(), call.request.path);
  CommandInput command;
  command.verb = verb;
  command.target = call.id;
  command.reason = body->reason.value_or("");
  return submit_command(core, call, std::move(command));
}

}  // namespace

HttpReply get_rollings(Core& core, Call& call) {
  QueryReader query(call.request.query);
  const auto pools = query.texts("pool");
  const auto states = query.words<RollingState>("state");
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  const auto among = [](const auto& list, const auto& value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  std::vector<RollingRecord> found;
  const auto view = core.ports.fleet->view();
  for (const RollingRecord& r : view->rollings)
    if (among(pools, r.wish.pool) && among(states, r.state)) found.push_back(r);
  return json_reply(wire::list_json("rolling_restarts", found, wire::write_rolling));
}

HttpReply get_rolling(Core& core, Call& call) {
  QueryReader query(call.request.query);
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  const auto view = core.ports.fleet->view();
  for (const RollingRecord& r : view->rollings) {
    if (r.id != call.id) continue;
    std::string body;
    wire::JsonWriter w(body);
    wire::write_rolling(w, r);
    return json_reply(std::move(body));
  }
  const std::string why = "rolling restart '" + call.id + "' is not known: see GET /restarts/rolling";
  return problem_reply(make_error(Errc::not_found, why), call.request.path);
}

HttpReply post_rolling(Core& core, Call& call) {
  auto body = parse_command_body(call.request.body,
                                 {"pool", "all", "version", "host", "at_once", "pause_on_failure", "reason"});
  if (!body) return problem_reply(body.error(), call.request.path);
  auto command = rolling_command(*body);
  if (!command) return problem_reply(command.error(), call.request.path);
  return submit_command(core, call, std::move(*command));
}

HttpReply post_rolling_pause(Core& core, Call& call) { return change_rolling(core, call, Verb::rolling_pause); }
HttpReply post_rolling_resume(Core& core, Call& call) { return change_rolling(core, call, Verb::rolling_resume); }
HttpReply post_rolling_abort(Core& core, Call& call) { return change_rolling(core, call, Verb::rolling_abort); }

}  // namespace paramedic::api
