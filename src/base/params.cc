#include "base/params.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

std::string Problem::to_string() const {
  std::string where = file.empty() ? std::string("configuration") : file;
  if (line > 0) where += fmt::format(":{}", line);
  return key.empty() ? fmt::format("{}: {}", where, message) : fmt::format("{}: {}: {}", where, key, message);
}

const Params* Params::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name == key) return &value;
  return nullptr;
}

Params& Params::set(std::string key, Params value) {
  kind = Kind::map;
  for (auto& [name, old] : members) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  members.emplace_back(std::move(key), std::move(value));
  return *this;
}

Params merge(const Params& base, const Params& over) {
  if (over.kind == Params::Kind::null) return base;
  if (!base.is_map() || !over.is_map()) return over;
  Params out = base;
  out.file = over.file.empty() ? base.file : over.file;
  out.line = over.line;
  for (const auto& [key, value] : over.members) {
    const Params* old = base.find(key);
    out.set(key, old ? merge(*old, value) : value);
  }
  return out;
}

ParamsReader::ParamsReader(const Params* node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(&problems) {
  if (node_ && node_->kind == Params::Kind::null) node_ = nullptr;
  if (node_ && !node_->is_map()) {
    problems_->push_back({node_->file, node_->line, path_, "must be a map of keys and values"});
    node_ = nullptr;
  }
}

bool ParamsReader::has(std::string_view key) const { return node_ && node_->find(key); }

std::string ParamsReader::full(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void ParamsReader::problem(std::string_view key, std::string message) {
  const Params* at = node_ ? node_->find(key) : nullptr;
  if (!at) at = node_;
  problems_->push_back({at ? at->file : "", at ? at->line : 0, full(key), std::move(message)});
}

const Params* ParamsReader::take(std::string_view key) {
  used_.emplace_back(key);
  return node_ ? node_->find(key) : nullptr;
}

const Params* ParamsReader::scalar(std::string_view key, std::string_view wanted) {
  const Params* value = take(key);
  if (!value) return nullptr;
  if (value->kind == Params::Kind::scalar) return value;
  problem(key, fmt::format("must be {}", wanted));
  return nullptr;
}

void ParamsReader::read(std::string_view key, std::string& out) {
  if (const Params* value = scalar(key, "text")) out = value->scalar;
}

void ParamsReader::read(std::string_view key, bool& out) {
  const Params* value = scalar(key, "true or false");
  if (!value) return;
  if (value->scalar == "true" || value->scalar == "false")
    out = value->scalar == "true";
  else
    problem(key, fmt::format("'{}' must be true or false", value->scalar));
}

namespace {
template <class T>
bool whole(std::string_view text, T& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size();
}
}  // namespace

void ParamsReader::read(std::string_view key, int& out, int min, int max) {
  const Params* value = scalar(key, "a whole number");
  if (!value) return;
  int number = 0;
  if (!whole(value->scalar, number) || number < min || number > max)
    problem(key, fmt::format("'{}' must be a whole number from {} to {}", value->scalar, min, max));
  else
    out = number;
}

void ParamsReader::read(std::string_view key, double& out, double min, double max) {
  const Params* value = scalar(key, "a number");
  if (!value) return;
  double number = 0;
  if (!whole(value->scalar, number) || !(number >= min && number <= max))
    problem(key,
            fmt::format("'{}' must be a number from {} to {}", value->scalar, format_number(min), format_number(max)));
  else
    out = number;
}

namespace {
std::optional<std::string> check_duration(const std::string& text, Duration min, Duration max, Duration& out) {
  const auto parsed = parse_duration(text);
  if (!parsed) return parsed.error().message;
  if (*parsed < min || *parsed > max)
    return fmt::format("'{}' must be from {} to {}", text, format_duration(min), format_duration(max));
  out = *parsed;
  return std::nullopt;
}
}  // namespace

void ParamsReader::read(std::string_view key, Duration& out, Duration min, Duration max) {
  const Params* value = scalar(key, "a duration, as 30s");
  if (!value) return;
  if (auto wrong = check_duration(value->scalar, min, max, out)) problem(key, std::move(*wrong));
}

void ParamsReader::read_bytes(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max) {
  const Params* value = scalar(key, "a size, as 64MiB");
  if (!value) return;
  const auto parsed = parse_bytes(value->scalar);
  if (!parsed)
    problem(key, parsed.error().message);
  else if (*parsed < min || *parsed > max)
    problem(key, fmt::format("'{}' must be from {} to {} bytes", value->scalar, min, max));
  else
    out = *parsed;
}

void ParamsReader::read(std::string_view key, std::vector<std::string>& out) {
  const Params* value = take(key);
  if (!value) return;
  if (value->kind != Params::Kind::list) return problem(key, "must be a list");
  std::vector<std::string> result;
  for (const Params& item : value->items) {
    if (item.kind != Params::Kind::scalar) return problem(key, "must be a list of text");
    result.push_back(item.scalar);
  }
  out = std::move(result);
}

void ParamsReader::read(std::string_view key, std::vector<int>& out, int min, int max) {
  std::vector<std::string> texts;
  const auto before = problems_->size();
  read(key, texts);
  if (problems_->size() != before || !has(key)) return;
  std::vector<int> result;
  for (const auto& text : texts) {
    int number = 0;
    if (!whole(text, number) || number < min || number > max)
      return problem(key, fmt::format("'{}' must be a whole number from {} to {}", text, min, max));
    result.push_back(number);
  }
  out = std::move(result);
}

void ParamsReader::read(std::string_view key, std::map<std::string, std::string>& out) {
  const Params* value = take(key);
  if (!value) return;
  if (!value->is_map()) return problem(key, "must be a map of text");
  std::map<std::string, std::string> result;
  for (const auto& [name, item] : value->members) {
    if (item.kind != Params::Kind::scalar) return problem(key, fmt::format("'{}' must be text", name));
    result[name] = item.scalar;
  }
  out = std::move(result);
}

void ParamsReader::read(std::string_view key, std::map<std::string, Duration>& out, Duration min, Duration max) {
  std::map<std::string, std::string> texts;
  const auto before = problems_->size();
  read(key, texts);
  if (problems_->size() != before || !has(key)) return;
  std::map<std::string, Duration> result;
  for (const auto& [name, text] : texts) {
    if (auto wrong = check_duration(text, min, max, result[name]))
      return problem(key, fmt::format("{}: {}", name, *wrong));
  }
  out = std::move(result);
}

ParamsReader ParamsReader::child(std::string_view key) { return ParamsReader(take(key), full(key), *problems_); }

void ParamsReader::finish() {
  if (!node_) return;
  for (const auto& [key, value] : node_->members) {
    if (std::find(used_.begin(), used_.end(), key) != used_.end()) continue;
    std::string known;
    for (const auto& name : used_) known += (known.empty() ? "" : ", ") + name;
    problems_->push_back({value.file, value.line, full(key), fmt::format("unknown key; known here: {}", known)});
  }
}

void ParamsReader::bad_enum(std::string_view key, std::string_view text, const std::string_view* names,
                            std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += (i ? ", " : "") + std::string(names[i]);
  problem(key, fmt::format("'{}' must be one of: {}", text, all));
}

}  // namespace paramedic
