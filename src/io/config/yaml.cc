#include "io/config/yaml.h"

#include <algorithm>
#include <cerrno>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace paramedic::config {

namespace {

// Stops yaml-cpp from the inside when a limit is reached; never leaves this file.
struct LimitReached {};

// Builds Params from parser events. Events and not YAML::Load, because duplicate keys, marks of keys and the growth by
// aliases are only visible here.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  Params root = Params::map();

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) stop(mark, "a second document begins here; one file holds one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(mark, Params::Kind::null), anchor, 1);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_tag(mark, tag);
    Params value = node(mark, Params::Kind::scalar);
    value.scalar = text;
    add(std::move(value), anchor, 1);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    // An alias inside its own anchor would be a ring.
    if (found == anchors_.end()) return stop(mark, "this alias stands inside its own anchor");
    Params value = found->second.value;
    value.line = mark.line + 1;
    add(std::move(value), 0, found->second.nodes);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    begin(node(mark, Params::Kind::list), mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    begin(node(mark, Params::Kind::map), mark, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Params value;
    YAML::anchor_t anchor = 0;
    std::size_t nodes = 1;  // of this subtree
    bool has_key = false;
    bool key_refused = false;
    std::string key;
  };
  struct Anchored {
    Params value;
    std::size_t nodes = 1;
  };

  Params node(const YAML::Mark& mark, Params::Kind kind) {
    Params p;
    p.kind = kind;
    p.file = file_;
    p.line = mark.line + 1;
    return p;
  }
  void problem(int line, std::string key, std::string message) {
    problems_.push_back({file_, line, std::move(key), std::move(message)});
  }
  void stop(const YAML::Mark& mark, std::string message) {
    problem(mark.line + 1, path(), std::move(message));
    throw LimitReached{};
  }
  // "?" is plain text, "!" quoted text; all others ask for types that Params does not have.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      problem(mark.line + 1, path(), fmt::format("the tag '{}' is not supported", tag));
  }
  std::string path() const {
    std::string out;
    for (const Open& open : open_)
      if (open.has_key) out += (out.empty() ? "" : ".") + open.key;
    return out;
  }

  void begin(Params value, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= std::size_t(kMaxYamlDepth))
      stop(mark, fmt::format("nested deeper than {} levels", kMaxYamlDepth));
    open_.push_back({std::move(value), anchor});
  }
  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.value), done.anchor, done.nodes);
  }

  // A finished node: a key, a member, an item or the root.
  void add(Params value, YAML::anchor_t anchor, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxYamlNodes)
      return stop(YAML::Mark{}, fmt::format("holds more than {} values once its aliases are expanded", kMaxYamlNodes));
    if (anchor) anchors_[anchor] = {value, nodes};
    if (open_.empty()) {
      root = std::move(value);
      return;
    }
    Open& parent = open_.back();
    parent.nodes += nodes;
    if (parent.value.kind == Params::Kind::list)
      parent.value.items.push_back(std::move(value));
    else if (!parent.has_key)
      take_key(parent, std::move(value));
    else
      take_member(parent, std::move(value));
  }
  void take_key(Open& parent, Params value) {
    parent.has_key = true;
    parent.key_refused = value.kind != Params::Kind::scalar;
    parent.key = parent.key_refused ? "?" : value.scalar;
    if (parent.key_refused) problem(value.line, path(), "a key must be text");
    if (parent.key == "<<") {
      parent.key_refused = true;
      problem(value.line, path(), "merge keys (<<) are not supported; pools.default holds what pools share");
    }
    if (const Params* old = parent.value.find(parent.key); old && !parent.key_refused) {
      parent.key_refused = true;
      problem(value.line, path(), fmt::format("key given twice; first in line {}", old->line));
    }
  }
  void take_member(Open& parent, Params value) {
    if (!parent.key_refused) parent.value.members.emplace_back(parent.key, std::move(value));
    parent.has_key = false;
  }

  const std::string& file_;
  Problems& problems_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

int line_of(std::string_view text, std::size_t at) {
  return 1 + int(std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n'));
}

// Bytes that no configuration needs: reported before yaml-cpp guesses an encoding from them.
std::optional<std::size_t> first_bad_byte(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    const std::size_t length = c < 0x80                 ? 1
                               : c >= 0xC2 && c <= 0xDF ? 2
                               : c >= 0xE0 && c <= 0xEF ? 3
                               : c >= 0xF0 && c <= 0xF4 ? 4
                                                        : 0;
    if (length == 0 || i + length > s.size()) return i;
    if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') return i;
    for (std::size_t k = 1; k < length; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xC0) != 0x80) return i;
    i += length;
  }
  return std::nullopt;
}

// Line of the first tab used as indentation, for a better message than the parser's own; 0 when there is none.
int tab_line(std::string_view text) {
  int line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view row = text.substr(at, end - at);
    const std::size_t first = row.find_first_not_of(" \t\r");
    if (first != std::string_view::npos && row[first] != '#' &&
        row.substr(0, first).find('\t') != std::string_view::npos)
      return line;
    at = end + 1;
  }
  return 0;
}

void parse(std::string_view text, Builder& builder, const std::string& name, Problems& problems) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const LimitReached&) {
    // The problem is noted already.
  } catch (const YAML::Exception& e) {
    const int tab = tab_line(text);
    if (tab)
      problems.push_back({name, tab, "", "a tab in the indentation; YAML wants blanks"});
    else
      problems.push_back({name, e.mark.is_null() ? 0 : e.mark.line + 1, "", fmt::format("not YAML: {}", e.msg)});
  } catch (const std::exception& e) {
    problems.push_back({name, 0, "", fmt::format("not YAML: {}", e.what())});
  }
}

}  // namespace

std::optional<Params> load_yaml(std::string_view text, const std::string& name, Problems& problems) {
  const auto before = problems.size();
  if (text.size() > kMaxYamlBytes) {
    problems.push_back({name, 0, "", fmt::format("has {} bytes; at most {}", text.size(), kMaxYamlBytes)});
    return std::nullopt;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto at = first_bad_byte(text)) {
    problems.push_back({name, line_of(text, *at), "", "holds bytes that are not UTF-8 text"});
    return std::nullopt;
  }
  Builder builder(name, problems);
  parse(text, builder, name, problems);
  if (problems.size() != before) return std::nullopt;
  if (builder.root.kind == Params::Kind::null) builder.root = Params::map();
  builder.root.file = name;
  if (!builder.root.is_map()) {
    problems.push_back({name, builder.root.line, "", "must be a map of keys and values"});
    return std::nullopt;
  }
  return std::move(builder.root);
}

std::optional<Params> load_yaml_file(const std::string& path, Problems& problems) {
  const auto refuse = [&](int error_number) {
    problems.push_back({path, 0, "", errno_error("cannot read this file", error_number).message});
    return std::nullopt;
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refuse(errno);
  std::string text;
  char buffer[16 * 1024];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0 && text.size() <= kMaxYamlBytes)
    text.append(buffer, std::size_t(got));
  const int why = errno;
  ::close(fd);
  if (got < 0) return refuse(why);
  return load_yaml(text, path, problems);
}

std::string format_problems(const Problems& problems) {
  std::string out;
  for (const Problem& problem : problems) out += problem.to_string() + "\n";
  return out;
}

}  // namespace paramedic::config
