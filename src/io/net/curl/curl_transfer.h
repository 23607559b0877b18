// Inside io/net/curl only: one libcurl transfer at a time that any thread can cancel. What HTTP and mail share. curl's
// handles are void pointers in its own header too, which stays in the .cc files.
#pragma once
#include <atomic>
#include <string>

#include "base/clock.h"

namespace paramedic {

struct TransferOptions {
  std::string proxy;                // empty = none; proxies of the environment are ignored
  std::string unix_socket;          // path; empty = none
  std::string ca_file;              // PEM; empty = the system's certificates
  std::string cert_file, key_file;  // PEM of the client's own certificate; empty = none
  bool verify = true;
  Duration timeout = 10s, connect_timeout = 10s;
};

class CurlTransfer {
 public:
  CurlTransfer();
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  bool ready() const { return easy_ && multi_; }  // false: no memory
  void* easy() { return easy_; }
  // Forgets the options of the last transfer (its connection stays) and sets those that all share. The strings must
  // outlive the transfer.
  void begin(const std::string& url, const TransferOptions& options);
  // A CURLcode. After cancel(): CURLE_ABORTED_BY_CALLBACK within milliseconds.
  int perform();
  void cancel();  // any thread; for good
  bool cancelled() const { return cancelled_; }
  std::string why(int code) const;  // of the last transfer, in curl's words

 private:
  void* easy_;   // keeps connection, DNS and TLS session between transfers
  void* multi_;  // so that cancel() can wake the wait
  std::atomic<bool> cancelled_{false};
  std::string detail_;  // CURL_ERROR_SIZE bytes that curl writes to
};

// "https://host:port" of a URL: what an error may show. Path and query can carry secrets.
std::string place_of_url(std::string_view url);

}  // namespace paramedic
