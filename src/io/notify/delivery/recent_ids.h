// RecentIds: a set of ids in bounded memory; the oldest ones are forgotten. One thread at a time.
#pragma once
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>

namespace paramedic::notify {

class RecentIds {
 public:
  explicit RecentIds(std::size_t max) : max_(max) {}
  bool contains(const std::string& id) const { return ids_.contains(id); }
  std::size_t size() const { return ids_.size(); }
  void insert(const std::string& id) {
    if (!ids_.insert(id).second) return;
    order_.push_back(id);
    if (order_.size() <= max_) return;
    ids_.erase(order_.front());
    order_.pop_front();
  }

 private:
  const std::size_t max_;
  std::unordered_set<std::string> ids_;
  std::deque<std::string> order_;  // the same ids, oldest first
};

}  // namespace paramedic::notify
