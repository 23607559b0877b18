// What comes before the first request: the way to the node, and who we are. Internal to the Redis client and to the
// probe of Redis. One thread: the executor's.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/endpoint.h"
#include "base/result.h"
#include "io/net/redis/redis_client.h"
#include "io/net/redis/redis_stream.h"

namespace paramedic {

// Connects and greets: AUTH, name, database, and a PING, since a server that does not answer is not connected to.
// Without a deadline of its own; honours cancellation. Errors: those of connect_redis() and redis_error(), unavailable
// (it broke the connection), corrupt (it speaks something else), invalid_argument (the password file).
boost::asio::awaitable<Result<std::unique_ptr<RedisStream>>> open_redis(RedisOptions options, Endpoint address);

// Of the file, else of the environment; empty = none. Error: invalid_argument.
Result<std::string> read_redis_password(const RedisOptions& options);

// "MOVED 3999 127.0.0.1:6381" → where; an empty host means the present one. Nothing: another error, or no address.
std::optional<Endpoint> redis_moved_to(const std::string& text, const Endpoint& present);

}  // namespace paramedic
