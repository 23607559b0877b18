// Errors as values. Every function that can fail for a likely reason returns Result<T>; exceptions stay inside a
// module.
#pragma once
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace paramedic {

// What went wrong, coarsely: decides HTTP status, exit code and metric label (one table each, in result.cc).
enum class Errc {
  invalid_argument,  // the caller's input is wrong; repeating it cannot help
  not_found,
  conflict,      // the state forbids it (other pool's id, other incarnation, restart already running)
  unauthorized,  // no or unknown credentials
  forbidden,     // known, but not allowed
  too_large,     // over a limit on size or count
  too_many,      // over a limit on rate
  unavailable,   // not now: try again later
  timeout,
  io,       // the operating system said no
  corrupt,  // stored or received bytes do not decode
  internal,
};

struct Error {
  Errc code = Errc::internal;
  std::string message;  // one sentence that names the thing and the remedy; no trailing full stop
};

template <class T>
using Result = boost::system::result<T, Error>;

std::string_view to_string(Errc code);
int http_status(Errc code);
// Exit codes of the command line, documented in docs/cli.md.
int exit_code(Errc code);

inline Error make_error(Errc code, std::string message) { return Error{code, std::move(message)}; }
// errno at the call, in words: "cannot open /x: Permission denied".
Error errno_error(std::string what, int error_number);
// "context: message", keeping the code.
Error with_context(Error error, std::string_view context);

// Needed by boost::system::result when value() is called on an error: a programming mistake here.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace paramedic
