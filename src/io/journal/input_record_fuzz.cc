// Any bytes as an input, a record, a state and a whole segment: nothing crashes or takes unbounded memory, what decodes
// encodes again and comes back the same, and a frame never reaches beyond the file.
#include <cstdlib>

#include "io/journal/input_codec.h"
#include "io/journal/segment.h"

namespace {

using namespace paramedic::journal;

void check_input(std::string_view bytes) {
  const auto input = decode_input(bytes);
  if (!input) return;
  std::string once, twice;
  encode_input(once, *input);
  const auto back = decode_input(once);
  if (!back) std::abort();
  encode_input(twice, *back);
  if (once != twice) std::abort();
}

// The header is given, so that the records behind it are reached, and their checksums are made right, or nearly none
// would ever be whole.
void check_segment(std::string_view bytes) {
  std::string file = encode_header({});
  const std::size_t start = file.size();
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(bytes.size() - at, 1 + static_cast<std::uint8_t>(bytes[at]));
    std::string frame{char(size), char(size >> 8), 0, 0, 0, 0, 0, 0};
    frame += bytes.substr(at, size);
    seal_frames(frame);
    file += frame;
    at += size;
  }
  for (std::size_t at = start;;) {
    const Frame frame = next_frame(file, at);
    if (frame.state != Frame::State::good) break;
    if (frame.next <= at || frame.next > file.size()) std::abort();
    (void)decode_record(frame.payload);
    at = frame.next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_input(bytes);
  (void)decode_state(bytes);
  (void)decode_record(bytes);
  check_segment(bytes);
  std::size_t end = 0;
  if (decode_header(bytes, end) && end > bytes.size()) std::abort();
  for (std::size_t at = 0; next_frame(bytes, at).state == Frame::State::good;) at = next_frame(bytes, at).next;
  return 0;
}
