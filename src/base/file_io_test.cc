#include "base/file_io.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace paramedic {
namespace {

TEST(FileIo, reads_back_what_it_wrote_and_no_more_than_there_is) {
  char path[] = "/tmp/paramedic_file_io_XXXXXX";
  const int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(write_at(fd, "hello", 3), 0);
  std::string all(100, 'x'), part(2, 'x'), behind(4, 'x');
  EXPECT_EQ(read_at(fd, 0, all), 0);
  EXPECT_EQ(all, std::string("\0\0\0hello", 8));
  EXPECT_EQ(read_at(fd, 4, part), 0);
  EXPECT_EQ(part, "el");
  EXPECT_EQ(read_at(fd, 50, behind), 0);
  EXPECT_EQ(behind, "");
  ::close(fd);
  ::unlink(path);
}

TEST(FileIo, what_the_system_refuses_is_an_errno) {
  std::string bytes(1, 'x');
  EXPECT_EQ(read_at(-1, 0, bytes), EBADF);
  EXPECT_EQ(write_at(-1, "x", 0), EBADF);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  EXPECT_EQ(write_at(full, "x", 0), ENOSPC);
  ::close(full);
}

}  // namespace
}  // namespace paramedic
