/* Starting and freeing SFUs, routers and all in them leaves nothing behind. */
#include "room.h"

#include <fcntl.h>
#include <unistd.h>

/* Memory of this process, in pages. */
static long resident(void) {
  long total, pages;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%ld %ld", &total, &pages) == 2);
  fclose(file);
  return pages;
}

static unsigned descriptors(void) {
  unsigned open = 0;
  for (int i = 0; i < 1024; i++) open += fcntl(i, F_GETFD) != -1;
  return open;
}

static void cycle(void) {
  struct room room = audio_room(NULL);
  uint8_t bytes[16];
  plenum_bytes packet = {bytes, sizeof bytes};
  opus_packet(bytes, 1);
  finished(DONE(room.sfu, plenum_direct_transport_send_rtp(room.sfu, room.in, room.producer,
                                                           &packet, 1, &request)));
  /* In a different state each time: with events that nobody takes, or closed before. */
  if (request % 2) CHECK_RESULT(plenum_sfu_close(room.sfu), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_free(room.sfu), PLENUM_OK);
}

int main(int argc, char **argv) {
  int cycles = argc > 1 ? atoi(argv[1]) : 1000;
  unsigned open;
  long early;
  /* What is allocated once, and what the allocator keeps, is there by then. */
  for (int i = 0; i < cycles / 4; i++) cycle();
  early = resident();
  open = descriptors();
  for (int i = 0; i < cycles; i++) cycle();
  long grown = (resident() - early) * sysconf(_SC_PAGESIZE) / 1024;
  printf("%d cycles: %ld KiB before, %ld KiB more after\n", cycles,
         early * sysconf(_SC_PAGESIZE) / 1024, grown);
  /* A kilobyte a cycle would be a leak. Few cycles are for tools that keep what is freed and find
   * leaks themselves. */
  if (cycles >= 100) CHECK(grown < 2048 + cycles);
  CHECK(descriptors() == open);
  return 0;
}
