// Params → YAML for people, secrets as stars.
#include <algorithm>
#include <cctype>

#include "io/config/yaml.h"

namespace paramedic::config {

namespace {

constexpr std::string_view kStars = "'***'";

// Plain where YAML reads it back as the same text, else in double quotes.
std::string scalar(const std::string& text) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("._/%+@-").find(c) != std::string_view::npos;
  };
  const bool word = !text.empty() && std::all_of(text.begin(), text.end(), plain) && text[0] != '-' && text[0] != '%' &&
                    text[0] != '@';
  if (word && text != "null" && text != "~") return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out + "\"";
}

void print(std::string& out, const Params& node, int indent, bool secret);

void print_value(std::string& out, const Params& value, int indent, bool secret) {
  const bool block =
      (value.is_map() && !value.members.empty()) || (value.kind == Params::Kind::list && !value.items.empty());
  if (block) {
    out += "\n";
    return print(out, value, indent + 2, secret);
  }
  out += " ";
  switch (value.kind) {
    case Params::Kind::scalar:
      out += secret ? std::string(kStars) : scalar(value.scalar);
      break;
    case Params::Kind::list:
      out += "[]";
      break;
    case Params::Kind::map:
      out += "{}";
      break;
    case Params::Kind::null:
      out += "null";
      break;
  }
  out += "\n";
}

void print(std::string& out, const Params& node, int indent, bool secret) {
  const std::string margin(std::size_t(indent), ' ');
  for (const auto& [key, value] : node.members) {
    out += margin + scalar(key) + ":";
    print_value(out, value, indent, secret || is_secret_key(key));
  }
  for (const Params& item : node.items) {
    out += margin + "-";
    print_value(out, item, indent, secret);
  }
}

}  // namespace

bool is_secret_key(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : char(std::tolower(c)); });
  if (lower.ends_with("_file") || lower.ends_with("_path") || lower.ends_with("_variable")) return false;
  for (const auto* word :
       {"password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "access_key", "credential"})
    if (lower.find(word) != std::string::npos) return true;
  return lower.ends_with("_key") || lower.ends_with("_pwd") || lower.ends_with("_dsn");
}

std::string print_yaml(const Params& tree) {
  std::string out;
  if (tree.is_map() && tree.members.empty()) return "{}\n";
  print(out, tree, 0, false);
  return out;
}

}  // namespace paramedic::config
