// Base64, mail headers and signatures. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace paramedic::outgoing {

std::string base64(std::string_view bytes);
// With line ends (CRLF) after 76 characters and at the end: a body of MIME.
std::string base64_lines(std::string_view bytes);
// Padded standard base64. Error: invalid_argument.
Result<std::string> base64_decode(std::string_view text);

// A header value as RFC 2047 writes it, folded; plain when it is ASCII and short. `used`: length of "Subject: ".
// `phrase`: before an address, where more characters have a meaning.
std::string encoded_words(std::string_view text, std::size_t used, bool phrase = false);

std::string hmac_sha256(std::string_view key, std::string_view text);  // 32 raw bytes

}  // namespace paramedic::outgoing
