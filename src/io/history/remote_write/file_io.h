// Errors of the queue's files. Any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file_io.h"
#include "base/result.h"

namespace paramedic::remote_write {

// An errno as an Error that names the remedy.
Error file_error(std::string what, int error_number);
// Up to `size` bytes; fewer at the end of the file. `path` is for the error.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size, const std::string& path);

}  // namespace paramedic::remote_write
