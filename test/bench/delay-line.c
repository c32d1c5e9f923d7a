// Holds every Ethernet frame between two tap devices of this network namespace for some milliseconds: packets are late, so
// TCP's own windows see the true round trip, which a proxy would hide. Arguments: two device names, milliseconds.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct frame { struct frame *next; double due; size_t size; char data[]; };
static struct { int from, to; struct frame *first, **last; } way[2];
static char buffer[1 << 17];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) { perror(name); exit(1); }
  // Large segments pass as one frame.
  if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) perror("offload");
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  double delay = atof(argv[3]);
  int a = tap(argv[1]), b = tap(argv[2]);
  way[0].from = way[1].to = a;
  way[1].from = way[0].to = b;
  for (int i = 0; i < 2; i++) way[i].last = &way[i].first;
  puts("ready");
  fflush(stdout);
  for (;;) {
    double next = 1e18;
    for (int i = 0; i < 2; i++) {
      for (struct frame *f; (f = way[i].first) && f->due <= now();) {
        // A device that is down, or full, loses the frame, as a network does.
        if (write(way[i].to, f->data, f->size) < 0 && errno == EINTR) continue;
        if (!(way[i].first = f->next)) way[i].last = &way[i].first;
        free(f);
      }
      if (way[i].first && way[i].first->due < next) next = way[i].first->due;
    }
    struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    double wait = next - now();
    struct timespec t = {0, 0};
    if (wait > 0) { if (wait > 1000) wait = 1000; t.tv_sec = wait / 1e3; t.tv_nsec = (wait - t.tv_sec * 1e3) * 1e6; }
    ppoll(fds, 2, &t, NULL);
    for (int i = 0; i < 2; i++) {
      ssize_t size;
      while ((size = read(way[i].from, buffer, sizeof buffer)) > 0) {
        struct frame *f = malloc(sizeof *f + size);
        if (!f) return 1;
        f->next = NULL;
        f->due = now() + delay;
        f->size = size;
        memcpy(f->data, buffer, size);
        *way[i].last = f;
        way[i].last = &f->next;
      }
    }
  }
}
