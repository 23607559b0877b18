#include "core/alerting/rules_template.h"

#include <fmt/format.h>

namespace paramedic {

namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

const std::string& value_of(const TemplateValues& v, Placeholder what) {
  switch (what) {
    case Placeholder::rule:
      return v.rule;
    case Placeholder::severity:
      return v.severity;
    case Placeholder::subject:
      return v.subject;
    case Placeholder::worker:
      return v.worker;
    case Placeholder::pool:
      return v.pool;
    case Placeholder::host:
      return v.host;
    case Placeholder::version:
      return v.version;
    case Placeholder::source:
      return v.source;
    case Placeholder::value:
      return v.value;
    case Placeholder::limit:
      return v.limit;
    case Placeholder::count:
      return v.count;
    case Placeholder::total:
      return v.total;
    case Placeholder::since:
      return v.since;
    case Placeholder::runbook:
    case Placeholder::label:
      break;
  }
  return v.runbook;
}

std::string all_names() {
  std::string out;
  for (const std::string_view name : EnumNames<Placeholder>::kNames)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", name == "label" ? "label.NAME" : name);
  return out;
}

}  // namespace

Result<Template> Template::parse(std::string_view text) {
  const auto wrong = [](std::string message) { return Error{Errc::invalid_argument, std::move(message)}; };
  if (text.size() > kMaxTemplateBytes) return wrong(fmt::format("is longer than {} bytes", kMaxTemplateBytes));
  Template out;
  out.text_ = text;
  std::size_t at = 0;
  for (;;) {
    const auto open = text.find("{{", at);
    if (open == std::string_view::npos) break;
    const auto close = text.find("}}", open + 2);
    if (close == std::string_view::npos) return wrong("has '{{' without '}}': close the placeholder, as {{ worker }}");
    const std::string_view name = trim(text.substr(open + 2, close - open - 2));
    Part part{.literal = std::string(text.substr(at, open - at))};
    if (name.starts_with("label.") && name.size() > 6) {
      part.what = Placeholder::label;
      part.label = name.substr(6);
    } else {
      const auto known = parse_enum<Placeholder>(name);
      if (!known || *known == Placeholder::label)
        return wrong(fmt::format("has an unknown placeholder '{}'; known are: {}", name, all_names()));
      part.what = *known;
    }
    out.parts_.push_back(std::move(part));
    at = close + 2;
  }
  out.parts_.push_back({.literal = std::string(text.substr(at)), .last = true});
  return out;
}

std::string Template::render(const TemplateValues& values) const {
  std::string out;
  for (const Part& part : parts_) {
    out += part.literal;
    if (part.last) break;
    if (part.what != Placeholder::label) {
      out += value_of(values, part.what);
    } else if (values.labels) {
      for (const auto& [name, value] : *values.labels)
        if (name == part.label) out += value;
    }
    if (out.size() > kMaxRenderedBytes) break;
  }
  if (out.size() > kMaxRenderedBytes) {
    std::size_t end = kMaxRenderedBytes;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;  // not within a character
    out.resize(end);
  }
  return out;
}

}  // namespace paramedic
