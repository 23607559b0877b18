// One HTTP call to another side and the verdict over its answer: the same policy for channels and executors.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/net/curl/curl_client.h"
#include "io/outgoing/secret.h"
#include "io/outgoing/send_result.h"

namespace paramedic::outgoing {

// A way out, replaced by tests. send() from one thread at a time, cancel() from any.
class HttpWay {
 public:
  virtual ~HttpWay() = default;
  virtual Result<HttpResponse> send(const HttpCall& call) = 0;
  virtual void cancel() = 0;
};
std::unique_ptr<HttpWay> curl_http_way(const CurlOptions& options);

// `proxy`, `ca_file`, `tls_verify`.
CurlOptions read_http_options(ParamsReader& r);
// An http or https URL without credentials, blanks and fragment.
bool good_url(std::string_view url);
void check_url(ParamsReader& r, std::string_view key, const std::string& url);
// "hooks.slack.com" of "https://hooks.slack.com/services/…", "localhost:8080"; empty when it is no URL.
std::string host_of_url(std::string_view url);
// Without trailing slashes.
std::string base_url(std::string url);
// The host that a secret URL names now, or `fallback` when it cannot be read yet.
std::string host_of_secret(const Secret& url, std::string_view fallback);
// A secret URL, read anew. Error: invalid_argument, never showing it.
Result<std::string> read_url(const Secret& secret);

inline constexpr std::size_t kMaxAnswerBytes = 64u << 10;

struct HttpPost {
  std::string method = "POST";
  std::string url;
  HttpHeaders headers;
  std::string body;
  std::vector<std::string> secrets;  // further ones than the URL's path and the Authorization header
};
// Sent and judged by the policy that all share (answer.h); kinds with a language of their own look at `body` again.
struct Exchange {
  SendResult result;
  std::string body;  // of the answer; untrusted, at most kMaxAnswerBytes
  std::vector<std::string> secrets;
};

Exchange exchange(HttpWay& way, HttpPost post, Duration timeout, WallTime now);
HttpPost json_post(std::string url, std::string body);

}  // namespace paramedic::outgoing
