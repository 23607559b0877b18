#include "io/history/frame_merge.h"

#include <iterator>
#include <limits>
#include <numeric>

namespace paramedic::history {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  if (to.empty())
    to = std::move(from);
  else
    to.insert(to.end(), from.begin(), from.end());
}

// Both lists are sorted by id; the result holds each id once, padded where one side lacks it.
std::vector<FrameColumn> append_columns(std::vector<FrameColumn> a, std::size_t a_rows, std::vector<FrameColumn> b,
                                        std::size_t b_rows) {
  std::vector<FrameColumn> out;
  out.reserve(std::max(a.size(), b.size()));
  std::size_t i = 0, k = 0;
  while (i < a.size() || k < b.size()) {
    const bool left = i < a.size() && (k == b.size() || a[i].id <= b[k].id);
    const bool right = k < b.size() && (i == a.size() || b[k].id <= a[i].id);
    FrameColumn column;
    if (left)
      column = std::move(a[i++]);
    else
      column.values.assign(a_rows, kNone);
    if (right) {
      column.id = b[k].id;
      append(column.values, std::move(b[k++].values));
    } else {
      column.values.resize(a_rows + b_rows, kNone);
    }
    out.push_back(std::move(column));
  }
  return out;
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
  if (part.empty()) return;
  const std::size_t before = whole_.rows(), more = part.rows();
  whole_.columns = append_columns(std::move(whole_.columns), before, std::move(part.columns), more);
  append(whole_.at, std::move(part.at));
  append(whole_.state, std::move(part.state));
  append(whole_.score, std::move(part.score));
}

Frame FrameMerge::finish() {
  auto& at = whole_.at;
  const bool in_order = std::adjacent_find(at.begin(), at.end(), std::greater_equal<>()) == at.end();
  if (!in_order) {
    std::vector<std::uint32_t> order(at.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return at[a] < at[b]; });
    std::vector<std::uint32_t> kept;
    for (std::size_t i = 0; i < order.size(); ++i)
      if (i + 1 == order.size() || at[order[i]] != at[order[i + 1]]) kept.push_back(order[i]);
    for (auto& column : whole_.columns) pick(column.values, kept);
    pick(whole_.state, kept);
    pick(whole_.score, kept);
    pick(whole_.at, kept);
  }
  return std::exchange(whole_, Frame{});
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
