#include "app/agent/smoke.h"

#include <algorithm>

#include <fmt/format.h>

namespace paramedic::agent {
namespace {

constexpr Duration kSoon = 2s;  // between tries of a model that loads, and after a miss
constexpr std::size_t kMaxWhy = 300;

}  // namespace

bool SmokeState::on_try(bool good, const std::string& why, SteadyTime now) {
  const int before = misses_;
  if (good) {
    const bool first = !ready_at_;
    if (first) ready_at_ = now;
    misses_ = 0;
    return first || before >= kSmokeMisses;
  }
  const bool new_words = !ready_at_ && why != why_;
  why_ = why.substr(0, kMaxWhy);
  if (!ready_at_) return new_words;  // it loads
  misses_ = std::min(misses_ + 1, kSmokeMisses);
  return before < kSmokeMisses && misses_ == kSmokeMisses;
}

Duration SmokeState::until_next() const {
  return !ready_at_ || misses_ > 0 ? std::min(hook_.interval, Duration{kSoon}) : hook_.interval;
}

void SmokeState::fill(Report& out) const {
  const bool failed = misses_ >= kSmokeMisses;
  if (out.models && !out.models->empty()) {
    if (!ready_at_) return;
    for (ModelPart& model : *out.models)
      if (!model.smoke_ok) model.smoke_ok = !failed;
    return;
  }
  ModelPart model;
  model.name = hook_.model;
  model.state = ready_at_ ? ModelState::ready : ModelState::loading;
  if (ready_at_) {
    model.smoke_ok = !failed;
    model.load_seconds = to_seconds(*ready_at_ - began_);
  }
  if (failed || !ready_at_) model.error = why_;
  if (!out.capabilities) out.capabilities.emplace();
  out.capabilities->models = true;
  out.models.emplace().push_back(std::move(model));
}

Smoke::Smoke(boost::asio::io_context& io, const config::SmokeHook& hook, HookSubject subject, const Clock& clock,
             std::function<void()> changed)
    : io_(io),
      hook_(hook),
      subject_(std::move(subject)),
      clock_(clock),
      changed_(std::move(changed)),
      state_(hook, clock.now().steady),
      timer_(io),
      self_(std::make_shared<Smoke*>(this)) {
  wait(std::min(hook_.interval, Duration{kSoon}));
}

void Smoke::wait(Duration d) {
  timer_.expires_after(d);
  timer_.async_wait([weak = std::weak_ptr(self_)](const boost::system::error_code& failed) {
    const auto self = weak.lock();
    if (self && !failed) (*self)->run();
  });
}

void Smoke::run() {
  const auto done = [this](const HookResult& result) { on_result(result); };
  run_ = std::make_unique<HookRun>(io_, HookCall{hook_.command, subject_, hook_.deadline, 1024}, done);
}

void Smoke::on_result(const HookResult& result) {
  std::string why = result.how_it_ended(hook_.deadline);
  if (!result.output.empty()) why += ": " + result.output;
  const bool changed = state_.on_try(result.good(), why, clock_.now().steady);
  wait(state_.until_next());
  if (changed) changed_();
}

}  // namespace paramedic::agent
