#include "model/verdict.h"

namespace paramedic {

std::shared_ptr<const Verdict> no_verdict() {
  static const auto kNone = std::make_shared<const Verdict>();
  return kNone;
}

}  // namespace paramedic
