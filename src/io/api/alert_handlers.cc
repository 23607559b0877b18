// What operators say to alerts, and what became of the messages: acknowledgements, silences, notifications.
#include "io/api/command_body.h"
#include "io/api/core.h"
#include "io/api/query.h"
#include "io/api/silence_body.h"
#include "io/wire/notification_json.h"
#include "io/wire/view_json.h"

namespace paramedic::api {

namespace {

HttpReply acknowledge(Core& core, Call& call) {
  auto body = parse_command_body(call.request.body, {"comment", "author", "duration", "on"});
  if (body && !body->on.value_or(true) && body->duration)
    body = make_error(Errc::invalid_argument, "member 'duration' belongs to \"on\": true");
  if (!body) return problem_reply(body.error(), call.request.path);
  CommandInput command;
  command.verb = body->on.value_or(true) ? Verb::acknowledge : Verb::unacknowledge;
  command.target = call.id;
  command.reason = body->comment.value_or("");
  command.author = body->author.value_or("");
  command.duration = body->duration;
  return submit_command(core, call, std::move(command));
}

}  // namespace

HttpReply post_acknowledge_alert(Core& core, Call& call) { return acknowledge(core, call); }
HttpReply post_acknowledge_incident(Core& core, Call& call) { return acknowledge(core, call); }

HttpReply post_silence(Core& core, Call& call) {
  auto silence = parse_silence_body(call.request.body, call.now.wall);
  if (!silence) return problem_reply(silence.error(), call.request.path);
  CommandInput command;
  command.verb = Verb::silence;
  command.reason = silence->comment;
  command.silence = std::move(*silence);
  return submit_command(core, call, std::move(command));
}

HttpReply delete_silence(Core& core, Call& call) {
  QueryReader query(call.request.query);
  if (auto ok = query.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  CommandInput command;
  command.verb = Verb::unsilence;
  command.target = call.id;
  return submit_command(core, call, std::move(command));
}

HttpReply get_silences(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  const std::string state = reader.text("state").value_or("current");
  if (state != "current" && state != "all") reader.problem("state", "must be current or all");
  LedgerQuery query;
  query.before = reader.time("before");
  query.limit = std::size_t(reader.number("limit", 1, 1000).value_or(100));
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  if (state == "current")
    return json_reply(wire::list_json("silences", core.ports.fleet->view()->silences, wire::write_silence));
  return on_pool(core, call.request.path, [&core, query]() -> Result<HttpResponse> {
    auto found = core.ports.ledger->silences(query);
    if (!found) return found.error();
    return records_reply("silences", *found, query.limit, wire::write_silence,
                         [](const Silence& s) { return s.created_at; });
  });
}

HttpReply get_acknowledgements(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return json_reply(
      wire::list_json("acknowledgements", core.ports.fleet->view()->acknowledgements, wire::write_acknowledgement));
}

HttpReply get_notifications(Core& core, Call& call) {
  QueryReader reader(call.request.query);
  const std::string state = reader.text("state").value_or("all");
  if (state != "all" && state != "open") reader.problem("state", "must be open or all");
  LedgerQuery query;
  query.worker_id = reader.text("worker_id").value_or("");
  query.pool = reader.text("pool").value_or("");
  query.before = reader.time("before");
  query.limit = std::size_t(reader.number("limit", 1, 1000).value_or(100));
  query.open_only = state == "open";
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  return on_pool(core, call.request.path, [&core, query]() -> Result<HttpResponse> {
    auto found = core.ports.ledger->notifications(query);
    if (!found) return found.error();
    return records_reply("notifications", *found, query.limit, wire::write_notification_record,
                         [](const NotificationRecord& r) { return r.notification.at; });
  });
}

}  // namespace paramedic::api
