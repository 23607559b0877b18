// What became of one thing that was sent. Plain values.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/enum_names.h"

namespace paramedic::outgoing {

enum class SendVerdict {
  delivered,  // the other side has it
  retry,      // the same message later: no connection, timeout, 429, 5xx
  permanent   // never with this configuration or content: 4xx, wrong credential, refused recipient
};

}  // namespace paramedic::outgoing

namespace paramedic {
PARAMEDIC_ENUM_NAMES(outgoing::SendVerdict, "delivered", "retry", "permanent")
}  // namespace paramedic

namespace paramedic::outgoing {

struct SendResult {
  SendVerdict verdict = SendVerdict::retry;
  std::string answer;                   // for people: status and first words; never a secret; at most 500 bytes
  std::optional<Duration> retry_after;  // what the other side asked for
  std::string remote_id;                // its name for the message, when later ones of the story refer to it
  int http_status = 0;                  // 0 = none came
};

}  // namespace paramedic::outgoing
