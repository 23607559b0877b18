#include "io/net/curl/curl_mail.h"

#include <cstring>

#include <curl/curl.h>
#include <fmt/format.h>

#include "io/net/curl/curl_transfer.h"

namespace paramedic {

namespace {

constexpr std::size_t kMaxLine = 500, kMaxRefused = 10;

// What the server says, line by line.
struct Dialogue {
  std::string last;
  std::vector<std::string> refused;
};

struct Upload {
  std::string_view rest;
};

std::size_t take_line(char* data, std::size_t size, std::size_t count, void* user) {
  auto& said = *static_cast<Dialogue*>(user);
  std::string_view line(data, size * count);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.empty()) return size * count;
  // The goodbye tells nothing of the mail.
  if (!line.starts_with("221") || said.last.empty()) said.last = line.substr(0, kMaxLine);
  if ((line[0] == '4' || line[0] == '5') && said.refused.size() < kMaxRefused) said.refused.push_back(said.last);
  return size * count;
}

std::size_t give_bytes(char* to, std::size_t size, std::size_t count, void* user) {
  auto& upload = *static_cast<Upload*>(user);
  const std::size_t bytes = std::min(size * count, upload.rest.size());
  std::memcpy(to, upload.rest.data(), bytes);
  upload.rest.remove_prefix(bytes);
  return bytes;
}

struct Recipients {
  ~Recipients() { curl_slist_free_all(list); }
  void add(const std::string& address) {
    if (curl_slist* longer = curl_slist_append(list, ("<" + address + ">").c_str())) list = longer;
  }
  curl_slist* list = nullptr;
};

}  // namespace

struct CurlMail::Impl {
  explicit Impl(MailServer s) : server(std::move(s)) {
    const bool v6 = server.host.find(':') != server.host.npos;
    where = fmt::format("{}:{}", v6 ? "[" + server.host + "]" : server.host, server.port);
    // The path of the URL becomes the name in EHLO.
    url = fmt::format("{}://{}/{}", server.tls == MailTls::implicit ? "smtps" : "smtp", where, server.helo);
    options.ca_file = server.ca_file;
    options.verify = server.verify;
  }
  void prepare(const MailCall& call, const std::string& from, Recipients& to, Dialogue& said, Upload& upload);
  Error failed_with(int code, const MailCall& call) const;

  const MailServer server;
  std::string where, url;
  CurlTransfer transfer;
  TransferOptions options;
};

void CurlMail::Impl::prepare(const MailCall& call, const std::string& from, Recipients& to, Dialogue& said,
                             Upload& upload) {
  options.timeout = call.timeout;
  transfer.begin(url, options);
  void* const easy = transfer.easy();
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_USE_SSL, long(server.tls == MailTls::none ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  if (!server.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, server.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, call.password.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from.c_str());
  for (const std::string& address : call.to) to.add(address);
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to.list);
#if LIBCURL_VERSION_NUM >= 0x080200
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLOWFAILS, 1L);
#else
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
#endif
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_line);  // curl hands each reply line of the server to it
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &said);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_bytes);
  curl_easy_setopt(easy, CURLOPT_READDATA, &upload);
}

Error CurlMail::Impl::failed_with(int code, const MailCall& call) const {
  if (transfer.cancelled()) return Error{Errc::unavailable, where + ": the call was cancelled"};
  if (code == CURLE_OPERATION_TIMEDOUT)
    return Error{Errc::timeout, fmt::format("{}: no answer within {:g} s", where, to_seconds(call.timeout))};
  if (code == CURLE_USE_SSL_FAILED)
    return Error{Errc::forbidden, where + ": offers no STARTTLS; set tls: implicit or none if it is right"};
  if (code == CURLE_LOGIN_DENIED)
    return Error{Errc::unauthorized, where + ": the login was refused, or the server offers none that fits"};
  return Error{Errc::unavailable, fmt::format("{}: {}", where, transfer.why(code))};
}

CurlMail::CurlMail(MailServer server) : impl_(std::make_unique<Impl>(std::move(server))) {}
CurlMail::~CurlMail() = default;
void CurlMail::cancel() { impl_->transfer.cancel(); }

Result<MailAnswer> CurlMail::send(const MailCall& call) {
  Impl& m = *impl_;
  if (!m.transfer.ready()) return Error{Errc::internal, "libcurl cannot start: no memory"};
  Recipients to;
  Dialogue said;
  Upload upload{call.message};
  const std::string from = "<" + call.from + ">";
  m.prepare(call, from, to, said, upload);
  const int code = m.transfer.perform();
  long reply = 0;
  curl_easy_getinfo(m.transfer.easy(), CURLINFO_RESPONSE_CODE, &reply);
  curl_easy_setopt(m.transfer.easy(), CURLOPT_MAIL_RCPT, nullptr);  // it ends here
  if (code != CURLE_OK && (reply < 400 || m.transfer.cancelled() || code == CURLE_OPERATION_TIMEDOUT))
    return m.failed_with(code, call);
  MailAnswer answer;
  answer.code = int(reply);
  answer.text = std::move(said.last);
  answer.refused = std::move(said.refused);
  return answer;
}

}  // namespace paramedic
