// Feeds arbitrary bytes in pieces of arbitrary size, as the network may.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "io/net/request_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using paramedic::RequestParser;
  constexpr std::size_t kHeaderLimit = 512, kBodyLimit = 256;
  const RequestParser::BodyLimit body_limit = [](std::string_view, std::string_view) { return kBodyLimit; };
  RequestParser parser(kHeaderLimit, body_limit);
  const std::size_t piece = data[0] + 1u;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  std::size_t begin = 0, end = 0;
  while (true) {
    auto step = RequestParser::Step::need_more;
    if (begin < end) begin += parser.feed(bytes.substr(begin, end - begin), step);
    if (step == RequestParser::Step::failed) return parser.problem_status() >= 400 ? 0 : (std::abort(), 0);
    if (step == RequestParser::Step::complete) {
      const paramedic::HttpRequest& request = parser.request();
      if (request.body.size() > kBodyLimit || (request.path[0] != '/' && request.path != "*")) std::abort();
      (void)paramedic::split_path(request.path);
      (void)paramedic::parse_query(request.query);
      parser.reset();
      continue;
    }
    if (end == bytes.size()) return 0;
    end = std::min(end + piece, bytes.size());
  }
}
