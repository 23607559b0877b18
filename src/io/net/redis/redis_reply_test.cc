#include "io/net/redis/redis_reply.h"

#include <gtest/gtest.h>

namespace paramedic {
namespace {

// Everything in one-byte pieces; the last result.
Result<std::optional<RedisReply>> read(std::string_view bytes, RedisReplyLimits limits = {}) {
  RedisReplyReader reader(limits);
  for (const char byte : bytes) {
    if (auto fed = reader.feed(std::string_view(&byte, 1)); !fed) return fed.error();
    auto reply = reader.next();
    if (!reply || *reply) return reply;
  }
  return std::optional<RedisReply>();
}
std::string why(std::string_view bytes, RedisReplyLimits limits = {}) {
  const auto reply = read(bytes, limits);
  return reply ? "" : reply.error().message;
}

TEST(RedisReply, reads_every_kind) {
  EXPECT_EQ((*read("+OK\r\n"))->kind, RedisReply::Kind::status);
  EXPECT_EQ((*read(":-42\r\n"))->integer, -42);
  EXPECT_TRUE((*read("$-1\r\n"))->is_nil());
  EXPECT_TRUE((*read("*-1\r\n"))->is_nil());
  EXPECT_EQ((*read(std::string_view("$4\r\na\0\r\n\r\n", 10)))->text, std::string_view("a\0\r\n", 4)) << "any bytes";
  EXPECT_TRUE((*read("-ERR no\r\n"))->is_error());
  const auto list = *read("*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n+z\r\n");
  ASSERT_EQ(list->items.size(), 3u);
  EXPECT_EQ(list->items[1].items[0].text, "a");
  EXPECT_EQ(list->items[1].items[1].kind, RedisReply::Kind::array);
  EXPECT_EQ(list->items[2].text, "z");
}

TEST(RedisReply, several_replies_of_one_packet_come_one_by_one) {
  RedisReplyReader reader;
  ASSERT_TRUE(reader.feed("+a\r\n+b\r\n$3\r\nab"));
  EXPECT_EQ((*reader.next())->text, "a");
  EXPECT_EQ((*reader.next())->text, "b");
  EXPECT_FALSE(*reader.next());
  ASSERT_TRUE(reader.feed("c\r\n"));
  EXPECT_EQ((*reader.next())->text, "abc");
}

TEST(RedisReply, a_lying_peer_is_refused_and_costs_nothing) {
  EXPECT_NE(why("HTTP/1.1 400 Bad Request\r\n"), "");
  EXPECT_NE(why("*2147483647\r\n").find("over the limits on lists"), std::string::npos);
  EXPECT_NE(why("*99999999999999999999\r\n"), "");
  EXPECT_NE(why("$-5\r\n"), "");
  EXPECT_NE(why(":12x\r\n"), "");
  std::string deep;
  for (int i = 0; i < 50; ++i) deep += "*1\r\n";
  EXPECT_NE(why(deep), "");
  // 3 lists of 3: over 10 elements in all.
  EXPECT_NE(why("*3\r\n*3\r\n:1\r\n:1\r\n:1\r\n*3\r\n:1\r\n:1\r\n:1\r\n*3\r\n:1\r\n", {.items = 9}), "");
  EXPECT_EQ(why("$500000000\r\nabc"), "") << "an announced size allocates nothing";
  EXPECT_NE(why("$100\r\n" + std::string(100, 'x') + "\r\n", {.reply_bytes = 64}).find("over 64 bytes"),
            std::string::npos);
  EXPECT_NE(why(std::string(100, '+'), {.reply_bytes = 64}), "") << "a line without an end";
}

TEST(RedisReply, commands_are_binary_safe) {
  EXPECT_EQ(*encode_redis({"SET", std::string("k\0\x06", 3), ""}),
            std::string("*3\r\n$3\r\nSET\r\n$3\r\nk\0\x06\r\n$0\r\n\r\n", 28));
  EXPECT_FALSE(encode_redis({}));
}

TEST(RedisReply, errors_carry_a_code_that_tells_what_to_do) {
  const auto code = [](std::string text) { return redis_error({RedisReply::Kind::error, std::move(text)}).code; };
  EXPECT_EQ(code("WRONGPASS invalid username-password pair"), Errc::unauthorized);
  EXPECT_EQ(code("NOPERM this user has no permissions"), Errc::forbidden);
  EXPECT_EQ(code("NOSCRIPT No matching script"), Errc::not_found);
  EXPECT_EQ(code("OOM command not allowed"), Errc::unavailable);
  EXPECT_EQ(code("MOVED 1 127.0.0.1:1"), Errc::unavailable);
  EXPECT_EQ(code("ERR unknown command"), Errc::invalid_argument);
}

}  // namespace
}  // namespace paramedic
