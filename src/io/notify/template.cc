#include "io/notify/template.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "io/wire/json_writer.h"

namespace paramedic::notify {

namespace {

constexpr std::string_view kLabel = "label.";

struct Place {
  std::string_view name;
  std::string (*value)(const Notification& n, const SendContext& context);
};
constexpr auto kPlaces = std::to_array<Place>({
    {"title", [](const Notification& n, const SendContext&) { return one_line(n.title); }},
    {"headline", [](const Notification& n, const SendContext& c) { return describe(n, c).headline; }},
    {"text", [](const Notification& n, const SendContext& c) { return plain_text(describe(n, c), false); }},
    {"kind", [](const Notification& n, const SendContext&) { return std::string(to_string(n.kind)); }},
    {"severity", [](const Notification& n, const SendContext&) { return std::string(to_string(n.severity)); }},
    {"status",
     [](const Notification& n, const SendContext&) {
       return std::string(n.kind == NotificationKind::resolved ? "resolved" : "firing");
     }},
    {"id", [](const Notification& n, const SendContext&) { return n.id; }},
    {"group_key", [](const Notification& n, const SendContext&) { return n.group_key; }},
    {"incident_id", [](const Notification& n, const SendContext&) { return n.incident_id; }},
    {"incident_url", [](const Notification& n, const SendContext& c) { return incident_url(c, n); }},
    {"runbook_url", [](const Notification& n, const SendContext&) { return runbook_url(n); }},
    {"route", [](const Notification& n, const SendContext&) { return n.route; }},
    {"source", [](const Notification& n, const SendContext&) { return source_of(n); }},
    {"at", [](const Notification& n, const SendContext&) { return format_time(n.at); }},
    {"alert_count", [](const Notification& n, const SendContext&) { return std::to_string(n.alert_count); }},
    {"worker_count", [](const Notification& n, const SendContext&) { return std::to_string(n.worker_count); }},
});

const Place* find_place(std::string_view name) {
  const auto found = std::find_if(kPlaces.begin(), kPlaces.end(), [&](const Place& p) { return p.name == name; });
  return found == kPlaces.end() ? nullptr : &*found;
}

std::string value_of(std::string_view name, const Notification& n, const SendContext& context) {
  if (const Place* place = find_place(name)) return place->value(n, context);
  const std::string_view label = name.substr(kLabel.size());
  const std::string common = find_label(n.common_labels, label);
  return common.empty() ? find_label(n.group_labels, label) : common;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string template_places() {
  std::string out;
  for (const Place& place : kPlaces) out += std::string(place.name) + ", ";
  return out + "label.NAME, json";
}

Result<Template> Template::parse(std::string_view text, bool json) {
  Template out;
  out.json_ = json;
  while (!text.empty()) {
    const auto open = std::min(text.find("{{"), text.size());
    if (open > 0) out.pieces_.push_back({false, std::string(text.substr(0, open))});
    text.remove_prefix(open);
    if (text.empty()) break;
    const auto close = text.find("}}");
    if (close == text.npos) return Error{Errc::invalid_argument, "a '{{' has no '}}'"};
    const std::string_view name = trimmed(text.substr(2, close - 2));
    const bool label = name.starts_with(kLabel) && name.size() > kLabel.size();
    if (!find_place(name) && !label && name != "json")
      return Error{Errc::invalid_argument, fmt::format("'{}' must be one of: {}", name, template_places())};
    out.pieces_.push_back({true, std::string(name)});
    text.remove_prefix(close + 2);
  }
  return out;
}

std::string Template::fill(const Notification& n, const SendContext& context) const {
  constexpr std::size_t kMaxJson = 100'000;
  std::string out;
  for (const Piece& piece : pieces_) {
    if (!piece.place) {
      out += piece.text;
    } else if (piece.text == "json") {
      out += notification_json(n, kMaxJson);
    } else if (json_) {
      std::string quoted;
      wire::append_json_string(quoted, value_of(piece.text, n, context));
      out.append(quoted, 1, quoted.size() - 2);
    } else {
      out += value_of(piece.text, n, context);
    }
  }
  return out;
}

}  // namespace paramedic::notify
