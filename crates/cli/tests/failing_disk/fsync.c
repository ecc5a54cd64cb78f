/* Loaded before libc, it lets fsync(2) and fdatasync(2) fail with EIO for files whose path has a text in it: that which is in
 * the file that $FAILING names, for as long as that file is there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(int file) {
  char text[256] = "", link[64], path[4096] = "";
  const char *named = getenv("FAILING");
  int from = named ? open(named, O_RDONLY | O_CLOEXEC) : -1;
  if (from < 0) return 0;
  ssize_t length = read(from, text, sizeof text - 1);
  close(from);
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  return length > 0 && readlink(link, path, sizeof path - 1) > 0 && strstr(path, text) != NULL;
}

int fsync(int file) {
  if (fails(file)) return errno = EIO, -1;
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  if (fails(file)) return errno = EIO, -1;
  return (int)syscall(SYS_fdatasync, file);
}
