// http: an HTTP or HTTPS URL answers with a status that counts as good, 2xx unless given. The body is not read beyond
// 64 KiB; redirects are an answer, never followed.
#include <algorithm>

#include <fmt/format.h>

#include "io/net/curl/curl_client.h"
#include "io/probes/probe.h"

namespace paramedic::probes {

namespace {

constexpr std::size_t kMaxAnswer = 64u << 10;

struct Options {
  std::string method = "GET", url;
  std::vector<int> status;  // empty = 200 to 299
  CurlOptions curl;
};

std::string_view authority(std::string_view url) {
  const std::size_t from = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  return from == 0 ? std::string_view() : url.substr(from, url.find_first_of("/?#", from) - from);
}

bool good_url(std::string_view url) {
  const std::string_view where = authority(url);
  return !where.empty() && !where.starts_with(':') && where.find('@') == where.npos &&
         std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

class Http final : public Probe {
 public:
  explicit Http(Options options)
      : options_(std::move(options)),
        target_(options_.url.substr(0, options_.url.find_first_of("/?", options_.url.find("//") + 2))),
        client_(options_.curl) {}

  Result<void> run(Duration deadline) override {
    HttpCall call;
    call.method = options_.method;
    call.url = options_.url;
    // A connection that is kept would hide that no new one is taken.
    call.headers = {{"Connection", "close"}, {"Accept", "*/*"}};
    call.timeout = deadline;
    call.response_limit = kMaxAnswer;
    const auto answer = client_.send(call);
    if (!answer) return answer.error();
    const auto& wanted = options_.status;
    const bool good = wanted.empty() ? answer->status >= 200 && answer->status < 300
                                     : std::find(wanted.begin(), wanted.end(), answer->status) != wanted.end();
    if (good) return {};
    return make_error(Errc::unavailable, fmt::format("{} answered HTTP {}", target_, answer->status));
  }
  const std::string& target() const override { return target_; }
  void cancel() override { client_.cancel(); }

 private:
  const Options options_;
  const std::string target_;  // without path and query, which can carry secrets
  CurlClient client_;
};

}  // namespace

std::unique_ptr<Probe> make_http(ParamsReader& r) {
  Options o;
  r.read("url", o.url);
  if (!good_url(o.url)) r.problem("url", "must be an http or https URL without user, password, blanks and '#'");
  r.read("method", o.method);
  if (o.method != "GET" && o.method != "HEAD") r.problem("method", "must be GET or HEAD");
  const auto before = r.problems().size();
  r.read("status", o.status, 100, 599);
  if (r.has("status") && o.status.empty() && r.problems().size() == before)
    r.problem("status", "must list at least one status, as [200, 204]");
  o.curl.cut_answer = true;
  r.read("ca_file", o.curl.ca_file);
  r.read("tls_verify", o.curl.verify);
  return std::make_unique<Http>(std::move(o));
}

}  // namespace paramedic::probes
