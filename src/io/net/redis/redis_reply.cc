#include "io/net/redis/redis_reply.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

namespace paramedic {

namespace {

constexpr std::size_t kMaxCommandBytes = 256u << 20;  // hiredis 0.14 counts in int
constexpr int kMaxDepth = 7;                          // of lists in lists, as hiredis 0.14

struct Code {
  std::string_view word;
  Errc code;
  std::string_view remedy = {};
};
constexpr std::array kCodes{
    Code{"NOAUTH", Errc::unauthorized, "; give a password_file"},
    Code{"WRONGPASS", Errc::unauthorized, ""},
    Code{"NOPERM", Errc::forbidden, ""},
    Code{"NOSCRIPT", Errc::not_found, ""},
    Code{"LOADING", Errc::unavailable, ""},
    Code{"READONLY", Errc::unavailable, "; it is a replica: give the address of its master"},
    Code{"OOM", Errc::unavailable, "; raise its maxmemory, or take something else out of it"},
    Code{"MISCONF", Errc::unavailable, "; see its log and its disk"},
    Code{"MOVED", Errc::unavailable, ""},
    Code{"ASK", Errc::unavailable, ""},
    Code{"TRYAGAIN", Errc::unavailable, ""},
    Code{"CLUSTERDOWN", Errc::unavailable, ""},
    Code{"MASTERDOWN", Errc::unavailable, ""},
    Code{"BUSY", Errc::unavailable, ""},
    Code{"NOREPLICAS", Errc::unavailable, "; min-replicas-to-write asks for more replicas than are connected"},
    Code{"UNBLOCKED", Errc::unavailable, ""},
};

// What the callbacks of hiredis build: the tree itself, so that nothing is allocated that the peer only announces.
struct Builder {
  RedisReplyLimits limits;
  std::size_t items = 0;  // so far, in the reply under construction

  // The place of the next value: the root, or the next element of its list. Null: over a limit.
  RedisReply* place(const redisReadTask* task) noexcept try {
    int depth = 0;
    for (const auto* up = task->parent; up; up = up->parent) ++depth;
    if (depth > kMaxDepth) return nullptr;
    if (!task->parent) {
      items = 0;
      return new RedisReply;
    }
    if (++items > limits.items) return nullptr;
    return &static_cast<RedisReply*>(task->parent->obj)->items.emplace_back();
  } catch (...) {
    return nullptr;
  }
  RedisReply* make(const redisReadTask* task, RedisReply::Kind kind) noexcept {
    auto* reply = place(task);
    if (reply) reply->kind = kind;
    return reply;
  }
};

Builder& builder(const redisReadTask* task) { return *static_cast<Builder*>(task->privdata); }

void* create_string(const redisReadTask* task, char* bytes, std::size_t size) noexcept try {
  const auto kind = task->type == REDIS_REPLY_STATUS  ? RedisReply::Kind::status
                    : task->type == REDIS_REPLY_ERROR ? RedisReply::Kind::error
                                                      : RedisReply::Kind::text;
  auto* reply = builder(task).make(task, kind);
  if (!reply) return nullptr;
  reply->text.assign(bytes, size);
  return reply;
} catch (...) {
  return nullptr;
}

// By template, because later versions of hiredis count elements in size_t and know further kinds, which RESP2 never
// has: those are refused.
template <class Functions>
Functions make_functions() {
  Functions f{};
  f.createString = create_string;
  f.createArray = [](const redisReadTask* task, auto count) -> void* {
    auto& b = builder(task);
    if (count < 0 || std::size_t(count) > b.limits.items) return nullptr;
    return b.make(task, RedisReply::Kind::array);
  };
  f.createInteger = [](const redisReadTask* task, long long value) -> void* {
    auto* reply = builder(task).make(task, RedisReply::Kind::integer);
    if (reply) reply->integer = value;
    return reply;
  };
  f.createNil = [](const redisReadTask* task) -> void* { return builder(task).make(task, RedisReply::Kind::nil); };
  if constexpr (requires { f.createDouble; })
    f.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* { return nullptr; };
  if constexpr (requires { f.createBool; }) f.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
  f.freeObject = [](void* root) { delete static_cast<RedisReply*>(root); };
  return f;
}

}  // namespace

Result<std::string> encode_redis(const RedisCommand& command) {
  if (command.empty()) return make_error(Errc::invalid_argument, "a Redis command without a name");
  std::vector<const char*> arguments;
  std::vector<std::size_t> sizes;
  std::size_t total = 0;
  for (const std::string& argument : command) {
    arguments.push_back(argument.data());
    sizes.push_back(argument.size());
    total += argument.size() + 32;
  }
  if (total > kMaxCommandBytes)
    return make_error(Errc::too_large, fmt::format("a Redis command of {} bytes; at most {}", total, kMaxCommandBytes));
  char* bytes = nullptr;
  const auto size = redisFormatCommandArgv(&bytes, int(command.size()), arguments.data(), sizes.data());
  if (size < 0 || !bytes) return make_error(Errc::internal, "no memory for a Redis command");
  std::string out(bytes, std::size_t(size));
  redisFreeCommand(bytes);
  return out;
}

Error redis_error(const RedisReply& reply) {
  const std::string_view word = std::string_view(reply.text).substr(0, reply.text.find(' '));
  Code known{word, Errc::invalid_argument};
  for (const Code& row : kCodes)
    if (row.word == word) known = row;
  return make_error(known.code, fmt::format("Redis says: {}{}", reply.text.substr(0, 500), known.remedy));
}

Result<RedisReply> redis_list(Result<RedisReply> reply) {
  if (reply && reply->kind != RedisReply::Kind::array)
    return make_error(Errc::corrupt, "Redis answers with something else than a list");
  return reply;
}

std::optional<std::int64_t> redis_number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

struct RedisReplyReader::State {
  explicit State(RedisReplyLimits limits)
      : functions(make_functions<redisReplyObjectFunctions>()),
        builder{limits},
        reader(redisReaderCreateWithFunctions(&functions)) {
    if (reader) reader->privdata = &builder;
  }
  ~State() {
    if (reader) redisReaderFree(reader);
  }
  redisReplyObjectFunctions functions;
  Builder builder;
  redisReader* reader;
  std::size_t fed = 0;  // since the last whole reply
};

RedisReplyReader::RedisReplyReader(RedisReplyLimits limits) : state_(std::make_unique<State>(limits)) {}
RedisReplyReader::~RedisReplyReader() = default;

Result<void> RedisReplyReader::feed(std::string_view bytes) {
  if (!state_->reader) return make_error(Errc::internal, "no memory for a Redis reader");
  state_->fed += bytes.size();
  if (state_->fed > state_->builder.limits.reply_bytes)
    return make_error(Errc::too_large,
                      fmt::format("a Redis reply is over {} bytes", state_->builder.limits.reply_bytes));
  if (redisReaderFeed(state_->reader, bytes.data(), bytes.size()) != REDIS_OK)
    return make_error(Errc::corrupt, fmt::format("not a Redis reply: {}", state_->reader->errstr));
  return {};
}

Result<std::optional<RedisReply>> RedisReplyReader::next() {
  if (!state_->reader) return make_error(Errc::internal, "no memory for a Redis reader");
  void* root = nullptr;
  if (redisReaderGetReply(state_->reader, &root) != REDIS_OK) {
    const bool over = state_->reader->err == REDIS_ERR_OOM;
    return make_error(Errc::corrupt, over ? std::string("a Redis reply over the limits on lists")
                                          : fmt::format("not a Redis reply: {}", state_->reader->errstr));
  }
  if (!root) return std::optional<RedisReply>();
  const std::unique_ptr<RedisReply> whole(static_cast<RedisReply*>(root));
  state_->fed = state_->reader->len - state_->reader->pos;
  return std::optional<RedisReply>(std::move(*whole));
}

}  // namespace paramedic
