#include "io/net/curl/curl_transfer.h"

#include <mutex>

#include <curl/curl.h>

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

}  // namespace

std::string place_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  const auto from = scheme == url.npos ? 0 : scheme + 3;
  const auto end = url.find_first_of("/?#", from);
  const auto at = url.substr(0, end).rfind('@');
  return at != url.npos && at >= from ? std::string(url.substr(0, from)) + std::string(url.substr(at + 1, end - at - 1))
                                      : std::string(url.substr(0, end));
}

CurlTransfer::CurlTransfer() : easy_(nullptr), multi_(nullptr), detail_(CURL_ERROR_SIZE, '\0') {
  init_curl();
  easy_ = curl_easy_init();
  multi_ = curl_multi_init();
}

CurlTransfer::~CurlTransfer() {
  if (easy_) curl_easy_cleanup(easy_);
  if (multi_) curl_multi_cleanup(multi_);
}

void CurlTransfer::begin(const std::string& url, const TransferOptions& o) {
  curl_easy_reset(easy_);  // options only: connections stay
  detail_[0] = 0;
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, detail_.data());
  curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy_, CURLOPT_PROXY, o.proxy.c_str());
  if (!o.unix_socket.empty()) curl_easy_setopt(easy_, CURLOPT_UNIX_SOCKET_PATH, o.unix_socket.c_str());
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);  // a cancelled call does not wait for a slow name lookup
#endif
  curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, milliseconds(o.timeout));
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(std::min(o.timeout, o.connect_timeout)));
  if (!o.ca_file.empty()) curl_easy_setopt(easy_, CURLOPT_CAINFO, o.ca_file.c_str());
  if (!o.cert_file.empty()) curl_easy_setopt(easy_, CURLOPT_SSLCERT, o.cert_file.c_str());
  if (!o.key_file.empty()) curl_easy_setopt(easy_, CURLOPT_SSLKEY, o.key_file.c_str());
  if (!o.verify) {
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

int CurlTransfer::perform() {
  if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) return CURLE_FAILED_INIT;
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  int running = 1;
  while (!cancelled_) {
    if (curl_multi_perform(multi_, &running) != CURLM_OK) break;
    if (running == 0) {
      int left = 0;
      if (const CURLMsg* message = curl_multi_info_read(multi_, &left)) result = message->data.result;
      break;
    }
    // curl knows its own deadlines and returns earlier for them; the second only bounds a lost wake-up.
    curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
  }
  curl_multi_remove_handle(multi_, easy_);
  return result;
}

void CurlTransfer::cancel() {
  cancelled_ = true;
  if (multi_) curl_multi_wakeup(multi_);
}

std::string CurlTransfer::why(int code) const {
  return detail_[0] ? detail_.c_str() : curl_easy_strerror(static_cast<CURLcode>(code));
}

}  // namespace paramedic
