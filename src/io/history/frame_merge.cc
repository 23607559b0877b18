#include "io/history/frame_merge.h"

#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

namespace paramedic::history {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// One after the other; a column holds NaN where a part lacks it.
Frame concatenate(std::vector<Frame> parts) {
  Frame out;
  std::size_t rows = 0;
  std::vector<SeriesId> ids;
  for (const Frame& part : parts) {
    rows += part.rows();
    for (const auto& column : part.columns) ids.push_back(column.id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  out.at.reserve(rows);
  out.state.reserve(rows);
  out.score.reserve(rows);
  for (const Frame& part : parts) {
    out.at.insert(out.at.end(), part.at.begin(), part.at.end());
    out.state.insert(out.state.end(), part.state.begin(), part.state.end());
    out.score.insert(out.score.end(), part.score.begin(), part.score.end());
  }
  for (const SeriesId id : ids) {
    FrameColumn& column = out.columns.emplace_back(FrameColumn{id, {}});
    column.values.reserve(rows);
    for (const Frame& part : parts) {
      if (const FrameColumn* from = part.find(id))
        column.values.insert(column.values.end(), from->values.begin(), from->values.end());
      else
        column.values.resize(column.values.size() + part.rows(), kNone);
    }
  }
  return out;
}

bool rises(const std::vector<std::int64_t>& at) {
  return std::adjacent_find(at.begin(), at.end(), std::greater_equal<>()) == at.end();
}

template <class T>
void pick(std::vector<T>& values, const std::vector<std::uint32_t>& order) {
  std::vector<T> out;
  out.reserve(order.size());
  for (const std::uint32_t i : order) out.push_back(values[i]);
  values = std::move(out);
}

template <class T>
std::vector<T> slice(const std::vector<T>& v, std::size_t first, std::size_t last) {
  return {v.begin() + std::ptrdiff_t(first), v.begin() + std::ptrdiff_t(last)};
}

}  // namespace

void FrameMerge::add(Frame part) {
  if (!part.empty()) parts_.push_back(std::move(part));
}

Frame FrameMerge::finish() {
  std::vector<Frame> parts = std::exchange(parts_, {});
  if (parts.empty()) return {};
  // The usual case: sorted parts that do not overlap, if not written in the order of their time.
  const auto touch = [](const Frame& a, const Frame& b) { return a.at.back() >= b.at.front(); };
  if (std::all_of(parts.begin(), parts.end(), [](const Frame& p) { return rises(p.at); })) {
    if (parts.size() == 1) return std::move(parts.front());
    std::vector<const Frame*> by_time;
    for (const Frame& part : parts) by_time.push_back(&part);
    std::sort(by_time.begin(), by_time.end(), [](auto* a, auto* b) { return a->at.front() < b->at.front(); });
    if (std::adjacent_find(by_time.begin(), by_time.end(), [&](auto* a, auto* b) { return touch(*a, *b); }) ==
        by_time.end()) {
      std::sort(parts.begin(), parts.end(), [](const Frame& a, const Frame& b) { return a.at.front() < b.at.front(); });
      return concatenate(std::move(parts));
    }
  }
  Frame whole = concatenate(std::move(parts));
  const auto& at = whole.at;
  std::vector<std::uint32_t> order(at.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return at[a] < at[b]; });
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < order.size(); ++i)
    if (i + 1 == order.size() || at[order[i]] != at[order[i + 1]]) kept.push_back(order[i]);
  for (auto& column : whole.columns) pick(column.values, kept);
  pick(whole.state, kept);
  pick(whole.score, kept);
  pick(whole.at, kept);
  return whole;
}

Frame part_of(const Frame& frame, std::int64_t from, std::int64_t to) {
  const auto first = std::size_t(std::lower_bound(frame.at.begin(), frame.at.end(), from) - frame.at.begin());
  const auto last =
      std::max(first, std::size_t(std::lower_bound(frame.at.begin(), frame.at.end(), to) - frame.at.begin()));
  Frame out;
  out.at = slice(frame.at, first, last);
  out.state = slice(frame.state, first, last);
  out.score = slice(frame.score, first, last);
  for (const auto& column : frame.columns) out.columns.push_back({column.id, slice(column.values, first, last)});
  return out;
}

void cut(Frame& frame, std::int64_t from, std::int64_t to) {
  if (frame.empty() || (frame.at.front() >= from && frame.at.back() <= to)) return;
  frame = part_of(frame, from, to == std::numeric_limits<std::int64_t>::max() ? to : to + 1);
}

}  // namespace paramedic::history
