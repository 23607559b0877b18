#include "base/result.h"

#include <cstring>
#include <stdexcept>

namespace paramedic {

namespace {
struct Row {
  Errc code;
  std::string_view name;
  int http;
  int exit;
};
constexpr Row kRows[] = {
    {Errc::invalid_argument, "invalid_argument", 400, 2},
    {Errc::not_found, "not_found", 404, 3},
    {Errc::conflict, "conflict", 409, 4},
    {Errc::unauthorized, "unauthorized", 401, 5},
    {Errc::forbidden, "forbidden", 403, 5},
    {Errc::too_large, "too_large", 413, 2},
    {Errc::too_many, "too_many", 429, 6},
    {Errc::unavailable, "unavailable", 503, 6},
    {Errc::timeout, "timeout", 504, 6},
    {Errc::io, "io", 500, 7},
    {Errc::corrupt, "corrupt", 422, 8},
    {Errc::internal, "internal", 500, 1},
};
const Row& row(Errc code) { return kRows[static_cast<size_t>(code)]; }
}  // namespace

std::string_view to_string(Errc code) { return row(code).name; }
int http_status(Errc code) { return row(code).http; }
int exit_code(Errc code) { return row(code).exit; }

Error errno_error(std::string what, int error_number) {
  Errc code = Errc::io;
  if (error_number == ENOENT) code = Errc::not_found;
  if (error_number == EACCES || error_number == EPERM) code = Errc::forbidden;
  if (error_number == EADDRINUSE) code = Errc::conflict;
  what += ": ";
  what += std::strerror(error_number);
  return Error{code, std::move(what)};
}

Error with_context(Error error, std::string_view context) {
  error.message.insert(0, ": ").insert(0, context);
  return error;
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error("value() of a failed Result at " + where.to_string() + ": " + error.message);
}

}  // namespace paramedic
