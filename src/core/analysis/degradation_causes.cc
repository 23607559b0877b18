#include "core/analysis/degradation_causes.h"

#include <algorithm>

namespace paramedic {

namespace {
constexpr std::size_t kGroups = 4;         // per scope; the ones with the least evidence are not looked at
constexpr std::size_t kBlamedWorkers = 2;  // more bad workers than that are the host's or version's matter
constexpr std::size_t kSameEvent = 3;      // blocks
constexpr std::size_t kWaitBlocks = 6;
constexpr double kMostOfPool = 0.5;

class Blame {
 public:
  Blame(const TaskJudge& judge, const TaskWindows& windows, std::vector<TaskCandidate> changed)
      : judge_(judge), windows_(windows) {
    // What was stated stays the first choice; then the most certain.
    std::stable_sort(changed.begin(), changed.end(), [](const TaskCandidate& a, const TaskCandidate& b) {
      return a.held != b.held ? a.held : a.evidence > b.evidence;
    });
    for (TaskCandidate& c : changed) {
      auto& list = of(c.subject.scope);
      if (c.subject.scope == DegradationScope::worker || list.size() < kGroups) list.push_back(std::move(c));
    }
  }

  std::vector<TaskCandidate> result() {
    wait_for_others();
    for (auto* groups : {&versions_, &hosts_})
      std::erase_if(*groups, [&](const TaskCandidate& g) { return explained_by_workers(g); });
    versions_against_hosts();
    pool_against_rest();
    std::vector<TaskCandidate> out;
    for (auto* list : {&pool_, &versions_, &hosts_, &workers_})
      std::move(list->begin(), list->end(), std::back_inserter(out));
    return out;
  }

 private:
  std::vector<TaskCandidate>& of(DegradationScope scope) {
    switch (scope) {
      case DegradationScope::pool:
        return pool_;
      case DegradationScope::version:
        return versions_;
      case DegradationScope::host:
        return hosts_;
      case DegradationScope::worker:
        break;
    }
    return workers_;
  }

  bool has(const TaskSubject& group, const TaskCandidate& worker) const {
    const auto found = windows_.workers().find(worker.subject.worker);
    return found != windows_.workers().end() && group.has(found->first, found->second);
  }

  // A group shows itself later than its worst worker, and later than the pool that it moves. So for half an hour a new
  // worker is not named when the others of its version or host moved, too, nor the pool when one part might be all.
  void wait_for_others() {
    std::erase_if(workers_, [&](const TaskCandidate& w) {
      return !w.held && w.blocks < kWaitBlocks && (with_others(w, versions_, false) || with_others(w, hosts_, true));
    });
    if (!pool_.empty() && !pool_.front().held && pool_.front().blocks < kWaitBlocks &&
        judge_.one_might_be_all(pool_.front()))
      pool_.clear();
  }

  // Its group is no candidate (else the two are compared), but the rest of it moved.
  bool with_others(const TaskCandidate& w, const std::vector<TaskCandidate>& fired, bool host) const {
    const WorkerWindow& window = windows_.workers().find(w.subject.worker)->second;
    TaskCandidate group = w;
    group.subject = {
        host ? DegradationScope::host : DegradationScope::version, host ? window.host : window.version, {}};
    const bool listed = std::any_of(fired.begin(), fired.end(), [&](auto& c) { return c.subject == group.subject; });
    if (group.subject.number == 0 || listed) return false;
    return judge_.may_be_shared(group, w.subject);
  }

  // Either the group falls, or its workers do.
  bool explained_by_workers(const TaskCandidate& group) {
    std::vector<TaskCandidate> worst;
    bool held = false;
    for (const TaskCandidate& w : workers_)
      if (worst.size() < kBlamedWorkers && has(group.subject, w)) {
        worst.push_back(w);
        held = held || w.held;
      }
    if (worst.empty()) return false;
    const bool alone = judge_.sums(group.subject).workers <= worst.size();
    const bool same = worst.size() == 1 && (held || (!group.held && !judge_.is_new(group.subject)));
    const bool workers = alone ? same : judge_.is_only(group, worst);
    if (!workers) std::erase_if(workers_, [&](const TaskCandidate& w) { return has(group.subject, w); });
    return workers;
  }

  void versions_against_hosts() {
    for (auto v = versions_.begin(); v != versions_.end();) {
      bool version_falls = false;
      for (auto h = hosts_.begin(); h != hosts_.end();) {
        const bool by_host = judge_.is_only(*v, std::span(&*h, 1));
        const bool by_version = judge_.is_only(*h, std::span(&*v, 1));
        const bool prefer_version = v->held || (!h->held && judge_.is_new(v->subject));
        const bool host_falls = by_version && (!by_host || prefer_version);
        version_falls = version_falls || (by_host && !host_falls);
        h = host_falls ? hosts_.erase(h) : std::next(h);
      }
      v = version_falls ? versions_.erase(v) : std::next(v);
    }
  }

  void pool_against_rest() {
    if (pool_.empty()) return;
    const TaskCandidate& pool = pool_.front();
    std::vector<TaskCandidate> rest;
    double tasks = 0;
    for (const auto* list : {&versions_, &hosts_, &workers_})
      for (const TaskCandidate& c : *list) {
        rest.push_back(c);
        tasks += c.reading.tasks * double(pool.blocks) / double(c.blocks);
      }
    if (rest.empty()) return;
    const bool many = rest.size() > 1 && tasks > kMostOfPool * pool.reading.tasks;
    if (!many && judge_.is_only(pool, rest)) return pool_.clear();
    for (auto* list : {&versions_, &hosts_, &workers_})
      std::erase_if(*list, [&](const TaskCandidate& c) {
        return c.blocks + kSameEvent >= pool.blocks && pool.blocks + kSameEvent >= c.blocks;
      });
  }

  const TaskJudge& judge_;
  const TaskWindows& windows_;
  std::vector<TaskCandidate> pool_, versions_, hosts_, workers_;
};
}  // namespace

std::vector<TaskCandidate> causes_of(const TaskJudge& judge, const TaskWindows& windows,
                                     std::vector<TaskCandidate> changed) {
  if (changed.empty()) return changed;
  return Blame(judge, windows, std::move(changed)).result();
}

}  // namespace paramedic
