// Bearer tokens: who may report and who may operate. The file holds only hashes:
//     # name  scope[,scope]  sha256:HEX  [pool]
//     agents  report         sha256:9f86d0…
//     ops     operate        sha256:60303a…
// `pool` limits a report token to one pool. Immutable after parsing; any thread.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_names.h"
#include "base/params.h"
#include "base/result.h"

namespace paramedic::api {

// report: send evidence. operate: change something on purpose. (open: no token needed; not a word of the file.)
enum class Scope { open, report, operate };

}  // namespace paramedic::api

namespace paramedic {

PARAMEDIC_ENUM_NAMES(api::Scope, "open", "report", "operate")

}  // namespace paramedic

namespace paramedic::api {

// Whom a request comes from.
struct Identity {
  std::string name;  // token name, or "anonymous@<address>"
  std::string pool;  // the only pool it may report for; empty = any
  bool may_report = false;
  bool may_operate = false;
  bool may(Scope scope) const {
    return scope == Scope::open || (scope == Scope::report && may_report) || (scope == Scope::operate && may_operate);
  }
};

class TokenTable {
 public:
  // One Problem per bad line, all of them; `file` only names them.
  static TokenTable parse(std::string_view text, const std::string& file, Problems& problems);

  // Compares with every entry in the same time whatever the token is.
  std::optional<Identity> identify(std::string_view token) const;
  std::size_t size() const { return entries_.size(); }

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Entry {
    Identity identity;
    Digest digest{};
  };
  static std::optional<Digest> read_digest(std::string_view word);
  static std::optional<Entry> read_line(std::string_view line, std::string& wrong);

  std::vector<Entry> entries_;
};

// A fresh secret (256 bits from the system) and its line for the token file. The secret is shown once and never stored.
struct NewToken {
  std::string secret;
  std::string line;
};
// Errors: invalid_argument (name, scopes: `scopes` without `open`, pool without report), internal (no randomness).
Result<NewToken> make_token(const std::string& name, const std::vector<Scope>& scopes, const std::string& pool = {});

// "sha256:" and 64 hex digits of the token.
std::string token_hash(std::string_view token);

}  // namespace paramedic::api
