// True doubles (no integer after scaling) as bytes: each XORed with the one before, the differing bits in a window that
// neighbours share. The idea is Facebook's Gorilla (VLDB 2015, section 4.1.3); layout: docs/formats/history.md. Pure.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace paramedic::history {

// REQUIRES: at least one value. Every bit pattern survives.
void put_doubles(std::string& out, std::span<const double> values);
// Fills `out`. False: the bytes do not decode to exactly that many values.
bool get_doubles(std::string_view bytes, std::span<double> out);

}  // namespace paramedic::history
