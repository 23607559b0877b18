#include "io/journal/segment.h"

#include <charconv>

#include <fmt/format.h>

#include "base/checksum.h"
#include "io/journal/fields.h"
#include "io/journal/input_codec.h"

namespace paramedic::journal {

PARAMEDIC_JOURNAL_FIELDS(Now, steady, wall)
PARAMEDIC_JOURNAL_FIELDS(SegmentHeader, sequence, run, first_record, build_id, config_hash, shape, at)
PARAMEDIC_JOURNAL_FIELDS(StatePart, index, count, bytes)
PARAMEDIC_JOURNAL_FIELDS(StepRecord, oldest_wait, inputs)
PARAMEDIC_JOURNAL_FIELDS(GapRecord, reason, steps, inputs, records, since)
PARAMEDIC_JOURNAL_FIELDS(ReloadRecord, config_hash)
PARAMEDIC_JOURNAL_FIELDS(AnalysisRecord, name, bytes)
template <class Coder>
void code_fields(Coder& coder, InOut<Coder, EndRecord>&) {
  coder("EndRecord", "");
}

namespace {

constexpr std::string_view kMagic{"PMINP\0\0\1", kMagicBytes};
constexpr std::size_t kMaxHeader = 4096;

// The kinds are numbered by their place in RecordBody, from 1.
constexpr std::uint8_t kInputKind = 3;
static_assert(std::is_same_v<std::variant_alternative_t<kInputKind - 1, RecordBody>, Input>);

void put32(char* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = char(value >> (8 * i));
}
std::uint32_t get32(std::string_view bytes, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out |= std::uint32_t(static_cast<std::uint8_t>(bytes[at + i])) << (8 * i);
  return out;
}

// Appends head and payload; `body` writes the payload behind what it is given.
template <class Body>
bool append_frame(std::string& out, const Body& body) {
  const std::size_t start = out.size();
  out.append(kFrameHead, '\0');
  body(out);
  const std::size_t size = out.size() - start - kFrameHead;
  if (size > kMaxPayload) {
    out.resize(start);
    return false;
  }
  put32(out.data() + start, std::uint32_t(size));
  return true;
}

template <class T>
std::optional<RecordBody> decode_body(Reader& reader) {
  T value;
  reader.get(value);
  if (!reader.done()) return std::nullopt;
  return RecordBody(std::move(value));
}

}  // namespace

std::string segment_name(std::uint64_t sequence) { return fmt::format("{:020}{}", sequence, kSegmentSuffix); }

std::optional<std::uint64_t> segment_sequence(std::string_view name) {
  constexpr std::size_t kDigits = 20;
  if (name.size() != kDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + kDigits, value);
  if (wrong != std::errc{} || end != name.data() + kDigits) return std::nullopt;
  return value;
}

bool SegmentHeader::operator==(const SegmentHeader& other) const {
  return encode_header(*this) == encode_header(other);
}

std::string encode_header(const SegmentHeader& header) {
  std::string frame;
  append_frame(frame, [&](std::string& out) { Writer(out).put(header); });
  seal_frames(frame);
  return std::string(kMagic) + frame;
}

Result<SegmentHeader> decode_header(std::string_view file, std::size_t& end) {
  if (file.size() < kMagicBytes || file.substr(0, kMagicBytes - 1) != kMagic.substr(0, kMagicBytes - 1))
    return make_error(Errc::corrupt, "it is no segment of an input journal");
  if (file[kMagicBytes - 1] != kMagic.back())
    return make_error(Errc::invalid_argument, fmt::format("its format is {}, this program reads 1",
                                                          int(static_cast<std::uint8_t>(file[kMagicBytes - 1]))));
  const Frame frame = next_frame(file, kMagicBytes);
  if (frame.state != Frame::State::good || frame.payload.size() > kMaxHeader)
    return make_error(Errc::corrupt, "its header is damaged");
  SegmentHeader header;
  Reader reader(frame.payload);
  reader.get(header);
  if (!reader.done()) return make_error(Errc::corrupt, "its header does not decode");
  end = frame.next;
  return header;
}

bool torn_header(std::string_view file) {
  if (file.find_first_not_of('\0') == file.npos || kMagic.starts_with(file)) return true;
  const auto state = file.starts_with(kMagic) ? next_frame(file, kMagicBytes).state : Frame::State::corrupt;
  return state == Frame::State::end || state == Frame::State::torn;
}

bool append_record(std::string& out, const Now& now, const RecordBody& body) {
  if (const auto* input = std::get_if<Input>(&body)) return append_input(out, now, *input);
  return append_frame(out, [&](std::string& to) {
    to += char(body.index() + 1);
    Writer writer(to);
    writer.put(now);
    std::visit(
        [&]<class T>(const T& value) {
          if constexpr (!std::is_same_v<T, Input>) writer.put(value);
        },
        body);
  });
}

bool append_input(std::string& out, const Now& now, const Input& input) {
  return append_frame(out, [&](std::string& to) {
    to += char(kInputKind);
    Writer(to).put(now);
    encode_input(to, input);
  });
}

void seal_frames(std::string& frames) {
  for (std::size_t at = 0; at + kFrameHead <= frames.size();) {
    const std::size_t size = get32(frames, at);
    const std::string_view all = frames;
    put32(frames.data() + at + 4, crc32c(all.substr(at, 4), all.substr(at + kFrameHead, size)));
    at += kFrameHead + size;
  }
}

std::optional<Record> decode_record(std::string_view payload) {
  if (payload.empty()) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(payload.front());
  Record out;
  Reader reader(payload.substr(1));
  reader.get(out.now);
  if (!reader.ok()) return std::nullopt;
  std::optional<RecordBody> body;
  switch (kind) {
    case 1:
      body = decode_body<StatePart>(reader);
      break;
    case 2:
      body = decode_body<StepRecord>(reader);
      break;
    case kInputKind:
      if (auto input = decode_input(reader.rest())) body.emplace(std::move(*input));
      break;
    case 4:
      body = decode_body<GapRecord>(reader);
      break;
    case 5:
      body = decode_body<ReloadRecord>(reader);
      break;
    case 6:
      body = decode_body<EndRecord>(reader);
      break;
    case 7:
      body = decode_body<AnalysisRecord>(reader);
      break;
    default:
      break;
  }
  if (!body) return std::nullopt;
  out.body = std::move(*body);
  return out;
}

Frame next_frame(std::string_view file, std::size_t offset) {
  using enum Frame::State;
  if (offset >= file.size()) return {end, {}, offset};
  const std::string_view rest = file.substr(offset);
  // A file system may have made the file longer and lost what belonged there.
  const bool zeros =
      rest.substr(0, kFrameHead).find_first_not_of('\0') == rest.npos && rest.find_first_not_of('\0') == rest.npos;
  if (rest.size() < kFrameHead || zeros) return {torn, {}, offset};
  const std::size_t size = get32(rest, 0);
  if (size == 0 || size > kMaxPayload) return {corrupt, {}, offset};
  if (size > rest.size() - kFrameHead) return {torn, {}, offset};
  const std::string_view payload = rest.substr(kFrameHead, size);
  const std::size_t next = offset + kFrameHead + size;
  if (crc32c(rest.substr(0, 4), payload) != get32(rest, 4)) return {next == file.size() ? torn : corrupt, {}, offset};
  return {good, payload, next};
}

}  // namespace paramedic::journal
