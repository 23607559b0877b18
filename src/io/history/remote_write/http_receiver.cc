// The receiver at the other end of a URL.
#include <cerrno>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "io/history/remote_write/remote_write.h"
#include "io/net/curl/curl_client.h"

namespace paramedic::remote_write {

namespace {

constexpr std::size_t kMaxCredential = 64u << 10;
constexpr std::size_t kMaxAnswer = 256u << 10;  // receivers say a sentence

// The first line of a credential file.
Result<std::string> read_credential(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  if (!file) return errno_error(fmt::format("cannot read {} {}", key, path), errno);
  std::string text(kMaxCredential, 0);
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(std::size_t(file.gcount()));
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.empty()) return Error{Errc::invalid_argument, fmt::format("{} {} is empty", key, path)};
  return text;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? std::uint8_t(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

class HttpReceiver final : public Receiver {
 public:
  explicit HttpReceiver(const DestinationOptions& options)
      : options_(options),
        client_({.ca_file = options.ca_file, .cert_file = options.cert_file, .key_file = options.key_file}) {}

  Result<HttpResponse> post(std::string body) override {
    HttpCall call{.method = "POST", .url = options_.url, .body = std::move(body), .timeout = options_.timeout};
    call.response_limit = kMaxAnswer;
    call.headers = {{"Content-Encoding", "snappy"},
                    {"Content-Type", "application/x-protobuf"},
                    {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
    for (const auto& [name, value] : options_.headers) call.headers.emplace_back(name, value);
    if (!options_.bearer_token_file.empty()) {
      const auto token = read_credential(options_.bearer_token_file, "bearer_token_file");
      if (!token) return token.error();
      call.headers.emplace_back("Authorization", "Bearer " + *token);
    } else if (!options_.username.empty()) {
      const auto password = read_credential(options_.password_file, "password_file");
      if (!password) return password.error();
      call.headers.emplace_back("Authorization", "Basic " + base64(options_.username + ":" + *password));
    }
    return client_.send(call);
  }
  void cancel() override { client_.cancel(); }

 private:
  const DestinationOptions options_;
  CurlClient client_;
};

}  // namespace

std::unique_ptr<Receiver> make_http_receiver(const DestinationOptions& options) {
  return std::make_unique<HttpReceiver>(options);
}

}  // namespace paramedic::remote_write
