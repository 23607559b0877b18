// Signatures as Standard Webhooks wants them (standardwebhooks.com): the id that is the same for every try, the time of
// this try, and one signature per key over "id.timestamp.body". Any thread.
#pragma once
#include <optional>
#include <string>

#include "io/outgoing/http_way.h"

namespace paramedic::outgoing {

// Adds webhook-id, webhook-timestamp and, with a secret, webhook-signature to a request whose body stands. The secret
// is whsec_ and base64 of 24 to 64 bytes, or several with blanks between them while one is replaced by another; it is
// read anew and joins `request.secrets`. Error: it cannot be read or is none.
std::optional<Error> sign_standard(HttpPost& request, const std::string& id, WallTime now, const Secret& secret);

}  // namespace paramedic::outgoing
