#include "app/replay/compare.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace paramedic::replay {

namespace {

using Episodes = std::vector<const Episode*>;
using LineKey = std::tuple<EpisodeKind, std::string, std::string, std::string>;

LineKey line_key(const Episode& e) { return {e.kind, e.name, e.reason, e.pool}; }

// What two episodes must share to be the same thing. An incident's id holds its instant, a restart's too.
std::string match_key(const Episode& e) {
  return std::string(to_string(e.kind)) + '/' + (e.kind == EpisodeKind::restart ? e.name + '/' + e.worker_id : e.key);
}

struct Both {
  Episodes old_side, new_side;
};

bool same_episode(const Episode& a, const Episode& b) {
  const Episode& first = a.started_at <= b.started_at ? a : b;
  const Episode& second = &first == &a ? b : a;
  if (second.started_at - first.started_at <= kSame) return true;
  // A restart is an instant: two of them that overlap are still two.
  return a.kind != EpisodeKind::restart && (!first.ended_at || *first.ended_at >= second.started_at);
}

class Comparing {
 public:
  explicit Comparing(std::span<const Span> spans) : spans_(spans) {}

  void add(const Tally& tally, bool is_new) {
    for (const Episode* e : tally.episodes()) {
      if (!covered(e->started_at)) continue;
      Line& line = line_of(*e);
      count(*e, is_new ? line.new_side : line.old_side);
      Both& both = by_key_[match_key(*e)];
      (is_new ? both.new_side : both.old_side).push_back(e);
    }
  }

  Comparison finish() {
    for (auto& [key, both] : by_key_) match(both);
    Comparison out;
    for (auto& [key, line] : lines_) out.lines.push_back(std::move(line));
    std::stable_sort(differences_.begin(), differences_.end(),
                     [](const Difference& a, const Difference& b) { return a.at < b.at; });
    out.differences = std::move(differences_);
    return out;
  }

 private:
  bool covered(WallTime at) const {
    return std::any_of(spans_.begin(), spans_.end(), [&](const Span& s) { return at >= s.from && at <= s.to; });
  }

  Line& line_of(const Episode& e) {
    Line& line = lines_[line_key(e)];
    line.kind = e.kind;
    line.name = e.name;
    line.reason = e.reason;
    line.pool = e.pool;
    return line;
  }

  // The part of the episode that lies within the spans.
  double seconds_within(const Episode& e) const {
    Duration sum{};
    for (const Span& span : spans_) {
      const WallTime from = std::max(e.started_at, span.from), to = std::min(e.ended_at.value_or(span.to), span.to);
      if (from < to) sum += to - from;
    }
    return to_seconds(sum);
  }

  void count(const Episode& e, Counts& counts) const {
    ++counts.begun;
    const WallTime end = spans_.empty() ? WallTime{} : spans_.back().to;
    counts.ended += e.ended_at && *e.ended_at <= end;
    if (e.kind != EpisodeKind::restart) {
      counts.seconds += seconds_within(e);
      return;
    }
    counts.outcome_unknown += !e.outcome_known;
    if (!e.outcome_known || !e.ended_at || *e.ended_at > end) return;
    counts.succeeded += e.state == ActionState::succeeded;
    counts.failed += e.state == ActionState::failed || e.state == ActionState::refused;
  }

  // Both lists in the order of time; whoever has no partner is a difference.
  void match(Both& both) {
    const auto by_time = [](const Episode* a, const Episode* b) { return a->started_at < b->started_at; };
    std::stable_sort(both.old_side.begin(), both.old_side.end(), by_time);
    std::stable_sort(both.new_side.begin(), both.new_side.end(), by_time);
    std::size_t i = 0, j = 0;
    while (i < both.old_side.size() && j < both.new_side.size()) {
      const Episode &a = *both.old_side[i], &b = *both.new_side[j];
      if (same_episode(a, b)) {
        note_shift(a, b);
        ++i, ++j;
      } else if (a.started_at < b.started_at) {
        lone(a, false), ++i;
      } else {
        lone(b, true), ++j;
      }
    }
    for (; i < both.old_side.size(); ++i) lone(*both.old_side[i], false);
    for (; j < both.new_side.size(); ++j) lone(*both.new_side[j], true);
  }

  void note_shift(const Episode& a, const Episode& b) {
    Line& line = line_of(b);
    line.earlier += a.started_at - b.started_at > kAtOnce;
    line.later += b.started_at - a.started_at > kAtOnce;
  }

  void lone(const Episode& e, bool only_new) {
    Line& line = line_of(e);
    ++(only_new ? line.only_new : line.only_old);
    if (e.kind == EpisodeKind::incident) return;
    differences_.push_back(
        {only_new, e.kind, e.key, e.name, e.reason, e.pool, e.worker_id, e.started_at, e.ended_at, e.outcome_known});
  }

  std::span<const Span> spans_;
  std::map<LineKey, Line> lines_;
  std::map<std::string, Both> by_key_;
  std::vector<Difference> differences_;
};

}  // namespace

bool Comparison::same() const {
  return differences.empty() && std::none_of(lines.begin(), lines.end(), [](const Line& l) { return l.differs(); });
}

Comparison compare(const Tally& old_side, const Tally& new_side, std::span<const Span> spans) {
  Comparing comparing(spans);
  comparing.add(old_side, false);
  comparing.add(new_side, true);
  return comparing.finish();
}

}  // namespace paramedic::replay
