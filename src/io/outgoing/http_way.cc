#include "io/outgoing/http_way.h"

#include <algorithm>

#include "io/outgoing/answer.h"

namespace paramedic::outgoing {

namespace {

class CurlHttpWay final : public HttpWay {
 public:
  explicit CurlHttpWay(const CurlOptions& options) : client_(options) {}
  Result<HttpResponse> send(const HttpCall& call) override { return client_.send(call); }
  void cancel() override { client_.cancel(); }

 private:
  CurlClient client_;
};

std::string_view authority(std::string_view url) {
  const std::size_t from = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  return from == 0 ? std::string_view() : url.substr(from, url.find_first_of("/?#", from) - from);
}

}  // namespace

std::unique_ptr<HttpWay> curl_http_way(const CurlOptions& options) { return std::make_unique<CurlHttpWay>(options); }

CurlOptions read_http_options(ParamsReader& r) {
  CurlOptions out;
  out.cut_answer = true;
  r.read("proxy", out.proxy);
  if (!out.proxy.empty()) check_url(r, "proxy", out.proxy);
  r.read("ca_file", out.ca_file);
  r.read("tls_verify", out.verify);
  return out;
}

bool good_url(std::string_view url) {
  const std::string_view where = authority(url);
  return !where.empty() && !where.starts_with(':') && where.find('@') == where.npos && url.find('#') == url.npos &&
         std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

void check_url(ParamsReader& r, std::string_view key, const std::string& url) {
  if (!good_url(url)) r.problem(key, "must be an http or https URL without user, password, blanks and '#'");
}

std::string host_of_url(std::string_view url) { return std::string(authority(url)); }

std::string base_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string host_of_secret(const Secret& url, std::string_view fallback) {
  const auto text = url.given() ? url.read() : Result<std::string>(Error{});
  return text && good_url(*text) ? host_of_url(*text) : std::string(fallback);
}

Result<std::string> read_url(const Secret& secret) {
  auto text = secret.read();
  if (!text || good_url(*text)) return text;
  const std::string where = secret.file.empty() ? "environment variable " + secret.variable : secret.file;
  return Error{Errc::invalid_argument, where + " must hold one http or https URL and nothing else"};
}

HttpPost json_post(std::string url, std::string body) {
  HttpPost out;
  out.url = std::move(url);
  out.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  out.body = std::move(body);
  return out;
}

Exchange exchange(HttpWay& way, HttpPost post, Duration timeout, WallTime now) {
  Exchange out;
  out.secrets = std::move(post.secrets);
  add_url_secrets(post.url, out.secrets);
  if (const std::string* credential = find_header(post.headers, "Authorization")) {
    out.secrets.push_back(*credential);
    out.secrets.push_back(credential->substr(std::min(credential->size(), credential->find(' ') + 1)));
  }
  HttpCall call;
  call.method = std::move(post.method);
  call.url = std::move(post.url);
  call.headers = std::move(post.headers);
  call.body = std::move(post.body);
  call.timeout = timeout;
  call.response_limit = kMaxAnswerBytes;
  auto answer = way.send(call);
  out.result = judge(answer, now, out.secrets);
  if (answer) out.body = std::move(answer->body);
  return out;
}

}  // namespace paramedic::outgoing
