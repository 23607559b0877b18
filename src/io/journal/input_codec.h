// One input of the engine as bytes, and back: lossless, so that a replay is exact (docs/formats/inputs.md). Pure; any
// thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/effects.h"
#include "model/input.h"

namespace paramedic::journal {

void encode_input(std::string& out, const Input& input);
// Nothing when the bytes are not exactly one input. Memory stays within a small multiple of the bytes.
std::optional<Input> decode_input(std::string_view bytes);

// What Engine::restore was given.
std::string encode_state(const LedgerState& state);
std::optional<LedgerState> decode_state(std::string_view bytes);

// A hash over names, order and types of all fields and names of all enums above: two builds with the same one read each
// other's journals.
std::uint64_t shape_of_inputs();
// The text behind it.
std::string describe_inputs();

}  // namespace paramedic::journal
