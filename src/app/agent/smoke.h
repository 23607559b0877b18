// Smoke: does a worker that serves a model really answer? A program of the operator's (a small inference, curl on its
// port) is run again and again beside one incarnation. Its first success means that the model is loaded; three misses
// in a row after that mean that it does not work any more, whatever its process and its GPU look like. What it finds is
// reported as a model. The agent's thread only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "app/agent/hook_run.h"
#include "base/clock.h"
#include "io/config/agent_config.h"

namespace paramedic::agent {

inline constexpr int kSmokeMisses = 3;

// What the tries so far say. Pure.
class SmokeState {
 public:
  explicit SmokeState(const config::SmokeHook& hook, SteadyTime began) : hook_(hook), began_(began) {}

  // Of one try. True when what is reported changed.
  bool on_try(bool good, const std::string& why, SteadyTime now);
  // Until the next one: soon while the model loads and after a miss, so that three misses are seen within seconds.
  Duration until_next() const;
  // Into the models of the report: as a model of its own, or into those that the worker tells of itself.
  void fill(Report& out) const;

 private:
  const config::SmokeHook& hook_;
  SteadyTime began_;
  std::optional<SteadyTime> ready_at_;
  int misses_ = 0;
  std::string why_;  // of the last miss
};

class Smoke {
 public:
  // `changed` is called from the loop. REQUIRES: `hook` is on and outlives this; so does `clock`.
  Smoke(boost::asio::io_context& io, const config::SmokeHook& hook, HookSubject subject, const Clock& clock,
        std::function<void()> changed);
  ~Smoke() = default;
  Smoke(const Smoke&) = delete;
  Smoke& operator=(const Smoke&) = delete;

  void fill(Report& out) const { state_.fill(out); }

 private:
  void wait(Duration d);
  void run();
  void on_result(const HookResult& result);

  boost::asio::io_context& io_;
  const config::SmokeHook& hook_;
  HookSubject subject_;
  const Clock& clock_;
  std::function<void()> changed_;
  SmokeState state_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<Smoke*> self_;  // the timer's handler holds it weakly
  std::unique_ptr<HookRun> run_;
};

}  // namespace paramedic::agent
