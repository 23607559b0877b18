#include "io/journal/input_codec.h"

#include "base/ids.h"
#include "io/journal/fields.h"

namespace paramedic::journal {

namespace {

// The first byte of an input. Never used again for another type; its place in the variant may change.
template <class T>
constexpr std::uint8_t kTag = 0;
template <>
constexpr std::uint8_t kTag<ReportInput> = 1;
template <>
constexpr std::uint8_t kTag<SourceInput> = 2;
template <>
constexpr std::uint8_t kTag<SourceFrameInput> = 3;
template <>
constexpr std::uint8_t kTag<ProgressInput> = 4;
template <>
constexpr std::uint8_t kTag<AgentStartInput> = 5;
template <>
constexpr std::uint8_t kTag<CommandInput> = 6;
template <>
constexpr std::uint8_t kTag<LedgerStateInput> = 7;
template <>
constexpr std::uint8_t kTag<DeliveryInput> = 8;
template <>
constexpr std::uint8_t kTag<ShutdownInput> = 9;
template <>
constexpr std::uint8_t kTag<ProbeInput> = 10;

template <class>
struct Alternatives;
template <class... T>
struct Alternatives<std::variant<T...>> {
  static constexpr bool tagged() { return ((kTag<T> != 0) && ...); }
  static constexpr bool distinct() {
    const std::uint8_t tags[] = {kTag<T>...};
    for (std::size_t i = 0; i < std::size(tags); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (tags[i] == tags[k]) return false;
    return true;
  }
  // Default value of the alternative with this tag.
  static std::optional<Input> make(std::uint8_t tag) {
    std::optional<Input> out;
    (void)((kTag<T> == tag ? (out.emplace(std::in_place_type<T>), true) : false) || ...);
    return out;
  }
  static void describe(Shape& shape, std::string& out) {
    (((out += std::to_string(kTag<T>)) += ' ', shape.describe<T>(), out += '\n'), ...);
  }
};

static_assert(Alternatives<Input>::tagged(), "a new alternative of Input needs a tag here and its fields in fields.h");
static_assert(Alternatives<Input>::distinct());

}  // namespace

void encode_input(std::string& out, const Input& input) {
  std::visit(
      [&]<class T>(const T& value) {
        out += char(kTag<T>);
        Writer(out).put(value);
      },
      input);
}

std::optional<Input> decode_input(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  auto out = Alternatives<Input>::make(static_cast<std::uint8_t>(bytes.front()));
  if (!out) return out;
  Reader reader(bytes.substr(1));
  std::visit([&](auto& value) { reader.get(value); }, *out);
  if (!reader.done()) out.reset();
  return out;
}

std::string encode_state(const LedgerState& state) {
  std::string out;
  Writer(out).put(state);
  return out;
}

std::optional<LedgerState> decode_state(std::string_view bytes) {
  std::optional<LedgerState> out(std::in_place);
  Reader reader(bytes);
  reader.get(*out);
  if (!reader.done()) out.reset();
  return out;
}

std::string describe_inputs() {
  std::string out;
  Shape shape(out);
  Alternatives<Input>::describe(shape, out);
  shape.describe<LedgerState>();
  return out;
}

std::uint64_t shape_of_inputs() {
  static const std::uint64_t hash = stable_hash(describe_inputs());
  return hash;
}

}  // namespace paramedic::journal
