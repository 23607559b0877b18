#include "core/analysis/shared_cause.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "core/analysis/cause_odds.h"

namespace paramedic {

namespace {

// From the nearest cause to the vaguest. Labels of the user's own stand between queue and pool.
constexpr std::array<std::string_view, 8> kTraitOrder{"broker", "host", "gpu",     "source",
                                                      "queue",  "",     "version", "pool"};
constexpr double kImagined = 10, kImaginedIll = 0.5;

int order_of(std::string_view label) {
  const auto found = std::find(kTraitOrder.begin(), kTraitOrder.end(), label);
  return int((found == kTraitOrder.end() ? std::find(kTraitOrder.begin(), kTraitOrder.end(), "") : found) -
             kTraitOrder.begin());
}

struct Count {
  std::string_view label, value;
  int all = 0, ill = 0, fresh = 0;  // fresh = turned ill within the window and not explained yet
  std::uint64_t members = 0;        // sum of the hashes of their ids: the same = the same workers
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

bool has(const CauseSubject& worker, std::string_view label, std::string_view value) {
  return std::any_of(worker.traits.begin(), worker.traits.end(),
                     [&](const CauseTrait& t) { return t.label == label && t.value == value; });
}

struct Fleet {
  std::vector<const CauseSubject*> ill;    // by id
  std::vector<const CauseSubject*> fresh;  // of them
  Counts counts;                           // of all traits; empty when nobody is ill
  int all = 0;

  // Who has been ill for long, or is explained by another cause, is neither well nor news.
  int fresh_all() const { return all - int(ill.size() - fresh.size()); }
};

// One explanation: a trait, with all that exactly the same workers have. They cannot be told apart; the nearest is
// told.
struct Explanation {
  const Count* nearest = nullptr;
  double weight = 0;
};

bool nearer(const Count& a, const Count& b) {
  return std::tuple(order_of(a.label), a.label, a.value) < std::tuple(order_of(b.label), b.label, b.value);
}

// Those that could be told from "everybody", and that somebody fresh has; nothing may depend on the order of the table.
std::vector<const Count*> suspects_of(const Fleet& fleet) {
  std::vector<const Count*> out;
  for (const auto& [trait, c] : fleet.counts)
    if (c.fresh > 0 && c.all < fleet.all) out.push_back(&c);
  std::sort(out.begin(), out.end(), [](auto* a, auto* b) { return nearer(*a, *b); });
  return out;
}

// ln of the weight of each suspect: how well it fits, divided by the labels, and by the values of its own.
std::vector<double> ln_weights(const std::vector<const Count*>& suspects, const Fleet& fleet) {
  std::map<std::string_view, int> values;
  for (const auto& [trait, c] : fleet.counts) ++values[c.label];
  std::vector<double> out;
  for (const Count* c : suspects)
    out.push_back(ln_fit_of_trait({c->fresh, c->all - c->ill + c->fresh, int(fleet.fresh.size()), fleet.fresh_all()}) -
                  std::log(double(values.size()) * values.at(c->label)));
  return out;
}

// What a statement says must be true whatever the odds are.
bool may_be_told(const Count& c, const Fleet& fleet) {
  using Finder = SharedCauseFinder;
  return c.fresh >= Finder::kMinIll && c.fresh >= Finder::kMinCover * double(fleet.fresh.size()) &&
         c.ill >= Finder::kLeastShare * c.all && lift_of(c, int(fleet.ill.size()), fleet.all) >= Finder::kMinLift;
}

const Count* nearest_of_everybody(const Fleet& fleet) {
  const Count* out = nullptr;
  for (const auto& [trait, c] : fleet.counts)
    if (c.all == fleet.all && c.ill >= SharedCauseFinder::kMinShare * c.all && (!out || nearer(c, *out))) out = &c;
  return out;
}

// The explanation of what is fresh that outweighs all others together; null = none does.
const Count* best_of(const Fleet& fleet) {
  const int fresh = int(fleet.fresh.size());
  if (fresh < SharedCauseFinder::kMinIll) return nullptr;
  const double chance = ln_fit_of_chance(fresh, fleet.fresh_all());
  const double everybody = ln_fit_of_everybody(fresh, fleet.fresh_all());
  const std::vector<const Count*> suspects = suspects_of(fleet);
  const std::vector<double> weights = ln_weights(suspects, fleet);
  double top = std::max(chance, everybody);
  for (const double w : weights) top = std::max(top, w);
  double sum = std::exp(chance - top) + std::exp(everybody - top);
  std::map<std::pair<std::uint64_t, int>, Explanation> same;
  for (std::size_t i = 0; i < suspects.size(); ++i) {
    Explanation& e = same[{suspects[i]->members, suspects[i]->all}];
    if (!e.nearest) e.nearest = suspects[i];  // they come sorted
    e.weight += std::exp(weights[i] - top);
    sum += std::exp(weights[i] - top);
  }
  if (std::exp(everybody - top) >= SharedCauseFinder::kSure * sum) return nearest_of_everybody(fleet);
  for (const auto& [key, e] : same)
    if (e.weight >= SharedCauseFinder::kSure * sum) return may_be_told(*e.nearest, fleet) ? e.nearest : nullptr;
  return nullptr;
}

Fleet count(const std::vector<CauseSubject>& workers, const Now& now) {
  Fleet fleet;
  fleet.all = int(workers.size());
  for (const CauseSubject& w : workers) {
    if (!w.ill) continue;
    fleet.ill.push_back(&w);
    if (now.steady - w.ill_since <= SharedCauseFinder::kWindow) fleet.fresh.push_back(&w);
  }
  const auto by_id = [](auto* a, auto* b) { return a->id < b->id; };
  std::sort(fleet.ill.begin(), fleet.ill.end(), by_id);
  std::sort(fleet.fresh.begin(), fleet.fresh.end(), by_id);
  if (fleet.ill.empty()) return fleet;
  for (const CauseSubject& w : workers)
    for (const CauseTrait& t : w.traits) {
      Count& c = fleet.counts.try_emplace(t, Count{t.label, t.value}).first->second;
      ++c.all;
      c.ill += w.ill;
      c.members += std::hash<std::string_view>()(w.id);
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
