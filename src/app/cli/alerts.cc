// paramedic incidents, alerts, ack, silence, …: what is wrong now, who has it, who is not told of it, what was said.
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/monitor_client.h"
#include "base/text.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace json = boost::json;

namespace {

// Asks for a list and hands each of its objects to `row`, or prints the JSON as it came. `none`: said when it is empty.
template <class Row>
int list(const ClientOptions& client, const std::string& path, std::string_view member, std::string_view none,
         std::string_view head, Row row) {
  const auto answer = ask_json(client, path);
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  const json::array& items = items_of(*answer, member);
  std::cout << (items.empty() ? none : head) << '\n';
  for (const json::value& value : items)
    if (value.is_object()) row(value.get_object());
  return 0;
}

// "pool=thumbs, host=~h[12]"
std::string matchers_text(const json::object& silence) {
  std::string out;
  for (const json::value& value : items_of(silence, "matchers")) {
    if (!value.is_object()) continue;
    const json::object& m = value.get_object();
    out += (out.empty() ? "" : ", ") + text_of(m, "label") + text_of(m, "op") + text_of(m, "value");
  }
  return out;
}

void print_acknowledgement(const ClientOptions& client, const std::string& incident) {
  const auto answer = ask_json(client, "/acknowledgements");
  if (!answer) return;
  for (const json::value& value : items_of(*answer, "acknowledgements")) {
    if (!value.is_object() || text_of(value.get_object(), "incident_id") != incident) continue;
    const json::object& a = value.get_object();
    fmt::print("{:<14} {} until {}, \"{}\"\n", "taken by", text_of(a, "author"), text_of(a, "until"),
               text_of(a, "comment"));
  }
}

// Of a text with several lines, such as a stack dump, the second and all after it.
std::string indented(const std::string& text, std::size_t columns) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out.append(columns, ' ');
  }
  return out;
}

int show_incident(const ClientOptions& client, const std::string& id) {
  const auto answer = ask_json(client, "/incidents/" + percent_encode(id));
  if (!answer) return fail(answer.error());
  if (client.json) {
    std::cout << json::serialize(*answer) << '\n';
    return 0;
  }
  for (const char* key :
       {"id", "title", "severity", "scope", "pool", "host", "affected_workers", "started_at", "ended_at"})
    fmt::print("{:<14} {}\n", key, text_of(*answer, key));
  print_acknowledgement(client, id);
  for (const json::value& key : items_of(*answer, "alert_keys"))
    if (key.is_string()) fmt::print("{:<14} {}\n", "alert", std::string_view(key.get_string()));
  for (const json::value& entry : items_of(*answer, "timeline"))
    if (entry.is_object())
      fmt::print("{}  {:<14} {}\n", text_of(entry.get_object(), "at"), text_of(entry.get_object(), "kind"),
                 indented(text_of(entry.get_object(), "text"), 4));
  return 0;
}

}  // namespace

int incidents(const ClientOptions& client, const IncidentsOptions& options) {
  if (!options.incident.empty()) return show_incident(client, options.incident);
  const std::string head =
      fmt::format("{:<22} {:<9} {:<25} {:<25} {:>7}  {}", "INCIDENT", "SEVERITY", "SINCE", "ENDED", "WORKERS", "TITLE");
  return list(client, options.all ? "/incidents" : "/incidents?state=open", "incidents",
              options.all ? "no incident in the ledger" : "no open incident", head, [](const json::object& i) {
                fmt::print("{:<22} {:<9} {:<25} {:<25} {:>7}  {}\n", text_of(i, "id"), text_of(i, "severity"),
                           text_of(i, "started_at"), text_of(i, "ended_at"), text_of(i, "affected_workers"),
                           text_of(i, "title"));
              });
}

int alerts(const ClientOptions& client) {
  const std::string head =
      fmt::format("{:<9} {:<25} {:<22} {:<40} {}", "SEVERITY", "SINCE", "INCIDENT", "ALERT", "TITLE");
  return list(client, "/alerts", "alerts", "no alert fires", head, [](const json::object& a) {
    fmt::print("{:<9} {:<25} {:<22} {:<40} {}\n", text_of(a, "severity"), text_of(a, "started_at"),
               text_of(a, "incident_id"), text_of(a, "key"), text_of(a, "title"));
  });
}

int acknowledge(const ClientOptions& client, const AcknowledgeOptions& options) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field_if("comment", options.comment).field_if("author", options.author);
  w.field_if("duration", options.duration).field("on", options.on).end_object();
  // Keys of alerts have slashes, ids of incidents have none.
  const std::string kind = options.target.find('/') == std::string::npos ? "/incidents/" : "/alerts/";
  return command(client, "POST", kind + percent_encode(options.target) + "/acknowledge", std::move(body));
}

int silences(const ClientOptions& client, bool all) {
  const std::string head =
      fmt::format("{:<22} {:<25} {:<25} {:<16} {:<36} {}", "SILENCE", "FROM", "TO", "AUTHOR", "MATCHERS", "COMMENT");
  return list(client, all ? "/silences?state=all" : "/silences", "silences",
              all ? "no silence in the ledger" : "no silence", head, [](const json::object& s) {
                const bool ended = text_of(s, "ended_at") != "-";
                fmt::print("{:<22} {:<25} {:<25} {:<16} {:<36} {}\n", text_of(s, "id"), text_of(s, "starts_at"),
                           text_of(s, ended ? "ended_at" : "ends_at"), text_of(s, "author"), matchers_text(s),
                           text_of(s, "comment"));
              });
}

int silence(const ClientOptions& client, const SilenceOptions& options) {
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().key("matchers").begin_array();
  for (const std::string& matcher : options.matchers) w.value(matcher);
  w.end_array().field_if("starts_at", options.from).field_if("ends_at", options.until);
  w.field_if("duration", options.duration).field_if("comment", options.comment).field_if("author", options.author);
  w.end_object();
  return command(client, "POST", "/silences", std::move(body));
}

int unsilence(const ClientOptions& client, const std::string& id) {
  return command(client, "DELETE", "/silences/" + percent_encode(id));
}

int notifications(const ClientOptions& client, bool open) {
  const std::string head =
      fmt::format("{:<25} {:<16} {:<16} {:<10} {:>5}  {}", "AT", "CHANNEL", "KIND", "STATE", "TRIES", "TITLE");
  return list(client, open ? "/notifications?state=open" : "/notifications", "notifications",
              open ? "no message waits" : "no message in the ledger", head, [](const json::object& r) {
                const json::value* inner = r.if_contains("notification");
                if (!inner || !inner->is_object()) return;
                const json::object& n = inner->get_object();
                fmt::print("{:<25} {:<16} {:<16} {:<10} {:>5}  {}\n", text_of(n, "at"), text_of(n, "channel"),
                           text_of(n, "kind"), text_of(r, "state"), text_of(r, "attempts"), text_of(n, "title"));
                if (text_of(r, "state") != "delivered" && text_of(r, "answer") != "-")
                  fmt::print("{:<25} {}\n", "", text_of(r, "answer"));
              });
}

}  // namespace paramedic::cli
