#include "io/outgoing/answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "io/outgoing/text_fit.h"
#include "io/wire/json_reader.h"

namespace paramedic::outgoing {

namespace {

constexpr std::size_t kMaxAnswer = 500;

bool number_at(std::string_view text, std::size_t at, std::size_t length, int& out) {
  if (text.size() < at + length) return false;
  const char* from = text.data() + at;
  const auto [end, failed] = std::from_chars(from, from + length, out);
  return failed == std::errc{} && end == from + length;
}

void replace_all(std::string& text, std::string_view what) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 3))
    text.replace(at, what.size(), "***");
}

std::string slashes_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '/' || c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

SendVerdict verdict_of_status(int status) {
  if (status >= 200 && status < 300) return SendVerdict::delivered;
  const bool later = status == 408 || status == 425 || status == 429 || status >= 500;
  return later ? SendVerdict::retry : SendVerdict::permanent;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  // "Wed, 21 Oct 2015 07:28:00 GMT": columns are fixed.
  if (text.size() != 29 || text.substr(25) != " GMT" || text.substr(3, 2) != ", ") return std::nullopt;
  const auto month = kMonths.find(text.substr(8, 3));
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  if (month == kMonths.npos || month % 3 != 0 || !number_at(text, 5, 2, day) || !number_at(text, 12, 4, year) ||
      !number_at(text, 17, 2, hour) || !number_at(text, 20, 2, minute) || !number_at(text, 23, 2, second))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month / 3 + 1)),
                                         std::chrono::day(unsigned(std::max(day, 0)))};
  const bool clock = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
  if (!date.ok() || year < 1970 || year > 2261 || !clock) return std::nullopt;
  return WallTime{std::chrono::sys_days{date}} + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<Duration> retry_after_seconds(double seconds) {
  if (!(seconds > 0) || !std::isfinite(seconds)) return std::nullopt;
  return from_seconds(std::min(seconds, to_seconds(kMaxRetryAfter)));
}

std::optional<Duration> retry_after(const HttpHeaders& headers, WallTime now) {
  const std::string* text = find_header(headers, "Retry-After");
  if (!text) return std::nullopt;
  double seconds = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (failed == std::errc{} && end == text->data() + text->size()) return retry_after_seconds(seconds);
  if (const auto date = parse_http_date(*text)) return retry_after_seconds(to_seconds(*date - now));
  return std::nullopt;
}

std::string answer_text(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    replace_all(text, secret);
    replace_all(text, percent_encode(secret));
    replace_all(text, slashes_escaped(secret));
  }
  return cut_bytes(one_line(text), kMaxAnswer);
}

void add_url_secrets(std::string_view url, std::vector<std::string>& secrets) {
  constexpr std::size_t kShort = 8;  // "services", "api" say nothing
  secrets.emplace_back(url);
  const auto scheme = url.find("://");
  const auto path = url.find('/', scheme == url.npos ? 0 : scheme + 3);
  if (path == url.npos || path + 1 >= url.size()) return;
  secrets.emplace_back(url.substr(path));
  std::string_view rest = url.substr(path + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find_first_of("/?&="), rest.size());
    if (end > kShort) secrets.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

SendResult judge(const Result<HttpResponse>& answer, WallTime now, const std::vector<std::string>& secrets) {
  SendResult out;
  if (!answer) {
    const bool never = answer.error().code == Errc::invalid_argument;  // URL, header
    out.verdict = never ? SendVerdict::permanent : SendVerdict::retry;
    out.answer = answer_text(answer.error().message, secrets);
    return out;
  }
  out.http_status = answer->status;
  out.verdict = verdict_of_status(answer->status);
  out.retry_after = out.verdict == SendVerdict::retry ? retry_after(answer->headers, now) : std::nullopt;
  std::string text = fmt::format("HTTP {} {}", answer->status, status_reason(answer->status));
  if (answer->status >= 300 && answer->status < 400) text += "; redirects are not followed: set the final address";
  if (!answer->body.empty()) text += ": " + answer->body;
  out.answer = answer_text(std::move(text), secrets);
  return out;
}

struct AnswerObject::Impl {
  wire::Document document;
  const wire::json::object* object = nullptr;

  const wire::json::value* find(std::string_view outer, std::string_view key) const {
    const wire::json::object* in = object;
    if (in && !outer.empty()) {
      const auto* nested = in->if_contains(outer);
      in = nested ? nested->if_object() : nullptr;
    }
    return in ? in->if_contains(key) : nullptr;
  }
};

AnswerObject::AnswerObject(std::string_view body) : impl_(std::make_unique<Impl>()) {
  const auto parsed = impl_->document.parse(body);
  if (parsed) impl_->object = (*parsed)->if_object();
}
AnswerObject::~AnswerObject() = default;

bool AnswerObject::is_object() const { return impl_->object; }

std::string AnswerObject::text(std::string_view key) const {
  const auto* value = impl_->find({}, key);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? cut_bytes(one_line(wire::view(*text)), kMaxAnswer) : std::string();
}

std::optional<bool> AnswerObject::boolean(std::string_view key) const {
  const auto* value = impl_->find({}, key);
  const bool* flag = value ? value->if_bool() : nullptr;
  return flag ? std::optional(*flag) : std::nullopt;
}

std::optional<double> AnswerObject::number(std::string_view key) const { return number({}, key); }

std::optional<double> AnswerObject::number(std::string_view outer, std::string_view key) const {
  const auto* value = impl_->find(outer, key);
  if (!value || !value->is_number()) return std::nullopt;
  boost::system::error_code failed;
  const double number = value->to_number<double>(failed);
  return failed ? std::nullopt : std::optional(number);
}

std::string AnswerObject::id(std::string_view outer, std::string_view key) const {
  constexpr std::size_t kMaxId = 100;
  const auto* value = impl_->find(outer, key);
  if (!value) return {};
  if (const auto* whole = value->if_int64()) return std::to_string(*whole);
  if (const auto* whole = value->if_uint64()) return std::to_string(*whole);
  const auto* text = value->if_string();
  return text && text->size() <= kMaxId ? one_line(wire::view(*text)) : std::string();
}

}  // namespace paramedic::outgoing
