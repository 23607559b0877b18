// What stands in the hashes of the history on Redis (docs/formats/history-redis.md), to text and back. Pure. What
// Redis answers is not trusted: whatever this monitor could not have written is passed over, so that nobody reckons
// with numbers that are out of all bounds.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/history/chunk_store.h"
#include "io/net/redis/redis_reply.h"

namespace paramedic::history {

inline constexpr std::int64_t kMaxNumber = std::int64_t{1} << 53;        // of workers, names, log entries, chunks
inline constexpr std::int64_t kMaxInstant = 9'200'000'000'000;           // Unix ms: WallTime ends in 2262
inline constexpr std::int64_t kMaxChunkBytes = std::int64_t{512} << 20;  // of a value on Redis

// The field of a chunk: "id kind t0 t1 rows bytes".
std::string chunk_field(const ChunkHead& head);
std::optional<ChunkHead> parse_chunk_field(std::string_view field);
// A list of fields; by (t0, id).
std::vector<ChunkHead> parse_heads(const RedisReply& fields);

// 0…kMaxNumber.
std::optional<std::int64_t> parse_number(std::string_view text);
// Fields and values by turns, as HGETALL gives them; by number.
std::vector<std::pair<std::int64_t, std::string>> parse_numbered(RedisReply all);
// "at bytes" of a state of the analysis; the bytes point into `value`.
std::optional<std::pair<std::int64_t, std::string_view>> parse_state(std::string_view value);
// A list of ids from 1 on.
std::set<std::int64_t> parse_ids(const RedisReply& fields);

}  // namespace paramedic::history
