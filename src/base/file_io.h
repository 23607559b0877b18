// Whole reads and writes at a place of an open file: an interrupted or partial one goes on. Any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace paramedic {

// All bytes: 0. Else an errno; then some may have been written.
int write_at(int fd, std::string_view bytes, std::uint64_t offset);
// Fills `out` to its size, or cuts it where the file ends: 0. Else an errno.
int read_at(int fd, std::uint64_t offset, std::string& out);

}  // namespace paramedic
