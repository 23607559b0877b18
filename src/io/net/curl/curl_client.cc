#include "io/net/curl/curl_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include "io/net/curl/curl_transfer.h"

namespace paramedic {

namespace {

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
  bool cut = false;  // keep the first `limit` bytes of a larger body
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& got = *static_cast<Reception*>(user);
  const std::size_t bytes = size * count;
  if (got.response.body.size() + bytes > got.limit) {
    got.too_large = true;
    if (got.cut) got.response.body.append(data, got.limit - got.response.body.size());
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

}  // namespace

struct CurlClient::Impl {
  explicit Impl(CurlOptions o) : options(std::move(o)) {}

  void prepare(const HttpCall& call, Reception& got, HeaderList& headers);
  void prepare_method(const HttpCall& call);
  Error failed_with(int code, const HttpCall& call, const Reception& got) const;

  const CurlOptions options;
  CurlTransfer transfer;
  TransferOptions transfer_options;
};

void CurlClient::Impl::prepare_method(const HttpCall& call) {
  void* const easy = transfer.easy();
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
  transfer_options.proxy = options.proxy;
  transfer_options.unix_socket = options.unix_socket;
  transfer_options.ca_file = options.ca_file;
  transfer_options.cert_file = options.cert_file;
  transfer_options.key_file = options.key_file;
  transfer_options.verify = options.verify;
  transfer_options.timeout = call.timeout;
  transfer_options.connect_timeout = options.connect_timeout;
  transfer.begin(call.url, transfer_options);
  void* const easy = transfer.easy();
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "paramedic");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &got);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &got);
  for (const auto& [name, value] : call.headers) headers.add(name + ": " + value);
  headers.add("Expect:");  // curl would wait a second for "100 Continue" before a larger body
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
  prepare_method(call);
}

Error CurlClient::Impl::failed_with(int code, const HttpCall& call, const Reception& got) const {
  const std::string where = place_of_url(call.url);
  const std::string why = transfer.why(code);
  if (transfer.cancelled()) return Error{Errc::unavailable, fmt::format("{}: the call was cancelled", where)};
  if (got.too_large)
    return Error{Errc::too_large, fmt::format("{}: the answer is over {} bytes", where, call.response_limit)};
  if (code == CURLE_OPERATION_TIMEDOUT)
    return Error{Errc::timeout, fmt::format("{}: no answer within {:g} s", where, to_seconds(call.timeout))};
  // Of an http URL "unsupported protocol" speaks of the answer: whoever listens there does not speak HTTP.
  const bool http = call.url.starts_with("http://") || call.url.starts_with("https://");
  if (code == CURLE_URL_MALFORMAT || (code == CURLE_UNSUPPORTED_PROTOCOL && !http))
    return Error{Errc::invalid_argument, fmt::format("{}: not an http or https URL: {}", where, why)};
  return Error{Errc::unavailable, fmt::format("{}: {}", where, why)};
}

CurlClient::CurlClient(CurlOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
CurlClient::~CurlClient() = default;

void CurlClient::cancel() { impl_->transfer.cancel(); }

Result<HttpResponse> CurlClient::send(const HttpCall& call) {
  Impl& m = *impl_;
  if (!m.transfer.ready()) return Error{Errc::internal, "libcurl cannot start: no memory"};
  for (const auto& [name, value] : call.headers)
    if (has_line_end(name) || has_line_end(value))
      return Error{Errc::invalid_argument, fmt::format("header {} holds a line end", name)};
  Reception got;
  got.limit = call.response_limit;
  got.cut = m.options.cut_answer;
  HeaderList headers;
  m.prepare(call, got, headers);
  const int code = m.transfer.perform();
  // `headers` and `got` end here: nothing of the handle may point to them.
  curl_easy_setopt(m.transfer.easy(), CURLOPT_HTTPHEADER, nullptr);
  const bool cut = got.too_large && got.cut && !m.transfer.cancelled();
  if (code != CURLE_OK && !cut) return m.failed_with(code, call, got);
  long status = 0;
  curl_easy_getinfo(m.transfer.easy(), CURLINFO_RESPONSE_CODE, &status);
  got.response.status = int(status);
  if (const std::string* type = find_header(got.response.headers, "Content-Type")) got.response.content_type = *type;
  return std::move(got.response);
}

}  // namespace paramedic
