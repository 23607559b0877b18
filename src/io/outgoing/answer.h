// What other sides answer, judged. Pure; any thread. Everything here is bytes from outside: bounded, never trusted, and
// cleaned of secrets before people see it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/net/http.h"
#include "io/outgoing/send_result.h"

namespace paramedic::outgoing {

// 2xx delivered; 408, 425, 429 and 5xx retry; all others permanent, redirects too: they are not followed.
SendVerdict verdict_of_status(int status);

inline constexpr Duration kMaxRetryAfter = 24h;
// Of `Retry-After`: seconds (decimals occur) or an HTTP date. Nothing when absent, wrong or past; at most 24 h.
std::optional<Duration> retry_after(const HttpHeaders& headers, WallTime now);
std::optional<Duration> retry_after_seconds(double seconds);
// "Wed, 21 Oct 2015 07:28:00 GMT"
std::optional<WallTime> parse_http_date(std::string_view text);

// One line of at most 500 bytes, valid UTF-8, each secret as stars: also percent-encoded, or as JSON writes it.
std::string answer_text(std::string text, const std::vector<std::string>& secrets);
// What must not be shown of a URL that is a secret: itself, its path, its longer segments.
void add_url_secrets(std::string_view url, std::vector<std::string>& secrets);

SendResult judge(const Result<HttpResponse>& answer, WallTime now, const std::vector<std::string>& secrets);

// Members of a JSON object: what most services answer with. Anything else reads as an object without members.
class AnswerObject {
 public:
  explicit AnswerObject(std::string_view body);
  ~AnswerObject();
  AnswerObject(const AnswerObject&) = delete;
  bool is_object() const;
  std::string text(std::string_view key) const;  // empty when absent or no text; at most 500 bytes
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<double> number(std::string_view outer, std::string_view key) const;  // {"outer": {"key": 1}}
  std::string id(std::string_view outer, std::string_view key) const;  // a number or text as text; outer may be empty

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic::outgoing
