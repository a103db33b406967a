/* Calls from several threads at once, and a handle that is freed under them. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define THREADS 6

static plenum_sfu *shared;
static atomic_uint taken;

static void *rooms(void *count) {
  for (unsigned i = 0; i < *(unsigned *)count; i++) {
    uint64_t router = made(DONE(shared, plenum_sfu_create_router(shared, NULL, &request)));
    uint64_t direct =
      made(DONE(shared, plenum_router_create_direct_transport(shared, router, NULL, &request)));
    FAILED(shared, plenum_direct_transport_produce(shared, direct, "audio", "{}", NULL, &request),
           PLENUM_INVALID_PARAMETERS, "");
    finished(DONE(shared, plenum_router_close(shared, router, &request)));
  }
  return NULL;
}

static void *take(void *unused) {
  plenum_event event = PLENUM_EVENT_INIT;
  plenum_result result;
  (void)unused;
  while ((result = plenum_wait_event(shared, LONG_MS, &event)) == PLENUM_OK) {
    taken++;
    finished(event);
  }
  CHECK_RESULT(result, PLENUM_CLOSED);
  return NULL;
}

/* Each thread waits for its own calls. */
static void waiting_at_once(unsigned count) {
  pthread_t threads[THREADS];
  shared = started("{\"shards\":2}");
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, rooms, &count) == 0);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK_RESULT(plenum_sfu_free(shared), PLENUM_OK);
}

/* Each completion goes to one of those who take. */
static void taking_at_once(unsigned count) {
  pthread_t threads[THREADS];
  shared = started(NULL);
  taken = 0;
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, take, NULL) == 0);
  for (unsigned i = 0; i < count; i++) CHECK_RESULT(plenum_sfu_shards(shared, NULL), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_close(shared), PLENUM_OK);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  /* And the last of all, that it is closed. */
  CHECK(taken == count + 1);
  CHECK_RESULT(plenum_sfu_free(shared), PLENUM_OK);
}

static void *call_until_freed(void *unused) {
  plenum_event event = PLENUM_EVENT_INIT;
  (void)unused;
  for (;;) {
    plenum_result result = plenum_sfu_create_router(shared, NULL, &request);
    if (result == PLENUM_OK) result = plenum_wait(shared, request, LONG_MS, &event);
    plenum_event_free(&event);
    if (result == PLENUM_CLOSED) return NULL;
    /* Or one of those who take everything was faster. */
    CHECK(result == PLENUM_OK || result == PLENUM_NOT_FOUND);
  }
}

static void freed_under_them(unsigned times) {
  for (unsigned i = 0; i < times; i++) {
    pthread_t threads[THREADS];
    shared = started(NULL);
    for (int t = 0; t < THREADS; t++)
      CHECK(pthread_create(&threads[t], NULL, t % 2 ? take : call_until_freed, NULL) == 0);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    CHECK_RESULT(plenum_sfu_free(shared), PLENUM_OK);
    for (int t = 0; t < THREADS; t++) CHECK(pthread_join(threads[t], NULL) == 0);
  }
}

int main(int argc, char **argv) {
  unsigned scale = argc > 1 ? (unsigned)atoi(argv[1]) : 10;
  waiting_at_once(5 * scale);
  taking_at_once(200 * scale);
  freed_under_them(scale);
  return 0;
}
