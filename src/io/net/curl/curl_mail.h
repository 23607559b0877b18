// Blocking SMTP client over libcurl. One client = one server; its connection is kept between mails. send() from one
// thread at a time, cancel() from any. The password never travels in clear: with `starttls` a server that does not
// offer it is refused.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/enum_names.h"
#include "base/result.h"

namespace paramedic {

enum class MailTls { starttls, implicit, none };
PARAMEDIC_ENUM_NAMES(MailTls, "starttls", "implicit", "none")

struct MailServer {
  std::string host;
  std::uint16_t port = 587;
  MailTls tls = MailTls::starttls;
  std::string helo;      // our name in EHLO; empty = the host's
  std::string username;  // empty = no AUTH
  std::string ca_file;   // PEM; empty = the system's certificates
  bool verify = true;
};

struct MailCall {
  std::string password;
  std::string from;             // bare addresses, "a@b"
  std::vector<std::string> to;  // one refused recipient does not fail the others
  std::string message;          // headers and body with CRLF line ends; dots are doubled here
  Duration timeout = 10s;
};

struct MailAnswer {
  int code = 0;                      // the last reply's: 250; 4yz try again; 5yz never
  std::string text;                  // its line
  std::vector<std::string> refused;  // replies with 4yz or 5yz on the way, at most ten
};

class CurlMail {
 public:
  explicit CurlMail(MailServer server);
  ~CurlMail();
  CurlMail(const CurlMail&) = delete;
  CurlMail& operator=(const CurlMail&) = delete;

  // A refusal that came as a reply is a success here: the caller judges its code. Errors: unauthorized (no way to log
  // in), forbidden (no STARTTLS offered), unavailable (no connection, certificate, cancelled), timeout.
  Result<MailAnswer> send(const MailCall& call);
  void cancel();  // ends the running send() within milliseconds and refuses all later ones

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic
