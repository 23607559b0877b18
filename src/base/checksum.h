// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, as in iSCSI and ext4): guards whatever is stored, so that
// damage is noticed. No protection against an adversary. Pure; any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace paramedic {

// Of `first` and `second`, one behind the other.
std::uint32_t crc32c(std::string_view first, std::string_view second = {});
std::uint32_t crc32c_by_table(std::string_view bytes);  // the same where the processor has no instruction for it

inline constexpr std::size_t kChecksumBytes = 4;
void put_checksum(std::string& bytes);        // appends the checksum of what is there, little endian
bool take_checksum(std::string_view& bytes);  // removes it; false when it does not match

}  // namespace paramedic
