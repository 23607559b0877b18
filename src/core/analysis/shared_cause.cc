#include "core/analysis/shared_cause.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_map>

namespace paramedic {

namespace {

// From the nearest cause to the vaguest. Labels of the user's own stand between queue and pool.
constexpr std::array<std::string_view, 8> kTraitOrder{"broker", "host", "gpu",     "source",
                                                      "queue",  "",     "version", "pool"};
constexpr double kImagined = 10, kImaginedIll = 0.5;
constexpr double kNearlyEqual = 0.9;

int order_of(std::string_view label) {
  const auto found = std::find(kTraitOrder.begin(), kTraitOrder.end(), label);
  return int((found == kTraitOrder.end() ? std::find(kTraitOrder.begin(), kTraitOrder.end(), "") : found) -
             kTraitOrder.begin());
}

struct Count {
  std::string_view label, value;
  int all = 0, ill = 0, fresh = 0;  // fresh = turned ill within the window and not explained yet
};

struct TraitHash {
  std::size_t operator()(const CauseTrait& t) const {
    const std::hash<std::string_view> hash;
    return hash(t.label) * 31 + hash(t.value);
  }
};
struct TraitEqual {
  bool operator()(const CauseTrait& a, const CauseTrait& b) const { return a.label == b.label && a.value == b.value; }
};
using Counts = std::unordered_map<CauseTrait, Count, TraitHash, TraitEqual>;

double lift_of(const Count& c, int ill, int all) {
  const double with = (c.ill + kImaginedIll) / (c.all + kImagined);
  const double without = (ill - c.ill + kImaginedIll) / (all - c.all + kImagined);
  return with / without;
}

// ln of the likelihood of `hit` of n, at their own share.
double log_likelihood(double hit, double n) {
  if (hit <= 0 || hit >= n) return 0;
  return hit * std::log(hit / n) + (n - hit) * std::log1p(-hit / n);
}

bool has(const CauseSubject& worker, std::string_view label, std::string_view value) {
  return std::any_of(worker.traits.begin(), worker.traits.end(),
                     [&](const CauseTrait& t) { return t.label == label && t.value == value; });
}

struct Fleet {
  std::vector<const CauseSubject*> ill;    // by id
  std::vector<const CauseSubject*> fresh;  // of them
  Counts counts;                           // of traits that ill workers have
  int all = 0;
};

// How much better two shares, with and without the trait, explain who turned ill than one share of all does. Who has
// been ill for long, or is explained by another cause, is neither well nor news.
double evidence_of(const Count& c, const Fleet& fleet) {
  const double fresh = double(fleet.fresh.size()), all = fleet.all - double(fleet.ill.size()) + fresh;
  const double with = c.all - c.ill + c.fresh, without = all - with;
  if (with <= 0 || without <= 0 || c.fresh * without <= (fresh - c.fresh) * with) return 0;
  return log_likelihood(c.fresh, with) + log_likelihood(fresh - c.fresh, without) - log_likelihood(fresh, all);
}

bool explains(const Count& c, double lift, const Fleet& fleet) {
  using Finder = SharedCauseFinder;
  if (c.fresh < Finder::kMinIll || lift < Finder::kMinLift) return false;
  if (c.fresh < Finder::kMinCover * double(fleet.fresh.size())) return false;
  const bool half = c.ill >= Finder::kMinShare * c.all;
  if (c.all == fleet.all) return half;  // nobody to compare with
  const double evidence = evidence_of(c, fleet);
  if (half) return evidence >= Finder::kMinEvidence;
  return c.ill >= Finder::kLeastShare * c.all &&
         evidence >= Finder::kStrongEvidence + std::log(double(fleet.counts.size()));
}

// The best explanation of what is fresh; null = none is good enough.
const Count* best_of(const Fleet& fleet) {
  const Count* best = nullptr;
  double best_lift = 0;
  const auto better = [&](const Count& c, double lift) {
    if (!best || lift * kNearlyEqual > best_lift) return true;
    if (lift < best_lift * kNearlyEqual) return false;
    const int order = order_of(c.label), old = order_of(best->label);
    if (order != old) return order < old;
    // Nothing may depend on the order of the table.
    return std::tie(c.label, c.value) < std::tie(best->label, best->value);
  };
  std::vector<const Count*> sorted;
  for (const auto& [trait, count] : fleet.counts) sorted.push_back(&count);
  std::sort(sorted.begin(), sorted.end(),
            [](auto* a, auto* b) { return std::tie(a->label, a->value) < std::tie(b->label, b->value); });
  for (const Count* c : sorted) {
    const double lift = lift_of(*c, int(fleet.ill.size()), fleet.all);
    if (!explains(*c, lift, fleet) || !better(*c, lift)) continue;
    best = c;
    best_lift = lift;
  }
  return best;
}

Fleet count(const std::vector<CauseSubject>& workers, const Now& now) {
  Fleet fleet;
  fleet.all = int(workers.size());
  for (const CauseSubject& w : workers) {
    if (!w.ill) continue;
    fleet.ill.push_back(&w);
    if (now.steady - w.ill_since <= SharedCauseFinder::kWindow) fleet.fresh.push_back(&w);
    for (const CauseTrait& t : w.traits) fleet.counts.try_emplace(t, Count{t.label, t.value});
  }
  const auto by_id = [](auto* a, auto* b) { return a->id < b->id; };
  std::sort(fleet.ill.begin(), fleet.ill.end(), by_id);
  std::sort(fleet.fresh.begin(), fleet.fresh.end(), by_id);
  if (fleet.ill.empty()) return fleet;
  for (const CauseSubject& w : workers)
    for (const CauseTrait& t : w.traits)
      if (const auto found = fleet.counts.find(t); found != fleet.counts.end()) {
        ++found->second.all;
        found->second.ill += w.ill;
      }
  for (const CauseSubject* w : fleet.fresh)
    for (const CauseTrait& t : w->traits) ++fleet.counts.at(t).fresh;
  return fleet;
}

void explain(Fleet& fleet, std::string_view label, std::string_view value) {
  std::erase_if(fleet.fresh, [&](const CauseSubject* w) {
    if (!has(*w, label, value)) return false;
    for (const CauseTrait& t : w->traits) --fleet.counts.at(t).fresh;
    return true;
  });
}

SharedCause make_cause(const Fleet& fleet, std::string label, std::string value) {
  SharedCause out{.label = std::move(label), .value = std::move(value)};
  const auto found = fleet.counts.find(CauseTrait{out.label, out.value});
  const Count none{};
  const Count& c = found == fleet.counts.end() ? none : found->second;
  out.ill = c.ill;
  out.all = c.all;
  out.ill_without = int(fleet.ill.size()) - c.ill;
  out.others = fleet.all - c.all;
  out.lift = lift_of(c, int(fleet.ill.size()), fleet.all);
  std::optional<SteadyTime> since;
  for (const CauseSubject* w : fleet.ill) {
    if (!has(*w, out.label, out.value)) continue;
    out.workers.emplace_back(w->id);
    if (!since || w->ill_since < *since) since = w->ill_since;
  }
  out.since = since.value_or(SteadyTime{});
  return out;
}

}  // namespace

bool may_hold_stops(const SharedCause& cause, const std::vector<CauseSubject>& workers) {
  if (cause.label == "pool" || cause.others - cause.ill_without < SharedCauseFinder::kMinIll) return false;
  if (cause.label == "host" || cause.label == "gpu") return true;
  const auto pool_of = [](const CauseSubject& w) {
    const auto found =
        std::find_if(w.traits.begin(), w.traits.end(), [](const CauseTrait& t) { return t.label == "pool"; });
    return found == w.traits.end() ? std::string_view() : found->value;
  };
  std::optional<std::string_view> pool;
  for (const CauseSubject& w : workers) {
    if (!has(w, cause.label, cause.value)) continue;
    if (pool && *pool != pool_of(w)) return true;  // of more than one pool
    pool = pool_of(w);
  }
  return std::any_of(workers.begin(), workers.end(), [&](const CauseSubject& w) {
    return pool && pool_of(w) == *pool && !has(w, cause.label, cause.value);
  });
}

void SharedCauseFinder::restore(std::string label, std::string value) {
  std::string key = SharedCause{.label = label, .value = value}.key();
  held_.insert_or_assign(std::move(key), Held{std::move(label), std::move(value)});
}

std::vector<SharedCause> SharedCauseFinder::update(const std::vector<CauseSubject>& workers, const Now& now) {
  Fleet fleet = count(workers, now);
  std::vector<SharedCause> out;
  for (auto it = held_.begin(); it != held_.end();) {
    Held& held = it->second;
    SharedCause cause = make_cause(fleet, held.label, held.value);
    held.most = std::max(held.most, cause.ill);
    const bool holds = cause.ill >= 2 && (cause.ill * 4 >= cause.all || cause.ill * 2 >= held.most);
    if (holds) {
      explain(fleet, cause.label, cause.value);
      out.push_back(std::move(cause));
    }
    it = holds ? std::next(it) : held_.erase(it);
  }
  while (int(held_.size()) < kMaxCauses) {
    const Count* best = best_of(fleet);
    if (!best) break;
    SharedCause cause = make_cause(fleet, std::string(best->label), std::string(best->value));
    explain(fleet, cause.label, cause.value);
    held_[cause.key()] = {cause.label, cause.value, cause.ill};
    out.push_back(std::move(cause));
  }
  std::sort(out.begin(), out.end(), [](const SharedCause& a, const SharedCause& b) { return a.key() < b.key(); });
  return out;
}

}  // namespace paramedic
