// Blocking HTTP and HTTPS client over libcurl for what the monitor sends out (remote write, notifications;
// docs/decisions/007). One client = one connection that is kept alive between calls. send() from one thread at a time;
// cancel() from any thread. Certificates are verified unless the operator says otherwise. Redirects are never followed:
// a credential must not travel to a host that nobody configured. Proxies of the environment are ignored.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "io/net/http_client.h"

namespace paramedic {

struct CurlOptions {
  std::string ca_file;              // PEM; empty = the system's certificates
  std::string cert_file, key_file;  // PEM of the client's own certificate, for mutual TLS; empty = none
  std::string proxy;                // "http://proxy:3128"; empty = none
  std::string unix_socket;          // path: all calls go there, whatever host the URL names; empty = none
  bool verify = true;               // the server's certificate and name
  bool cut_answer = false;          // true: of a too large answer the first bytes are returned, instead of too_large
  Duration connect_timeout = 10s;   // name lookup, TCP and TLS; never longer than the call's timeout
};

class CurlClient {
 public:
  explicit CurlClient(CurlOptions options);
  ~CurlClient();
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  // Any status is a success here: the caller judges it. Errors: invalid_argument (URL), unavailable (no connection,
  // broken connection, certificate, cancelled), timeout, too_large (answer over call.response_limit). Each names host
  // and cause, never a credential.
  Result<HttpResponse> send(const HttpCall& call);
  // Ends the running send() within milliseconds and refuses all later ones.
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
