#include "io/api/tokens.h"

#include <algorithm>
#include <sstream>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/ids.h"

namespace paramedic::api {

namespace {

constexpr std::string_view kHashPrefix = "sha256:";

std::string hex(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char b : bytes) {
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::array<unsigned char, 32> digest_of(std::string_view token) {
  std::array<unsigned char, 32> out{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), out.data());
  return out;
}

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> out;
  std::istringstream in{std::string(text)};
  for (std::string part; std::getline(in, part, by);) out.push_back(part);
  return out;
}

bool read_scopes(std::string_view words, Identity& identity, std::string& wrong) {
  for (const std::string& word : split(words, ',')) {
    const auto scope = parse_enum<Scope>(word);
    if (!scope || *scope == Scope::open) {
      wrong = "unknown scope '" + word + "'; use report, operate or both with a comma";
      return false;
    }
    (*scope == Scope::report ? identity.may_report : identity.may_operate) = true;
  }
  return true;
}

}  // namespace

std::optional<TokenTable::Digest> TokenTable::read_digest(std::string_view word) {
  if (!word.starts_with(kHashPrefix)) return std::nullopt;
  word.remove_prefix(kHashPrefix.size());
  Digest out{};
  if (word.size() != out.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(word[2 * i]);
    const int low = hex_value(word[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return out;
}

std::optional<TokenTable::Entry> TokenTable::read_line(std::string_view line, std::string& wrong) {
  std::istringstream in{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  if (words.size() < 3 || words.size() > 4) {
    wrong = "expected: name scope[,scope] sha256:HEX [pool]";
    return std::nullopt;
  }
  Entry entry;
  entry.identity.name = words[0];
  if (!valid_id(words[0])) {
    wrong = "token name: " + explain_bad_id(words[0]);
    return std::nullopt;
  }
  if (!read_scopes(words[1], entry.identity, wrong)) return std::nullopt;
  const auto digest = read_digest(words[2]);
  if (!digest) {
    wrong = "the third word must be sha256: and 64 hex digits; `paramedic token` makes such a line";
    return std::nullopt;
  }
  entry.digest = *digest;
  if (words.size() == 4) entry.identity.pool = words[3];
  if (!entry.identity.pool.empty() && !entry.identity.may_report) {
    wrong = "a pool limits the scope report, which this token does not have";
    return std::nullopt;
  }
  return entry;
}

TokenTable TokenTable::parse(std::string_view text, const std::string& file, Problems& problems) {
  TokenTable table;
  int number = 0;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto start = line.find_first_not_of(" \t\r");
    if (start == std::string::npos || line[start] == '#') continue;
    std::string wrong;
    auto entry = read_line(line, wrong);
    if (entry) {
      for (const Entry& other : table.entries_) {
        if (other.identity.name == entry->identity.name) wrong = "the name '" + other.identity.name + "' is used twice";
        if (other.digest == entry->digest) wrong = "the same token as '" + other.identity.name + "'";
      }
    }
    if (!wrong.empty())
      problems.push_back(Problem{.file = file, .line = number, .key = "token", .message = wrong});
    else
      table.entries_.push_back(std::move(*entry));
  }
  return table;
}

std::optional<Identity> TokenTable::identify(std::string_view token) const {
  const Digest digest = digest_of(token);
  const Entry* found = nullptr;
  for (const Entry& entry : entries_)  // no early exit: the time must not tell which entry is near
    if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) found = &entry;
  if (!found) return std::nullopt;
  return found->identity;
}

std::string token_hash(std::string_view token) { return std::string(kHashPrefix) + hex(digest_of(token)); }

Result<NewToken> make_token(const std::string& name, const std::vector<Scope>& scopes, const std::string& pool) {
  if (!valid_id(name)) return make_error(Errc::invalid_argument, "token name: " + explain_bad_id(name));
  std::string words;
  for (const Scope scope : scopes) {
    if (scope == Scope::open) return make_error(Errc::invalid_argument, "a token needs the scope report or operate");
    words += (words.empty() ? "" : ",") + std::string(to_string(scope));
  }
  if (words.empty()) return make_error(Errc::invalid_argument, "a token needs the scope report or operate");
  if (!pool.empty() && std::find(scopes.begin(), scopes.end(), Scope::report) == scopes.end())
    return make_error(Errc::invalid_argument, "a pool limits the scope report: add that scope or leave the pool out");
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), int(bytes.size())) != 1)
    return make_error(Errc::internal, "the system gave no random bytes");
  NewToken out;
  out.secret = "pmd_" + hex(bytes);
  out.line = name + " " + words + " " + token_hash(out.secret) + (pool.empty() ? "" : " " + pool);
  return out;
}

}  // namespace paramedic::api
