#include "core/alerting/silences.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace paramedic {

Result<void> Silences::add(Silence silence) {
  if (silence.matchers.empty())
    return make_error(Errc::invalid_argument, "a silence needs a matcher: one of everything is never meant");
  if (silence.ends_at <= silence.starts_at)
    return make_error(Errc::invalid_argument, "a silence must end after it starts");
  auto matchers = CompiledMatchers::compile(silence.matchers);
  if (!matchers) return matchers.error();
  if (entries_.size() >= kMax && !contains(silence.id))
    return make_error(Errc::too_many, fmt::format("there are {} silences already; end some that are not needed", kMax));
  if (patterns_ + matchers->patterns() > kMaxPatterns)
    return make_error(Errc::too_many,
                      fmt::format("all silences together may hold {} regular expressions; write label=value where it "
                                  "is enough, or end some",
                                  kMaxPatterns));
  patterns_ += matchers->patterns();
  std::string id = silence.id;
  entries_.insert_or_assign(std::move(id), Entry{std::move(silence), std::move(*matchers)});
  return {};
}

void Silences::restore(const std::vector<Silence>& silences, WallTime now) {
  for (const Silence& silence : silences)
    if (!silence.over(now)) (void)add(silence);
  (void)sweep(now);
}

Result<Silence> Silences::end(std::string_view id, std::string by, WallTime now) {
  const auto it = entries_.find(id);
  if (it == entries_.end())
    return make_error(Errc::not_found, fmt::format("no silence '{}' is there, or it is over", id));
  Silence ended = std::move(it->second.silence);
  patterns_ -= it->second.matchers.patterns();
  entries_.erase(it);
  ended.ended_at = now;
  ended.ended_by = std::move(by);
  return ended;
}

bool Silences::sweep(WallTime now) {
  std::vector<std::string> active;
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (it->second.silence.over(now)) {
      patterns_ -= it->second.matchers.patterns();
      it = entries_.erase(it);
      continue;
    }
    if (it->second.silence.active(now)) active.push_back(it->first);
    ++it;
  }
  const bool changed = active != active_;
  active_ = std::move(active);
  return changed;
}

bool Silences::mutes(const Labels& labels, WallTime now) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& e) { return e.second.silence.active(now) && e.second.matchers.match(labels); });
}

std::optional<WallTime> Silences::next_edge(WallTime now) const {
  std::optional<WallTime> next;
  for (const auto& [id, e] : entries_)
    for (const WallTime t : {e.silence.starts_at, e.silence.ends_at})
      if (t > now && (!next || t < *next)) next = t;
  return next;
}

std::vector<Silence> Silences::list() const {
  std::vector<Silence> out;
  for (const auto& [id, e] : entries_) out.push_back(e.silence);
  std::sort(out.begin(), out.end(), [](const Silence& a, const Silence& b) {
    return std::tie(a.starts_at, a.id) < std::tie(b.starts_at, b.id);
  });
  return out;
}

}  // namespace paramedic
