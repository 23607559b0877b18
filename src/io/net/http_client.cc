#include "io/net/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include "io/net/deadline.h"

namespace paramedic {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kLineLimit = 16u << 20;
constexpr std::uint32_t kHeaderLimit = 64u << 10;
using OnLine = std::function<bool(std::string_view)>;
using Parser = http::response_parser<http::string_body>;

// One call on its own little event loop, so that the timeout covers each step.
class Exchange {
 public:
  Exchange(HttpCall call, HttpUrl url, OnLine on_line)
      : call_(std::move(call)), url_(std::move(url)), on_line_(std::move(on_line)) {}

  Result<HttpResponse> run() {
    Result<HttpResponse> result = Error{Errc::internal, "the call did not run"};
    asio::co_spawn(context_, perform(), [&](const std::exception_ptr& failure, Result<HttpResponse> got) {
      result =
          failure ? Result<HttpResponse>(Error{Errc::internal, call_.url + ": the client failed"}) : std::move(got);
    });
    context_.run();
    return result;
  }

 private:
  asio::awaitable<Result<HttpResponse>> perform() {
    beast::tcp_stream stream(context_);
    stream.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(call_.timeout));
    tcp::resolver resolver(context_);
    const std::string port = std::to_string(url_.port);
    const auto [unresolved, found] =
        co_await resolver.async_resolve(url_.host, port, asio::as_tuple(asio::use_awaitable));
    if (unresolved) co_return failed_with("connect", unresolved);
    const auto [unconnected, endpoint] = co_await stream.async_connect(found, asio::as_tuple(asio::use_awaitable));
    if (unconnected) co_return failed_with("connect", unconnected);
    const auto request = make_request();
    const auto [unsent, written] = co_await http::async_write(stream, request, asio::as_tuple(asio::use_awaitable));
    // A server that refuses a large body may have answered and closed already: its answer is worth more than this
    // error.
    if (unsent == beast::error::timeout) co_return failed_with("send", unsent);
    Parser parser;
    parser.header_limit(kHeaderLimit);
    parser.body_limit(call_.response_limit);
    if (call_.method == "HEAD") parser.skip(true);
    beast::flat_buffer buffer;
    const auto [unread, count] =
        co_await http::async_read_header(stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
    if (unread) co_return failed_with("read", unread);
    const int status = parser.get().result_int();
    if (on_line_ && status >= 200 && status < 300) co_return co_await follow(stream, buffer, parser);
    const auto [cut_off, rest] = co_await http::async_read(stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
    if (cut_off) co_return failed_with("read", cut_off);
    co_return convert(parser);
  }

  asio::awaitable<Result<HttpResponse>> follow(beast::tcp_stream& stream, beast::flat_buffer& buffer, Parser& parser) {
    parser.body_limit(boost::none);
    std::string pending;
    while (true) {
      pending += parser.get().body();
      parser.get().body().clear();
      if (!hand_out_lines(pending)) co_return convert(parser);
      if (pending.size() > kLineLimit) co_return Error{Errc::too_large, call_.url + ": a line is over 16 MiB"};
      if (parser.is_done()) co_return convert(parser);
      stream.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(call_.timeout));
      const auto [failed, count] =
          co_await http::async_read_some(stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
      if (failed) co_return failed_with("read", failed);
    }
  }

  // Removes complete lines from the front of `pending`. False: the caller has had enough.
  bool hand_out_lines(std::string& pending) {
    std::size_t at = 0;
    for (std::size_t end = pending.find('\n'); end != pending.npos; end = pending.find('\n', at)) {
      std::string_view line(pending.data() + at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      at = end + 1;
      if (!on_line_(line)) return false;
    }
    pending.erase(0, at);
    return true;
  }

  http::request<http::string_body> make_request() const {
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(call_.method);
    request.target(url_.target);
    const bool ipv6 = url_.host.find(':') != std::string::npos;
    const std::string host = ipv6 ? "[" + url_.host + "]" : url_.host;
    request.set(http::field::host, url_.port == 80 ? host : fmt::format("{}:{}", host, url_.port));
    request.set(http::field::user_agent, "paramedic");
    request.set(http::field::connection, "close");
    for (const auto& [name, value] : call_.headers) request.set(name, value);
    request.body() = call_.body;
    if (!call_.body.empty() || (call_.method != "GET" && call_.method != "HEAD"))
      request.content_length(call_.body.size());
    return request;
  }

  static HttpResponse convert(Parser& parser) {
    auto message = parser.release();
    HttpResponse out;
    out.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
      const auto name = field.name_string();
      const auto value = field.value();
      out.headers.emplace_back(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
    }
    if (const std::string* type = find_header(out.headers, "Content-Type")) out.content_type = *type;
    out.body = std::move(message.body());
    return out;
  }

  Error failed_with(std::string_view step, const error_code& failed) const {
    const std::string where = fmt::format("{}:{}", url_.host, url_.port);
    if (failed == beast::error::timeout) return with_context(deadline_error(call_.timeout), where);
    if (failed == http::error::body_limit)
      return Error{Errc::too_large, fmt::format("{}: the answer is over {} bytes", call_.url, call_.response_limit)};
    if (step == "connect")
      return Error{Errc::unavailable,
                   fmt::format("cannot connect to {}: {}; is the monitor running there?", where, failed.message())};
    if (failed.category() == http::make_error_code(http::error::end_of_stream).category() &&
        failed != http::error::end_of_stream && failed != http::error::partial_message)
      return Error{Errc::corrupt, fmt::format("{} does not speak HTTP: {}", where, failed.message())};
    return Error{Errc::unavailable, fmt::format("{} broke the connection: {}", where, failed.message())};
  }

  asio::io_context context_{1};
  const HttpCall call_;
  const HttpUrl url_;
  const OnLine on_line_;
};

Result<HttpResponse> exchange(HttpCall call, OnLine on_line) {
  auto url = parse_http_url(call.url);
  if (!url) return url.error();
  return Exchange(std::move(call), std::move(*url), std::move(on_line)).run();
}

}  // namespace

Result<HttpResponse> http_request(HttpCall call) { return exchange(std::move(call), nullptr); }

Result<HttpResponse> follow_lines(HttpCall call, std::function<bool(std::string_view line)> on_line) {
  return exchange(std::move(call), std::move(on_line));
}

}  // namespace paramedic
