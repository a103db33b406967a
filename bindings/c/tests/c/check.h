/* What the tests in C share: checks that say where and why they failed, and
 * calls that are waited for. */
#ifndef CHECK_H
#define CHECK_H

/* For threads, fork() and poll(), which C11 does not have. */
#define _POSIX_C_SOURCE 200809L

#include <plenum.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than anything takes, even under valgrind on a busy machine. */
#define LONG_MS 120000

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) failed(__FILE__, __LINE__, #condition, "false", "true"); \
  } while (0)

/* The function returned just this result. */
#define CHECK_RESULT(call, expected) check_result(__FILE__, __LINE__, #call, (call), (expected))

/* The function refused with this result, and said something that has `words` in it. */
#define CHECK_REFUSED(call, expected, words) \
  check_refused(__FILE__, __LINE__, #call, (call), (expected), (words))

/* Makes a call with `&request`, and waits for it: it succeeds. */
#define DONE(sfu, call) done(__FILE__, __LINE__, #call, (sfu), (call))

/* The same for a call that fails, with these words in its message. */
#define FAILED(sfu, call, expected, words) \
  fails(__FILE__, __LINE__, #call, (sfu), (call), (expected), (words))

/* Of the last call of this thread. */
static _Thread_local uint64_t request;

static inline void failed(const char *file, int line, const char *what, const char *got,
                          const char *expected) {
  char message[512];
  plenum_last_error(message, sizeof message);
  fprintf(stderr, "%s:%d: %s\n  is %s, expected %s; last error: %s\n", file, line, what, got,
          expected, message);
  abort();
}

static inline void check_result(const char *file, int line, const char *what,
                                plenum_result got, plenum_result expected) {
  if (got != expected)
    failed(file, line, what, plenum_result_name(got), plenum_result_name(expected));
}

static inline void check_refused(const char *file, int line, const char *what,
                                 plenum_result got, plenum_result expected, const char *words) {
  char message[1024];
  check_result(file, line, what, got, expected);
  CHECK(plenum_last_error(message, sizeof message) < sizeof message);
  if (!strstr(message, words)) failed(file, line, what, message, words);
}

static inline plenum_event done(const char *file, int line, const char *what, plenum_sfu *sfu,
                                plenum_result sent) {
  plenum_event event = PLENUM_EVENT_INIT;
  check_result(file, line, what, sent, PLENUM_OK);
  check_result(file, line, what, plenum_wait(sfu, request, LONG_MS, &event), PLENUM_OK);
  CHECK(event.type == PLENUM_EVENT_COMPLETION);
  CHECK(event.result == PLENUM_OK);
  CHECK(event.request == request);
  CHECK(event.error == NULL);
  return event;
}

static inline void fails(const char *file, int line, const char *what, plenum_sfu *sfu,
                         plenum_result sent, plenum_result expected, const char *words) {
  plenum_event event = PLENUM_EVENT_INIT;
  check_result(file, line, what, sent, PLENUM_OK);
  check_refused(file, line, what, plenum_wait(sfu, request, LONG_MS, &event), expected, words);
  CHECK(event.type == PLENUM_EVENT_COMPLETION);
  CHECK(event.result == expected);
  CHECK(event.error != NULL);
  if (!strstr(event.error, words)) failed(file, line, what, event.error, words);
  plenum_event_free(&event);
}

/* Waits for a call that answers with something made: its id. */
static inline uint64_t made(plenum_event event) {
  uint64_t id = event.subject;
  CHECK(id != 0);
  CHECK_RESULT(plenum_event_free(&event), PLENUM_OK);
  return id;
}

/* Waits for a call whose answer does not matter. */
static inline void finished(plenum_event event) {
  CHECK_RESULT(plenum_event_free(&event), PLENUM_OK);
}

/* An SFU on a free port of the loopback interface, with options or NULL. */
static inline plenum_sfu *started(const char *options) {
  plenum_config config = PLENUM_CONFIG_INIT;
  plenum_sfu *sfu = NULL;
  config.listen = "127.0.0.1:0";
  config.options = options;
  CHECK_RESULT(plenum_sfu_start(&config, &sfu), PLENUM_OK);
  CHECK(sfu != NULL);
  return sfu;
}

/* Takes events until there is one of this type, which the caller frees. */
static inline plenum_event next_of_type(plenum_sfu *sfu, plenum_event_type type) {
  plenum_event event = PLENUM_EVENT_INIT;
  for (;;) {
    CHECK_RESULT(plenum_wait_event(sfu, LONG_MS, &event), PLENUM_OK);
    if (event.type == type) return event;
    CHECK_RESULT(plenum_event_free(&event), PLENUM_OK);
  }
}

#define OPUS(ssrc)                                                                          \
  "{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":100,\"clockRate\":48000,"     \
  "\"channels\":2}],\"encodings\":[{\"ssrc\":" #ssrc "}]}"

#endif
