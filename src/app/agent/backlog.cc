#include "app/agent/backlog.h"

namespace paramedic::agent {
namespace {
// What an entry costs beside its text.
constexpr std::size_t kOverhead = sizeof(Backlog::Entry) + 32;
}  // namespace

Backlog::Backlog() : Backlog(Limits{}) {}

void Backlog::push(std::string frame, SteadyTime now) {
  frame.shrink_to_fit();
  bytes_ += frame.size() + kOverhead;
  entries_.push_back(Entry{now, std::move(frame)});
  trim(now);
}

std::optional<Backlog::Entry> Backlog::pop(SteadyTime now) {
  trim(now);
  if (entries_.empty()) return std::nullopt;
  auto entry = std::move(entries_.front());
  entries_.pop_front();
  bytes_ -= entry.frame.size() + kOverhead;
  return entry;
}

void Backlog::restore(Entry entry) {
  bytes_ += entry.frame.size() + kOverhead;
  entries_.push_front(std::move(entry));
}

void Backlog::trim(SteadyTime now) {
  while (!entries_.empty() && (bytes_ > limits_.bytes || now - entries_.front().at > limits_.age)) drop_oldest();
}

void Backlog::drop_oldest() {
  bytes_ -= entries_.front().frame.size() + kOverhead;
  entries_.pop_front();
  ++dropped_;
}

}  // namespace paramedic::agent
