// RESP2, the protocol of Redis and Valkey: commands to bytes, bytes to replies. hiredis formats and parses; this adds
// the bounds that an untrusted peer needs and hides its types. Not for several threads at once.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paramedic {

struct RedisReply {
  enum class Kind { nil, status, error, integer, text, array };
  Kind kind = Kind::nil;
  std::string text;  // of status, error and text; any bytes
  std::int64_t integer = 0;
  std::vector<RedisReply> items;  // of array

  bool is_nil() const { return kind == Kind::nil; }
  bool is_error() const { return kind == Kind::error; }
};

// Name and arguments, any bytes: {"HSET", key, field, value}.
using RedisCommand = std::vector<std::string>;

// The bytes of one command. Errors: invalid_argument (no name), too_large (over 256 MiB).
Result<std::string> encode_redis(const RedisCommand& command);

// An error reply in our words. The code follows the reply's first word: unauthorized (NOAUTH, WRONGPASS), forbidden
// (NOPERM), not_found (NOSCRIPT), unavailable (what passes or a person can cure: LOADING, READONLY, OOM, MISCONF,
// MOVED …), else invalid_argument.
// Says what helps where that is known.
Error redis_error(const RedisReply& reply);

// A reply that must be a list. Error: corrupt.
Result<RedisReply> redis_list(Result<RedisReply> reply);
// The whole text as a decimal number.
std::optional<std::int64_t> redis_number(std::string_view text);

struct RedisReplyLimits {
  std::size_t reply_bytes = 64u << 20;  // of one whole reply
  std::size_t items = 200'000;          // elements of all arrays of one reply
};

// Takes bytes as they come and gives whole replies. After an error the connection is of no use any more.
class RedisReplyReader {
 public:
  explicit RedisReplyReader(RedisReplyLimits limits = {});
  ~RedisReplyReader();
  RedisReplyReader(const RedisReplyReader&) = delete;
  RedisReplyReader& operator=(const RedisReplyReader&) = delete;

  // Error: too_large. REQUIRES: next() was called until it wanted more.
  Result<void> feed(std::string_view bytes);
  // Nothing = more bytes are needed. Error: corrupt (not RESP2, nested too deeply, a list over the limit).
  Result<std::optional<RedisReply>> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paramedic
