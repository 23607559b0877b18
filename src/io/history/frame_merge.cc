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
  for (const Frame& part : parts) rows += part.rows();
  out.at.reserve(rows);
  out.state.reserve(rows);
  out.score.reserve(rows);
  for (const Frame& part : parts) {
    out.at.insert(out.at.end(), part.at.begin(), part.at.end());
    out.state.insert(out.state.end(), part.state.begin(), part.state.end());
    out.score.insert(out.score.end(), part.score.begin(), part.score.end());
  }
  for (const SeriesId id : union_of_ids(parts)) {
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

// Sorted, of two rows of one instant the later one.
Frame merge(Frame whole) {
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

// Each rises and ends before the next one begins: the usual case.
bool in_order(const std::vector<Frame>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (!rises(parts[i].at) || (i > 0 && parts[i - 1].at.back() >= parts[i].at.front())) return false;
  return true;
}

template <class T>
std::vector<T> slice(const std::vector<T>& v, std::size_t first, std::size_t last) {
  return {v.begin() + std::ptrdiff_t(first), v.begin() + std::ptrdiff_t(last)};
}

}  // namespace

std::vector<SeriesId> union_of_ids(std::span<const Frame> parts) {
  std::vector<SeriesId> ids;
  for (const Frame& part : parts)
    for (const auto& column : part.columns) ids.push_back(column.id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

void FrameMerge::add(Frame part) {
  if (!part.empty()) parts_.push_back(std::move(part));
}

Frame FrameMerge::finish() {
  std::vector<Frame> parts = finish_parts();
  if (parts.empty()) return {};
  return parts.size() == 1 ? std::move(parts.front()) : concatenate(std::move(parts));
}

std::vector<Frame> FrameMerge::finish_parts() {
  std::vector<Frame> parts = std::exchange(parts_, {});
  if (in_order(parts)) return parts;
  if (std::all_of(parts.begin(), parts.end(), [](const Frame& p) { return rises(p.at); })) {
    // Late parts that overlap nothing; if they do, the order in which they were added decides.
    std::vector<std::size_t> order(parts.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto first = [&](std::size_t i) { return parts[i].at.front(); };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return first(a) < first(b); });
    const auto touch = [&](std::size_t a, std::size_t b) { return parts[a].at.back() >= first(b); };
    if (std::adjacent_find(order.begin(), order.end(), touch) == order.end()) {
      std::sort(parts.begin(), parts.end(), [](const Frame& a, const Frame& b) { return a.at.front() < b.at.front(); });
      return parts;
    }
  }
  std::vector<Frame> one;
  one.push_back(merge(concatenate(std::move(parts))));
  return one;
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

void cut(std::vector<Frame>& frames, std::int64_t from, std::int64_t to) {
  std::erase_if(frames, [&](const Frame& f) { return f.at.back() < from || f.at.front() > to; });
  for (Frame& frame : frames) cut(frame, from, to);
  std::erase_if(frames, [](const Frame& f) { return f.empty(); });
}

}  // namespace paramedic::history
