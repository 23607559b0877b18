#include "io/history/redis_fields.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "io/history/codec/chunk.h"

namespace paramedic::history {

std::string chunk_field(const ChunkHead& h) {
  return fmt::format("{} {} {} {} {} {}", h.id, std::int64_t(h.kind), h.t0, h.t1, h.rows, h.bytes);
}

std::optional<ChunkHead> parse_chunk_field(std::string_view field) {
  std::int64_t n[6];
  for (int i = 0; i < 6; ++i) {
    const auto blank = i < 5 ? field.find(' ') : field.size();
    if (blank == field.npos) return std::nullopt;
    const auto one = redis_number(field.substr(0, blank));
    if (!one) return std::nullopt;
    n[i] = *one;
    field.remove_prefix(std::min(blank + 1, field.size()));
  }
  const auto in = [&](int i, std::int64_t low, std::int64_t high) { return n[i] >= low && n[i] <= high; };
  if (!in(0, 1, kMaxNumber) || !in(1, 0, std::int64_t(Kind::hours)) || !in(2, -kMaxInstant, kMaxInstant) ||
      !in(3, n[2], kMaxInstant) || !in(4, 1, std::int64_t(kMaxRows)) || !in(5, 0, kMaxChunkBytes))
    return std::nullopt;
  return ChunkHead{n[0], Kind(n[1]), n[2], n[3], n[4], n[5]};
}

std::vector<ChunkHead> parse_heads(const RedisReply& fields) {
  std::vector<ChunkHead> out;
  for (const RedisReply& field : fields.items)
    if (const auto head = parse_chunk_field(field.text)) out.push_back(*head);
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return std::tie(a.t0, a.id) < std::tie(b.t0, b.id); });
  return out;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  const auto number = redis_number(text);
  return number && *number >= 0 && *number <= kMaxNumber ? number : std::nullopt;
}

std::vector<std::pair<std::int64_t, std::string>> parse_numbered(RedisReply all) {
  std::vector<std::pair<std::int64_t, std::string>> out;
  for (std::size_t i = 0; i + 1 < all.items.size(); i += 2)
    if (const auto no = parse_number(all.items[i].text)) out.emplace_back(*no, std::move(all.items[i + 1].text));
  std::sort(out.begin(), out.end());
  return out;
}

std::set<std::int64_t> parse_ids(const RedisReply& fields) {
  std::set<std::int64_t> out;
  for (const RedisReply& field : fields.items)
    if (const auto id = parse_number(field.text); id && *id > 0) out.insert(*id);
  return out;
}

std::optional<std::pair<std::int64_t, std::string_view>> parse_state(std::string_view value) {
  const std::size_t blank = value.find(' ');
  if (blank == value.npos) return std::nullopt;
  const auto at = redis_number(value.substr(0, blank));
  if (!at || *at < -kMaxInstant || *at > kMaxInstant) return std::nullopt;
  return std::pair{*at, value.substr(blank + 1)};
}

}  // namespace paramedic::history
