/* A child process gets an error for what its parent has, and can have its own. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static void in_a_child(void (*body)(plenum_sfu *, plenum_event *), plenum_sfu *sfu,
                       plenum_event *event) {
  pid_t child = fork();
  int status;
  CHECK(child >= 0);
  if (child == 0) {
    alarm(120); /* A hang is a failure. */
    body(sfu, event);
    _exit(0);
  }
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void refused(plenum_sfu *sfu, plenum_event *event) {
  plenum_event own = PLENUM_EVENT_INIT;
  CHECK_REFUSED(plenum_sfu_shards(sfu, &request), PLENUM_FORKED, "fork()");
  CHECK_REFUSED(plenum_next_event(sfu, &own), PLENUM_FORKED, "fork()");
  CHECK_REFUSED(plenum_wait(sfu, 1, -1, &own), PLENUM_FORKED, "fork()");
  CHECK_REFUSED(plenum_wait_event(sfu, -1, &own), PLENUM_FORKED, "fork()");
  CHECK_REFUSED(plenum_dispatch(sfu), PLENUM_FORKED, "fork()");
  CHECK(plenum_fd(sfu) == -1);
  CHECK(plenum_event_text(event, "/id") == NULL);
  CHECK_REFUSED(plenum_event_free(event), PLENUM_FORKED, "fork()");
  CHECK_REFUSED(plenum_sfu_close(sfu), PLENUM_FORKED, "fork()");
  CHECK_REFUSED(plenum_sfu_free(sfu), PLENUM_FORKED, "fork()");
}

static void its_own(plenum_sfu *parents, plenum_event *event) {
  plenum_sfu *sfu = started(NULL);
  CHECK(sfu != parents);
  CHECK_REFUSED(plenum_sfu_shards(parents, &request), PLENUM_FORKED, "fork()");
  CHECK_REFUSED(plenum_event_free(event), PLENUM_FORKED, "fork()");
  /* Of the copy of an event nothing can be freed here: that is the parent's memory. */
  *event = DONE(sfu, plenum_sfu_create_router(sfu, NULL, &request));
  in_a_child(refused, sfu, event);
  finished(*event);
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

int main(void) {
  plenum_sfu *sfu = started(NULL);
  plenum_event event = DONE(sfu, plenum_sfu_create_router(sfu, NULL, &request));
  /* A thousand calls are on their way while the child is made. */
  for (int i = 0; i < 1000; i++) CHECK_RESULT(plenum_sfu_shards(sfu, &request), PLENUM_OK);
  in_a_child(refused, sfu, &event);
  in_a_child(its_own, sfu, &event);
  /* The parent has lost nothing by it. */
  CHECK_RESULT(plenum_wait(sfu, request, LONG_MS, NULL), PLENUM_OK);
  CHECK(plenum_event_id(&event, "/id") == event.subject);
  finished(event);
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
  return 0;
}
