#include "io/net/curl/curl_client.h"

#include <atomic>
#include <mutex>

#include <curl/curl.h>
#include <fmt/format.h>

namespace paramedic {

namespace {

// The one process-wide state of libcurl. Never cleaned up: other clients may live, and the process ends anyway.
void init_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

long milliseconds(Duration d) {
  return std::max(1L, long(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()));
}

struct HeaderList {
  ~HeaderList() { curl_slist_free_all(list); }
  void add(const std::string& line) {
    if (curl_slist* longer = curl_slist_append(list, line.c_str())) list = longer;
  }
  curl_slist* list = nullptr;
};

struct Reception {
  HttpResponse response;
  std::size_t limit = 0;
  bool too_large = false;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& got = *static_cast<Reception*>(user);
  const std::size_t bytes = size * count;
  if (got.response.body.size() + bytes > got.limit) {
    got.too_large = true;
    return 0;  // ends the transfer
  }
  got.response.body.append(data, bytes);
  return bytes;
}

constexpr std::size_t kMaxHeaders = 200;

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& got = *static_cast<Reception*>(user);
  std::string_view line(data, size * count);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) got.response.headers.clear();  // after "100 Continue" comes another head
  const auto colon = line.find(':');
  if (colon == line.npos || colon == 0 || got.response.headers.size() >= kMaxHeaders) return size * count;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  got.response.headers.emplace_back(line.substr(0, colon), value);
  return size * count;
}

bool has_line_end(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

// "https://host:port" of a URL: what an error may show. Path and query can carry secrets.
std::string place(std::string_view url) {
  const auto scheme = url.find("://");
  const auto from = scheme == url.npos ? 0 : scheme + 3;
  const auto end = url.find_first_of("/?#", from);
  const auto at = url.substr(0, end).rfind('@');
  return at != url.npos && at >= from ? std::string(url.substr(0, from)) + std::string(url.substr(at + 1, end - at - 1))
                                      : std::string(url.substr(0, end));
}

}  // namespace

struct CurlClient::Impl {
  explicit Impl(CurlOptions o) : options(std::move(o)) {
    init_curl();
    easy = curl_easy_init();
    multi = curl_multi_init();
  }
  ~Impl() {
    if (easy) curl_easy_cleanup(easy);
    if (multi) curl_multi_cleanup(multi);
  }

  void prepare(const HttpCall& call, Reception& got, HeaderList& headers);
  void prepare_method(const HttpCall& call);
  CURLcode perform();
  Error failed_with(CURLcode code, const HttpCall& call, const Reception& got) const;

  const CurlOptions options;
  CURL* easy = nullptr;    // keeps connection, DNS and TLS session between calls
  CURLM* multi = nullptr;  // so that cancel() can wake the wait
  std::atomic<bool> cancelled{false};
  char detail[CURL_ERROR_SIZE] = {};
};

void CurlClient::Impl::prepare_method(const HttpCall& call) {
  if (call.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (call.method == "GET" && call.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(call.body.size()));
    if (call.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  }
}

void CurlClient::Impl::prepare(const HttpCall& call, Reception& got, HeaderList& headers) {
  curl_easy_reset(easy);  // options only: connections stay
  detail[0] = 0;
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(easy, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a cancelled call does not wait for a slow name lookup
#endif
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(call.timeout));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(std::min(call.timeout, options.connect_timeout)));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "paramedic");
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.cert_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLCERT, options.cert_file.c_str());
  if (!options.key_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLKEY, options.key_file.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &got);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &got);
  for (const auto& [name, value] : call.headers) headers.add(name + ": " + value);
  headers.add("Expect:");  // curl would wait a second for "100 Continue" before a larger body
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
  prepare_method(call);
}

CURLcode CurlClient::Impl::perform() {
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) return CURLE_FAILED_INIT;
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  int running = 1;
  while (!cancelled) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) break;
    if (running == 0) {
      int left = 0;
      if (const CURLMsg* message = curl_multi_info_read(multi, &left)) result = message->data.result;
      break;
    }
    // curl knows its own deadlines and returns earlier for them; the second only bounds a lost wake-up.
    curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  curl_multi_remove_handle(multi, easy);
  return result;
}

Error CurlClient::Impl::failed_with(CURLcode code, const HttpCall& call, const Reception& got) const {
  const std::string where = place(call.url);
  const std::string why = detail[0] ? detail : curl_easy_strerror(code);
  if (cancelled) return Error{Errc::unavailable, fmt::format("{}: the call was cancelled", where)};
  if (got.too_large)
    return Error{Errc::too_large, fmt::format("{}: the answer is over {} bytes", where, call.response_limit)};
  if (code == CURLE_OPERATION_TIMEDOUT)
    return Error{Errc::timeout, fmt::format("{}: no answer within {:g} s", where, to_seconds(call.timeout))};
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return Error{Errc::invalid_argument, fmt::format("{}: not an http or https URL: {}", where, why)};
  return Error{Errc::unavailable, fmt::format("{}: {}", where, why)};
}

CurlClient::CurlClient(CurlOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
CurlClient::~CurlClient() = default;

void CurlClient::cancel() {
  impl_->cancelled = true;
  if (impl_->multi) curl_multi_wakeup(impl_->multi);
}

Result<HttpResponse> CurlClient::send(const HttpCall& call) {
  Impl& m = *impl_;
  if (!m.easy || !m.multi) return Error{Errc::internal, "libcurl cannot start: no memory"};
  for (const auto& [name, value] : call.headers)
    if (has_line_end(name) || has_line_end(value))
      return Error{Errc::invalid_argument, fmt::format("header {} holds a line end", name)};
  Reception got;
  got.limit = call.response_limit;
  HeaderList headers;
  m.prepare(call, got, headers);
  const CURLcode code = m.perform();
  // `headers` and `got` end here: nothing of the handle may point to them.
  curl_easy_setopt(m.easy, CURLOPT_HTTPHEADER, nullptr);
  if (code != CURLE_OK) return m.failed_with(code, call, got);
  long status = 0;
  curl_easy_getinfo(m.easy, CURLINFO_RESPONSE_CODE, &status);
  got.response.status = int(status);
  if (const std::string* type = find_header(got.response.headers, "Content-Type")) got.response.content_type = *type;
  return std::move(got.response);
}

}  // namespace paramedic
