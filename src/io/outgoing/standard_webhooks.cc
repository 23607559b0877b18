#include "io/outgoing/standard_webhooks.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "io/outgoing/encode.h"

namespace paramedic::outgoing {

namespace {

constexpr std::size_t kMinKey = 24, kMaxKey = 64, kMaxKeys = 4;

// Signed text is "id.timestamp.body": no dot in the id.
std::string webhook_id(const std::string& id) {
  std::string out = id.substr(0, 200);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return !std::isalnum(c) && c != '_' && c != '-'; }, '_');
  return out;
}

// One key, or several with blanks between them while one is replaced by another.
Result<std::vector<std::string>> signing_keys(const std::string& text) {
  const Error wrong{Errc::invalid_argument,
                    fmt::format("the signing secret must be whsec_ and base64 of {} to {} bytes", kMinKey, kMaxKey)};
  std::vector<std::string> keys;
  std::string_view rest = text;
  while (true) {
    const auto from = rest.find_first_not_of(" \t\r\n");
    if (from == rest.npos) break;
    rest.remove_prefix(from);
    std::string_view word = rest.substr(0, rest.find_first_of(" \t\r\n"));
    rest.remove_prefix(word.size());
    if (!word.starts_with("whsec_") || keys.size() == kMaxKeys) return wrong;
    auto key = base64_decode(word.substr(6));
    if (!key || key->size() < kMinKey || key->size() > kMaxKey) return wrong;
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return wrong;
  return keys;
}

}  // namespace

std::optional<Error> sign_standard(HttpPost& request, const std::string& name, WallTime now, const Secret& secret) {
  const std::string id = webhook_id(name);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  request.headers.emplace_back("webhook-id", id);
  request.headers.emplace_back("webhook-timestamp", std::to_string(seconds));
  if (!secret.given()) return std::nullopt;
  const auto text = secret.read();
  if (!text) return text.error();
  const auto keys = signing_keys(*text);
  if (!keys) return keys.error();
  request.secrets.push_back(*text);
  std::string signatures;
  for (const std::string& key : *keys)
    signatures += (signatures.empty() ? "v1," : " v1,") +
                  base64(hmac_sha256(key, fmt::format("{}.{}.{}", id, seconds, request.body)));
  request.headers.emplace_back("webhook-signature", signatures);
  return std::nullopt;
}

}  // namespace paramedic::outgoing
