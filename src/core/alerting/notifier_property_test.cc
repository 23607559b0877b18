// Random edges, acknowledgements, silences, outcomes and restarts: what must hold whatever happens.
#include <rapidcheck/gtest.h>

#include "core/alerting/notifier_harness.h"

namespace paramedic {
namespace {

constexpr Duration kWait = 500ms;

PostOffice office() {
  NotifierConfig c = PostOffice::simple({"chat", "mail", "pager"});
  c.routes[0].channels = {"chat", "mail"};
  c.routes[0].group_wait = kWait;
  c.routes[0].failover = {"pager"};
  Route child = c.routes[0];
  child.name = "by pool";
  child.matchers = *CompiledMatchers::compile({*parse_matcher("pool=b")});
  child.group_by = {"pool"};
  c.routes[0].children = {1};
  c.routes.push_back(child);
  c.storm_incidents = 6;
  PostOffice p(std::move(c));
  p.deliver = false;
  return p;
}

std::string worker(int i) { return "w" + std::to_string(i); }
std::string pool(int i) { return i % 2 ? "a" : "b"; }

bool silenced(const PostOffice& p, const Alert& a, WallTime now) {
  return std::any_of(p.silences.begin(), p.silences.end(), [&](const auto& s) {
    return s.second.active(now) && (*CompiledMatchers::compile(s.second.matchers)).match(labels_of(a));
  });
}

// One random thing that happens.
void act(PostOffice& p) {
  const int who = *rc::gen::inRange(0, 12);
  const std::string key = "worker/" + worker(who) + "/heartbeat/silent";
  switch (*rc::gen::inRange(0, 10)) {
    case 0:
    case 1:
    case 2:
      return p.state(p.alert(worker(who), *rc::gen::element(Severity::warning, Severity::critical), {}, pool(who)));
    case 3:
    case 4:
      return p.resolve_key(key, *rc::gen::element(std::string("recovered"), std::string("gone")));
    case 5:
      p.silence({"worker_id=" + worker(who)}, std::chrono::seconds(*rc::gen::inRange(1, 900)),
                std::chrono::seconds(*rc::gen::inRange(0, 60)));
      return;
    case 6:
      if (p.firing.contains(key)) p.command(*rc::gen::element(Verb::acknowledge, Verb::unacknowledge), key);
      return;
    case 7:
      return p.restart();
    default:
      if (p.sent.empty()) return;
      const std::string id = p.sent[std::size_t(*rc::gen::inRange(0, int(p.sent.size())))].id;
      p.outcome(id, *rc::gen::element(DeliveryState::tried, DeliveryState::delivered, DeliveryState::delivered,
                                      DeliveryState::failed));
  }
}

RC_GTEST_PROP(NotifierProperty, nobody_silenced_is_told_everybody_else_is_and_every_story_ends, ()) {
  PostOffice p = office();
  std::map<std::string, std::string> content;  // message id → what it says
  std::size_t seen = 0;
  const auto look = [&] {
    for (; seen < p.sent.size(); ++seen) {
      const Notification& n = p.sent[seen];
      const auto [it, fresh] = content.try_emplace(n.id, n.channel + n.group_key + n.title + n.text);
      RC_ASSERT(it->second == n.channel + n.group_key + n.title + n.text);
      if (!fresh) continue;  // sent again after a restart, when it was decided before
      if (n.kind == NotificationKind::resolved) continue;
      const bool failed_over = n.channel == "pager";  // decided before, for a channel that failed
      for (const Alert& a : n.alerts)
        if (a.state == AlertState::firing && !failed_over) {
          RC_LOG() << to_string(n.kind) << " to " << n.channel << ": " << n.title << ", " << a.key << ", sequence "
                   << n.sequence << "\n";
          RC_ASSERT(!silenced(p, a, n.at));  // when it was decided
        }
    }
  };
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    act(p);
    p.settle();
    look();
    const Duration d = std::chrono::milliseconds(*rc::gen::element(0, 100, 1000, 60'000, 400'000));
    const SteadyTime end = p.clock.now().steady + d;
    while (p.clock.now().steady < end) {
      p.pass(std::min<Duration>(end - p.clock.now().steady, 1s));
      look();
    }
  }
  // Everybody who fires and is not silenced is told within the wait: in some open story, by its latest record.
  p.pass(kWait + 1ms);
  look();
  std::set<std::string> told;
  for (const Notification& n : p.sent)
    for (const Alert& a : n.alerts) told.insert(a.key + n.group_key);
  for (const auto& [key, a] : p.firing) {
    if (silenced(p, a, p.clock.now().wall)) continue;
    const bool in_a_story = std::any_of(p.groups.begin(), p.groups.end(), [&](const auto& g) {
      const auto& labels = g.second.labels;
      const bool by_pool = !labels.empty() && labels[0].first == "pool" && labels[0].second == a.pool;
      return g.second.open && (by_pool || g.second.incident_id == a.incident_id || g.second.storm);
    });
    RC_ASSERT(in_a_story);
  }
  // Then all ends: nothing stays open, and everybody who heard of a story hears its end.
  const auto firing = p.firing;
  for (const auto& [key, a] : firing) p.resolve_key(key);
  p.settle();
  p.pass(2h);
  for (const auto& [key, g] : p.groups) RC_ASSERT(!g.open);
  std::set<std::string> heard, ended;
  for (const Notification& n : p.sent) {
    heard.insert(n.group_key + n.channel);
    if (n.kind == NotificationKind::resolved) ended.insert(n.group_key + n.channel);
  }
  for (const std::string& story : heard) RC_ASSERT(ended.contains(story));
}

}  // namespace
}  // namespace paramedic
