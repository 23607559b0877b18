// paramedic maintenance [on|off]: what is in maintenance; begins or ends it. It mutes alerts and holds remedies.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace json = boost::json;

int maintenance(const ClientOptions& client) {
  const auto answer = ask_json(client, "/maintenance");
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  const json::array& items = items_of(*answer, "maintenance");
  if (items.empty())
    std::cout << "nothing is in maintenance\n";
  else
    fmt::print("{:<30} {:<25} {:<25} {:<16} {}\n", "MAINTENANCE", "SINCE", "UNTIL", "BY", "REASON");
  for (const json::value& value : items) {
    if (!value.is_object()) continue;
    const json::object& m = value.get_object();
    fmt::print("{:<30} {:<25} {:<25} {:<16} {}\n", text_of(m, "id"), text_of(m, "at"), text_of(m, "until"),
               text_of(m, "actor"), text_of(m, "reason"));
  }
  return 0;
}

int change_maintenance(const ClientOptions& client, const MaintenanceOptions& options) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field_if("worker_id", options.worker).field_if("pool", options.pool);
  if (options.fleet) w.field("fleet", true);
  w.field("on", options.on).field_if("duration", options.duration).field_if("reason", options.reason).end_object();
  return command(client, "POST", "/maintenance", std::move(body));
}

}  // namespace paramedic::cli
