#include "io/outgoing/encode.h"

#include <algorithm>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "io/outgoing/text_fit.h"

namespace paramedic::outgoing {

namespace {

constexpr std::size_t kLine = 76;

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, 0);
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()), int(bytes.size()));
  out.resize(std::size_t(length));
  return out;
}

std::string base64_lines(std::string_view bytes) {
  const std::string all = base64(bytes);
  std::string out;
  for (std::size_t at = 0; at < all.size(); at += kLine) out.append(all, at, kLine).append("\r\n");
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  const Error wrong{Errc::invalid_argument, "not base64"};
  const auto padding = text.size() - std::min(text.find('='), text.size());
  if (text.empty() || text.size() % 4 != 0 || padding > 2) return wrong;
  std::string out(text.size() / 4 * 3, 0);
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()), int(text.size()));
  if (length != int(out.size())) return wrong;
  out.resize(out.size() - padding);
  return out;
}

std::string encoded_words(std::string_view text, std::size_t used, bool phrase) {
  const std::string_view special = phrase ? "\"()<>[]:;@\\,=?." : "";
  const bool plain = used + text.size() <= kLine && text.find("=?") == text.npos &&
                     std::all_of(text.begin(), text.end(), [&](unsigned char c) {
                       return c >= 0x20 && c < 0x7f && special.find(char(c)) == std::string_view::npos;
                     });
  if (plain) return std::string(text);
  constexpr std::size_t kBytes = 42;  // 56 digits and "=?UTF-8?B??=" stay below 75
  std::string out, word;
  const auto flush = [&] {
    if (word.empty()) return;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(word) + "?=";
    word.clear();
  };
  const std::string valid = one_line(text);
  for (std::size_t i = 0; i < valid.size();) {
    std::size_t end = i + 1;  // of a whole character: a word must not cut one
    while (end < valid.size() && (static_cast<unsigned char>(valid[end]) & 0xC0) == 0x80) ++end;
    if (word.size() + (end - i) > kBytes) flush();
    word.append(valid, i, end - i);
    i = end;
  }
  flush();
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, 0);
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), int(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &length);
  out.resize(length);
  return out;
}

}  // namespace paramedic::outgoing
