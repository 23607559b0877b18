#include "io/config/remote_write_config.h"

#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

namespace paramedic::config {

namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxLabels = 16, kMaxLabelBytes = 64;
constexpr std::size_t kMaxHeaders = 16;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

// "host:port" of an http or https URL; empty when it is none.
std::string authority(const std::string& url) {
  const std::size_t from = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (from == 0) return {};
  return url.substr(from, url.find_first_of("/?#", from) - from);
}

void check_url(ParamsReader& r, const std::string& url) {
  if (!r.has("url"))
    return r.problem("url", "is missing: the address to send to, as http://127.0.0.1:9090/api/v1/write");
  const std::string where = authority(url);
  const bool plain = std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (where.empty() || where.starts_with(':') || !plain || url.find('#') != url.npos)
    return r.problem("url",
                     fmt::format("'{}' must be an http or https URL, as http://127.0.0.1:9090/api/v1/write", url));
  if (where.find('@') != where.npos)
    r.problem("url", "must not hold a user or password; use username and password_file");
}

void read_name(ParamsReader& r, RemoteWriteConfig& out) {
  r.read("name", out.name);
  if (!r.has("name")) {
    out.name = authority(out.url);
    std::replace_if(
        out.name.begin(), out.name.end(), [](char c) { return !letter(c) && !digit(c) && c != '.'; }, '-');
    out.name = out.name.substr(0, kMaxName);
    while (out.name.starts_with('-') || out.name.starts_with('.')) out.name.erase(0, 1);
    if (out.name.empty()) out.name = "receiver";
    return;
  }
  const bool good = !out.name.empty() && out.name.size() <= kMaxName && out.name.front() != '.' &&
                    std::all_of(out.name.begin(), out.name.end(),
                                [](char c) { return letter(c) || digit(c) || c == '.' || c == '_' || c == '-'; });
  if (!good)
    r.problem("name",
              fmt::format("'{}' must have 1 to {} of A-Z a-z 0-9 . _ - and not begin with a dot", out.name, kMaxName));
}

void check_credentials(ParamsReader& r, const RemoteWriteConfig& c) {
  if (!c.bearer_token_file.empty() && !c.username.empty())
    r.problem("username", "cannot stand beside bearer_token_file: a request carries one credential");
  if (c.username.empty() != c.password_file.empty())
    r.problem(c.username.empty() ? "password_file" : "username", "username and password_file belong together");
  if (c.username.find(':') != c.username.npos) r.problem("username", "must not hold a colon");
  if (c.cert_file.empty() != c.key_file.empty())
    r.problem(c.cert_file.empty() ? "key_file" : "cert_file", "cert_file and key_file belong together");
  const bool tls_keys = !c.ca_file.empty() || !c.cert_file.empty();
  if (tls_keys && c.url.starts_with("http://"))
    r.problem(c.ca_file.empty() ? "cert_file" : "ca_file", "needs an https URL");
}

void read_labels(ParamsReader& r, std::map<std::string, std::string>& out) {
  r.read("labels", out);
  if (out.size() > kMaxLabels) r.problem("labels", fmt::format("has {} labels; at most {}", out.size(), kMaxLabels));
  for (const auto& [name, value] : out) {
    const bool valid = !name.empty() && (letter(name[0]) || name[0] == '_') && !name.starts_with("__") &&
                       std::all_of(name.begin(), name.end(), [](char c) { return letter(c) || digit(c) || c == '_'; });
    if (!valid)
      r.problem("labels",
                fmt::format("'{}' is no label name: letters, digits and _, not beginning with a digit or __", name));
    else if (name == "worker_id" || name == "status")
      r.problem("labels", fmt::format("'{}' is set per worker", name));
    if (value.empty() || value.size() > kMaxLabelBytes)
      r.problem("labels", fmt::format("the value of '{}' must have 1 to {} bytes", name, kMaxLabelBytes));
  }
}

void read_headers(ParamsReader& r, std::map<std::string, std::string>& out) {
  static const std::set<std::string> kOwn = {
      "authorization", "connection", "content-encoding",  "content-length", "content-type",
      "expect",        "host",       "transfer-encoding", "user-agent",     "x-prometheus-remote-write-version"};
  r.read("headers", out);
  if (out.size() > kMaxHeaders)
    r.problem("headers", fmt::format("has {} headers; at most {}", out.size(), kMaxHeaders));
  for (const auto& [name, value] : out) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return letter(c) || digit(c) || c == '-' || c == '_';
    });
    if (!token)
      r.problem("headers", fmt::format("'{}' is no header name", name));
    else if (lower == "authorization")
      r.problem("headers", "a credential belongs into bearer_token_file or password_file");
    else if (kOwn.contains(lower))
      r.problem("headers", fmt::format("'{}' is set by the protocol", name));
    if (!std::all_of(value.begin(), value.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; }))
      r.problem("headers", fmt::format("the value of '{}' holds a control character", name));
  }
}

RemoteWriteConfig read_one(const Params& node, std::size_t index, Problems& problems) {
  RemoteWriteConfig c;
  ParamsReader r(&node, fmt::format("remote_write[{}]", index), problems);
  if (!node.is_map() && node.kind != Params::Kind::null) return c;  // said already
  r.read("url", c.url);
  check_url(r, c.url);
  read_name(r, c);
  r.read("bearer_token_file", c.bearer_token_file);
  r.read("username", c.username);
  r.read("password_file", c.password_file);
  r.read("ca_file", c.ca_file);
  r.read("cert_file", c.cert_file);
  r.read("key_file", c.key_file);
  check_credentials(r, c);
  read_headers(r, c.headers);
  read_labels(r, c.labels);
  r.read("timeout", c.timeout, 100ms, 10min);
  // At least one whole record of the queue; what receivers take in one request ends somewhere.
  r.read("max_samples", c.max_samples, 1000, 100'000);
  r.read("max_wait", c.max_wait, 100ms, 10min);
  r.read("backoff_first", c.backoff_first, 100ms, 10min);
  r.read("backoff_cap", c.backoff_cap, 100ms, 1h);
  r.read_bytes("queue_size", c.queue_bytes, 1u << 20, std::uint64_t(1) << 40);
  r.read_enum("late_samples", c.late_samples);
  if (c.backoff_cap < c.backoff_first) r.problem("backoff_cap", "must not be shorter than backoff_first");
  r.finish();
  return c;
}

}  // namespace

bool RemoteWriteConfig::credential_in_clear() const {
  if (bearer_token_file.empty() && username.empty()) return false;
  const std::string where = authority(url);
  const bool loopback = where.starts_with("127.") || where.starts_with("localhost") || where.starts_with("[::1]");
  return url.starts_with("http://") && !loopback;
}

void read_remote_write(ParamsReader& r, std::vector<RemoteWriteConfig>& out) {
  const Params* list = r.take("remote_write");
  if (!list || list->kind == Params::Kind::null) return;
  if (list->kind != Params::Kind::list) return r.problem("remote_write", "must be a list of receivers");
  if (list->items.size() > kMaxRemoteWrites)
    return r.problem("remote_write", fmt::format("has {} receivers; at most {}", list->items.size(), kMaxRemoteWrites));
  std::set<std::string> names;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    out.push_back(read_one(list->items[i], i, r.problems()));
    if (!out.back().url.empty() && !names.insert(out.back().name).second)
      r.problems().push_back({list->items[i].file, list->items[i].line, fmt::format("remote_write[{}].name", i),
                              fmt::format("'{}' is the name of another one; each needs its own", out.back().name)});
  }
}

}  // namespace paramedic::config
