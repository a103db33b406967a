/* Callback style: in the thread that dispatches, one after the other. */
#include "check.h"

#include <poll.h>
#include <pthread.h>

struct seen {
  plenum_sfu *sfu;
  pthread_t thread;
  unsigned completions, closed;
  uint64_t last;
};

static void count(void *user, const plenum_event *event) {
  struct seen *seen = user;
  CHECK(pthread_equal(pthread_self(), seen->thread));
  CHECK(event->size == sizeof *event);
  if (event->type == PLENUM_EVENT_COMPLETION) {
    CHECK(event->result == PLENUM_OK);
    CHECK(plenum_event_number(event, "/shards", 0) == 1);
    CHECK(event->request > seen->last);
    seen->last = event->request;
    seen->completions++;
  }
  if (event->type == PLENUM_EVENT_CLOSED) seen->closed++;
  /* It may call anything but the function that it is called from. */
  CHECK_REFUSED(plenum_dispatch(seen->sfu), PLENUM_BUSY, "running already");
}

static void from_a_loop(void) {
  plenum_sfu *sfu = started(NULL);
  struct seen seen = {sfu, pthread_self(), 0, 0, 0};
  struct pollfd watched = {plenum_fd(sfu), POLLIN, 0};
  CHECK_REFUSED(plenum_dispatch(sfu), PLENUM_NULL_POINTER, "plenum_set_callback");
  CHECK_RESULT(plenum_set_callback(sfu, count, &seen), PLENUM_OK);
  CHECK_RESULT(plenum_dispatch(sfu), PLENUM_EMPTY);
  for (unsigned i = 0; i < 3000; i++) CHECK_RESULT(plenum_sfu_shards(sfu, NULL), PLENUM_OK);
  while (seen.completions < 3000) {
    CHECK(poll(&watched, 1, LONG_MS) == 1);
    unsigned before = seen.completions;
    plenum_result dispatched = plenum_dispatch(sfu);
    CHECK(dispatched == PLENUM_OK || dispatched == PLENUM_EMPTY);
    CHECK(seen.completions - before <= 1024);
  }
  CHECK_RESULT(plenum_sfu_close(sfu), PLENUM_OK);
  while (!seen.closed) {
    CHECK(poll(&watched, 1, LONG_MS) == 1);
    CHECK_RESULT(plenum_dispatch(sfu), PLENUM_OK);
  }
  CHECK_REFUSED(plenum_dispatch(sfu), PLENUM_CLOSED, "closed");
  CHECK_RESULT(plenum_set_callback(sfu, NULL, NULL), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

static void free_the_sfu(void *user, const plenum_event *event) {
  plenum_event copy = *event;
  struct seen *seen = user;
  seen->completions++;
  CHECK_RESULT(plenum_sfu_free(seen->sfu), PLENUM_OK);
  /* The event is good for as long as the callback runs. */
  CHECK(plenum_event_number(event, "/shards", 0) == 1);
  /* It is not the callback's to free; if it does so, that is told. */
  CHECK_RESULT(plenum_event_free(&copy), PLENUM_OK);
}

static void freed_by_the_callback(void) {
  plenum_sfu *sfu = started(NULL);
  struct seen seen = {sfu, pthread_self(), 0, 0, 0};
  CHECK_RESULT(plenum_set_callback(sfu, free_the_sfu, &seen), PLENUM_OK);
  for (unsigned i = 0; i < 10; i++) CHECK_RESULT(plenum_sfu_shards(sfu, NULL), PLENUM_OK);
  struct pollfd watched = {plenum_fd(sfu), POLLIN, 0};
  plenum_result result;
  do {
    CHECK(poll(&watched, 1, LONG_MS) == 1);
    result = plenum_dispatch(sfu);
  } while (result == PLENUM_EMPTY);
  CHECK_RESULT(result, PLENUM_CLOSED);
  CHECK(seen.completions == 1);
  CHECK_REFUSED(plenum_dispatch(sfu), PLENUM_CLOSED, "freed before");
}

int main(void) {
  from_a_loop();
  freed_by_the_callback();
  return 0;
}
