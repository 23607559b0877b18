// SplitPlan: how a batch that was refused goes out in parts. Receivers up to Prometheus 2.42 are all-or-nothing: one
// bad sample and nothing of the request is stored. The plan halves a refused part until the bad sample stands alone,
// always oldest part first, so that the order within each series is kept.
//
// A batch may also be bad in bulk (it was stored already, or is too old). Then halving down to single samples would
// cost two requests per sample. So: after kRow refusals in a row without one success, the size at which a refused part
// is given up doubles; any success sets it back to one. A batch of 5 000 bad samples takes about 150 requests instead
// of 10 000. After kMaxRequests every refused part is given up whole.
//   [0 1 2* 3] refused → [0 1] taken → [2* 3] refused → [2*] refused: given up → [3] taken
// Pure; one thread.
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

namespace paramedic::remote_write {

class SplitPlan {
 public:
  static constexpr int kRow = 8;
  static constexpr int kMaxRequests = 500;

  struct Part {
    std::size_t begin = 0, end = 0;
    std::size_t size() const { return end - begin; }
    auto operator<=>(const Part&) const = default;
  };

  explicit SplitPlan(std::size_t samples = 0);

  // What to send next; nothing when all is done with. Stays the same until one of the answers below.
  std::optional<Part> next() const;
  void taken();
  // The part was refused. Returns it when it is given up, nothing when its halves come next.
  std::optional<Part> refused();

  bool split() const { return refusals_ > 0; }

 private:
  std::vector<Part> parts_;     // the next one last
  std::size_t give_up_at_ = 1;  // a refused part of at most this size is not halved any more
  int in_row_ = 0, refusals_ = 0;
};

}  // namespace paramedic::remote_write
