// Rows of all workers lie in one log in the order of their arrival; each row points back to the one before it of the
// same worker. So a write costs one append and no index, and a read of one worker visits only its rows. Every 128th row
// of a worker is an anchor that points to the anchor before it and knows the oldest instant of the rows in between, so
// that a read far in the past leaps over what is newer. Late rows stand where they arrived; two bounds keep that right:
//   newest of a row = latest instant of this worker up to it: below `from`, nothing earlier in the chain can be wanted;
//   oldest of an anchor = earliest instant since the anchor before: above `to`, nothing in its segment is wanted.
// Pure; ids and instants (Unix milliseconds) are plain integers. 0 = none.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace paramedic::history {

inline constexpr int kAnchorEvery = 128;

// Columns of one row.
struct Link {
  std::int64_t prev = 0;               // id minus the id of the row before
  std::int64_t anchor = 0;             // id minus the id of the anchor before
  std::int64_t lead = 0;               // newest so far minus this row's instant
  std::optional<std::int64_t> oldest;  // set = this row is an anchor
};

// The end of one worker's chain.
struct ChainHead {
  std::int64_t worker = 0;  // its number in the worker table
  std::int64_t last = 0;
  std::int64_t anchor = 0;
  std::int64_t count = 0;  // rows since the anchor
  std::int64_t newest = std::numeric_limits<std::int64_t>::min();
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max();  // since the anchor

  Link append(std::int64_t id, std::int64_t at) {
    newest = std::max(newest, at);
    oldest = std::min(oldest, at);
    Link link{last ? id - last : 0, anchor ? id - anchor : 0, newest - at, std::nullopt};
    if (++count >= kAnchorEvery) {
      link.oldest = oldest;
      anchor = id;
      count = 0;
      oldest = std::numeric_limits<std::int64_t>::max();
    }
    last = id;
    return link;
  }
};

struct ChainStep {
  bool wanted = false;    // this row lies within [from, to]
  std::int64_t next = 0;  // id of the next row to look at; 0 = done
};
inline ChainStep walk(std::int64_t id, std::int64_t at, const Link& link, std::int64_t from, std::int64_t to) {
  if (at + link.lead < from) return {};
  const bool leap = link.oldest && *link.oldest > to;
  const std::int64_t back = leap ? link.anchor : link.prev;
  return {at >= from && at <= to, back > 0 ? id - back : 0};
}

}  // namespace paramedic::history
