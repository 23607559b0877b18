#include "io/net/request_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

namespace paramedic {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

namespace {

constexpr std::size_t kFirstBodyReserve = 64u << 10;  // never trust a Content-Length with more memory than this
constexpr std::size_t kKeptBodyBytes = 4u << 10;      // capacity an idle connection may keep

// "http://host/path?query" → "/path?query"; other targets unchanged.
std::string_view origin_form(std::string_view target) {
  if (target.starts_with('/') || target == "*") return target;
  const auto scheme = target.find("://");
  if (scheme == target.npos) return target;
  const auto slash = target.find('/', scheme + 3);
  return slash == target.npos ? std::string_view("/") : target.substr(slash);
}

}  // namespace

struct RequestParser::Impl {
  // Lives for one message: Beast parsers cannot be reused.
  class Message final : public http::basic_parser<true> {
   public:
    Message(Impl& owner, std::size_t limit) : owner_(owner) {
      header_limit(static_cast<std::uint32_t>(limit));
      eager(true);
    }

   private:
    void on_request_impl(http::verb, string_view method, string_view target, int version, error_code& ec) override {
      owner_.on_request_line({method.data(), method.size()}, {target.data(), target.size()}, version);
      body_limit(owner_.body_limit(owner_.request.method, owner_.request.path));
      if (owner_.request.path[0] != '/' && owner_.request.path != "*")
        ec = owner_.refuse(400, "the request target must begin with '/'");
    }
    void on_field_impl(http::field name, string_view text, string_view value, error_code& ec) override {
      if (owner_.header_done) return;  // trailers: nothing uses them, and they must not look like headers
      ec = owner_.on_header(name, {text.data(), text.size()}, {value.data(), value.size()});
    }
    void on_header_impl(error_code& ec) override {
      owner_.header_done = true;
      owner_.keep_alive = keep_alive();
      if (owner_.request.version == 11 && owner_.hosts != 1)
        ec = owner_.refuse(400, "an HTTP/1.1 request needs exactly one Host header");
    }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
      if (length) owner_.request.body.reserve(std::min<std::size_t>(*length, kFirstBodyReserve));
    }
    std::size_t on_body_impl(string_view text, error_code&) override {
      owner_.request.body.append(text.data(), text.size());
      return text.size();
    }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view text, error_code&) override {
      owner_.request.body.append(text.data(), text.size());
      return text.size();
    }
    void on_finish_impl(error_code&) override {}
    // Needed to be concrete only: requests have no status line.
    void on_response_impl(int, string_view, int, error_code&) override {}

    Impl& owner_;
  };

  Impl(std::size_t limit, const BodyLimit& body) : header_limit(limit), body_limit(body) {}

  void on_request_line(std::string_view method, std::string_view target, int version) {
    request.method = method;
    request.target = target;
    const std::string_view origin = origin_form(target);
    const auto mark = std::min(origin.find('?'), origin.size());
    request.path = origin.substr(0, mark);
    request.query = origin.substr(std::min(mark + 1, origin.size()));
    request.version = version;
    if (request.path.empty()) request.path = "?";  // refused by the caller as any path without '/'
  }

  error_code on_header(http::field field, std::string_view name, std::string_view value) {
    if (request.headers.size() == kMaxHeaderFields)
      return refuse(431, fmt::format("the request has more than {} header fields", kMaxHeaderFields));
    request.headers.emplace_back(name, value);
    if (field == http::field::host) ++hosts;
    if (field == http::field::expect) expects_continue = same_header_name(value, "100-continue");
    if (field == http::field::upgrade) wants_upgrade = same_header_name(value, "websocket");
    // Beast ignores an unknown coding; taken for "no body" it would let a second request hide in the first.
    if (field == http::field::transfer_encoding && !same_header_name(value, "chunked"))
      return refuse(501, "the only transfer encoding understood is 'chunked'");
    return {};
  }

  error_code refuse(int with, std::string why) {
    status = with;
    problem = std::move(why);
    return http::make_error_code(http::error::bad_value);
  }

  void explain(const error_code& ec) {
    if (status != 0) return;
    status = 400;
    if (ec == http::error::header_limit) {
      status = 431;
      problem = fmt::format("request line and headers are over the limit of {} bytes", header_limit);
    } else if (ec == http::error::body_limit) {
      status = 413;
      problem = fmt::format("the body is over the limit of {} bytes for this path; send smaller batches",
                            body_limit(request.method, request.path));
    } else {
      problem = "the request is not valid HTTP/1.1: " + ec.message();
    }
  }

  const std::size_t header_limit;
  const BodyLimit& body_limit;
  HttpRequest request;
  bool header_done = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool wants_upgrade = false;
  int hosts = 0;
  int status = 0;
  std::string problem;
  std::optional<Message> message;
};

RequestParser::RequestParser(std::size_t header_limit, const BodyLimit& body_limit)
    : impl_(std::make_unique<Impl>(header_limit, body_limit)) {}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view data, Step& step) {
  if (!impl_->message) impl_->message.emplace(*impl_, impl_->header_limit);
  error_code ec;
  const std::size_t taken = impl_->message->put(boost::asio::const_buffer(data.data(), data.size()), ec);
  step = Step::need_more;
  if (ec && ec != http::error::need_more) {
    impl_->explain(ec);
    step = Step::failed;
  } else if (!ec && impl_->message->is_done()) {
    step = Step::complete;
  } else if (impl_->header_done && data.size() - taken > impl_->header_limit) {
    impl_->refuse(400, "a chunk header or the trailer is too long");
    step = Step::failed;
  }
  return taken;
}

void RequestParser::reset() {
  impl_->message.reset();
  HttpRequest& request = impl_->request;
  request.headers.clear();
  if (request.body.capacity() > kKeptBodyBytes)
    request.body = std::string();
  else
    request.body.clear();
  impl_->header_done = impl_->keep_alive = impl_->expects_continue = impl_->wants_upgrade = false;
  impl_->hosts = impl_->status = 0;
}

bool RequestParser::started() const { return impl_->message.has_value(); }
bool RequestParser::header_done() const { return impl_->header_done; }
bool RequestParser::keep_alive() const { return impl_->keep_alive; }
bool RequestParser::expects_continue() const { return impl_->expects_continue && impl_->request.version == 11; }
bool RequestParser::wants_upgrade() const { return impl_->wants_upgrade; }
HttpRequest& RequestParser::request() { return impl_->request; }
int RequestParser::problem_status() const { return impl_->status; }
const std::string& RequestParser::problem() const { return impl_->problem; }

}  // namespace paramedic
